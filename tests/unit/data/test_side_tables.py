"""Tables with side tables: joined for those who want it, referenced by those who can."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
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
from fieldfare.exceptions import DataError, SchemaError
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
    with pytest.raises(SchemaError, match="do not compare"):
        JoinedTable(ratings, {"user": films.rename(columns={"film": "user"})}).head(1)
