"""Tables with side tables: joined for those who want it, referenced by those who can."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import r2_score
from tests.kernels.test_coordinate import dense

import fieldfare
from fieldfare import (
    BayesianFMClassifier,
    BayesianFMOrdinalRegressor,
    BayesianFMRegressor,
    FMRegressor,
    JoinedTable,
)
from fieldfare.data.dataset import AnyDataset, RelatedDataset
from fieldfare.data.loading import load, read_dataset
from fieldfare.data.road import Options
from fieldfare.exceptions import ConfigError, ConvergenceWarning, DataError, SchemaError
from fieldfare.rows import RelatedRows
from fieldfare.schema.schema import Schema

pd = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")

QUICK: dict[str, Any] = {"n_factors": 2, "random_state": 0, "n_jobs": 1}


def tables(n: int = 400, seed: int = 0) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    users = pd.DataFrame({"user": [f"u{i}" for i in range(12)], "age": rng.integers(15, 70, 12),
                          "town": rng.choice(list("abc"), 12)})  # fmt: skip
    films = pd.DataFrame({"film": range(100, 109), "kinds": [
        list(rng.choice(["war", "love", "crime"], rng.integers(1, 3), replace=False))
        for _ in range(9)
    ]})  # fmt: skip
    u, f = rng.integers(0, 12, n), rng.integers(0, 9, n)
    taste = rng.normal(size=(12, 9))
    ratings = pd.DataFrame({"user": users.user[u].values, "film": films.film[f].values,
                            "hour": rng.integers(0, 4, n).astype(str),
                            "stars": np.clip(np.round(3 + taste[u, f]), 1, 5)})  # fmt: skip
    return ratings, users, films


def load_unjoined(source: Any, **options: Any) -> AnyDataset:
    return read_dataset(source, Options(**options, join=False))


def joined_frame(ratings: Any, users: Any, films: Any) -> Any:
    return ratings.merge(users, on="user", how="left").merge(films, on="film", how="left")


def test_references_hold_what_the_joined_table_holds() -> None:
    ratings, users, films = tables()
    table = JoinedTable(ratings, {"user": users, "film": films})
    whole = load(joined_frame(ratings, users, films), target="stars")
    joined, related = load(table, target="stars"), load_unjoined(table, target="stars")
    assert isinstance(related.rows, RelatedRows)
    assert [rows.nnz for rows in (whole.rows, joined.rows, related.rows)] == [whole.rows.nnz] * 3
    assert list(joined.schema.feature_names) == list(whole.schema.feature_names)
    p = whole.schema.n_features
    X = dense(whole.rows, p)
    np.testing.assert_array_equal(dense(joined.rows, p), X)
    np.testing.assert_array_equal(dense(related.rows.join(), p), X)
    np.testing.assert_array_equal(related.rows.target, whole.rows.target)
    assert load_unjoined(ratings, target="stars").rows.n_rows == 400


def test_tables_that_are_not_joined_take_the_same_options() -> None:
    ratings, users, films = tables(n=40)
    table = JoinedTable(ratings.drop(columns="stars"), {"user": users, "film": films})
    related = load_unjoined(table, target=ratings.stars, weight=np.full(40, 2.0))
    assert isinstance(related, RelatedDataset)
    joined = load(related)
    np.testing.assert_array_equal(joined.rows.target, ratings.stars)
    np.testing.assert_array_equal(joined.rows.weight, np.full(40, 2.0))
    assert joined.schema is related.schema
    assert load_unjoined(related, labelled=False).rows.target is None
    for read in (load, load_unjoined):
        with pytest.raises(SchemaError, match="expects numbered features"):
            read(table, schema=Schema.indexed(5, 0), labelled=False)
        with pytest.raises(DataError, match="encoded already"):
            read(related, fields=[0])


def test_keys_without_a_side_row_have_missing_values() -> None:
    ratings, users, films = tables()
    table = JoinedTable(ratings, {"user": users[3:], "film": films})
    frame = joined_frame(ratings, users[3:], films)
    related, joined = load_unjoined(table, target="stars"), load(table, target="stars")
    p = related.schema.n_features
    np.testing.assert_array_equal(dense(related.rows.join(), p), dense(joined.rows, p))
    assert frame.town.isna().any()
    assert joined.rows.nnz == load(frame, target="stars", schema=joined.schema).rows.nnz


@pytest.mark.parametrize(
    ("cls", "model"),
    [
        (BayesianFMRegressor, "fm"),
        (BayesianFMClassifier, "fm"),
        (BayesianFMOrdinalRegressor, "fm"),
        (BayesianFMRegressor, "hofm"),
    ],
)
def test_bayesian_estimators_sample_on_side_tables(cls: type, model: str) -> None:
    ratings, users, films = tables()
    if cls is BayesianFMClassifier:
        ratings["stars"] = (ratings.stars > 3).astype(int)
    sides = {"user": users, "film": films}
    table, valid = (JoinedTable(part, sides) for part in (ratings[:300], ratings[300:]))
    settings = {**QUICK, "model": model, "n_warmup": 3, "n_samples": 10}
    fitted = cls(**settings).fit(table, "stars", eval_set=valid)
    frame = joined_frame(ratings, users, films)
    X = frame.drop(columns="stars")
    np.testing.assert_allclose(fitted.predict(valid), fitted.predict(X[300:]), rtol=1e-5)
    kept = fitted.eval_prediction_
    assert len(kept) == 100
    if cls is BayesianFMRegressor:
        np.testing.assert_allclose(kept, fitted.predict(valid), rtol=1e-4)
        result = fieldfare.sample(table, target="stars", task="regression", **settings)
        np.testing.assert_array_equal(result.posterior.factors, fitted.posterior_.factors)
    # The draws are the same numbers, whether the rows are joined or not, but for rounding.
    whole = cls(**settings).fit(X[:300], ratings.stars[:300])
    np.testing.assert_allclose(whole.trace_["bias"], fitted.trace_["bias"], rtol=0.02, atol=0.02)


def test_als_trains_on_side_tables_and_other_solvers_on_joined_rows() -> None:
    ratings, users, films = tables()
    table = JoinedTable(ratings, {"user": users, "film": films})
    frame = joined_frame(ratings, users, films)
    common = {**QUICK, "solver": "als", "max_iter": 4, "l2_factors": 0.05, "l2_linear": 0.05}
    one = fieldfare.train(table, target="stars", task="regression", **common).model
    two = fieldfare.train(frame, target="stars", task="regression", **common).model
    np.testing.assert_allclose(one.factors, two.factors, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(
        fieldfare.predict(one, table), fieldfare.predict(two, frame), rtol=1e-3
    )
    estimator = FMRegressor(**common).fit(table, "stars")
    np.testing.assert_array_equal(estimator.model_.factors, one.factors)
    with pytest.warns(ConvergenceWarning):  # four sweeps are few
        early = fieldfare.train(table, target="stars", early_stopping=True, **common)
    assert "valid_rmse" in early.history.columns
    other = fieldfare.train(table, target="stars", max_iter=1, **QUICK)
    assert other.model.n_features == one.n_features


def test_tables_that_do_not_join_are_refused() -> None:
    ratings, users, films = tables(20)
    with pytest.raises(SchemaError, match="no column 'name' to join by"):
        JoinedTable(ratings, {"name": users})
    with pytest.raises(SchemaError, match="side table has no column 'hour'"):
        JoinedTable(ratings, {"hour": users})
    with pytest.raises(SchemaError, match="'town' is in the side table of 'film'"):
        JoinedTable(ratings, {"user": users, "film": films.assign(town="x")})
    with pytest.raises(DataError, match="keys that occur twice"):
        JoinedTable(ratings, {"user": pd.concat([users, users])})
    with pytest.raises(DataError, match="missing keys"):
        JoinedTable(ratings, {"user": users.assign(user=None)})
    strange = JoinedTable(ratings, {"film": films.assign(film=list("abcdefghi"))})
    assert strange.head(2).num_rows == 2
    with pytest.raises(SchemaError, match="cannot be compared"):
        JoinedTable(ratings, {"user": films.rename(columns={"film": "user"})}).head(1)


@pytest.mark.parametrize("solver", ["als", "adagrad"])
def test_an_estimator_is_scored_on_side_tables(solver):
    table = JoinedTable(
        {"user": ["a", "b", "c"] * 20, "stars": [1.0, 3.0, 5.0] * 20},
        {"user": {"user": ["a", "b", "c"], "age": [20.5, 40.5, 60.5]}},
    )
    estimator = FMRegressor(solver=solver, max_iter=3, random_state=0).fit(table, "stars")
    joined = load(table, target="stars").rows.with_(target=None)
    expected = r2_score([1.0, 3.0, 5.0] * 20, estimator.predict(joined))
    assert estimator.score(table, "stars") == pytest.approx(expected)
    related = read_dataset(table, Options(target="stars", join=False))
    assert estimator.score(related) == pytest.approx(expected)
    np.testing.assert_array_equal(estimator.predict(related.rows), estimator.predict(table))


def test_side_tables_join_a_generator_that_is_read_once():
    parts = [{"user": ["a", "b"], "stars": [1, 2]}, {"user": ["c", "z"], "stars": [2, 1]}]
    sides = {"user": {"user": ["a", "b", "c"], "age": [20.5, 40.5, 60.5]}}
    expected = load(JoinedTable(pd.concat(map(pd.DataFrame, parts)), sides), target="stars")
    found = load(JoinedTable(map(pd.DataFrame, parts), sides), target="stars")
    np.testing.assert_array_equal(found.rows.indices, expected.rows.indices)
    assert found.schema.digest == expected.schema.digest


def test_a_side_table_in_parts_of_other_types_is_one_table():
    sides = [
        pd.DataFrame({"user": ["a"], "age": [20]}),
        pd.DataFrame({"user": ["b"], "age": [4.5]}),
    ]
    main = {"user": ["a", "b"], "stars": [1, 2]}
    expected = load(JoinedTable(main, {"user": pd.concat(sides)}), target="stars")
    found = load(JoinedTable(main, {"user": sides}), target="stars")
    np.testing.assert_array_equal(found.rows.values, expected.rows.values)


@pytest.mark.parametrize("sides", [None, [{"user": ["a"]}], "users.csv"])
def test_side_tables_that_are_no_mapping_are_refused(sides):
    with pytest.raises(ConfigError, match="'sides' .* must be a mapping"):
        JoinedTable({"user": ["a", "b"], "stars": [1, 2]}, sides)
