"""Evaluation: from scores to predictions, losses and metrics, in blocks of rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from fieldfare import metrics
from fieldfare._typing import AnyArray, Float32Array, Float64Array
from fieldfare.rows import Rows
from fieldfare.training.parts import Part

LOSS_METRIC = {"regression": "mse", "binary": "logloss", "multiclass": "logloss"}
WATCHED_METRIC = {"regression": "rmse", "binary": "logloss", "multiclass": "logloss"}


def link(task: str, score: AnyArray) -> Float64Array:
    """Turn scores into predictions, in float64.

    Parameters
    ----------
    task : str
        What is predicted.
    score : array of shape (n_rows, n_outputs)
        Scores.

    Returns
    -------
    float64 array
        Regression: the values, of shape (n_rows,). Binary: the probability of class 1, of shape
        (n_rows,). Multiclass: the probability of each class, of shape (n_rows, n_outputs).
    """
    z = np.asarray(score, np.float64)
    if task == "multiclass":
        p = np.exp(z - z.max(axis=1, keepdims=True))
        shares: Float64Array = p / p.sum(axis=1, keepdims=True)
        return shares
    z = z[:, 0]
    if task == "regression":
        return z
    # exp of a non-positive number only, so that nothing overflows.
    e = np.exp(-np.abs(z))
    probability: Float64Array = np.where(z >= 0, 1, e) / (1 + e)
    return probability


def score_part(
    score: Callable[[Rows], Float32Array], part: Part, memory_limit: int | None = None
) -> Float32Array:
    """Return the scores of a part, of shape (n_rows, n_outputs), computed in blocks."""
    out: Float32Array | None = None
    start = 0
    for block in part.blocks(memory_limit):
        scores = score(block)
        if out is None:
            out = np.empty((part.n_rows, scores.shape[1]), np.float32)
        out[start : start + len(scores)] = scores
        start += len(scores)
    return np.zeros((0, 1), np.float32) if out is None else out


def evaluate_scores(
    task: str, scores: Float32Array, part: Part, names: Sequence[str]
) -> dict[str, float]:
    """Return the mean loss (as ``"loss"``) and the named metrics of scores.

    The loss is the mean squared error or the mean negative log likelihood, with sample weights.
    """
    loss = LOSS_METRIC[task]
    wanted = list(dict.fromkeys([loss, *names]))
    found = metrics.compute(
        wanted, part.target, link(task, scores), weight=part.weight, group=part.group
    )
    return {"loss": float(found[loss])} | {name: float(found[name]) for name in names}
