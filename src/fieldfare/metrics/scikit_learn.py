"""Metrics that scikit-learn computes: those that are not reported after each epoch by default.

It is imported when the first of them is computed.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fieldfare._typing import Float64Array
from fieldfare.metrics.classification import predicted_class
from fieldfare.metrics.registry import metric


@metric("binary", greater_is_better=True)
def pr_auc(y: Float64Array, pred: Float64Array, weight: Float64Array) -> float:
    """Average precision: the sum over thresholds of precision times the gain in recall.

    Samples with equal predictions share a threshold. NaN if no positive sample has weight.
    """
    from sklearn.metrics import average_precision_score

    if not np.any(weight * y):
        return math.nan
    return float(average_precision_score(y, pred, sample_weight=weight))


@metric("binary", "multiclass", greater_is_better=True, needs_probability=True)
def precision(y: Float64Array, pred: Float64Array, weight: Float64Array) -> float:
    """Share of correct ones among the samples predicted to be of a class; 0 if there are none.

    Binary: for class 1. Multiclass: the unweighted mean over the classes that occur in targets or
    predictions (macro average).
    """
    return _of_classes("precision_score", y, pred, weight)


@metric("binary", "multiclass", greater_is_better=True, needs_probability=True)
def recall(y: Float64Array, pred: Float64Array, weight: Float64Array) -> float:
    """Share of the samples of a class that are predicted to be of it; averaged like precision."""
    return _of_classes("recall_score", y, pred, weight)


@metric("binary", "multiclass", greater_is_better=True, needs_probability=True)
def f1(y: Float64Array, pred: Float64Array, weight: Float64Array) -> float:
    """Harmonic mean of precision and recall per class; averaged like precision."""
    return _of_classes("f1_score", y, pred, weight)


def _of_classes(name: str, y: Float64Array, pred: Float64Array, weight: Float64Array) -> float:
    from sklearn import metrics

    score: Any = getattr(metrics, name)
    average = "macro" if pred.ndim == 2 else "binary"
    truth, guess = y.astype(np.int64), predicted_class(pred)
    return float(score(truth, guess, average=average, sample_weight=weight, zero_division=0))


@metric("regression")
def mape(y: Float64Array, pred: Float64Array, weight: Float64Array) -> float:
    """Mean absolute error relative to the target: a fraction, not a percentage.

    The denominator is at least the float64 epsilon, so an error on a target of zero gives a huge
    value rather than infinity.
    """
    from sklearn.metrics import mean_absolute_percentage_error

    return float(mean_absolute_percentage_error(y, pred, sample_weight=weight))


@metric("regression", greater_is_better=True)
def r2(y: Float64Array, pred: Float64Array, weight: Float64Array) -> float:
    """Share of the variance explained; NaN if all targets are equal."""
    # Compared by minimum and maximum, because the mean of equal numbers can differ from them in
    # its last bit, which would make the variance tiny instead of zero.
    live = y[weight > 0]
    if live.min() == live.max():
        return math.nan
    from sklearn.metrics import r2_score

    return float(r2_score(y, pred, sample_weight=weight))
