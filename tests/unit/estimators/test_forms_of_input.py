"""The forms that users of other libraries give samples in: all mean the same, or are refused."""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse

from fieldfare import FieldfareError, load_data, predict, train
from fieldfare.estimators import (
    BayesianFMClassifier,
    BayesianFMRegressor,
    FMClassifier,
    FMRanker,
    FMRegressor,
    LinearClassifier,
)
from fieldfare.exceptions import DataError, SchemaError
from fieldfare.schema.schema import Schema

N = 60
TABLE = pd.DataFrame({"user": ["ann", "bob"] * 30, "item": ["p", "p", "q"] * 20})
Y = np.array([0, 1] * 30)
COLUMNS: dict[str, list[str]] = TABLE.to_dict("list")
SETTINGS: dict[str, Any] = {"max_iter": 2, "random_state": 0, "n_jobs": 1}

TABLES: dict[str, Callable[[], Any]] = {
    "pandas": lambda: TABLE,
    "other order": lambda: TABLE[["item", "user"]],
    "more columns": lambda: TABLE.assign(more=1),
    "polars": lambda: pl.DataFrame(COLUMNS).select("item", "user"),
    "polars, lazy": lambda: pl.DataFrame(COLUMNS).lazy(),
    "Arrow": lambda: pa.table(COLUMNS),
    "Arrow batch": lambda: pa.RecordBatch.from_pydict(COLUMNS),
    "Arrow reader": lambda: pa.table(COLUMNS).to_reader(),
    "dict of lists": lambda: COLUMNS,
    "dict of arrays": lambda: {name: TABLE[name].to_numpy() for name in ("item", "user")},
    "dict of Series": lambda: dict(TABLE.items()),
    "list of dicts": lambda: TABLE.to_dict("records"),
    "tuple of dicts": lambda: tuple(TABLE.to_dict("records")),
    "generator of dicts": lambda: iter(TABLE.to_dict("records")),
    "parts": lambda: [TABLE[:20], TABLE[20:]],
    "generator of parts": lambda: iter([TABLE[:20], TABLE[20:]]),
    "list of Series": lambda: [row for _, row in TABLE.iterrows()],
    "structured array": lambda: TABLE.to_records(index=False),
}


@pytest.fixture(scope="module")
def model() -> FMClassifier:
    return FMClassifier(**SETTINGS).fit(TABLE, Y)


@pytest.mark.parametrize("form", TABLES)
def test_columns_are_found_by_name_in_every_form_of_table(form: str, model: FMClassifier) -> None:
    want = model.predict_proba(TABLE)
    assert np.array_equal(model.predict_proba(TABLES[form]()), want)
    assert np.allclose(predict(model.model_, TABLES[form]()), want[:, 1])
    if form != "more columns":
        fitted = FMClassifier(**SETTINGS).fit(TABLES[form](), Y)
        assert sorted(fitted.feature_names_in_) == ["item", "user"]
        assert np.allclose(fitted.predict_proba(TABLES[form]()).sum(axis=1), 1)


def test_a_missing_column_is_named(model: FMClassifier) -> None:
    with pytest.raises(SchemaError, match="no column 'item'"):
        model.predict(TABLE[["user"]])


@pytest.mark.parametrize("rows", [np.arange(120.0).reshape(N, 2)])
def test_lists_of_rows_are_matrices(rows: Any) -> None:
    want = FMClassifier(**SETTINGS).fit(rows, Y).predict_proba(rows)
    for form in (rows.tolist(), list(rows), [tuple(row) for row in rows], list(map(list, rows))):
        assert np.array_equal(FMClassifier(**SETTINGS).fit(form, Y).predict_proba(form), want)
        found = train(form, target=Y, **SETTINGS).model
        assert np.allclose(predict(found, form), want[:, 1])


def test_lists_of_rows_of_text_are_tables() -> None:
    rows = TABLE.to_numpy()
    for form in (rows, rows.tolist(), list(rows), [tuple(row) for row in rows]):
        assert load_data(form, target=Y).schema.names_in_table == ["x0", "x1"]
        assert FMClassifier(**SETTINGS).fit(form, Y).schema_.names_in_table == ["x0", "x1"]
    with pytest.raises(DataError, match="Row 1 is 1 values"):
        load_data([["a", "b"], ["c"]], target=[0, 1])


# --- one sample -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "row",
    [
        {"user": "ann", "item": "p"},
        TABLE.iloc[0],
        {"user": np.array("ann"), "item": "p"},
        next(TABLE.itertuples()),
    ],
)
def test_one_sample_may_be_a_dict_or_a_row(row: Any, model: FMClassifier) -> None:
    assert np.array_equal(model.predict_proba(row), model.predict_proba(TABLE[:1]))
    assert np.allclose(predict(model.model_, row), model.predict_proba(TABLE[:1])[:, 1])


def test_one_sample_may_have_lists_in_its_cells() -> None:
    tagged = TABLE.assign(tags=[["new", "red"][: i % 3] for i in range(N)])
    model = FMClassifier(**SETTINGS).fit(tagged, Y)
    expected = model.predict_proba(tagged[2:3])
    for row in (tagged.iloc[2].to_dict(), tagged.iloc[2], {**tagged.iloc[2], "extra": {"a": [1]}}):
        assert np.array_equal(model.predict_proba(row), expected)


@pytest.mark.parametrize("row", [["ann", "p"], ["ann", 3], ("ann", "p")])
def test_one_sample_without_names_is_refused_with_what_to_pass(
    row: Any, model: FMClassifier
) -> None:
    with pytest.raises(DataError, match="columns 'user', 'item', .* or one sample as a dict"):
        model.predict(row)


def test_a_sparse_matrix_that_is_a_mapping_is_a_matrix() -> None:
    X = scipy.sparse.random(N, 3, density=0.5, random_state=0).todok()
    model = LinearClassifier(**SETTINGS).fit(X, Y)
    assert np.array_equal(model.predict(X), model.predict(X.tocsr()))


def test_text_is_one_value_and_not_its_letters() -> None:
    assert len(load_data({"user": "ann", "item": "bob"}, labelled=False)) == 1
    with pytest.raises(SchemaError, match="'item' is the value 'p'"):
        load_data({"user": ["ann", "bob"], "item": "p"}, labelled=False)
    with pytest.raises(SchemaError, match=r"to_dict\('list'\)"):
        load_data(TABLE.to_dict(), labelled=False)


@pytest.mark.parametrize("odd", [TABLE["user"], pl.Series("user", ["ann"]), "abc.csv", 3, None])
def test_what_is_no_sample_is_refused_by_every_door(odd: Any, model: FMClassifier) -> None:
    with pytest.raises(DataError):
        model.predict(odd)
    with pytest.raises(DataError):
        predict(model.model_, odd)


# --- columns named by numbers ---------------------------------------------------------------------


def test_columns_named_by_numbers_are_found_by_them() -> None:
    frame = pd.DataFrame([[0, "a", "p", 1.0], [1, "b", "q", 2.0]] * 30)
    model = FMClassifier(**SETTINGS).fit(frame, 0, sample_weight=3)
    assert list(model.feature_names_in_) == ["1", "2"]
    named = FMClassifier(**SETTINGS).fit(frame.rename(columns=str), "0", sample_weight="3")
    for X in (frame, frame.drop(columns=0), frame[[2, 1]]):
        assert np.array_equal(
            model.predict_proba(X), named.predict_proba(frame.rename(columns=str))
        )
    assert model.score(frame, 0) == 1
    assert model.score(frame, frame[0]) == 1
    with pytest.raises(DataError, match="no column 9"):
        model.fit(frame, 9)


def test_columns_of_numbers_are_found_by_their_numbers() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(N, 3)))
    model = FMRegressor(**SETTINGS).fit(frame, 3 * frame[0])
    want = model.predict(frame)
    assert np.array_equal(model.predict(frame[[2, 0, 1]]), want)
    assert np.array_equal(model.predict(frame.rename(columns=int)), want)
    assert np.array_equal(model.predict(frame.to_numpy()), want)


def test_a_number_is_a_position_where_columns_have_names() -> None:
    table = TABLE.assign(y=Y)
    by_name = FMClassifier(**SETTINGS).fit(table, "y")
    for X in (table, pl.DataFrame(table.to_dict("list")), table.to_dict("list")):
        assert np.array_equal(
            FMClassifier(**SETTINGS).fit(X, 2).predict_proba(X), by_name.predict_proba(table)
        )
    with pytest.raises(DataError, match="columns have no names"):
        FMClassifier().fit(np.eye(3), 0)


def test_names_of_columns_may_be_mixed() -> None:
    frame = TABLE.rename(columns={"item": 5})
    model = FMClassifier(**SETTINGS).fit(frame, Y)
    assert list(model.feature_names_in_) == ["user", "5"]
    assert np.array_equal(model.predict(frame[[5, "user"]]), model.predict(frame))


# --- validation data ------------------------------------------------------------------------------

PAIR = (TABLE, Y)
WITH_TARGET = TABLE.assign(y=Y)


@pytest.mark.parametrize(
    "eval_set", [PAIR, [PAIR], [TABLE, Y], [TABLE, list(Y)], [(TABLE.to_dict("list"), Y)]]
)
def test_eval_set_takes_the_forms_of_other_libraries(eval_set: Any) -> None:
    want = FMClassifier(**SETTINGS).fit(TABLE, Y, eval_set=PAIR).history_
    found = FMClassifier(**SETTINGS).fit(TABLE, Y, eval_set=eval_set).history_
    assert found.best["valid_loss"] == want.best["valid_loss"]


@pytest.mark.parametrize(
    "table",
    [
        WITH_TARGET,
        pl.DataFrame(WITH_TARGET.to_dict("list")).lazy(),
        [WITH_TARGET[:30], WITH_TARGET[30:]],
    ],
)
def test_eval_set_may_bring_the_named_target(table: Any) -> None:
    want = FMClassifier(**SETTINGS).fit(TABLE, Y, eval_set=PAIR).history_
    found = FMClassifier(**SETTINGS).fit(WITH_TARGET, "y", eval_set=table).history_
    assert found.best["valid_loss"] == want.best["valid_loss"]


@pytest.mark.parametrize(
    ("eval_set", "message"),
    [
        ([PAIR, PAIR], "one set of validation data"),
        ((TABLE, Y, Y), "tuple of 3"),
        ([(TABLE,)], "eval_set"),
        (TABLE, "without labels"),
    ],
)
def test_other_eval_sets_are_refused_by_name(eval_set: Any, message: str) -> None:
    for estimator in (FMClassifier(**SETTINGS), BayesianFMRegressor(n_samples=2, n_warmup=1)):
        with pytest.raises(DataError, match="eval_set") as caught:
            estimator.fit(TABLE, Y, eval_set=eval_set)
        if not isinstance(eval_set, list) or len(eval_set) > 1:
            assert message in str(caught.value)


@pytest.mark.filterwarnings("ignore:100% of the validation rows")
def test_eval_sets_of_rankers_bring_groups_too() -> None:
    table = pd.DataFrame(
        {"q": np.repeat([f"q{i}" for i in range(10)], 6), "item": list("abcdef") * 10}
    ).assign(y=[0, 1, 2, 0, 1, 2] * 10)
    X, y, q = table[["q", "item"]], table["y"], table["q"]
    want = FMRanker(**SETTINGS).fit(X, y, qid=q, eval_set=(X, y, q)).history_.best["valid_loss"]
    for eval_set in ([(X, y, q)], table):
        found = FMRanker(**SETTINGS).fit(table, "y", qid="q", eval_set=eval_set)
        assert found.history_.best["valid_loss"] == want
    with pytest.raises(DataError, match=r"\(X, y, qid\)"):
        FMRanker(**SETTINGS).fit(X, y, qid=q, eval_set=(X, y))


# --- types of columns -----------------------------------------------------------------------------

_KINDS: dict[str, Any] = {
    "Int64": pd.array([1, None, 3] * 20, dtype="Int64"),
    "Float64": pd.array([1.5, None, 3] * 20, dtype="Float64"),
    "boolean": pd.array([True, None, False] * 20, dtype="boolean"),
    "string": pd.array(["x", None, "z"] * 20, dtype="string"),
    "category": pd.Categorical(["x", None, "z"] * 20),
    "UUID": [uuid.UUID(int=i % 5) for i in range(N)],
    "period": pd.period_range("2020-01", periods=N, freq="M"),
    "cut": pd.cut(np.arange(N), 5),
    "interval": pd.arrays.IntervalArray.from_breaks(np.arange(7.0)).repeat(10),
    "decimal": [Decimal("1.5") * i for i in range(N)],
    "timedelta": pd.to_timedelta(np.arange(N), unit="h"),
}


@pytest.mark.parametrize("kind", _KINDS)
def test_columns_of_every_type_are_encoded(kind: str) -> None:
    frame = TABLE.assign(c=_KINDS[kind])
    model = FMClassifier(**SETTINGS).fit(frame, Y)
    found = train(frame.assign(y=Y), target="y", **SETTINGS).model
    used = [
        column.kind for column in model.schema_.columns if (column.source or column.name) == "c"
    ]
    assert set(used) - {"ignore", "datetime"}
    assert np.allclose(predict(found, frame), model.predict_proba(frame)[:, 1])


def test_intervals_are_called_by_their_text() -> None:
    schema = Schema.infer({"c": pd.cut(np.arange(N), 3)}, target=None)
    assert "c=(19.667, 39.333]" in schema.fit({"c": pd.cut(np.arange(N), 3)}).feature_names


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.arange(N) * 1j, "complex numbers"),
        ([complex(i, 1) for i in range(N)], "complex numbers"),
        ([object() for _ in range(N)], "type object"),
    ],
)
def test_columns_that_cannot_be_encoded_are_named(values: Any, words: str) -> None:
    frame = TABLE.assign(odd=values)
    for door in (
        lambda: FMClassifier(**SETTINGS).fit(frame, Y),
        lambda: train(frame.assign(y=Y), target="y", **SETTINGS),
    ):
        with pytest.raises(SchemaError, match=f"'odd' cannot be read: .*{words}"):
            door()


# --- labels ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (pd.array(Y, dtype="Int64"), [0, 1]),
        (pd.array(Y == 1, dtype="boolean"), [False, True]),
        ((Y == 1).astype(object), [False, True]),
        (pd.Categorical(Y.astype(str)), ["0", "1"]),
        (pl.Series(Y), [0, 1]),
        (pa.chunked_array([Y]), [0, 1]),
        (tuple(Y.tolist()), [0, 1]),
        ([Decimal(i) for i in Y.tolist()], [0.0, 1.0]),
    ],
)
def test_labels_keep_their_type(y: Any, classes: list[Any]) -> None:
    found = LinearClassifier(**SETTINGS).fit(TABLE, y).classes_.tolist()
    assert found == classes
    assert type(found[0]) is type(classes[0])


@pytest.mark.parametrize("y", [iter(Y), {"y": Y}, set(Y), pl.col("y")])
def test_what_cannot_be_labels_is_refused(y: Any) -> None:
    with pytest.raises(FieldfareError, match="one label per sample"):
        FMClassifier(**SETTINGS).fit(TABLE, y)


@pytest.mark.parametrize("y", [Y * 1j, (Y * 1j).tolist(), pd.Series(Y * 1j)])
def test_complex_labels_are_refused_without_printing_them(y: Any) -> None:
    with pytest.raises(DataError, match=r"^Complex data not supported: .*y\.real"):
        FMClassifier(**SETTINGS).fit(TABLE, y)


def test_a_missing_target_is_asked_for_where_it_is_missing() -> None:
    labelled = TABLE.assign(y=Y)
    with pytest.raises(DataError, match="name the target column, as in y='clicked'"):
        FMClassifier(**SETTINGS).fit(labelled)
    with pytest.raises(SchemaError, match="^In eval_set: There is no column 'y'"):
        FMClassifier(**SETTINGS).fit(labelled, "y", eval_set=TABLE)


def test_no_form_gives_a_warning(model: FMClassifier) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for form in TABLES.values():
            model.predict(form())
    assert caught == []


# --- probabilities --------------------------------------------------------------------------------


def test_logarithms_of_probabilities_are_exact_where_probabilities_are_not() -> None:
    for labels in (Y, np.arange(N) % 3):
        model = FMClassifier(**SETTINGS).fit(TABLE, labels)
        assert np.allclose(np.exp(model.predict_log_proba(TABLE)), model.predict_proba(TABLE))
    model.model_.bias[:] = [-2000, 0, 0]
    assert np.isfinite(model.predict_log_proba(TABLE)).all()
    sampled = BayesianFMClassifier(n_samples=2, n_warmup=1, random_state=0).fit(TABLE, Y)
    assert np.allclose(np.exp(sampled.predict_log_proba(TABLE)), sampled.predict_proba(TABLE))


@pytest.mark.parametrize("form", [list, np.asarray, lambda x: np.asarray(x)[:, None]])
@pytest.mark.parametrize("kind", [int, str])
def test_a_list_of_columns_is_refused_with_the_table_to_pass(form, kind):
    users, items = [kind(i % 3) for i in range(12)], [kind(i % 4) for i in range(12)]
    columns = [form(users), form(items)]
    with pytest.raises(DataError, match=r"X is a list of 2 columns of 12 cells.*\{'user': users"):
        FMClassifier().fit(columns, [0, 1] * 6)
    # As many columns as samples are samples.
    FMClassifier(max_iter=1).fit([np.array([0.0, 1]), np.array([1.0, 0])], [0, 1])
