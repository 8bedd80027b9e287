"""The registry of metrics, and the checks that all of them share."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from fieldfare._typing import AnyArray, Float64Array
from fieldfare._validation import closest
from fieldfare.exceptions import ConfigError, DataError

_Function = TypeVar("_Function", bound=Callable[..., float])

ALIASES = {
    "acc": "accuracy",
    "average_precision": "pr_auc",
    "log_loss": "logloss",
    "prec": "precision",
    "rmsd": "rmse",
    "roc_auc": "auc",
}

_DEFAULTS = {
    "binary": ("logloss", "auc"),
    "multiclass": ("logloss", "accuracy"),
    "rank": ("ndcg", "ndcg@10"),
    "regression": ("rmse", "mae"),
}


@dataclass(frozen=True)
class Metric:
    """A named measure of the quality of predictions; call it to compute it.

    Parameters
    ----------
    name : str
        Canonical name.
    greater_is_better : bool
        Direction in which predictions improve.
    tasks : tuple of str
        Tasks that it is defined for: ``"regression"``, ``"binary"``, ``"multiclass"``, ``"rank"``.
    needs_probability : bool
        Whether predictions must lie in [0, 1]; otherwise any finite number is allowed.
    grouped : bool
        Whether it needs the group of each sample.
    cut : bool
        Whether there is a variant ``name@k`` that looks only at the first k places.
    function : callable
        ``function(y, pred, weight) -> float``, called with checked float64 arrays. Grouped metrics
        take the groups as a fourth argument.
    """

    name: str
    greater_is_better: bool
    tasks: tuple[str, ...]
    needs_probability: bool
    grouped: bool
    cut: bool
    function: Callable[..., float]

    def __call__(
        self,
        y: npt.ArrayLike,
        pred: npt.ArrayLike,
        weight: npt.ArrayLike | None = None,
        group: npt.ArrayLike | None = None,
    ) -> float:
        """Compute the metric.

        Parameters
        ----------
        y : array of shape (n,)
            Targets: finite numbers for regression, 0 and 1 for binary classification, class
            numbers below ``n_classes`` for multiclass, relevances from 0 on for ranking.
        pred : array of shape (n,) or (n, n_classes)
            Predictions: values, the probability of class 1, or the probability of each class.
        weight : array of shape (n,), optional
            Sample weights: finite, not negative, not all zero. Ones by default.
        group : array of shape (n,), optional
            Group of each sample, required by grouped metrics and ignored by all others.

        Returns
        -------
        float
            NaN if the metric is not defined for these data.

        Raises
        ------
        DataError
            If the arrays are empty, differ in length, or hold values that are not allowed.
        """
        targets, predictions = _check_y(self, y), _check_pred(self, pred)
        _check_length(self, "predictions", len(predictions), len(targets))
        _check_labels(self, targets, predictions)
        weights = _check_weight(self, weight, len(targets))
        if self.grouped:
            groups = _check_group(self, group, len(targets))
            return self.function(targets, predictions, weights, groups)
        return self.function(targets, predictions, weights)


METRICS: dict[str, Metric] = {}


def metric(
    *tasks: str,
    greater_is_better: bool = False,
    needs_probability: bool = False,
    grouped: bool = False,
    cut: bool = False,
) -> Callable[[_Function], _Function]:
    """Register the decorated function in ``METRICS`` under its own name."""

    def register(function: _Function) -> _Function:
        name = function.__name__
        METRICS[name] = Metric(
            name, greater_is_better, tasks, needs_probability, grouped, cut, function
        )
        return function

    return register


def get_metric(name: str) -> Metric:
    """Return the metric of a name.

    Parameters
    ----------
    name : str
        A key of ``METRICS`` or ``ALIASES``. Metrics of ranked lists also take a length, as in
        ``ndcg@10``.

    Returns
    -------
    Metric

    Raises
    ------
    ConfigError
        If there is no such metric, or the length after ``@`` is not a whole number from 1 on.
    """
    head, _, place = name.partition("@")
    found = METRICS.get(ALIASES.get(head, head))
    if found is None or (head != name and not found.cut):
        near = closest(name, (*METRICS, *ALIASES))
        raise ConfigError(
            f"There is no metric {name!r}.{near} The metrics are {', '.join(METRICS)}."
        )
    if head == name:
        return found
    if not re.fullmatch("[1-9][0-9]{0,8}", place):
        raise ConfigError(
            f"The number after @ must be a whole number of at least 1, as in {head}@10. "
            f"Got {name!r}."
        )
    return replace(
        found,
        name=f"{found.name}@{place}",
        function=functools.partial(found.function, k=int(place)),
    )


def default_metrics(task: str) -> tuple[str, ...]:
    """Return the names of the metrics that are reported for a task.

    Parameters
    ----------
    task : {"binary", "multiclass", "rank", "regression"}

    Returns
    -------
    tuple of str
        The metric to optimise comes first.

    Raises
    ------
    ConfigError
        If there is no such task.
    """
    if task not in _DEFAULTS:
        raise ConfigError(
            f"There is no task {task!r}.{closest(task, _DEFAULTS)} "
            f"The tasks are {', '.join(_DEFAULTS)}."
        )
    return _DEFAULTS[task]


def compute(
    names: str | Iterable[str],
    y: npt.ArrayLike,
    pred: npt.ArrayLike,
    weight: npt.ArrayLike | None = None,
    group: npt.ArrayLike | None = None,
) -> dict[str, float]:
    """Compute one or several metrics.

    Parameters
    ----------
    names : str or iterable of str
        Names or aliases.
    y, pred, weight, group
        As for a single :class:`Metric`.

    Returns
    -------
    dict
        Maps canonical names to values, in the order of ``names``.

    Raises
    ------
    ConfigError
        If a name is unknown.
    DataError
        If the arrays do not fit a metric.
    """
    chosen = [get_metric(name) for name in ([names] if isinstance(names, str) else names)]
    return {item.name: item(y, pred, weight, group) for item in chosen}


def _check_length(item: Metric, what: str, got: int, expected: int) -> None:
    if got != expected:
        raise DataError(
            f"The metric {item.name!r} needs as many {what} as targets ({expected}). Got {got}."
        )


def _check_finite(item: Metric, what: str, array: Float64Array) -> None:
    bad = ~np.isfinite(array)
    if bad.any():
        place = np.argwhere(bad)[0]
        raise DataError(
            f"The metric {item.name!r} needs finite {what}. "
            f"Sample {place[0]} has {array[tuple(place)]}."
        )


def _as_float(item: Metric, what: str, values: npt.ArrayLike) -> Float64Array:
    try:
        array: Float64Array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"The metric {item.name!r} needs {what} that are numbers: {error}."
        ) from error
    _check_finite(item, what, array)
    return array


def _check_y(item: Metric, y: npt.ArrayLike) -> Float64Array:
    array = _as_float(item, "targets", y)
    if array.ndim != 1 or not len(array):
        raise DataError(
            f"The metric {item.name!r} needs a 1-d array of at least one target. "
            f"Got shape {array.shape}."
        )
    return array


def _check_pred(item: Metric, pred: npt.ArrayLike) -> Float64Array:
    array = _as_float(item, "predictions", pred)
    allowed = {2 if task == "multiclass" else 1 for task in item.tasks}
    if array.ndim not in allowed:
        raise DataError(
            f"The metric {item.name!r} is for {' and '.join(item.tasks)} predictions: an array of "
            f"{' or '.join(f'{n} dimension(s)' for n in sorted(allowed))}. Got shape {array.shape}."
        )
    if item.needs_probability and array.size:
        low, high = array.min(), array.max()
        if low < 0 or high > 1:
            raise DataError(
                f"The metric {item.name!r} needs probabilities, from 0 to 1. "
                f"Got predictions from {low:g} to {high:g}."
            )
    return array


def _check_labels(item: Metric, y: Float64Array, pred: Float64Array) -> None:
    if pred.ndim == 2:
        n_classes = pred.shape[1]
        bad = (y < 0) | (y >= n_classes) | (y != np.floor(y))
        allowed = f"class numbers from 0 to {n_classes - 1}"
    elif "rank" in item.tasks:
        bad = y < 0
        allowed = "relevances from 0"
    elif "binary" in item.tasks:
        bad = (y != 0) & (y != 1)
        allowed = "targets 0 and 1"
    else:
        return
    if bad.any():
        row = int(np.argmax(bad))
        raise DataError(
            f"The metric {item.name!r} needs {allowed}. Sample {row} has {y[row]:g}. "
            "Map the labels first, or choose a regression metric."
        )


def _check_weight(item: Metric, weight: npt.ArrayLike | None, n: int) -> Float64Array:
    if weight is None:
        return np.ones(n)
    array = _as_float(item, "weights", weight)
    if array.ndim != 1:
        raise DataError(
            f"The metric {item.name!r} needs a 1-d array of weights. Got shape {array.shape}."
        )
    _check_length(item, "weights", len(array), n)
    if array.min() < 0 or not array.any():
        raise DataError(
            f"The metric {item.name!r} needs weights that are not negative and not all zero. "
            f"Got weights from {array.min():g} to {array.max():g}."
        )
    return array


def _check_group(item: Metric, group: npt.ArrayLike | None, n: int) -> AnyArray:
    if group is None:
        raise DataError(
            f"The metric {item.name!r} needs the group of each sample (a user or a query). "
            "Got none: name the group column, or choose a metric without groups."
        )
    array = np.asarray(group)
    if array.ndim != 1:
        raise DataError(
            f"The metric {item.name!r} needs a 1-d array of groups. Got shape {array.shape}."
        )
    _check_length(item, "groups", len(array), n)
    return array
