"""Comparing a trained model with a constant and with its own linear part."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fieldfare._typing import AnyArray, Float64Array
from fieldfare.config import ModelConfig, TrainingConfig
from fieldfare.kinds.models import LINEAR as LINEAR_KIND
from fieldfare.metrics.classification import CLIP
from fieldfare.models.base import Model
from fieldfare.models.linear import LinearModel
from fieldfare.models.links import link
from fieldfare.training.loop.comparison import CONSTANT, LINEAR, Comparison
from fieldfare.training.loop.evaluation import score_subset
from fieldfare.training.prepare.targets import class_weights, start_bias
from fieldfare.training.samples.comparisons import GroupComparisons, comparison_weights
from fieldfare.training.samples.subset import RowSubset

# How many rows are looked at, in stretches from all over: of those validated on, of those trained
# on, and of groups, each row of which is compared with up to a hundred others.
_VALIDATION_ROWS = 100_000
_TRAINING_ROWS = 20_000
_GROUPED_ROWS = 5_000
_STRETCHES = 64
_PAIRS_PER_ROW = 100

# A model loses by more than noise if it is worse by more than this share of the loss of a constant
# (beside which the difference of two models that are nearly right is nothing), and by more than so
# many standard errors; or so much worse that a few rows must be very wrong, which makes the
# standard error large.
_SHARE = 0.01
_ERRORS = 3.0
_FAR = 1.0
# Fewer rows (for ranking: groups) tell too little.
_LEAST = 30

MEASURES = {
    "regression": "rmse",
    "binary": "logloss",
    "multiclass": "logloss",
    "rank": "share of wrong pairs",
}


@dataclass(frozen=True, eq=False)
class Losses:
    """The losses of what is compared.

    Parameters
    ----------
    by_name : dict from name to float64 array of shape (n,)
        Of each row or pair, by "model", "constant" and perhaps "linear".
    weight : float64 array of shape (n,)
    cluster : int array of shape (n,) or None
        What is independent of each other; ``None``: all of them.
    """

    by_name: dict[str, Float64Array]
    weight: Float64Array
    cluster: AnyArray | None = None

    def mean(self, name: str) -> float:
        """Return the weighted mean of one of them."""
        return float(self.weight @ self.by_name[name] / self.weight.sum())

    def loses_to(self, name: str) -> bool:
        """Whether the model is worse than something simpler by more than noise."""
        simpler = self.mean(name)
        gap = self.mean("model") - simpler
        if math.isnan(gap):
            return True
        apart: AnyArray = self.weight * (self.by_name["model"] - self.by_name[name] - gap)
        if self.cluster is not None:
            apart = np.bincount(self.cluster, apart)
        if len(apart) < _LEAST or not gap > _SHARE * self.mean(CONSTANT):
            return False
        error = float(np.sqrt(apart @ apart)) / float(self.weight.sum())
        return gap > _ERRORS * error or gap > _FAR * simpler


def compare(
    model: Model, train: RowSubset, valid: RowSubset | None, config: TrainingConfig
) -> Comparison | None:
    """Compare a model with a constant, and with its bias and linear weights alone.

    Parameters
    ----------
    model : Model
    train, valid : RowSubset
        With encoded targets. It is compared on the rows that it was validated on, else on those
        that it was trained on; of many, on stretches from all over.
    config : TrainingConfig

    Returns
    -------
    Comparison or None
        None if there is nothing to compare: no pairs, or only chosen ones.
    """
    if train.comparisons is not None:
        return None
    which, rows = ("training", train) if valid is None else ("validation", valid)
    if model.task == "rank":
        most = _GROUPED_ROWS
    else:
        most = _TRAINING_ROWS if valid is None else _VALIDATION_ROWS
    losses = _losses(model, train, part_of(rows, most), config)
    if losses is None or not losses.weight.sum() > 0:
        return None
    return judged(which, MEASURES[model.task], losses)


def judged(rows: str, measure: str, losses: Losses) -> Comparison:
    """Return the comparison that losses make."""
    worse_than = next((n for n in losses.by_name if n != "model" and losses.loses_to(n)), None)
    shown = {name: losses.mean(name) for name in losses.by_name}
    if measure == "rmse":
        shown = {name: math.sqrt(value) for name, value in shown.items()}
    return Comparison(rows, measure, **shown, worse_than=worse_than)


def row_losses(task: str, scores: AnyArray, target: AnyArray) -> Float64Array:
    """Return the loss of each row: its squared error, or minus the log of its probability.

    Parameters
    ----------
    task : {"regression", "binary", "multiclass"}
    scores : array of shape (n, n_outputs)
        Before the link function.
    target : array of shape (n,)
        Numbers, or class numbers from 0.
    """
    predicted: AnyArray = link(task, scores.astype(np.float64))
    if task == "regression":
        return (predicted - target) ** 2
    return log_losses(predicted, target)


def log_losses(probability: AnyArray, target: AnyArray) -> Float64Array:
    """Return the log losses of probabilities, of class 1 or of each class, as the metric does."""
    if probability.ndim == 2:
        truth = probability[np.arange(len(target)), target.astype(np.int64)]
    else:
        truth = np.where(target == 1, probability, 1 - probability)
    found: Float64Array = -np.log(np.clip(truth, CLIP, 1 - CLIP))
    return found


def _losses(
    model: Model, train: RowSubset, rows: RowSubset, config: TrainingConfig
) -> Losses | None:
    """Return the losses on some rows of what is compared."""
    task = model.task
    by_class = class_weights(config.class_weight, task, model.classes, train)
    constant = start_bias(task, model.n_outputs, train, by_class)
    scored, linear = {"model": model}, _linear_part(model)
    if linear is not None:
        scored[LINEAR] = linear
    scores: dict[str, AnyArray] = {
        name: score_subset(one, rows, config.n_jobs, config.memory_limit)
        for name, one in scored.items()
    }
    target, weight = rows.target, rows.weight
    if task == "rank":
        return _of_pairs(scores, rows)
    scores[CONSTANT] = np.tile(constant, (rows.n_rows, 1))
    wide = np.ones(rows.n_rows) if weight is None else weight.astype(np.float64)
    if by_class is not None:
        wide = wide * by_class[target.astype(np.int64)]
    names = (name for name in ("model", CONSTANT, LINEAR) if name in scores)
    return Losses({name: row_losses(task, scores[name], target) for name in names}, wide)


def _of_pairs(scores: dict[str, AnyArray], rows: RowSubset) -> Losses | None:
    """Return for each pair of a group whether its order is wrong: 0, 1, or a half if equal."""
    if rows.group is None:
        return None
    found = GroupComparisons(rows.target, rows.group)
    pairs = list(found.blocks(_PAIRS_PER_ROW, seed=0, epoch=0, shuffle=False))
    if not pairs:
        return None
    better, worse = np.concatenate(pairs).T
    losses = {"model": np.zeros(0), CONSTANT: np.full(len(better), 0.5)}
    for name, one in scores.items():
        losses[name] = 0.5 - 0.5 * np.sign(one[better, 0] - one[worse, 0])
    _, cluster = np.unique(rows.group[better], return_inverse=True)
    weight = comparison_weights(np.stack([better, worse], axis=1), rows.weight)
    return Losses(losses, weight, cluster.reshape(-1))


def _linear_part(model: Model) -> Model | None:
    """Return the bias and the linear weights of a model as one; None if there is nothing else."""
    if model.traits is LINEAR_KIND or not model.config.fit_linear:
        return None
    own = model.config
    config = ModelConfig(LINEAR_KIND.name, own.task, instance_norm=own.instance_norm)
    return LinearModel(config, model.bias, model.linear, units=model.units)


def part_of(rows: RowSubset, most: int) -> RowSubset:
    """Return rows, or of more than so many, about as many in stretches from all over."""
    if rows.n_rows <= most:
        return rows
    starts = np.arange(_STRETCHES) * rows.n_rows // _STRETCHES
    each = max(1, most // _STRETCHES)
    return rows.select((starts[:, None] + np.arange(each)).reshape(-1))
