"""Constructors know what other libraries call a parameter, and keep their signature."""

from __future__ import annotations

import inspect
import pickle

import pytest
from sklearn.base import clone

import fieldfare
from fieldfare import BayesianFMRegressor, FFMClassifier, FMClassifier, FMRanker, FMRegressor
from fieldfare.exceptions import ConfigError


@pytest.mark.parametrize("estimator", [FMClassifier, FMRegressor, FFMClassifier, FMRanker])
@pytest.mark.parametrize(
    ("word", "name"),
    [("k", "n_factors"), ("lr", "learning_rate"), ("epochs", "max_iter"), ("seed", "random_state")],
)
def test_a_word_of_another_library_is_answered_by_the_name_here(estimator, word, name):
    message = f"There is no parameter '{word}' of {estimator.__name__}. Did you mean '{name}'"
    with pytest.raises(ConfigError, match=message):
        estimator(**{word: 1})
    with pytest.raises(ConfigError, match=message):
        estimator().set_params(**{word: 1})


def test_bayesian_estimators_know_the_words_too():
    with pytest.raises(ConfigError, match="Did you mean 'n_factors'"):
        BayesianFMRegressor(k=4)  # type: ignore[call-arg]


def test_parameters_are_given_by_name():
    with pytest.raises(ConfigError, match="given by name, as in FMClassifier"):
        FMClassifier(8)  # type: ignore[call-arg]


def test_signature_clone_and_pickle_stay_what_they_were():
    signature = inspect.signature(FMClassifier)
    assert "self" not in signature.parameters
    assert signature.parameters["n_factors"].default == 8
    assert all(p.kind is p.KEYWORD_ONLY for p in signature.parameters.values())
    made = FMClassifier(n_factors=3)
    for copy in (clone(made), pickle.loads(pickle.dumps(made))):
        assert copy.get_params() == made.get_params()
    assert made.set_params(n_factors=5) is made
    assert made.n_factors == 5


def test_each_estimator_checks_its_own_names():
    assert "class_weight" in inspect.signature(fieldfare.FMClassifier).parameters
    with pytest.raises(ConfigError, match="no parameter 'class_weight' of FMRegressor"):
        FMRegressor(class_weight="balanced")  # type: ignore[call-arg]
