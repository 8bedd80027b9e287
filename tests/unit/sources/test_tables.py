"""Tables: one click log in every form gives the same Rows."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fieldfare.data.loading import load
from fieldfare.exceptions import DataError, DataWarning, SchemaError
from fieldfare.rows import Rows
from fieldfare.sources.formats import open_table


def assert_same(a: Rows, b: Rows) -> None:
    for name in ("indptr", "indices", "values", "fields", "target", "weight", "group"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)


@pytest.fixture(scope="module")
def clicks() -> pd.DataFrame:
    random = np.random.default_rng(0)
    n = 500
    return pd.DataFrame(
        {
            "user_id": random.integers(0, 50, n),
            "city": random.choice(["Rome", "Köln, Mitte", None, 'say "hi"'], n),
            "age": np.where(random.random(n) < 0.1, np.nan, random.normal(40, 9, n)),
            "hour": random.integers(0, 24, n),
            "vip": random.random(n) < 0.2,
            "tags": random.choice(["a|b", "c", "a|d|e", None], n),
            "visits": np.where(random.random(n) < 0.1, np.nan, random.integers(0, 900, n)),
            "clicked": random.integers(0, 2, n),
        }
    )


@pytest.fixture(scope="module")
def reference(clicks) -> Rows:
    return load(clicks, target="clicked").rows


def polars_of(frame: pd.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(pa.Table.from_pandas(frame, preserve_index=False))


@pytest.mark.parametrize(
    "convert",
    [
        polars_of,
        lambda frame: polars_of(frame).lazy(),
        pa.Table.from_pandas,
        pa.RecordBatch.from_pandas,
        lambda frame: pa.Table.from_pandas(frame).to_reader(max_chunksize=77),
        lambda frame: frame.sample(frac=1, random_state=0).sort_index(),
        lambda frame: frame.astype({"city": "category"}),
        lambda frame: frame.convert_dtypes(),
        lambda frame: frame.replace({np.nan: None}).to_dict("records"),
        lambda frame: iter(frame.replace({np.nan: None}).to_dict("records")),
        lambda frame: {name: frame[name].tolist() for name in frame},
    ],
)
def test_tables_in_memory_agree(clicks, reference, convert):
    assert_same(load(convert(clicks), target="clicked").rows, reference)


@pytest.mark.parametrize("compression", [None, "gzip", "zstd"])
@pytest.mark.parametrize("separator", [",", "\t"])
def test_csv_agrees(clicks, reference, tmp_path, separator, compression):
    path = tmp_path / "data.bin"  # nothing depends on the name
    path.write_bytes(b"")
    text = clicks.to_csv(index=False, sep=separator).encode()
    with pa.output_stream(path, compression=compression) as file:
        file.write(text)
    assert_same(load(path, target="clicked").rows, reference)


def test_crlf_a_byte_order_mark_and_no_final_newline_change_nothing(clicks, reference, tmp_path):
    text = clicks.to_csv(index=False).rstrip("\n").replace("\n", "\r\n")
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert_same(load(tmp_path / "a.csv", target="clicked").rows, reference)


@pytest.mark.parametrize("block", [2000, 10_000])
def test_csv_blocks_change_nothing(clicks, reference, tmp_path, block, monkeypatch):
    monkeypatch.setattr("fieldfare.sources.csv._BLOCK_BYTES", block)
    clicks.to_csv(tmp_path / "a.csv", index=False)
    assert_same(load(tmp_path / "a.csv", target="clicked").rows, reference)


def test_parquet_files_and_folders_agree(clicks, reference, tmp_path):
    clicks.to_parquet(tmp_path / "one.parquet")
    assert_same(load(tmp_path / "one.parquet", target="clicked").rows, reference)
    folder = tmp_path / "many"
    folder.mkdir()
    table = pa.Table.from_pandas(clicks, preserve_index=False)
    pq.write_table(table.slice(0, 130), folder / "part-0.parquet", row_group_size=50)
    pq.write_table(table.slice(130), folder / "part-1.parquet")
    for source in (folder, str(folder / "*.parquet"), sorted(folder.iterdir())):
        assert_same(load(source, target="clicked").rows, reference)


def test_several_csv_files_are_one_table(clicks, reference, tmp_path):
    clicks[:100].to_csv(tmp_path / "a.csv", index=False)
    (tmp_path / "b.csv").write_bytes(gzip.compress(clicks[100:].to_csv(index=False).encode()))
    assert_same(load(tmp_path / "*.csv", target="clicked").rows, reference)
    clicks[["city", "clicked"]].to_csv(tmp_path / "c.csv", index=False)
    with pytest.raises(SchemaError, match=r"c\.csv and .*a\.csv have different columns"):
        load(tmp_path / "*.csv", target="clicked")


def test_csv_without_a_header_has_the_target_first_and_says_so(tmp_path):
    (tmp_path / "a.csv").write_text("1,0.5,7\n0,1.5,7\n1,2.5,8\n")
    with pytest.warns(DataWarning, match=r"its first column is taken for the target \(values 1, 0"):
        data = load(tmp_path / "a.csv")
    assert data.schema.target == "target"
    assert [column.name for column in data.schema.columns] == ["f1", "f2"]
    assert data.rows.target.tolist() == [1, 0, 1]


def test_quoted_line_breaks_stay_in_their_cell(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('city,y\n"Bad\nHomburg",1\nRome,0\nRome,1\n')
    data = load(path, target="y")
    assert "city=Bad\nHomburg" in data.schema.feature_names
    assert len(data) == 3


def test_columns_of_mixed_types_become_text():
    data = load(pd.DataFrame({"c": [1, "x", None, 1.0], "y": [0, 1, 0, 1]}), target="y")
    assert "c=1" in data.schema.feature_names
    assert data.rows.indices.tolist()[0] == data.rows.indices.tolist()[3]


def test_dicts_may_leave_keys_out():
    data = load([{"a": "x", "y": 1}, {"b": "z", "y": 0}], target="y")
    assert data.schema.field_names == ("a", "b")
    assert data.rows.n_rows == 2


def test_head_and_batches_cover_the_table(tmp_path):
    pq.write_table(pa.table({"a": range(300)}), tmp_path / "a.parquet", row_group_size=100)
    table = open_table(tmp_path / "a.parquet")
    assert table.head(150).column("a").to_pylist() == list(range(150))
    assert next(table.batches()).location.first_row == 0
    assert sum(batch.data.num_rows for batch in table.batches()) == 300
    assert open_table({"a": []}).head(5).num_rows == 0


def test_what_is_no_table_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"a pandas or polars DataFrame.*Got an iterable.*int"):
        load([1, 2])
    with pytest.raises(DataError, match="Got int"):
        load(5)
    with pytest.raises(DataError, match="There is no file"):
        load(Path(tmp_path) / "none.csv")
