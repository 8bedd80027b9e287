"""Training as xLearn's parameters mean it, with fieldfare's functions."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from fieldfare import Callback, Dataset, Model, Rows, Schema, Start, train
from fieldfare._typing import AnyArray, Float32Array
from fieldfare.compat.xlearn import _reading
from fieldfare.compat.xlearn._console import Console, Silent
from fieldfare.compat.xlearn._params import METRICS, Job
from fieldfare.exceptions import DataError, FieldfareWarning
from fieldfare.kinds.models import InteractionForm

# Factors start as in xLearn: by the generator of Park and Miller (1988), x <- 16807 x mod 2^31 - 1,
# whose first state is 1, in the order in which they lie in memory.
_MULTIPLIER, _MODULUS = 16_807, 2**31 - 1
_SHORTEST = 1e-12


def initial_factors(shape: tuple[int, ...], scale: float) -> Float32Array:
    """Return the first numbers of the generator as factors in [0, scale), of some shape."""
    n = math.prod(shape)
    states = np.empty(n, np.uint64)
    states[:1] = _MULTIPLIER
    done = min(1, n)
    while done < n:
        more = min(done, n - done)
        step = np.uint64(pow(_MULTIPLIER, done, _MODULUS))
        states[done : done + more] = states[:more] * step % np.uint64(_MODULUS)
        done += more
    uniform = (states - np.uint64(1)) / (_MODULUS - 1)
    found: Float32Array = (uniform * scale).astype(np.float32).reshape(shape)
    return found


def sized(data: list[Rows], least_features: int = 0, least_fields: int = 0) -> tuple[int, int]:
    """Return the number of features and fields that all of some rows have."""
    n_features = max(least_features, *(rows.n_features for rows in data))
    return n_features, max(least_fields, *(rows.n_fields for rows in data))


def labelled(data: Dataset, job: Job, schema: Schema) -> Dataset:
    """Return samples with targets as the task has them: a class is whether the label is positive.

    Raises
    ------
    DataError
        If they have no labels.
    """
    rows = _reading.with_one_field(data.rows) if job.model.uses_fields else data.rows
    if rows.target is None:
        raise DataError("Training and validation data need labels, and these have none.")
    if job.task == "binary":
        rows = rows.with_(target=(rows.target > 0).astype(np.float32))
    return replace(data, rows=rows, schema=schema)


def _check_classes(rows: Rows) -> None:
    """Refuse rows of one class, of which a new model would learn nothing."""
    assert rows.target is not None
    if len(rows) and rows.target.min() == rows.target.max():
        which = "positive, and none is not" if rows.target[0] else "0 or less, and none is positive"
        raise DataError(
            f"All {len(rows)} labels of the training data are {which}. A class is whether the "
            "label is positive: use 0 and 1, or -1 and 1, and both in all parts of the data."
        )


@dataclass
class Watcher(Callback):
    """Prints the epochs, and ends training by xLearn's rule.

    An epoch is worse if its metric is worse than that of the epoch before, and the first always is.
    Training ends at a worse epoch that follows ``stop_window`` others without a better one between
    them. The best epoch is kept; of equal ones the last.

    Parameters
    ----------
    job : Job
    console : Console
    validated : bool
        Whether there are validation data.
    """

    job: Job
    console: Console
    validated: bool
    best: Model | None = None
    best_epoch: int = 0
    best_value: float = math.nan
    last: dict[str, float] = field(default_factory=dict)
    _begin: int | None = None
    _before: float | None = None
    _worse: int = 0

    @property
    def columns(self) -> list[str]:
        """Names of the columns of the epochs."""
        names = [f"Train {self.job.loss_name}"]
        if self.validated:
            names.append(f"Test {self.job.loss_name}")
            if self.job.metric != "none":
                names.append(f"Test {METRICS[self.job.metric][0]}")
        return names

    @property
    def decider(self) -> str:
        """Name of what decides when to stop."""
        return "loss" if self.job.metric == "none" else METRICS[self.job.metric][0]

    def on_train_begin(self, state: Any) -> None:
        self._begin = state.epoch
        self.console.header(self.columns)

    def on_epoch_end(self, state: Any) -> bool:
        assert self._begin is not None
        record, number = state.history.epochs[-1], state.epoch - self._begin
        half = 1.0 if self.job.task == "binary" else 0.5  # which is how xLearn counts squares
        figures = [record["train_loss"] * half]
        if self.validated:
            figures.append(record["valid_loss"] * half)
            if self.job.metric != "none":
                figures.append(record[f"valid_{METRICS[self.job.metric][1]}"])
        self.last = dict(zip(self.columns, figures, strict=True))
        self.console.epoch(number, self.job.epoch, figures, record["seconds"])
        return self.job.early_stop and self._is_enough(figures, number, state)

    def _is_enough(self, figures: list[float], number: int, state: Any) -> bool:
        rising = self.job.metric != "none" and METRICS[self.job.metric][2]
        value = figures[-1] if math.isfinite(figures[-1]) else figures[1]
        better = math.isnan(self.best_value)
        if not better:
            better = value >= self.best_value if rising else value <= self.best_value
        if better:
            self.best, self.best_epoch, self.best_value = None, number, value
            if number < self.job.epoch:  # the last is what training returns
                self.best = state.snapshot()
        before, self._before = self._before, value
        if before is None or (value < before if rising else value > before):
            if self._worse == self.job.stop_window:
                return True
            self._worse += 1
        else:
            self._worse = 0
        return False


def fit(
    job: Job, data: Dataset, valid: Dataset | None, console: Console, previous: Model | None = None
) -> tuple[Model, Watcher]:
    """Train a model.

    Parameters
    ----------
    job : Job
        Settled.
    data, valid : Dataset
        As they were read.
    console : Console
    previous : Model, optional
        A model to continue from.

    Returns
    -------
    Model
        With the state of its solver.
    Watcher
        What it saw.
    """
    parts = [data.rows] if valid is None else [data.rows, valid.rows]
    known = (0, 0) if previous is None else (previous.n_features, previous.n_fields)
    n_features, n_fields = sized(parts, *known)
    schema = Schema.indexed(n_features, max(1, n_fields) if job.model.uses_fields else 0)
    if not job.model.uses_fields:
        data, valid = _without_fields(data), None if valid is None else _without_fields(valid)
    train_data = labelled(data, job, schema)
    held_out = None if valid is None else labelled(valid, job, schema)
    if job.task == "binary" and previous is None:
        _check_classes(train_data.rows)
    watcher = Watcher(job, Silent() if job.quiet else console, valid is not None)
    settings: dict[str, Any] = {
        "task": "binary" if job.task == "binary" else "regression",
        "model": job.kind if previous is None else previous,
        "start": None if previous is not None else start_of(job, train_data.rows),
    }
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", FieldfareWarning)
        result = train(
            train_data,
            valid=held_out,
            callbacks=[watcher],
            **settings,
            **hyperparameters(job, new=previous is None),
        )
    for warning in caught:
        console.warning(str(warning.message))
    if result.interrupted:
        raise KeyboardInterrupt
    model = result.model
    if watcher.best_epoch and watcher.best_epoch != job.epoch and watcher.best is not None:
        kept = {"trained_by": model.trained_by, "provenance": model.provenance}
        model = watcher.best.with_(**kept)
    return model, watcher


def _without_fields(data: Dataset) -> Dataset:
    return replace(data, rows=data.rows.with_(fields=None))


def hyperparameters(job: Job, *, new: bool = True) -> dict[str, Any]:
    """Return xLearn's parameters under fieldfare's names; without those of new models only."""
    ftrl = job.by_ftrl
    penalty = job.lambda_2 if ftrl else job.penalty
    found: dict[str, Any] = {
        "solver": job.opt,
        "learning_rate": job.alpha if ftrl else job.lr,
        "l2_linear": penalty,
        "l2_exponent": 0.0 if ftrl else 1.0,
        "max_iter": job.epoch,
        "early_stopping": False,
        "shuffle": not job.on_disk,
        "random_state": job.seed,
        "n_jobs": job.n_jobs,
        "deterministic": not job.lock_free,
        "keep_state": True,
    }
    normalised = job.norm and job.model.has_factors
    found |= {"instance_norm": normalised, "norm_unknown": normalised}
    if job.model.has_factors:
        found["l2_factors"] = penalty
        if new:
            found |= {"n_factors": job.k, "init_scale": job.init / math.sqrt(3 * job.k)}
    if ftrl:
        found |= {"l1_linear": job.lambda_1, "ftrl_beta": job.beta, "ftrl_start": 1.0}
        if job.model.has_factors:
            found["l1_factors"] = job.lambda_1
    if job.task == "binary":
        found["scale_features"] = False
    if job.metric not in ("none", "auc"):
        found["eval_metric"] = METRICS[job.metric][1]
    return found


def start_of(job: Job, rows: Rows) -> Start:
    """Return where xLearn's parameters suppose that training starts.

    For classes, its units are those of the data as they are. For regressions it has no good ones:
    ours are taken. In a factorization machine of normalised rows, xLearn divides products of two
    features by the squared length of the row once more; a unit of factors does the same.
    """
    found: dict[str, Any] = {}
    if job.task == "binary":
        found |= {"bias": 0.0, "target_unit": 1.0, "row_unit": 1.0}
    if job.model.has_factors:
        scale = job.init / math.sqrt(job.k)
        found["factors"] = lambda shape: initial_factors(shape, scale)
    if job.norm and job.model.interactions is InteractionForm.PAIRS:
        found["factor_unit"] = row_length(rows)
    return Start(**found)


def scores(model: Model, rows: Rows, n_jobs: int | None = None) -> Float32Array:
    """Return the raw score of each row, float32[n_rows]."""
    rows = _reading.with_one_field(rows) if model.uses_fields else rows.with_(fields=None)
    found: Float32Array = model.score(rows, n_jobs)[:, 0]
    return found


def row_length(rows: Rows) -> float:
    """Return the root of the mean squared length of rows.

    Raises
    ------
    DataError
        If there are none, or they are too long or too short to be normalised.
    """
    if not len(rows):
        raise DataError("There are no rows to train on.")
    found = float(np.sqrt(np.mean(_reading.lengths(rows).astype(np.float64) ** 2)))
    if not _SHORTEST <= found <= 1 / _SHORTEST:
        raise DataError(
            f"The rows have a length of {found:g}, and it must be from {_SHORTEST:g} to "
            f"{1 / _SHORTEST:g}. Scale the values."
        )
    return found


def loss(task: str, score: AnyArray, label: AnyArray) -> float:
    """Return the loss that xLearn prints: the mean log loss, or half the mean squared error."""
    wide = np.asarray(score, np.float64)
    if task == "binary":
        sign = np.where(label > 0, 1.0, -1.0)
        return float(np.mean(np.logaddexp(0.0, -sign * wide)))
    return float(np.mean((wide - label) ** 2) / 2)


def cross_validate(job: Job, data: Dataset, console: Console) -> dict[str, float]:
    """Train on all folds of consecutive rows but one, and print the averages over the folds.

    Returns
    -------
    dict
        The averages, as ``{"log_loss": ..., "Accuracy": ...}``.
    """
    n_rows = len(data.rows)
    if n_rows < job.fold:
        raise DataError(f"There are {n_rows} rows, too few for {job.fold} folds.")
    sums: dict[str, float] = {}
    for number, (low, high) in enumerate(_reading.contiguous_folds(n_rows, job.fold), 1):
        console.action(f"Cross-validation: {number}/{job.fold}:")
        kept = Rows.concatenate([data.rows.slice(0, low), data.rows.slice(high, n_rows)])
        train_part, test = Dataset(kept, data.schema), data.rows.slice(low, high)
        _, watcher = fit(job, train_part, Dataset(test, data.schema), console)
        for name, figure in watcher.last.items():
            if name.startswith("Test "):
                sums[name[5:]] = sums.get(name[5:], 0.0) + figure
    averages = {name: total / job.fold for name, total in sums.items()}
    for name, average in averages.items():
        console.info(f"Average {name}: {average:.6f}")
    console.action("Finish Cross-Validation")
    return averages
