"""Every estimator is put through all of scikit-learn's checks."""

from __future__ import annotations

from typing import Any

from sklearn.utils.estimator_checks import parametrize_with_checks
from tests.estimators import CLASSIFIERS, REGRESSORS

from fieldfare.estimators import (
    BayesianFMClassifier,
    BayesianFMRegressor,
    FMClassifier,
    FMRegressor,
    HOFMClassifier,
    HOFMRegressor,
    LinearClassifier,
    LinearRegressor,
)

LINEAR = (LinearClassifier, LinearRegressor)
ORDER = (
    "Stochastic gradients depend on the order and number of visits: two visits with weight one are "
    "not one visit with weight two. Only the expected step is the same."
)
PENALTY = "The penalty of a parameter grows with the number of its samples, whatever they weigh."


def expected_failures(estimator: Any) -> dict[str, str]:
    """Return the checks that an estimator cannot pass, with the reason."""
    reason = PENALTY if getattr(estimator, "solver", None) == "als" else ORDER
    return {
        "check_sample_weight_equivalence_on_dense_data": reason,
        "check_sample_weight_equivalence_on_sparse_data": reason,
    }


@parametrize_with_checks(
    [
        LinearClassifier(),
        LinearRegressor(),
        *(kind(n_factors=2) for kind in (*CLASSIFIERS, *REGRESSORS) if kind not in LINEAR),
        HOFMRegressor(n_factors=(2, 1)),
        LinearClassifier(solver="als"),
        FMClassifier(n_factors=2, solver="als"),
        FMRegressor(n_factors=2, solver="als"),
        HOFMClassifier(n_factors=2, solver="als"),
        HOFMRegressor(n_factors=2, solver="als"),
        BayesianFMClassifier(n_factors=2, n_warmup=5, n_samples=10),
        BayesianFMRegressor(n_factors=2, n_warmup=5, n_samples=10),
    ],
    expected_failed_checks=expected_failures,
)
def test_sklearn_check(estimator: Any, check: Any) -> None:
    check(estimator)
