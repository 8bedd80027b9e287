"""Cross-validation: each row predicted by a model that did not see it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from fieldfare._arguments import checked
from fieldfare._arrays import as_array, distinct
from fieldfare._random import permutation
from fieldfare._tables import Printed
from fieldfare._typing import AnyArray, Int64Array
from fieldfare._validation import Number, check
from fieldfare.config import ModelConfig
from fieldfare.data.loading import read_dataset
from fieldfare.data.road import Options
from fieldfare.data.split import kfold
from fieldfare.exceptions import (
    ConfigError,
    ConvergenceWarning,
    DataError,
    DataWarning,
    ModelWarning,
)
from fieldfare.metrics import default_metrics, get_metric, listed
from fieldfare.settings import read as read_group
from fieldfare.sources.frames import to_pandas
from fieldfare.training.functions import ROLES, read_settings
from fieldfare.training.job import Job, tell_notes
from fieldfare.training.judging.settled import unsettled
from fieldfare.training.judging.verdict import losing
from fieldfare.training.loop.evaluation import evaluate_scores, score_subset
from fieldfare.training.loop.history import History
from fieldfare.training.prepare.held_out import split_by_of
from fieldfare.training.samples.comparisons import require_groups
from fieldfare.training.samples.subset import RowSubset

_THEM = ("it", "them")


@dataclass(frozen=True)
class CrossValResult:
    """The figures of each fold. Prints as a table with mean and standard deviation.

    Parameters
    ----------
    folds : list of dict
        For each fold: ``fold`` (from 1), ``loss``, each metric, and ``epochs`` (of the model kept).
    """

    folds: list[dict[str, float]] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """Names of the figures, without the number of the fold."""
        return [name for name in self.folds[0] if name != "fold"] if self.folds else []

    @property
    def mean(self) -> dict[str, float]:
        """Mean of each figure over the folds where it is defined; NaN if there are none."""
        return {name: mean(self._defined(name)) for name in self.names}

    @property
    def std(self) -> dict[str, float]:
        """Standard deviation of each figure over these folds (n - 1 in the denominator)."""
        return {name: deviation(self._defined(name)) for name in self.names}

    @property
    def undefined(self) -> dict[str, list[int]]:
        """The folds where a figure is not defined, by its name, perhaps for lack of a class."""
        return {
            name: folds
            for name in self.names
            if (folds := [int(f["fold"]) for f in self.folds if math.isnan(f[name])])
        }

    def _defined(self, name: str) -> list[float]:
        return [fold[name] for fold in self.folds if not math.isnan(fold[name])]

    def __str__(self) -> str:
        return str(self._printed())

    def _repr_html_(self) -> str:
        return self._printed().html()

    def _printed(self) -> Printed:
        rows = [(str(int(fold["fold"])), fold) for fold in self.folds]
        rows += [("mean", self.mean), ("std", self.std)]
        cells = [[label, *(_cell(name, row[name]) for name in self.names)] for label, row in rows]
        below = list(map(_left_out, self.undefined.items()))
        return Printed(["fold", *self.names], cells, below=below)

    def to_frame(self) -> Any:
        """Return the folds as a pandas DataFrame (pandas must be installed)."""
        return to_pandas(self.folds)


@checked
def cross_validate(
    data: Any,
    *,
    folds: int = 5,
    groups: AnyArray | None = None,
    metrics: str | Sequence[str] | None = None,
    model: str = "fm",
    task: str | None = None,
    **parameters: Any,
) -> CrossValResult:
    """Train on all folds but one and evaluate on that one, for each fold in turn.

    Rows are dealt to the folds at random, class by class for classification. The vocabulary of a
    table's columns is that of all rows; it does not depend on the targets. Each fold starts from
    the same initial factors.

    Parameters
    ----------
    data : path, paths, table, array, Rows or Dataset
        Labelled data.
    folds : int
        Number of folds, from 2.
    groups : array of shape (n_rows,), optional
        Rows of a group (a user, say) stay in one fold. For ranking, those of the data by default.
        With ``validation="group"`` they also stay together in what is held out of a fold's training
        rows, unless there is a ``validation_column``.
    metrics : str or sequence of str, optional
        Names; by default those usual for the task.
    model, task, **parameters
        As for `fieldfare.training.functions.train`.

    Returns
    -------
    CrossValResult

    Raises
    ------
    DataError
        If there are fewer rows or groups than folds.
    """
    check("folds", folds, Number(2, integer=True), "cross_validate")
    roles = {name: parameters.pop(name) for name in ROLES if name in parameters}
    settings = read_settings(parameters, "cross_validate", ("folds", "metrics", "task"))
    if settings.for_recall:
        raise ConfigError(
            "Cross-validation measures rows, and recall is measured by ranking all items: use "
            "fieldfare.retrieval.compare with a split of fieldfare.data.split."
        )
    kind = read_group(ModelConfig, parameters, model=model)
    how = {"n_threads": settings.training.n_jobs, "split_by": split_by_of(settings.training)}
    dataset = read_dataset(data, Options.of(**how | roles))
    tell_notes(data, roles.get("schema"), dataset.schema, settings)
    job = Job.of(dataset, settings, task=task).told()
    if metrics is None or not len(metrics):  # an array has no truth value
        metrics = default_metrics(job.targets.task)
    asked = listed(metrics)
    names = tuple(dict.fromkeys(get_metric(name).name for name in asked))
    result, histories = CrossValResult(), list[History]()
    whole, task = job.train, job.targets.task
    stratify = whole.target if job.targets.has_classes else None
    if groups is None and task == "rank":
        groups = require_groups(whole.group)
    elif groups is not None:
        groups = as_array("The groups", groups, ndim=1)
        whole = _kept_together(whole, groups)
    for kept, held_out in _folds(whole.n_rows, folds, job.seed, stratify, groups):
        fold, test = replace(job, train=whole.select(kept)), whole.select(held_out)
        trained = fold.run(fold.start(kind), last=True, tell=False)
        histories.append(trained.history)
        scores = score_subset(trained.model, test, job.config.n_jobs)
        figures = evaluate_scores(task, scores, test, names)
        epochs = float(trained.history.best_epoch or 0)
        result.folds.append({"fold": len(result.folds) + 1.0, **figures, "epochs": epochs})
        if trained.interrupted:
            raise KeyboardInterrupt
    _warn(result, histories, job)
    return result


def mean(values: Sequence[float]) -> float:
    """Return the mean of numbers; NaN of none."""
    return float(np.mean(values)) if values else math.nan


def deviation(values: Sequence[float]) -> float:
    """Return the standard deviation of numbers; NaN of fewer than two."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else math.nan


def _cell(name: str, value: float) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:.1f}" if name == "epochs" else f"{value:.5f}"


def _left_out(undefined: tuple[str, list[int]]) -> str:
    name, folds = undefined
    where = f"fold {folds[0]}" if len(folds) == 1 else f"folds {', '.join(map(str, folds))}"
    return f"{name} is not defined in {where}, and its mean leaves {_THEM[len(folds) > 1]} out."


def _warn(result: CrossValResult, histories: Sequence[History], job: Job) -> None:
    """Warn of figures that are not defined, and of what is wrong with most of the models."""
    if result.undefined:
        advice = "Use fewer folds, or more rows of the rare class, if they hold only one class."
        said = " ".join(map(_left_out, result.undefined.items()))
        warnings.warn(DataWarning(f"{said} {advice}"), stacklevel=3)
    compared = [h.comparison for h in histories if h.comparison is not None]
    losers = [one for one in compared if one.worse_than is not None]
    told = (unsettled(history, job.config, job.least_epochs) for history in histories)
    problems = [text for text in told if text is not None]
    for found, kind in (([*map(losing, losers)], ModelWarning), (problems, ConvergenceWarning)):
        if 2 * len(found) > len(histories):
            text = f"In {len(found)} of {len(histories)} folds, such as this: {found[0]}"
            warnings.warn(kind(text), stacklevel=3)


def _kept_together(rows: RowSubset, groups: AnyArray) -> RowSubset:
    """Return rows that validation="group" keeps together by these groups, if by nothing else."""
    if rows.split_by is not None or len(groups) != rows.n_rows:
        return rows
    _, number = distinct("The groups", groups)
    return replace(rows, rows=rows.rows.with_(split_by=number.astype(np.int64)))


def _folds(
    n_rows: int, folds: int, seed: int, stratify: AnyArray | None, groups: AnyArray | None
) -> Iterator[tuple[Int64Array, Int64Array]]:
    """Yield the ascending row numbers to train and to evaluate on, for each fold."""
    if groups is None:
        yield from kfold(n_rows, folds, seed, stratify=stratify)
        return
    if len(groups) != n_rows:
        raise DataError(
            f"Cross-validation needs a group for each of {n_rows} rows. Got {len(groups)}."
        )
    names, group = distinct("The groups", groups)
    if len(names) < folds:
        raise DataError(f"{folds} folds need at least as many groups. There are {len(names)}.")
    fold_of_group = permutation(seed, "folds", len(names)) % folds
    for number in range(folds):
        held = fold_of_group[group] == number
        yield np.flatnonzero(~held), np.flatnonzero(held)
