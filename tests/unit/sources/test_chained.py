"""Iterables of tables are one table; a generator of them is read once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fieldfare.data.loading import extend, load
from fieldfare.exceptions import DataError, SchemaError
from fieldfare.schema.schema import Schema
from fieldfare.sources.formats import open_source, open_table

FRAME = pd.DataFrame(
    {"user": [f"u{i % 9}" for i in range(90)], "age": np.arange(90) / 4, "y": np.arange(90) % 2}
)


def parts() -> list[pd.DataFrame]:
    return [FRAME[start : start + 20] for start in range(0, 90, 20)]


def test_a_list_and_a_generator_of_frames_are_the_whole_frame() -> None:
    expected = load(FRAME, target="y").rows
    for source in (parts(), iter(parts())):
        rows = load(source, target="y").rows
        np.testing.assert_array_equal(rows.indices, expected.indices)
        np.testing.assert_array_equal(rows.values, expected.values)


def test_frames_may_hold_whole_numbers_and_floats_in_a_column_and_columns_in_any_order() -> None:
    parts = [
        pd.DataFrame({"age": [1, 2], "user": ["a", "b"], "y": [0, 1]}),
        pd.DataFrame({"y": [1, 0], "user": ["b", "c"], "age": [1.5, 4]}),
    ]
    data = load(parts, target="y")
    np.testing.assert_array_equal(
        data.rows.indices, load(pd.concat(parts), target="y").rows.indices
    )
    np.testing.assert_array_equal(data.rows.target, [0, 1, 1, 0])


@pytest.mark.parametrize("wrap", [list, iter])
def test_frames_with_different_columns_are_refused_by_name(wrap: type) -> None:
    odd = FRAME[20:40].assign(city="x")
    for frames in ([FRAME[:20], odd], [FRAME[:20], FRAME[20:40].drop(columns="age")]):
        columns = ", ".join(map(repr, frames[1].columns))
        with pytest.raises(SchemaError, match=f"has the columns {columns}, and the rows before it"):
            load(wrap(frames), target="y")
    text = FRAME[20:40].assign(age="x")
    with pytest.raises(SchemaError, match="types do not go together.*Convert them to one type"):
        load(wrap([FRAME[:20], text]), target="y")


def test_a_source_knows_whether_it_can_be_read_again() -> None:
    assert open_source(parts()).is_rereadable
    table = open_table(iter(parts()))
    assert not table.is_rereadable
    assert table.head(30).num_rows == 30
    assert sum(batch.data.num_rows for batch in table.batches()) == 90
    with pytest.raises(DataError, match="was read already"):
        list(table.batches())


def test_an_open_source_is_looked_at_and_then_loaded() -> None:
    table = open_table(iter(parts()))
    schema = Schema.infer(table, target="y")
    assert len(load(table, schema=schema)) == 90


def test_a_generator_of_frames_extends_a_schema() -> None:
    known = load(FRAME[:5], target="y").schema
    data = extend(known, iter(parts()))
    assert len(data) == 90
    assert data.schema.n_features == known.n_features + 4


def test_an_iterable_of_paths_is_a_list_of_paths(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.csv", "b.csv")]
    for path in paths:
        path.write_text("x,y\n1.5,0\n2.5,1\n", encoding="utf-8")
    listed = load(paths, target="y")
    assert len(listed) == 4
    for given in (dict.fromkeys(paths).keys(), iter(paths)):
        np.testing.assert_array_equal(load(given, target="y").rows.values, listed.rows.values)


def test_tables_whose_types_do_not_go_together_are_refused() -> None:
    with pytest.raises(SchemaError, match="Convert them to one type"):
        load([pd.DataFrame({"y": [1]}), pd.DataFrame({"y": ["no"]})], target="y")
