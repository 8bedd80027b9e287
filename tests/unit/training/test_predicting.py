"""Predictions by `fieldfare.predict`, of whatever predicts."""

from __future__ import annotations

import numpy as np
import pytest

import fieldfare
from fieldfare import BayesianFMClassifier, BayesianFMRegressor
from fieldfare.exceptions import ConfigError

TABLE = {"user": ["a", "b"] * 30, "item": ["x", "y", "z"] * 20}
Y = np.array([0, 1] * 30)
SAMPLED = {"n_samples": 4, "n_warmup": 2, "random_state": 0}


def test_posteriors_and_bayesian_estimators_predict_as_their_methods_do() -> None:
    numbers = BayesianFMRegressor(**SAMPLED).fit(TABLE, Y)
    classes = BayesianFMClassifier(**SAMPLED).fit(TABLE, Y)
    for model in (numbers, numbers.posterior_):
        np.testing.assert_allclose(fieldfare.predict(model, TABLE), numbers.predict(TABLE))
    proba = classes.predict_proba(TABLE)
    for model in (classes, classes.posterior_):
        np.testing.assert_allclose(fieldfare.predict(model, TABLE), proba[:, 1])
        np.testing.assert_allclose(fieldfare.predict(model, TABLE, output="proba"), proba)


def test_a_posterior_has_no_scores_and_one_of_numbers_no_probabilities() -> None:
    numbers = BayesianFMRegressor(**SAMPLED).fit(TABLE, Y)
    for output in ("score", "proba"):
        with pytest.raises(ConfigError, match="predict for a regression posterior"):
            fieldfare.predict(numbers, TABLE, output=output)
