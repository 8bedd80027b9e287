"""Arrow IPC files and streams: what Feather and Arrow files of all writers hold."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from tests.unit.sources.batches import assert_same

from fieldfare.data.loading import load
from fieldfare.exceptions import DataError, SchemaError
from fieldfare.rows import Rows
from fieldfare.sources.formats import open_table


@pytest.fixture(scope="module")
def clicks() -> pd.DataFrame:
    random = np.random.default_rng(0)
    n = 300
    return pd.DataFrame(
        {
            "user_id": random.integers(0, 50, n),
            "city": random.choice(["Rome", "Köln", None], n),
            "age": np.where(random.random(n) < 0.1, np.nan, random.normal(40, 9, n)),
            "vip": random.random(n) < 0.2,
            "clicked": random.integers(0, 2, n),
        }
    )


@pytest.fixture(scope="module")
def reference(clicks: pd.DataFrame) -> Rows:
    return load(clicks, target="clicked").rows


def write(path: Path, table: pa.Table, *, kind: str = "file", **options: Any) -> Path:
    new = pa.ipc.new_file if kind == "file" else pa.ipc.new_stream
    chunk = options.pop("chunk", None)
    with new(path, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, max_chunksize=chunk)
    return path


@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
@pytest.mark.parametrize("kind", ["file", "stream"])
def test_files_and_streams_agree_with_the_frame(
    clicks: pd.DataFrame, reference: Rows, tmp_path: Path, kind: str, compression: str | None
) -> None:
    table = pa.Table.from_pandas(clicks, preserve_index=False)
    path = write(tmp_path / "data", table, kind=kind, compression=compression, chunk=77)
    assert_same(load(path, target="clicked").rows, reference)
    assert [batch.location.first_row for batch in open_table(path).batches()] == [0, 77, 154, 231]
    (tmp_path / "packed").write_bytes(gzip.compress(path.read_bytes()))
    assert_same(load(tmp_path / "packed", target="clicked").rows, reference)


def test_what_pandas_and_polars_write_is_read_back(
    clicks: pd.DataFrame, reference: Rows, tmp_path: Path
) -> None:
    clicks.to_feather(tmp_path / "a")
    clicks.astype({"city": "category"}).to_feather(tmp_path / "b")
    frame = pl.DataFrame(pa.Table.from_pandas(clicks, preserve_index=False))
    frame.write_ipc(tmp_path / "c", compression="zstd")
    frame.with_columns(pl.col("city").cast(pl.Categorical)).write_ipc(tmp_path / "d")
    frame.write_ipc_stream(tmp_path / "e")
    for path in sorted(tmp_path.iterdir()):
        assert_same(load(path, target="clicked").rows, reference)


def test_several_files_are_one_table(clicks: pd.DataFrame, reference: Rows, tmp_path: Path) -> None:
    table = pa.Table.from_pandas(clicks, preserve_index=False)
    write(tmp_path / "a", table.slice(0, 100))
    write(tmp_path / "b", table.slice(100), kind="stream")
    assert_same(load(tmp_path, target="clicked").rows, reference)
    write(tmp_path / "c", table.select(["city", "clicked"]))
    with pytest.raises(SchemaError, match="different columns"):
        load(tmp_path, target="clicked")
    (tmp_path / "c").write_text("city,clicked\nRome,1\n")
    with pytest.raises(DataError, match="is not Arrow IPC, but other files are"):
        load(tmp_path, target="clicked")


def test_large_files_go_through_the_cache(
    clicks: pd.DataFrame, reference: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fieldfare.data.loading.SMALL_BYTES", 0)
    clicks.to_feather(tmp_path / "a")
    data = load(tmp_path / "a", target="clicked")
    assert data.store is not None
    np.testing.assert_array_equal(data.rows.indices, reference.indices)


def test_feather_version_1_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"FEA1" + bytes(100) + b"FEA1")
    with pytest.raises(DataError, match=r"is Feather version 1.*Write it again with to_feather"):
        load(tmp_path / "a")


@pytest.mark.parametrize("kind", ["file", "stream"])
def test_a_truncated_file_is_named(clicks: pd.DataFrame, tmp_path: Path, kind: str) -> None:
    table = pa.Table.from_pandas(clicks, preserve_index=False)
    content = write(tmp_path / "data", table, kind=kind, chunk=100).read_bytes()
    for size in (len(content) - 20, len(content) // 2, 100, 9):
        (tmp_path / "data").write_bytes(content[:size])
        with pytest.raises(DataError, match=r"data is (not a readable|damaged after)"):
            load(tmp_path / "data", target="clicked")


def test_codes_beyond_their_dictionary_never_reach_the_kernels(tmp_path: Path) -> None:
    codes = pa.array([0, 1, 7], pa.int32())
    column = pa.DictionaryArray.from_arrays(codes, pa.array(["a", "b"]), safe=False)
    write(tmp_path / "data", pa.table({"c": column, "y": [0, 1, 0]}))
    with pytest.raises(DataError, match=r"data is damaged after row 0.*out of bounds"):
        load(tmp_path / "data", target="y")


def test_text_that_is_not_unicode_is_refused(tmp_path: Path) -> None:
    raw = pa.array([b"a", b"\xff", b"b"])
    column = pa.Array.from_buffers(pa.string(), 3, raw.buffers())
    write(tmp_path / "data", pa.table({"c": column, "y": [0, 1, 0]}))
    with pytest.raises(DataError, match="Invalid UTF8"):
        load(tmp_path / "data", target="y")
