"""The column that rows are held out by: dates, times, numbers and groups, from any source."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from fieldfare.data.loading import extend, read_dataset
from fieldfare.data.road import Options
from fieldfare.data.side_tables import JoinedTable
from fieldfare.data.split_by import SplitBy, ordered
from fieldfare.exceptions import DataError, SchemaError
from fieldfare.store.row_store import RowStore

N = 60
START = dt.datetime(2021, 5, 1, 7, 30)
MOMENTS = [START + dt.timedelta(hours=7 * i) for i in range(N)]
# Not in the order of the rows.
PLACE = np.random.default_rng(0).permutation(N)


def table(when: Any) -> pd.DataFrame:
    columns = {"user": [f"u{i % 7}" for i in range(N)], "when": when, "y": [0, 1] * (N // 2)}
    return pd.DataFrame(columns)


def split_by(source: Any, what: str = "time", column: Any = "when", **options: Any) -> Any:
    how = Options.of(**{"target": "y", "split_by": SplitBy(what, column)} | options)
    return read_dataset(source, how).rows.split_by


def order(keys: Any) -> list[int]:
    return np.argsort(np.asarray(keys), kind="stable").tolist()


TIMES = {
    "datetime64": pd.to_datetime([MOMENTS[p] for p in PLACE]),
    "with a zone": pd.to_datetime([MOMENTS[p] for p in PLACE]).tz_localize("UTC"),
    "dates": [MOMENTS[p].date() for p in PLACE],
    "iso": [MOMENTS[p].isoformat() for p in PLACE],
    "day first": [MOMENTS[p].strftime("%d.%m.%Y %H:%M") for p in PLACE],
    "times of day": [(dt.datetime(2000, 1, 1) + dt.timedelta(minutes=9 * int(p))).time()
                     for p in PLACE],
    "seconds": [int(MOMENTS[p].timestamp()) for p in PLACE],
    "negative floats": [float(p) / 3 - 7 for p in PLACE],
    "numerals": [str(int(p)) for p in PLACE],
    "yyyymmdd": [int(MOMENTS[p].strftime("%Y%m%d")) for p in PLACE],
}  # fmt: skip


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize("role", ["feature", "ignored"])
def test_times_of_all_kinds_are_put_in_order(name: str, role: str) -> None:
    how = {"ignore": ["when"]} if role == "ignored" else {}
    found = split_by(table(TIMES[name]), **how)
    ranks = np.searchsorted(np.unique(found), found)
    days = [MOMENTS[p].date() for p in PLACE]
    wanted = days if name in ("dates", "yyyymmdd") else PLACE
    np.testing.assert_array_equal(ranks, np.searchsorted(np.unique(wanted), wanted))


@pytest.mark.parametrize("name", ["iso", "seconds", "numerals"])
def test_all_sources_give_the_same_order(name: str, tmp_path: Path) -> None:
    frame = table(TIMES[name])
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    columns = {column: frame[column].tolist() for column in frame}
    sources = [
        frame, pl.from_pandas(frame), pa.Table.from_pandas(frame), columns,
        frame.to_dict("records"), (row for row in frame.to_dict("records")),
        tmp_path / "t.csv", tmp_path / "t.parquet",
    ]  # fmt: skip
    expected = order(PLACE)
    for source in sources:
        assert order(split_by(source)) == expected
    side = pd.DataFrame({"user": frame["user"].unique(), "age": range(7)})
    for join in (True, False):
        assert order(split_by(JoinedTable(frame, {"user": side}), join=join)) == expected


def test_a_store_in_the_cache_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fieldfare.data.loading.SMALL_BYTES", 0)
    table(TIMES["iso"]).to_csv(tmp_path / "t.csv", index=False)
    for _ in range(2):
        how = Options.of(target="y", split_by=SplitBy("time", "when"))
        data = read_dataset(tmp_path / "t.csv", how)
        assert data.store is not None
        assert order(RowStore.open(data.store.path).rows.split_by) == order(PLACE)
    assert read_dataset(tmp_path / "t.csv", Options.of(target="y")).rows.split_by is None


def test_groups_are_told_apart() -> None:
    found = split_by(table(range(N)), "group", "user")
    assert len(np.unique(found)) == 7
    np.testing.assert_array_equal(found, np.tile(found[:7], 9)[:N])


def test_a_column_may_be_named_by_its_position() -> None:
    assert order(split_by(table(TIMES["iso"]), column=1)) == order(PLACE)


def test_numbered_features_are_read_from_the_rows() -> None:
    x = np.stack([np.ones(N), PLACE - 20.0], axis=1).astype(np.float32)
    for source in (x, sp.csr_array(x)):
        assert order(split_by(source, column=1, target=np.zeros(N))) == order(PLACE)
        with pytest.raises(DataError, match=r"from 0 to 1.*Got 'when'"):
            split_by(source, target=np.zeros(N))


def test_more_samples_bring_their_own() -> None:
    frame = table(TIMES["iso"])
    schema = read_dataset(frame, Options.of(target="y")).schema
    how = {"target": "y", "split_by": SplitBy("time", "when")}
    assert order(extend(schema, frame, **how).rows.split_by) == order(PLACE)


def test_what_cannot_be_used_is_named() -> None:
    with pytest.raises(SchemaError, match="no column 'wen'.*Did you mean 'when'"):
        split_by(table(range(N)), column="wen")
    absent = table([None, *MOMENTS[1:]])
    for what in ("time", "group"):
        with pytest.raises(SchemaError, match="Row 0, column 'when'.*Fill in validation_column"):
            split_by(absent, what)
    with pytest.raises(SchemaError, match="Row 0, column 'user'.*a number is needed.*'u0'"):
        split_by(table(range(N)), column="user")
    encoded = read_dataset(table(range(N)), Options.of(target="y"))
    with pytest.raises(DataError, match=r"encoded already.*'when'"):
        split_by(encoded, target=None)


@given(st.lists(st.floats(allow_nan=False), min_size=2))
def test_whole_numbers_are_in_the_order_of_the_numbers(x: list[float]) -> None:
    numbers = np.array(x)
    keys = ordered(numbers)
    for i in range(len(x) - 1):
        assert (keys[i] < keys[i + 1]) == (numbers[i] < numbers[i + 1])
        assert (keys[i] == keys[i + 1]) == (numbers[i] == numbers[i + 1])
