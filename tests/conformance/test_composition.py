"""The estimators inside scikit-learn's own tools."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.ensemble import BaggingRegressor
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from tests.estimators import CLASSIFIERS, REGRESSORS

from fieldfare.estimators import (
    FFMClassifier,
    FMClassifier,
    LinearClassifier,
    LinearRegressor,
)


@pytest.fixture(scope="module")
def table() -> tuple[pd.DataFrame, np.ndarray[Any, Any]]:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {"user": rng.choice(list("abcd"), 240), "item": rng.choice(list("xyz"), 240)}
    ).assign(age=rng.normal(40, 10, 240))
    y = np.where((X["user"] < "c") | (X["item"] == "x"), "yes", "no")
    return X, y


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_pipeline_and_column_transformer(cls: type, table: Any) -> None:
    X, y = table
    columns = make_column_transformer(
        (OneHotEncoder(), ["user", "item"]), (StandardScaler(), ["age"])
    )
    pipeline = make_pipeline(columns, cls(random_state=0)).fit(X, y)
    assert pipeline.score(X, y) > 0.85
    copy = pickle.loads(pickle.dumps(pipeline))
    assert np.array_equal(copy.predict_proba(X), pipeline.predict_proba(X))


def test_column_transformer_that_passes_text_on(table: Any) -> None:
    X, y = table
    kept = ColumnTransformer([("kept", "passthrough", ["user", "item"])])
    assert make_pipeline(kept, FFMClassifier(random_state=0)).fit(X, y).score(X, y) > 0.95
    frames = kept.set_output(transform="pandas")
    assert make_pipeline(frames, FFMClassifier(random_state=0)).fit(X, y).score(X, y) > 0.95


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_cross_validation_on_tables(cls: type, table: Any) -> None:
    X, y = table
    assert cross_val_score(cls(random_state=0), X, y, cv=3).mean() > 0.85
    proba = cross_val_predict(cls(random_state=0), X, y, cv=3, method="predict_proba")
    assert proba.shape == (len(y), 2)


@pytest.mark.parametrize("cls", REGRESSORS)
def test_cross_validation_of_regressors(cls: type) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    y = X @ [1.0, -2.0, 0.5] + 3
    assert cross_val_score(cls(random_state=0), X, y, cv=3).min() > 0.9


@pytest.mark.filterwarnings("ignore:Training ended at max_iter")  # as a rate of 0.01 asks for
def test_grid_search_with_sample_weight(table: Any) -> None:
    X, y = table
    grid = {"n_factors": np.array([1, 4]), "learning_rate": np.array([0.01, 0.1])}
    search = GridSearchCV(FMClassifier(random_state=0), grid, cv=2, scoring="neg_log_loss")
    search.fit(X, y, sample_weight=np.linspace(0.5, 1, len(y)))
    assert search.best_params_["learning_rate"] == 0.1
    assert search.best_estimator_.score(X, y) > 0.9


def test_sample_weight_is_routed_as_metadata(table: Any) -> None:
    X, y = table
    weight = np.where(y == "yes", 1e-6, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        model = LinearClassifier(random_state=0).set_fit_request(sample_weight=True)
        model = model.set_score_request(sample_weight=True)
        search = GridSearchCV(model, {"max_iter": [5]}, cv=2).fit(X, y, sample_weight=weight)
    assert set(search.predict(X)) == {"no"}


@pytest.mark.parametrize("cls", CLASSIFIERS)
def test_calibration(cls: type, table: Any) -> None:
    X, y = table
    calibrated = CalibratedClassifierCV(cls(random_state=0), cv=2).fit(X, y)
    assert calibrated.predict_proba(X).shape == (len(y), 2)
    assert calibrated.score(X, y) > 0.85


def test_ensembles_importance_and_several_outputs(table: Any) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 3))
    y = X[:, 0] * 2
    assert BaggingRegressor(LinearRegressor(), 2, random_state=0).fit(X, y).score(X, y) > 0.9
    both = MultiOutputRegressor(LinearRegressor(random_state=0)).fit(X, np.column_stack([y, -y]))
    assert both.predict(X).shape == (120, 2)
    frame, labels = table
    model = FMClassifier(random_state=0).fit(frame, labels)
    found = permutation_importance(model, frame, labels, n_repeats=2, random_state=0)
    assert found.importances_mean[:2].min() > abs(found.importances_mean[2])


@pytest.mark.parametrize("cls", [*CLASSIFIERS, *REGRESSORS])
def test_clone_and_set_params(cls: type) -> None:
    model = cls(max_iter=3, l2_linear=0.5, random_state=1)
    assert clone(model).get_params() == model.get_params()
    assert clone(model).set_params(max_iter=7, solver="ftrl").max_iter == 7
    with pytest.raises(ValueError, match="no_such"):
        model.set_params(no_such=1)
