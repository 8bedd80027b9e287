"""Evaluation: from scores to predictions, losses and metrics, in blocks of rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from fieldfare._typing import AnyArray, Float32Array
from fieldfare.metrics import compute, get_metric
from fieldfare.models.links import link
from fieldfare.rows import Rows, as_rows
from fieldfare.training.samples.comparisons import comparison_loss, require_groups
from fieldfare.training.samples.subset import RowSubset

LOSS_METRIC = {"regression": "mse", "binary": "logloss", "multiclass": "logloss"}
WATCHED_METRIC = {
    "regression": "rmse",
    "binary": "logloss",
    "multiclass": "logloss",
    "rank": "ndcg",
}


class Scoring(Protocol):
    """What has scores: a model, or a solver at work."""

    def score(self, rows: Rows, n_threads: int | None = None) -> Float32Array:
        """Return the scores of the rows, of shape (n_rows, n_outputs)."""


def score_subset(
    scorer: Scoring, rows: RowSubset, n_jobs: int | None = None, memory_limit: int | None = None
) -> Float32Array:
    """Return the scores of some rows, float32[n_rows, n_outputs], computed in blocks."""
    if rows.n_rows == 0:
        return scorer.score(as_rows(rows.rows.slice(0, 0)), n_jobs)
    out: Float32Array | None = None
    start = 0
    for block in rows.blocks(memory_limit):
        scores = scorer.score(block, n_jobs)
        if out is None:
            out = np.empty((rows.n_rows, scores.shape[1]), np.float32)
        out[start : start + len(scores)] = scores
        start += len(scores)
    assert out is not None
    return out


def evaluate_scores(
    task: str, scores: Float32Array, rows: RowSubset, names: Sequence[str]
) -> dict[str, float]:
    """Return the mean loss (as ``"loss"``) and the named metrics of scores.

    The loss is the mean squared error or the mean negative log likelihood, with sample weights. For
    ranking it is the mean logistic loss of the comparisons of each group.
    """
    if task == "rank":
        group = require_groups(rows.group)
        return {"loss": comparison_loss(scores[:, 0], rows.target, group, rows.weight)} | compute(
            names, rows.target, scores[:, 0], weight=rows.weight, group=group
        )
    loss = LOSS_METRIC[task]
    # Float64, since the probability of a confident model would round to one in float32.
    wide: AnyArray = scores.astype(np.float64)
    names = [get_metric(name).name for name in names]
    wanted = list(dict.fromkeys([loss, *names]))
    found = compute(wanted, rows.target, link(task, wide), weight=rows.weight, group=rows.group)
    return {"loss": float(found[loss])} | {name: float(found[name]) for name in names}
