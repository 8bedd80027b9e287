"""Metrics of real-valued predictions.

Weighted means are sums of w * x over the sum of w. scikit-learn's are as fast, but importing it
would take longer than many a training: what it computes and is not reported after each epoch is in
``metrics/scikit_learn.py``.
"""

from __future__ import annotations

import math

import numpy as np

from fieldfare._typing import Float64Array
from fieldfare.metrics.registry import metric


@metric("regression")
def mse(y: Float64Array, pred: Float64Array, weight: Float64Array) -> float:
    """Mean squared error."""
    return float(np.average((y - pred) ** 2, weights=weight))


@metric("regression")
def rmse(y: Float64Array, pred: Float64Array, weight: Float64Array) -> float:
    """Root of the mean squared error."""
    return math.sqrt(mse(y, pred, weight))


@metric("regression")
def mae(y: Float64Array, pred: Float64Array, weight: Float64Array) -> float:
    """Mean absolute error."""
    return float(np.average(np.abs(y - pred), weights=weight))
