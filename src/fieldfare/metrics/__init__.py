"""Metrics: one table from a name to a checked function of targets and predictions.

All of them share these conventions. Targets ``y`` have shape (n,). Predictions have shape (n,) for
regression and ranking (the value) and for binary classification (the probability of class 1), and
(n, n_classes) for multiclass (the probabilities). Every metric takes sample weights, sums in
float64, and returns NaN if its formula is not defined for the data (for instance AUC on a single
class).
"""

from __future__ import annotations

from fieldfare.metrics import classification, ranking, regression
from fieldfare.metrics.base import METRICS, Metric, compute, default_metrics, get_metric

__all__ = [
    "METRICS",
    "Metric",
    "classification",
    "compute",
    "default_metrics",
    "get_metric",
    "ranking",
    "regression",
]
