"""Every estimator is put through all of scikit-learn's checks."""

from __future__ import annotations

from typing import Any

from sklearn.utils.estimator_checks import parametrize_with_checks

from fieldfare.estimators import (
    BayesianFMClassifier,
    BayesianFMRegressor,
    FFMClassifier,
    FFMRegressor,
    FMClassifier,
    FMRegressor,
    FwFMClassifier,
    FwFMRegressor,
    HOFMClassifier,
    HOFMRegressor,
    LinearClassifier,
    LinearRegressor,
)

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
        FMClassifier(n_factors=2),
        FMRegressor(n_factors=2),
        FFMClassifier(n_factors=2),
        FFMRegressor(n_factors=2),
        FwFMClassifier(n_factors=2),
        FwFMRegressor(n_factors=2),
        HOFMClassifier(n_factors=2),
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
