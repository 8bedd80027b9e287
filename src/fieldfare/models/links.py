"""From scores to predictions: the link function of each task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np

from fieldfare._typing import Float32Array

_ONE = np.float32(1)


def link(task: str, scores: Float32Array) -> Float32Array:
    """Map raw scores to the scale of the target.

    Parameters
    ----------
    task : {"regression", "binary", "multiclass", "rank"}
    scores : float32 array of shape (n, n_outputs)

    Returns
    -------
    float32 array
        Regression and ranking: the scores, of shape (n,). Binary: the logistic function of the
        score, of shape (n,). Multiclass: the softmax of the scores, of shape (n, n_outputs).
    """
    if task == "multiclass":
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        return cast(Float32Array, e / e.sum(axis=1, keepdims=True))
    z = scores[:, 0]
    if task != "binary":
        return z
    e = np.exp(-np.abs(z))
    return cast(Float32Array, np.where(z >= 0, 1, e) / (1 + e))


def link_one(task: str, scores: Sequence[float]) -> float | Float32Array:
    """Map the raw scores of one sample to the scale of the target, exactly as `link` does.

    Without arrays where there is one score: what NumPy does before it computes takes longer than
    such a score.
    """
    if task == "multiclass":
        probabilities: Float32Array = link(task, np.array([scores], np.float32))[0]
        return probabilities
    if task != "binary":
        return scores[0]
    z = np.float32(scores[0])
    e = np.exp(-abs(z))  # of NumPy, whose last bit is its own
    return float((_ONE if z >= 0 else e) / (_ONE + e))
