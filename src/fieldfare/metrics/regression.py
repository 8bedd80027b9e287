"""Metrics of real-valued predictions. Weighted means are sums of w * x over the sum of w."""

from __future__ import annotations

import math

import numpy as np

from fieldfare._typing import Float64Array
from fieldfare.metrics.base import metric


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


@metric("regression")
def mape(y: Float64Array, pred: Float64Array, weight: Float64Array) -> float:
    """Mean absolute error relative to the target: a fraction, not a percentage.

    The denominator is at least the float64 epsilon, so an error on a target of zero gives a huge
    value rather than infinity.
    """
    scale = np.maximum(np.abs(y), np.finfo(np.float64).eps)
    return float(np.average(np.abs(y - pred) / scale, weights=weight))


@metric("regression", greater_is_better=True)
def r2(y: Float64Array, pred: Float64Array, weight: Float64Array) -> float:
    """Share of the variance explained; NaN if all targets are equal."""
    spread = mse(y, np.full_like(y, np.average(y, weights=weight)), weight)
    # Compared by minimum and maximum, because the mean of equal numbers can differ from them in
    # its last bit, which makes ``spread`` tiny instead of zero.
    live = y[weight > 0]
    if live.min() == live.max():
        return math.nan
    return 1.0 - mse(y, pred, weight) / spread
