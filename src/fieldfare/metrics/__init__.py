"""Metrics: one table from a name to a checked function of targets and predictions.

Conventions shared by all of them: targets ``y`` have shape (n,); predictions have shape (n,) for
regression (the value) and binary classification (the probability of class 1), and (n, n_classes)
for multiclass (the probabilities). Every metric takes sample weights, sums in float64, and returns
NaN where its formula is not defined for the data (for instance AUC on a single class).
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
