"""One table is the same Schema and the same Rows from every source that can hold it.

What a source cannot hold is left out: text that looks like numbers, which in a CSV file is numbers.
"""

from __future__ import annotations

import csv
import decimal
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.sources.batches import assert_same

from fieldfare.data.loading import Dataset, load

Columns = dict[str, list[Any]]

WORDS = ["Rome", "Köln, Mitte", 'say "hi"', "日本", " led", "x y", "n/a", "NA", "?", "None", "true"]
EXACT = 2**50
POSTCODES = st.integers(0, 99_999).map(lambda number: f"{number:05d}")
KINDS: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "word": ("Rome", st.sampled_from([*WORDS, None])),
    "user_id": (1, st.integers(0, 30)),
    "code": ("007", st.sampled_from(["0123", "4567", None])),
    "postcode": ("00740", POSTCODES),
    "whole": (1, st.integers(-EXACT, EXACT) | st.none()),
    "small": (1, st.integers(0, 5) | st.none()),
    "real": (0.5, st.floats(-1e6, 1e6, allow_subnormal=False) | st.none()),
    "flag": (True, st.booleans() | st.none()),
    "price": (decimal.Decimal("0.25"), st.decimals(-999, 999, places=2) | st.none()),
    "tags": ("a|b", st.sampled_from(["c|d|e", "a", None])),
}
"""By the name of a column: its first value, which shows what it holds, and the others."""


@st.composite
def tables(draw: st.DrawFn) -> Columns:
    n = draw(st.integers(7, 40))
    columns = {
        name: [first, *draw(st.lists(others, min_size=n, max_size=n))]
        for name, (first, others) in KINDS.items()
        if draw(st.booleans())
    }
    return {**columns, "last": ["x"] * (n + 1), "y": [i % 2 for i in range(n + 1)]}


def plain(value: Any) -> Any:
    """Return what JSON has for a value."""
    return float(value) if isinstance(value, decimal.Decimal) else str(value)


def as_csv(columns: Columns, path: Path, separator: str = ",") -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=separator)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def as_json(columns: Columns, path: Path) -> Path:
    rows = as_dicts(columns, path)
    path.write_text("".join(json.dumps(row, default=plain) + "\n" for row in rows))
    return path


def as_ipc(columns: Columns, path: Path) -> Path:
    pl.DataFrame(pa.table(columns)).write_ipc(path)
    return path


def as_parquet(columns: Columns, path: Path) -> Path:
    pq.write_table(pa.table(columns), path, row_group_size=7)
    return path


def as_parquet_of_pandas(columns: Columns, path: Path) -> Path:
    pd.DataFrame(columns).to_parquet(path)
    return path


def as_dicts(columns: Columns, _: Path) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


FORMS: dict[str, Callable[[Columns, Path], Any]] = {
    "Arrow": lambda columns, _: pa.table(columns),
    "pandas": lambda columns, _: pd.DataFrame(columns),
    "pandas with its own types": lambda columns, _: pd.DataFrame(columns).convert_dtypes(),
    "polars": lambda columns, _: pl.DataFrame(pa.table(columns)),
    "CSV": as_csv,
    "TSV": lambda columns, path: as_csv(columns, path, "\t"),
    "Parquet": as_parquet,
    "Parquet of pandas": as_parquet_of_pandas,
    "Arrow IPC": as_ipc,
    "JSON lines": as_json,
    "dicts": as_dicts,
    "dict of columns": lambda columns, _: columns,
}


def assert_same_everywhere(columns: Columns, folder: Path) -> Dataset:
    """Check that each form of a table gives the Schema and the Rows of the first."""
    loaded = {
        name: load(form(columns, folder / "data"), target="y") for name, form in FORMS.items()
    }
    expected = loaded["Arrow"]
    for name, found in loaded.items():
        assert found.schema.columns == expected.schema.columns, name
        assert list(found.schema.feature_names) == list(expected.schema.feature_names), name
        assert found.schema.digest == expected.schema.digest, name
        assert_same(found.rows, expected.rows)
    return expected


@pytest.mark.filterwarnings("ignore::fieldfare.exceptions.DataWarning")
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(columns=tables())
def test_a_table_is_the_same_from_every_source(columns: Columns, tmp_path: Path) -> None:
    assert_same_everywhere(columns, tmp_path)


def test_ids_with_leading_zeros_are_categories_from_every_source(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    columns = {
        "postcode": [f"{number:05d}" for number in rng.integers(0, 99_999, 400)],
        "price": [decimal.Decimal(int(cents)) / 100 for cents in rng.integers(1, 99_999, 400)],
        "y": rng.integers(0, 2, 400).tolist(),
    }
    data = assert_same_everywhere(columns, tmp_path)
    assert [column.kind for column in data.schema.columns] == ["categorical", "numeric"]


def in_words(flag: bool | None) -> str | None:
    return None if flag is None else str(flag)


SPELLINGS: dict[str, Callable[[bool | None], Any]] = {
    "booleans": lambda flag: flag,
    "numbers": lambda flag: None if flag is None else int(flag),
    "decimals": lambda flag: None if flag is None else float(flag),
    "words": in_words,
    "words of JSON": lambda flag: None if flag is None else str(flag).lower(),
}


@pytest.mark.parametrize("learned", SPELLINGS)
@settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(flags=st.lists(st.booleans() | st.none(), min_size=3, max_size=20))
def test_a_boolean_is_one_value_as_word_and_as_number(
    learned: str, flags: list[bool | None], tmp_path: Path
) -> None:
    def table(spelling: str, flags: list[bool | None]) -> Columns:
        return {"flag": [SPELLINGS[spelling](flag) for flag in flags], "city": ["x"] * len(flags)}

    schema = load(table(learned, [True, False, True, None]), labelled=False).schema
    expected = schema.encode(table(learned, flags), labelled=False)
    encoder = schema.sample_encoder()
    for spelling in SPELLINGS:
        for name, form in FORMS.items():
            found = schema.encode(form(table(spelling, flags), tmp_path / "data"), labelled=False)
            np.testing.assert_array_equal(found.indices, expected.indices, f"{spelling}, {name}")
        samples = as_dicts(table(spelling, flags), tmp_path)
        ids = [id_ for sample in samples for id_ in encoder.encode(sample)[0]]
        assert ids == expected.indices.tolist()
        grown = schema.extend(table(spelling, flags))
        assert grown.n_features == schema.n_features
