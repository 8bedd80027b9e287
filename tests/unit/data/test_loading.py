"""load: anything that holds samples becomes a Dataset."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

from fieldfare.data.loading import Dataset, load
from fieldfare.exceptions import DataError, SchemaError
from fieldfare.rows import Rows
from fieldfare.schema.column import Column
from fieldfare.schema.schema import Schema
from fieldfare.store.row_store import RowStore

FRAME = pd.DataFrame({"c": ["a", "b", "a"], "x": [1.5, 2.5, 3.5], "label": [0, 1, 1]})
FFM = "1 0:3:1 1:5:0.5\n0 0:2:1\n"


def test_libffm_keeps_ids_and_learns_fields(tmp_path):
    (tmp_path / "a").write_text(FFM)
    data = load(tmp_path / "a")
    assert data.schema.is_indexed
    assert (data.schema.n_features, data.schema.n_fields) == (6, 2)
    assert data.schema.field_of.tolist() == [0, 0, 0, 0, 0, 1]
    assert data.rows.target.tolist() == [1, 0]
    assert len(data) == 2


def test_streams_are_read(monkeypatch):
    assert load(io.BytesIO(FFM.encode())).rows.nnz == 3
    stdin = io.TextIOWrapper(io.BytesIO(b"c,y\na,1\nb,0\na,1\n"))
    monkeypatch.setattr("sys.stdin", stdin)
    assert load("-", target="y").rows.nnz == 3


def test_large_files_become_a_store_in_the_cache(tmp_path, monkeypatch):
    monkeypatch.setattr("fieldfare.data.loading.SMALL_BYTES", 0)
    FRAME.to_csv(tmp_path / "a.csv", index=False)
    (tmp_path / "a.ffm").write_text(FFM)
    for name in ("a.csv", "a.ffm"):
        first = load(tmp_path / name)
        again = load(tmp_path / name)
        assert isinstance(first.store, RowStore)
        assert again.store.path == first.store.path
        assert again.schema.digest == first.schema.digest
        in_memory = load(tmp_path / name, cache=False)
        assert in_memory.store is None
        np.testing.assert_array_equal(in_memory.rows.indices, first.rows.indices)
    assert load(tmp_path / "a.csv", target="c").schema.target_classes == ("a", "b")


def test_a_store_carries_its_schema(tmp_path, monkeypatch):
    monkeypatch.setattr("fieldfare.data.loading.SMALL_BYTES", 0)
    FRAME.to_csv(tmp_path / "a.csv", index=False)
    built = load(tmp_path / "a.csv")
    opened = load(built.store.path)
    assert list(opened.schema.feature_names) == list(built.schema.feature_names)
    assert load(built.store).rows.n_rows == 3


def test_a_fitted_schema_encodes_and_learns_nothing():
    train = load(FRAME)
    valid = load(pd.DataFrame({"c": ["z"], "x": [9.0], "label": [1]}), schema=train.schema)
    assert valid.schema is train.schema or valid.schema.digest == train.schema.digest
    assert train.schema.feature_name(int(valid.rows.indices[0])) == "c=<unknown>"


def test_prediction_needs_no_target():
    schema = load(FRAME).schema
    assert load(FRAME[["c", "x"]], schema=schema, labelled=False).rows.target is None
    assert load(FRAME[["c", "x"]], schema=schema, labelled=None).rows.target is None
    assert load(FRAME, schema=schema, labelled=None).rows.target is not None
    with pytest.raises(SchemaError, match="no column 'label'"):
        load(FRAME[["c", "x"]], schema=schema)


def test_an_unfitted_schema_is_fitted():
    data = load(FRAME, schema=Schema([Column("c", role="item")]), target="label")
    assert data.schema.n_features == 4
    assert data.schema.target == "label"


def test_the_target_may_be_an_array():
    data = load(FRAME[["c", "x"]], target=[1, 0, 1], weight=np.array([1.0, 2.0, 3.0]))
    assert data.rows.target.tolist() == [1, 0, 1]
    assert data.rows.weight.tolist() == [1, 2, 3]
    assert data.schema.target is None


def test_without_a_target_the_columns_are_listed():
    with pytest.raises(SchemaError, match=r"Which column.*'c', 'x'"):
        load(FRAME[["c", "x"]])
    assert load(FRAME[["c", "x"]], labelled=False).rows.target is None


def test_matrices_need_arrays():
    data = load(np.eye(3), target=[1, 0, 1], fields=[0, 1, 1])
    assert data.schema.n_features == 3
    assert data.schema.field_of.tolist() == [0, 1, 1]
    with pytest.raises(DataError, match="no columns with names"):
        load(np.eye(3), target="y")
    with pytest.raises(DataError, match="no target"):
        load(np.eye(3))


def test_arrays_of_text_are_tables():
    data = load(np.array([["a", 1], ["b", 2]], dtype=object), target=[0, 1])
    assert data.schema.field_names == ("x0", "x1")


def test_rows_and_datasets_pass_through():
    rows = Rows(np.array([0, 1]), np.array([4], np.uint32), target=np.ones(1, np.float32))
    data = load(rows)
    assert isinstance(data, Dataset)
    assert data.rows.indices is rows.indices
    assert data.schema.n_features == 5
    assert load(data).schema is data.schema


def test_no_samples_give_no_rows(tmp_path):
    schema = load(FRAME).schema
    (tmp_path / "a.csv").write_text("c,x,label\n")
    for source in (FRAME[:0], tmp_path / "a.csv"):
        rows = load(source, schema=schema).rows
        assert rows.n_rows == 0
        assert rows.target is not None


def test_rows_of_another_schema_are_refused():
    other = load(FRAME[:2])
    with pytest.raises(SchemaError, match="another Schema"):
        load(other, schema=load(FRAME).schema)
    assert load(other, schema=other.schema).rows is not None


def test_schema_and_source_must_be_of_one_kind(tmp_path):
    (tmp_path / "a").write_text(FFM)
    columns = load(FRAME).schema
    with pytest.raises(SchemaError, match=r"numbered features.*columns c, x"):
        load(tmp_path / "a", schema=Schema(columns.columns))
    with pytest.raises(SchemaError, match="expects numbered features"):
        load(FRAME, schema=Schema.indexed(5, 2))
    with pytest.raises(SchemaError, match="Got a matrix"):
        load(np.eye(2), schema=columns, labelled=False)
    with pytest.raises(DataError, match="Leave out target"):
        load(tmp_path / "a", target="y")
    with pytest.raises(DataError, match="name of a column"):
        load(tmp_path / "a", target=[1, 0])


def test_numbered_rows_of_a_table_schema(tmp_path):
    table = load(FRAME)
    written = {"f": "0:1:1", "s": "1:1"}
    unknown = table.schema.n_features + 3
    for name, entry in written.items():
        prefix = "0:" if name == "f" else ""
        (tmp_path / name).write_text(f"1 {entry} {prefix}{unknown}:1\n0 {entry}\n")
        data = load(tmp_path / name, schema=table.schema)
        assert data.schema is table.schema
        assert data.rows.indices.tolist() == [1, unknown, 1]
        assert data.rows.fields.tolist() == [0, 0, 0]
