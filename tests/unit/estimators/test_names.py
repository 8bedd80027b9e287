"""Constructors know what other libraries call a parameter, and keep their signature."""

from __future__ import annotations

import inspect
import pickle
import re

import pytest
from sklearn.base import clone

import fieldfare
from fieldfare import (
    BayesianFMClassifier,
    BayesianFMRegressor,
    FFMClassifier,
    FMClassifier,
    FMRanker,
    FMRegressor,
)
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


TABLE = {"user": ["a", "b"] * 30, "item": ["x", "y", "z"] * 20, "liked": [1, 0] * 30}


def fitted(kind=FMClassifier, **more):
    return kind(max_iter=2, random_state=0, early_stopping=False).fit(TABLE, "liked", **more)


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("early_stopping_rounds", "parameter of the estimator: FMClassifier(n_iter_no_change=...)"),
        ("cat_features", "parameter of the estimator: FMClassifier(categorical=...)"),
        ("categorical_feature", "parameter of the estimator: FMClassifier(categorical=...)"),
        ("verbose", "parameter of the estimator: FMClassifier(verbose=...)"),
        ("validation_split", "parameter of the estimator: FMClassifier(validation_fraction=...)"),
        ("validation_data", "Did you mean 'eval_set'?"),
        ("label", "Did you mean 'y'?"),
        ("weight", "Did you mean 'sample_weight'?"),
        ("eval_names", "Validation data need no name."),
    ],
)
def test_fit_says_where_a_keyword_belongs(word, answer):
    with pytest.raises(ConfigError, match=re.escape(f"no parameter '{word}' of FMClassifier.fit")):
        FMClassifier().fit(TABLE, "liked", **{word: 1})
    with pytest.raises(ConfigError, match=re.escape(answer)):
        FMClassifier().fit(TABLE, "liked", **{word: 1})


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (lambda m: m.predict(TABLE, output_margin=True), "what decision_function returns"),
        (lambda m: m.predict(TABLE, prediction_type="Probability"), "what predict_proba returns"),
        (lambda m: m.predict(TABLE, "out.txt"), "FMClassifier.predict takes X without a name. Got"),
        (lambda m: m.partial_fit(TABLE, "liked", labels=[0, 1]), "of FMClassifier.partial_fit"),
    ],
)
def test_other_methods_answer_too(call, answer):
    with pytest.raises(ConfigError, match=re.escape(answer)):
        call(fitted())


def test_every_estimator_answers():
    with pytest.raises(ConfigError, match="Did you mean 'qid'"):
        FMRanker().fit(TABLE, "liked", group_id=[1])  # type: ignore[call-arg]
    with pytest.raises(ConfigError, match="no parameter 'sample_weight' of BayesianFMClassifier"):
        BayesianFMClassifier().fit(TABLE, "liked", sample_weight=[1])  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("save_model", "Did you mean 'save'?"),
        ("load_model", "Did you mean 'load'?"),
        ("get_feature_importance", "Did you mean 'feature_importances_'?"),
        ("feature_names_", "Did you mean 'feature_names_in_'?"),
        ("w_", "Did you mean 'coef_'?"),
        ("V_", "Did you mean 'factors_'?"),
        ("evals_result", "Did you mean 'history_'?"),
        ("transform", "Did you mean 'predict'?"),
        ("setTrain", "fit(path, eval_set=path)"),
        ("grid_search", "GridSearchCV"),
    ],
)
def test_an_attribute_of_another_library_is_answered(name, answer):
    with pytest.raises(AttributeError, match=re.escape(answer)) as caught:
        getattr(fitted(), name)
    assert caught.value.name == name


def test_attributes_that_nobody_has_or_that_fit_makes():
    assert not hasattr(FMRegressor(), "predict_proba")
    with pytest.raises(AttributeError, match="has no attribute 'foo'$"):
        _ = FMClassifier().foo  # type: ignore[attr-defined]
    for name in ("model_", "classes_", "history_"):
        with pytest.raises(AttributeError, match="once the estimator is fitted"):
            getattr(FMClassifier(), name)
    with pytest.raises(AttributeError, match="has no factors"):
        _ = fitted(fieldfare.LinearClassifier).factors_


def test_methods_keep_their_signature():
    assert list(inspect.signature(FMClassifier.fit).parameters)[1:] == [
        "X",
        "y",
        "sample_weight",
        "eval_set",
    ]


def test_errors_from_inside_a_method_stay_what_they_are():
    class Odd(list):
        def __len__(self):
            raise TypeError("of its own")

    with pytest.raises(TypeError, match="of its own"):
        FMClassifier().fit(Odd(), [1])
