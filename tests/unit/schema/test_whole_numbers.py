"""Whole numbers that name things are categories, those that measure are numbers."""

from __future__ import annotations

import warnings
from random import Random
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fieldfare.data.inspect import inspect
from fieldfare.data.loading import load
from fieldfare.schema.schema import Schema
from fieldfare.schema.whole_numbers import WholeNumbers, judge

N = 3000
RNG = np.random.default_rng(7)


def ids(n_values: int, high: int, low: int = 0, skew: float = 1.0) -> np.ndarray[Any, Any]:
    """Return rows of ids that are spread over a range, some more frequent than others."""
    values = (
        RNG.choice(high - low, n_values, replace=False)
        if high - low < 1e7
        else RNG.integers(0, high - low, n_values)
    )
    return low + values[(n_values * RNG.random(N) ** skew).astype(int)]


def bell(mean: float, deviation: float) -> np.ndarray[Any, Any]:
    return RNG.normal(mean, deviation, N).round().astype(np.int64)


CODES = {
    "hashes of 62 bits": ids(200, 2**62),
    "hashes that are negative, too": RNG.integers(-(2**62), 2**62, 200)[RNG.integers(0, 200, N)],
    "unsigned hashes": (RNG.integers(0, 2**63, 90).astype(np.uint64) * 2)[RNG.integers(0, 90, N)],
    "hashes of which few repeat": ids(2500, 2**62),
    "keys with gaps": ids(300, 10**6),
    "codes of few digits": ids(80, 9000, 1000),
    "zip codes": ids(150, 99_999, 1000),
    "dense numbers of shops of unlike size": ids(60, 60, 0, skew=3.0),
    "dense numbers, each as frequent": RNG.integers(1, 101, N),
    "numbers from an offset": 7_000_000 + RNG.integers(0, 300, N),
    "multiples of a thousand": 1000 * ids(200, 10**5),
}
MEASURES = {
    "ages": np.clip(bell(42, 12), 18, 90),
    "heights": bell(175, 9),
    "years of birth": 2020 - np.clip(bell(42, 12), 18, 90),
    "ages in months": 12 * np.clip(bell(42, 12), 0, 90),
    "temperatures below zero": bell(-40, 12),
    "counts": RNG.poisson(60, N),
    "counts with a heavy tail": np.exp(RNG.normal(3, 1.5, N)).astype(np.int64),
    "counts that are mostly zero": np.where(RNG.random(N) < 0.9, 0, RNG.geometric(0.02, N)),
    "amounts": np.exp(RNG.normal(9, 1, N)).astype(np.int64),
    "amounts in hundreds": 100 * np.exp(RNG.normal(4, 0.7, N)).astype(np.int64),
    "seconds since 1970": 1_700_000_000 + 60 * RNG.integers(0, 2000, N),
    "milliseconds since 1970": 1_700_000_000_000 + 1000 * RNG.integers(0, 900, N),
}


def kind(values: Any, name: str = "x") -> str:
    return Schema.infer(pd.DataFrame({name: values}), ignore=None).column(name).kind


@pytest.mark.parametrize("what", CODES)
def test_codes_are_categories_under_any_name(what: str) -> None:
    schema = Schema.infer(pd.DataFrame({"x": CODES[what]}))
    assert schema.column("x").kind == "categorical"
    assert "numeric=['x']" in schema.notes[0]


@pytest.mark.parametrize("what", MEASURES)
def test_measures_are_numbers_under_any_name(what: str) -> None:
    schema = Schema.infer(pd.DataFrame({"x": MEASURES[what]}))
    assert schema.column("x").kind == "numeric"
    assert schema.notes == ()


@pytest.mark.parametrize("what", CODES | MEASURES)
def test_missing_cells_change_nothing(what: str) -> None:
    values = (CODES | MEASURES)[what]
    with_gaps = pd.Series(values).astype("UInt64" if values.dtype == np.uint64 else "Int64")
    with_gaps[::7] = pd.NA
    assert kind(with_gaps) == kind(values)
    if np.abs(values.astype(float)).max() < 2**53:
        assert kind(with_gaps.astype("float64")) == kind(values)  # what pandas makes of them


@pytest.mark.parametrize("what", CODES | MEASURES)
def test_the_order_of_rows_and_the_form_of_the_table_change_nothing(
    what: str, tmp_path: Any
) -> None:
    values = (CODES | MEASURES)[what]
    expected = kind(values)
    assert kind(np.sort(values)) == kind(RNG.permutation(values)) == expected
    if values.dtype != np.uint64:  # of which a file has no type
        pd.DataFrame({"x": values}).to_csv(tmp_path / "x.csv", index=False)
        assert Schema.infer(str(tmp_path / "x.csv")).column("x").kind == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0, 1], "categorical"), ([1, 2, 3, 4, 5], "categorical"), ([-99, -1, 1, 2, 3], "categorical"),
     (range(1, 32), "categorical")],
)  # fmt: skip
def test_few_values_are_categories(values: Any, expected: str) -> None:
    assert kind(RNG.choice(list(values), N)) == expected


@pytest.mark.parametrize("name", ["price", "lead_time", "hours-per-week", "NumberOfDays", "amount"])
def test_a_name_of_a_measure_is_believed(name: str) -> None:
    assert kind(ids(100, 10**6), name) == "numeric"


@pytest.mark.parametrize(
    "name", ["visitor", "product_key", "zip", "shopId", "price_code", "userid", "movie", "city"]
)
def test_a_name_of_things_is_believed(name: str) -> None:
    assert kind(np.clip(bell(42, 12), 18, 90), name) == "categorical"


@pytest.mark.parametrize("name", ["bid", "paid", "amount_paid", "grid"])
def test_words_that_only_end_like_ids_name_no_things(name: str) -> None:
    assert kind(np.clip(bell(42, 12), 18, 90), name) == "numeric"


@pytest.mark.parametrize("what", ["counts with a heavy tail", "counts that are mostly zero"])
def test_heavy_tails_get_bins(what: str) -> None:
    column = Schema.infer(pd.DataFrame({"x": MEASURES[what]})).column("x")
    assert (column.kind, column.transform) == ("numeric", "quantile")


def test_a_hint_overrules_everything() -> None:
    table = pd.DataFrame({"x": CODES["keys with gaps"], "n": MEASURES["counts with a heavy tail"]})
    schema = Schema.infer(table, numeric=["x", "n"])
    assert {(c.kind, c.transform) for c in schema.columns} == {("numeric", "standardize")}
    assert schema.notes == ()


def test_an_identifier_of_rows_is_ignored_with_a_note() -> None:
    """A warning would be too much: many sound tables have such a column."""
    table = pd.DataFrame({"PassengerId": RNG.permutation(900) + 1, "age": bell(42, 12)[:900]})
    schema = Schema.infer(table)
    assert schema.column("PassengerId").kind == "ignore"
    assert "'PassengerId' identifies rows" in schema.notes[0]
    assert "categorical=['PassengerId']" in schema.notes[0]
    assert schema.fit(table).notes == schema.notes
    assert schema.edit("PassengerId", kind="categorical").notes == ()
    assert Schema.infer(table, categorical=["PassengerId"]).columns[0].kind == "categorical"


def test_identifiers_may_have_a_point() -> None:
    """As those of web analytics have, "1890000000.1612345678"; a bid is none."""
    table = pd.DataFrame({"pseudo_id": RNG.integers(0, 50, 300) + 0.5, "bid": RNG.random(300)})
    assert [column.kind for column in Schema.infer(table).columns] == ["categorical", "numeric"]


def test_notes_say_how_often_codes_occur() -> None:
    numbers = np.tile(np.arange(1, 201), 20)
    schema = Schema.infer(pd.DataFrame({"x": numbers}))
    assert "all about equally frequent: taken for categories" in schema.notes[0]


@pytest.mark.parametrize("n_rows", [50, 10_000, 12_000])
def test_ids_may_repeat_in_rows_that_were_not_seen(n_rows: int) -> None:
    """Too few rows tell nothing, and the first ten thousand are not all."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = pd.DataFrame({"device_id": np.arange(n_rows)})
        assert Schema.infer(table).column("device_id").kind == "categorical"


def test_users_and_items_are_never_ignored() -> None:
    assert kind(np.arange(900), "user_id") == "categorical"


def test_numbers_of_rows_are_noted_and_found() -> None:
    table = pd.DataFrame({"row": np.arange(900), "y": RNG.integers(0, 2, 900)})
    schema = Schema.infer(table, target="y")
    assert schema.column("row").kind == "numeric"
    assert "ignore=['row']" in schema.notes[0]
    assert any(
        "'row' has a different value in (nearly) each row" in f
        for f in inspect(table, "y").findings
    )


def test_inspect_says_why() -> None:
    table = pd.DataFrame({"x": CODES["keys with gaps"], "age": MEASURES["ages"], "t": ["a"] * N})
    found = inspect(table)
    assert set(found.reasons) == {"x", "age", "t"}
    assert "with gaps between them" in found.reasons["x"]
    assert "taken for" in str(found)
    assert found.reasons["x"] in str(found)


def test_notes_stay_with_a_schema_and_change_nothing() -> None:
    table = pd.DataFrame({"x": CODES["keys with gaps"], "y": RNG.integers(0, 2, N)})
    schema = load(table, target="y").schema
    assert len(schema.notes) == 1
    again = Schema.from_json(*schema.to_json())
    assert again.notes == schema.notes
    bare = Schema(schema.columns, "y").fit(table)
    assert bare.notes == ()
    assert bare.digest == schema.digest


@example([0, 2**53 - 2, 2**53 + 1], Random(0))
@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=60),
    st.randoms(use_true_random=False),
)
def test_any_whole_numbers_are_judged_alike_in_any_order(numbers: list[int], random: Any) -> None:
    first = WholeNumbers.of(np.array(numbers, np.int64))
    random.shuffle(numbers)
    assert WholeNumbers.of(np.array(numbers, np.int64)) == first
    assert 0 < first.filled <= 1.001
    assert judge("x", first).column.kind in ("categorical", "numeric")


def test_things_numbered_through_are_codes_where_names_say_nothing() -> None:
    rng = np.random.default_rng(0)
    popular = 1 + np.floor(rng.exponential(150, 20_000)).clip(max=899).astype(int)
    table = {"f1": popular, "x": popular, "y": rng.integers(0, 2, 20_000)}
    schema = load(table, target="y").schema
    assert schema.column("f1").kind == "categorical"
    assert any("'f1'" in note and "numeric=['f1']" in note for note in schema.notes)
    assert schema.column("x").kind == "numeric"


def test_seconds_of_the_nineties_may_be_times() -> None:
    rng = np.random.default_rng(0)
    stamps = 874_724_710 + np.repeat(rng.integers(0, 18_000_000, 900), 3)
    assert load({"f3": stamps, "y": stamps % 2}, target="y").schema.column("f3").kind == "numeric"
