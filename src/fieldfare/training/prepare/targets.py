"""Targets: what is predicted, its classes, and the numbers that start a model off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fieldfare._typing import AnyArray, Float32Array, Float64Array
from fieldfare._validation import Number, check
from fieldfare.data.split import distinct_values
from fieldfare.exceptions import ConfigError, DataError, TrainingError
from fieldfare.models.predictor import Predictor
from fieldfare.training.prepare.units import moments, positive
from fieldfare.training.samples.subset import RowSubset

_BLOCK = 2**20
MAX_CLASSES = 10_000
# A class that (almost) never occurs still gets a finite bias.
_SMALLEST_PRIOR = 1e-6


@dataclass(frozen=True)
class TargetMap:
    """How raw targets become what the kernels want.

    Parameters
    ----------
    task : {"regression", "binary", "multiclass", "rank"}
        What is predicted.
    raw : tuple of float
        The raw target of each class, ascending; empty if there are no classes.
    classes : tuple or None
        The classes as the user knows them, in the same order; ``None`` if there are none.

    Raises
    ------
    TrainingError
        If there are too many classes.
    """

    task: str
    raw: tuple[float, ...] = ()
    classes: tuple[Any, ...] | None = None

    def __post_init__(self) -> None:
        if len(self.raw) > MAX_CLASSES:
            raise TrainingError(
                f"A multiclass task may have at most {MAX_CLASSES} classes. The target has more: "
                "is it a number to predict? Use task='regression', or a regressor."
            )

    @staticmethod
    def numbered(task: str, classes: Sequence[Any]) -> TargetMap:
        """Return the map of targets that are class numbers from 0 already."""
        return TargetMap(task, tuple(map(float, range(len(classes)))), tuple(classes))

    @property
    def n_outputs(self) -> int:
        """Number of scores per row: one, or one per class of a multiclass task."""
        return len(self.raw) if self.task == "multiclass" else 1

    @property
    def has_classes(self) -> bool:
        """Whether targets are classes; else they are numbers (regression) or relevances (rank)."""
        return self.task in ("binary", "multiclass")

    def encode(self, subset: RowSubset) -> RowSubset:
        """Return the subset with targets as numbers, or class numbers from 0.

        Raises
        ------
        DataError
            If a target is not finite, or is none of the known classes.
        """
        check_finite(subset)
        if not self.has_classes:
            return subset
        if self.raw == tuple(range(len(self.raw))):
            self._check_known(subset.target)
            return subset
        assert subset.rows.target is not None
        raw = np.array(self.raw, np.float32)
        encoded = np.empty(subset.rows.n_rows, np.float32)
        for start in range(0, subset.rows.n_rows, _BLOCK):
            block = subset.rows.target[start : start + _BLOCK]
            encoded[start : start + _BLOCK] = np.searchsorted(raw, block)
        self._check_known(subset.target)
        return subset.with_target(encoded)

    def _check_known(self, target: Float32Array) -> None:
        raw = np.array(self.raw, np.float32)
        for start in range(0, len(target), _BLOCK):
            block = target[start : start + _BLOCK]
            nearest = np.minimum(np.searchsorted(raw, block), len(raw) - 1)
            wrong = raw[nearest] != block
            if wrong.any():
                row = int(np.argmax(wrong))
                known = ", ".join(f"{value:g}" for value in self.raw[:10])
                raise DataError(
                    f"Targets must be among those of the training data ({known}). Row "
                    f"{start + row} has {block[row]:g}. Remove such rows, or train with them."
                )


def class_numbers(labels: AnyArray, classes: AnyArray, advice: str) -> Float32Array:
    """Return the number of the class of each label.

    Parameters
    ----------
    labels : array of shape (n,)
        Labels of any type that can be sorted.
    classes : array of shape (n_classes,)
        The known classes, ascending.
    advice : str
        What to do about labels of no known class, to end the message of the error.

    Returns
    -------
    float32 array of shape (n,)
        Numbers from 0.

    Raises
    ------
    DataError
        If a label is not among the classes.
    """
    try:
        place = np.minimum(np.searchsorted(classes, labels), len(classes) - 1)
    except TypeError as error:  # numbers among texts have no order
        raise DataError(
            f"y holds labels of another type than the known classes, which are {classes}: {error}. "
            f"{advice}"
        ) from error
    unknown = classes[place] != labels
    if unknown.any():
        raise DataError(
            f"y holds the class {labels[unknown].tolist()[0]!r}, and the known classes are "
            f"{classes}. {advice}"
        )
    return place.astype(np.float32)


def targets_of(model: Predictor) -> TargetMap:
    """Return what targets in data mean to a trained model or to a posterior.

    Classes that are numbers appear in data as these numbers; text classes as their position, which
    is what the Schema makes of them.
    """
    if not TargetMap(model.task).has_classes:
        return TargetMap(model.task)
    n_classes = model.n_outputs if model.task == "multiclass" else 2
    classes = tuple(range(n_classes)) if model.classes is None else tuple(model.classes)
    named = model.schema is not None and model.schema.target_classes is not None
    numeric = all(isinstance(name, (int, float, np.number)) for name in classes)
    raw = range(n_classes) if named or not numeric else classes
    return TargetMap(model.task, tuple(float(value) for value in raw), classes)


def check_finite(subset: RowSubset) -> None:
    """Raise DataError if there are no rows, or a target is missing or infinite."""
    if subset.n_rows == 0:
        raise DataError("There are no rows to train or evaluate on.")
    for start, block in _blocks(subset.target):
        bad = ~np.isfinite(block)
        if bad.any():
            row = start + int(np.argmax(bad))
            raise DataError(
                f"Every row needs a finite target. Row {row} has {subset.target[row]}. Remove rows "
                "without a target before training."
            )


def infer_targets(
    subset: RowSubset, task: str | None = None, names: Sequence[Any] | None = None
) -> TargetMap:
    """Find out what is predicted.

    Without a ``task``, two distinct targets make a binary task and more a regression, unless the
    targets were text (``names`` given), which make a binary or multiclass task.

    Parameters
    ----------
    subset : RowSubset
        The training rows, with raw targets.
    task : {"regression", "binary", "multiclass", "rank"} or None
        What to predict, when the user says so.
    names : sequence or None
        The classes of a text target; the raw targets are positions in it.

    Raises
    ------
    TrainingError
        If there is but one class, or too many for the task.
    """
    check_finite(subset)
    if task in ("regression", "rank"):
        if names is not None:
            raise TrainingError(
                f"The task {task!r} needs numbers as targets. They are text ({_some(names)}). "
                "Use task='multiclass', or convert the column to numbers."
            )
        return TargetMap(task)
    if names is not None:
        raw: tuple[float, ...] = tuple(float(i) for i in range(len(names)))
        classes: tuple[Any, ...] = tuple(names)
    else:
        distinct = _distinct(subset.target, MAX_CLASSES if task == "multiclass" else 2)
        if task is None and len(distinct) > 2:
            return TargetMap("regression")
        raw = tuple(float(value) for value in distinct)
        classes = tuple(int(value) if value.is_integer() else value for value in raw)
    if len(raw) < 2:
        raise TrainingError(
            f"Training needs at least two different targets. All {subset.n_rows} rows have "
            f"{_some(classes)}. Check which column is the target, or that both outcomes are in "
            "the data; use task='regression' to fit a constant."
        )
    if task is None:
        task = "binary" if len(raw) == 2 else "multiclass"
    if task == "binary" and len(raw) > 2:
        raise TrainingError(
            f"A binary task needs two different targets. There are more ({_some(classes)}). "
            "Use task='multiclass' or task='regression'."
        )
    return TargetMap(task, raw, classes)


def class_weights(
    setting: Mapping[Any, float] | str | None,
    task: str,
    classes: Sequence[Any] | None,
    subset: RowSubset,
) -> Float32Array | None:
    """Turn the ``class_weight`` parameter into one weight per class.

    ``"balanced"`` gives a class n / (C * n_c), where n counts the (weighted) rows, n_c those of
    the class and C the classes. Classes that a mapping leaves out weigh one.

    Parameters
    ----------
    setting : mapping, "balanced" or None
        The parameter.
    task : str
        Must be a classification.
    classes : sequence or None
        The classes as the user knows them; ``None`` means 0 to C - 1.
    subset : RowSubset
        Training rows with encoded targets.

    Returns
    -------
    float32 array of shape (n_classes,) or None
    """
    if setting is None:
        return None
    if task in ("regression", "rank"):
        raise ConfigError(
            f"The 'class_weight' parameter is for classification. Got {setting!r} for the task "
            f"{task!r}; use sample weights instead."
        )
    known = list(classes) if classes is not None else list(range(_n_classes(subset)))
    if isinstance(setting, str):
        counts = _class_totals(subset, len(known))
        # A class without rows gets no weight: no row needs one.
        balanced = np.zeros(len(known))
        np.divide(counts.sum(), len(known) * counts, out=balanced, where=counts > 0)
        return balanced.astype(np.float32)
    for value in setting.values():
        check("class_weight", value, Number(), "this model, for each class,")
    by_text = {str(key): float(value) for key, value in setting.items()}
    unknown = sorted(set(by_text) - {str(name) for name in known})
    if unknown:
        raise ConfigError(
            f"The keys of 'class_weight' must be classes ({_some(known)}). Got {unknown[0]!r}."
        )
    weights = np.array([by_text.get(str(name), 1.0) for name in known], np.float32)
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ConfigError(
            f"The 'class_weight' parameter needs finite, non-negative weights. Got {setting!r}."
        )
    return weights


def start_bias(
    task: str, n_outputs: int, subset: RowSubset, weights: Float32Array | None = None
) -> Float32Array:
    """Return the bias that fits best alone: the mean, the log odds, or the log priors.

    Ranking has none: it would cancel in every difference of scores.

    Parameters
    ----------
    task : str
        What is predicted.
    n_outputs : int
        Scores per row.
    subset : RowSubset
        Training rows with encoded targets.
    weights : float32 array of shape (n_classes,) or None
        Class weights.

    Returns
    -------
    float32 array of shape (n_outputs,)
    """
    if task == "rank":
        return np.zeros(1, np.float32)
    if task == "regression":
        return np.array([moments(subset)[0]], np.float32)
    n_classes = 2 if task == "binary" else n_outputs
    counts = _class_totals(subset, n_classes)
    if weights is not None:
        counts = counts * weights
    total = positive(float(counts.sum()))
    # A class that has not been seen yet, as in the first of many batches, counts as half a row.
    share = np.where(counts > 0, counts / total, 0.5 / subset.n_rows)
    share = np.clip(share / share.sum(), _SMALLEST_PRIOR, 1 - _SMALLEST_PRIOR)
    if task == "binary":
        return np.array([np.log(share[1] / share[0])], np.float32)
    logs: Float64Array = np.log(share)
    centred: Float32Array = (logs - logs.mean()).astype(np.float32)
    return centred


def _blocks(array: AnyArray) -> Iterator[tuple[int, AnyArray]]:
    """Cut an array into blocks, so that temporary copies stay small."""
    for start in range(0, len(array), _BLOCK):
        yield start, array[start : start + _BLOCK]


def _distinct(target: Float32Array, limit: int) -> Float32Array:
    """Return the distinct values, or the first few of them once there are more than ``limit``."""
    found = np.zeros(0, np.float32)
    for _, block in _blocks(target):
        found = distinct_values(np.concatenate([found, distinct_values(block)]))
        if len(found) > limit:
            return found[: limit + 1]
    return found


def _n_classes(subset: RowSubset) -> int:
    return max(2, int(subset.target.max()) + 1)


def _class_totals(subset: RowSubset, n_classes: int) -> Float64Array:
    """Return the summed sample weight of each class."""
    totals = np.zeros(n_classes)
    weight = subset.weight
    for start, block in _blocks(subset.target):
        w = None if weight is None else weight[start : start + len(block)]
        totals += np.bincount(block.astype(np.int64), weights=w, minlength=n_classes)
    return totals


def _some(values: Sequence[Any]) -> str:
    shown = ", ".join(repr(value) for value in values[:5])
    return shown + (", ..." if len(values) > 5 else "")
