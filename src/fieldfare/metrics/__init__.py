"""Metrics: one table of names, for predictions of samples and for lists of recommendations.

Metrics of samples share these conventions. Targets ``y`` have shape (n,). Predictions have shape
(n,) for regression and ranking (the value) and for binary classification (the probability of class
1), and (n, n_classes) for multiclass (the probabilities). Each takes sample weights, sums in
float64, and returns NaN if its formula is not defined for the data (for instance AUC on a single
class). Metrics of lists are described in `fieldfare.metrics.recommendation`.
"""

from __future__ import annotations

from fieldfare.metrics import classification, ranking, recommendation, regression, scikit_learn
from fieldfare.metrics.registry import (
    METRICS,
    ListMetric,
    Metric,
    compute,
    default_metrics,
    get_list_metric,
    get_metric,
    list_metric,
    listed,
    metric,
)

__all__ = [
    "ListMetric",
    "METRICS",
    "Metric",
    "classification",
    "compute",
    "default_metrics",
    "get_list_metric",
    "get_metric",
    "list_metric",
    "listed",
    "metric",
    "ranking",
    "recommendation",
    "regression",
    "scikit_learn",
]
