"""What the estimators promise beyond scikit-learn's own checks: parameters, inputs, going on."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn.base import clone
from tests.estimators import CLASSIFIERS, REGRESSORS

from fieldfare.estimators import (
    FFMClassifier,
    FFMRegressor,
    FMClassifier,
    FMRanker,
    FMRegressor,
    FwFMClassifier,
    FwFMRegressor,
    HOFMClassifier,
    LinearClassifier,
    LinearRegressor,
)
from fieldfare.exceptions import ConfigError, DataError, ModelFileError, ModelWarning
from fieldfare.schema.schema import Schema

ALL = [*CLASSIFIERS, *REGRESSORS]


@pytest.fixture(scope="module")
def clicks() -> pd.DataFrame:
    """A table whose target is an interaction of two columns of text."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "user": rng.choice(list("abcdef"), 400),
            "item": rng.choice(["x", "y", "z"], 400),
            "age": rng.normal(40, 10, 400),
        }
    )
    table.loc[::7, "age"] = np.nan
    liked = table["user"].isin(list("abc")) ^ (table["item"] == "x")
    table["liked"] = np.where(liked, "yes", "no")
    return table


def parts(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    return table.drop(columns="liked"), table["liked"]


@pytest.mark.parametrize("cls", [*ALL, FMRanker])
def test_a_bad_parameter_is_refused_by_fit_not_by_the_constructor(cls: type) -> None:
    estimator = cls(learning_rate=-1)
    with pytest.raises(ConfigError, match="learning_rate"):
        estimator.fit([[1.0], [2.0]], [0, 1])


def test_kinds_of_tables_give_the_same_model(clicks: pd.DataFrame) -> None:
    X, y = parts(clicks)
    expected = FFMClassifier(random_state=0).fit(X, y).predict_proba(X)
    tables = [pl.from_pandas(X), pa.Table.from_pandas(X), X.to_dict("records")]
    for table in tables:
        model = FFMClassifier(random_state=0).fit(table, y.tolist())
        assert np.array_equal(model.predict_proba(table), expected)
        assert list(model.feature_names_in_) == ["user", "item", "age"]
        assert model.n_features_in_ == 3


def test_a_target_can_be_named(clicks: pd.DataFrame, tmp_path: Path) -> None:
    X, y = parts(clicks)
    expected = FMClassifier(random_state=0).fit(X, y)
    path = tmp_path / "clicks.csv"
    clicks.to_csv(path, index=False)
    for source in (clicks, pl.from_pandas(clicks), pa.Table.from_pandas(clicks), path, str(path)):
        model = FMClassifier(random_state=0).fit(source, "liked")
        assert list(model.classes_) == ["no", "yes"]
        assert model.schema_.target == "liked"
        assert list(model.feature_names_in_) == ["user", "item", "age"]
        # The target column may stay in what is predicted.
        assert np.array_equal(model.predict(source), expected.predict(X))
        assert model.score(source, "liked") == expected.score(X, y)
        assert model.predict(X).shape == y.shape


def test_a_target_that_is_not_there_is_refused(clicks: pd.DataFrame) -> None:
    model = LinearClassifier(random_state=0)
    with pytest.raises(DataError, match="There is no column 'absent'"):
        model.fit(clicks, "absent")


def test_weights_can_be_named(clicks: pd.DataFrame) -> None:
    table = clicks.assign(weight=np.linspace(0.1, 2, len(clicks)))
    named = FMClassifier(random_state=0).fit(table, "liked", sample_weight="weight")
    X, y = parts(clicks)
    given = FMClassifier(random_state=0).fit(X, y, sample_weight=table["weight"])
    assert list(named.feature_names_in_) == ["user", "item", "age"]
    assert np.array_equal(named.predict_proba(table), given.predict_proba(X))


def test_arrays_of_text_are_categories(clicks: pd.DataFrame) -> None:
    X, y = parts(clicks)
    cells = X[["user", "item"]].to_numpy()
    model = FFMClassifier(random_state=0).fit(cells, y)
    assert model.score(cells, y) > 0.95
    assert "x0=a" in list(model.schema_.feature_names)
    assert np.array_equal(model.predict(cells.tolist()), model.predict(cells))


def test_orders_and_pair_weights(clicks: pd.DataFrame, tmp_path: Path) -> None:
    X, y = parts(clicks)
    model = HOFMClassifier(n_factors=[3, 2], l2_factors=[1e-4, 1e-3], random_state=0).fit(X, y)
    assert model.factors_.shape == (model.schema_.n_features, 5)
    model.save(tmp_path / "m.ff")
    loaded = HOFMClassifier.load(tmp_path / "m.ff")
    assert loaded.n_factors == (3, 2)
    assert np.array_equal(loaded.predict_proba(X), model.predict_proba(X))
    with pytest.raises(ModelFileError, match="hofm"):
        FMClassifier.load(tmp_path / "m.ff")
    weighted = FwFMClassifier(random_state=0).fit(X, y)
    assert weighted.pair_weights_.shape == (3, 3)
    assert np.array_equal(weighted.pair_weights_, weighted.pair_weights_.T)
    assert FwFMRegressor().fit(X, np.arange(len(X))).pair_weights_.shape == (3, 3)


def test_fields_of_array_columns() -> None:
    rng = np.random.default_rng(0)
    X = sparse.csr_array(np.eye(6)[rng.integers(0, 3, 100)] + np.eye(6)[rng.integers(3, 6, 100)])
    y = rng.integers(0, 2, 100)
    grouped = FFMClassifier(n_factors=2, fields=["u", "u", "u", "i", "i", "i"]).fit(X, y)
    assert grouped.factors_.shape == (6, 2, 2)
    assert FFMClassifier(n_factors=2).fit(X, y).factors_.shape == (6, 6, 2)
    with pytest.raises(ConfigError, match="one field per column"):
        FFMClassifier(fields=[0, 1]).fit(X, y)


@pytest.mark.parametrize("as_path", [False, True])
def test_eval_set_stops_early_and_keeps_the_best(
    clicks: pd.DataFrame, tmp_path: Path, as_path: bool
) -> None:
    X, y = parts(clicks)
    rng = np.random.default_rng(1)
    noise = clicks[300:].assign(liked=rng.permutation(y[300:].to_numpy()))
    path = tmp_path / "valid.csv"
    noise.to_csv(path, index=False)
    model = FMClassifier(max_iter=50, n_iter_no_change=2, random_state=0)
    X, y = (clicks[:300], "liked") if as_path else (X[:300], y[:300])
    valid = path if as_path else parts(noise)
    with pytest.warns(ModelWarning, match="worse than a constant"):  # as it must be, on noise
        model.fit(X, y, eval_set=valid)
    assert model.n_iter_ == len(model.history_) < 50
    assert model.history_.best_epoch == model.n_iter_ - 2
    assert "valid_logloss" in model.history_.columns


def test_an_unknown_class_in_eval_set_is_refused(clicks: pd.DataFrame) -> None:
    X, y = parts(clicks)
    with pytest.raises(DataError, match="'maybe'"):
        FMClassifier().fit(X, y, eval_set=(X, np.full(len(X), "maybe")))
    with pytest.raises(DataError, match="eval_set must be"):
        FMClassifier().fit(X, y, eval_set=(X, y, y))


def test_partial_fit_goes_on_and_grows(clicks: pd.DataFrame) -> None:
    X, y = parts(clicks)
    known = X["user"] != "f"
    model = FFMClassifier(random_state=0)
    model.partial_fit(X[known], y[known], classes=["no", "yes"])
    before = model.schema_.n_features
    for _ in range(20):
        model.partial_fit(X, y)
    assert model.schema_.n_features == before + 1 == len(model.factors_)
    assert model.schema_.feature_names[before] == "user=f"
    assert model.n_iter_ == 21
    assert model.score(X[~known], y[~known]) > 0.9


def test_partial_fit_on_files_grows(tmp_path: Path) -> None:
    first, second = tmp_path / "first.txt", tmp_path / "second.txt"
    first.write_text("1 0:1 2:1\n0 1:1 2:1\n" * 20)
    second.write_text("1 0:1 5:1\n0 1:1 5:1\n" * 20)
    model = FMClassifier(random_state=0, n_factors=2).partial_fit(first).partial_fit(second)
    assert model.coef_.shape == (1, 6)
    assert model.classes_.tolist() == [0, 1]
    assert model.score(second) == 1


def test_partial_fit_needs_all_classes() -> None:
    X = np.eye(4)
    model = LinearClassifier(random_state=0).partial_fit(X, [0, 1, 0, 1])
    with pytest.raises(DataError, match="class 2"):
        model.partial_fit(X, [0, 1, 2, 0])
    with pytest.raises(DataError, match="first call"):
        model.partial_fit(X, [0, 1, 1, 0], classes=[0, 1, 2])
    with pytest.raises(DataError, match="at least two classes"):
        LinearClassifier().partial_fit(X, [1, 1, 1, 1])
    late = LinearClassifier(random_state=0).partial_fit(X, [0, 1, 1, 1], classes=[0, 1, 2])
    assert late.predict_proba(X).shape == (4, 3)


@pytest.mark.parametrize("solver", ["adagrad", "rowwise_adagrad", "sgd", "ftrl"])
def test_pickle_keeps_the_state_of_the_optimiser(clicks: pd.DataFrame, solver: str) -> None:
    X, y = parts(clicks)
    model = FMClassifier(solver=solver, random_state=0).partial_fit(X, y)
    copy = pickle.loads(pickle.dumps(model))
    assert np.array_equal(model.partial_fit(X, y).factors_, copy.partial_fit(X, y).factors_)
    assert model.n_iter_ == copy.n_iter_ == 2


def test_warm_start_equals_one_long_run() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    y = X[:, 0] * X[:, 1]
    given = {"random_state": 0, "early_stopping": False}
    once = FMRegressor(max_iter=6, **given).fit(X, y)
    twice = FMRegressor(max_iter=3, warm_start=True, **given).fit(X, y).fit(X, y)
    assert twice.n_iter_ == 6
    assert np.array_equal(once.predict(X), twice.predict(X))
    again = FMRegressor(max_iter=3, **given).fit(X, y).fit(X, y)
    assert again.n_iter_ == 3


def test_save_and_load(clicks: pd.DataFrame, tmp_path: Path) -> None:
    X, y = parts(clicks)
    model = FFMClassifier(n_factors=3, random_state=0).fit(X, y)
    path = tmp_path / "m.ff"
    model.save(path)
    loaded = FFMClassifier.load(path)
    assert loaded.n_factors == 3
    assert np.array_equal(loaded.predict_proba(X), model.predict_proba(X))
    assert list(loaded.classes_) == ["no", "yes"]
    assert loaded.history_["train_loss"] == pytest.approx(model.history_["train_loss"])
    assert loaded.model_.provenance["seed"] == 0
    for wrong in (FMClassifier, FFMRegressor):
        with pytest.raises(ModelFileError, match=wrong.__name__):
            wrong.load(path)


def test_save_and_load_of_fields(tmp_path: Path) -> None:
    X = np.eye(4)[[0, 1, 2, 3] * 10] + 0.5
    y = np.arange(40) % 4
    given = {"learning_rate": 0.3, "max_iter": 5, "l2_linear": 1e-4, "l2_factors": 1e-3}
    given["l2_exponent"] = 1.0
    model = FFMClassifier(n_factors=2, fields=[1, 1, 0, 0], random_state=0, **given).fit(X, y)
    model.save(tmp_path / "m.ff")
    loaded = FFMClassifier.load(tmp_path / "m.ff")
    assert loaded.classes_.tolist() == [0, 1, 2, 3]
    assert np.array_equal(loaded.predict_proba(X), model.predict_proba(X))
    assert loaded.get_params() == model.get_params()
    named = model.set_params(fields=["b", "b", "a", "a"], n_jobs=1).fit(X, y)
    named.save(tmp_path / "m.ff")
    again = FFMClassifier.load(tmp_path / "m.ff")
    assert again.get_params() == named.get_params()
    assert np.array_equal(again.fit(X, y).predict_proba(X), named.predict_proba(X))


def test_shapes_of_what_is_learned() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 5))
    two, three = rng.integers(0, 2, 60), rng.integers(0, 3, 60)
    binary = FMClassifier(n_factors=2).fit(X, two)
    assert binary.coef_.shape == (1, 5)
    assert binary.intercept_.shape == (1,)
    assert binary.factors_.shape == (5, 2)
    assert binary.decision_function(X).shape == (60,)
    multi = FFMClassifier(n_factors=2).fit(X, three)
    assert multi.coef_.shape == (3, 5)
    assert multi.intercept_.shape == (3,)
    assert multi.factors_.shape == (5, 3, 5, 2)
    assert multi.decision_function(X).shape == (60, 3)
    regressor = LinearRegressor().fit(X, two)
    assert regressor.coef_.shape == (5,)
    assert isinstance(regressor.intercept_, float)
    assert not hasattr(regressor, "factors_")


@pytest.mark.parametrize("labels", [[-1, 1], [5.0, 7.0], ["b", "a"], [False, True]])
def test_any_labels(labels: list[Any]) -> None:
    X = np.array([[1.0, 0.0], [0.0, 1.0]] * 20)
    y = np.array(labels * 20)
    model = LinearClassifier(random_state=0, class_weight={labels[0]: 2.0}).fit(X, y)
    assert np.array_equal(model.classes_, np.unique(y))
    assert np.array_equal(model.predict(X), y)


def test_a_schema_can_be_given(clicks: pd.DataFrame) -> None:
    X, y = parts(clicks)
    schema = Schema.infer(X).edit("age", transform="quantile", n_bins=4)
    model = FMClassifier(schema=schema, random_state=0).fit(X, y)
    assert model.schema_.column("age").n_bins == 4
    assert model.get_params()["schema"] is schema
    leaking = Schema.infer(clicks)
    with pytest.raises(DataError, match="is a feature"):
        FMClassifier(schema=leaking).fit(clicks, "liked")


def test_missing_labels_are_refused(clicks: pd.DataFrame) -> None:
    X, y = parts(clicks)
    with pytest.raises(DataError, match="row 3 has no target"):
        FMClassifier().fit(X, y.astype(object).where(np.arange(len(y)) != 3, None))


def test_a_regressor_refuses_text_targets(clicks: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "clicks.csv"
    clicks.to_csv(path, index=False)
    with pytest.raises(DataError, match="numeric target"):
        FMRegressor().fit(path, "liked")
    with pytest.raises(DataError, match="bring their target with them"):
        FMClassifier().fit(path, clicks["liked"])


@pytest.mark.parametrize("cls", ALL)
def test_one_seed_one_model(cls: type) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 3)), rng.integers(0, 2, 50)
    model = cls(random_state=3).fit(X, y)
    assert np.array_equal(clone(model).fit(X, y).predict(X), model.predict(X))


def test_fitting_a_path_within_a_memory_limit_changes_nothing(
    clicks, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("FIELDFARE_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "clicks.csv"
    clicks.to_csv(path, index=False)
    options = {"max_iter": 2, "random_state": 1, "n_jobs": 1}
    bounded = FMClassifier(**options, memory_limit=1).fit(path, "liked")
    free = FMClassifier(**options).fit(path, "liked")
    assert np.array_equal(bounded.predict_proba(clicks), free.predict_proba(clicks))
    with pytest.raises(ConfigError, match="memory_limit"):
        FMClassifier(memory_limit=0).fit(path, "liked")


@pytest.mark.filterwarnings("ignore:Column:fieldfare.exceptions.DataWarning")
@pytest.mark.parametrize("cls", ALL)
def test_a_frame_without_rows_is_refused(cls, clicks) -> None:
    table = clicks.iloc[:0].assign(y=0.0)
    with pytest.raises(ValueError, match=r"Got none|0 sample"):
        cls().fit(table[["user", "age"]], table["y"])
