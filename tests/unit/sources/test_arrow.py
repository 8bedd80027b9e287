"""Arrow tables in the types that the package knows, and columns of any values."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fieldfare.exceptions import DataError
from fieldfare.sources.arrow import column_of, plain


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array(["a", None], pa.string_view()), ["a", None]),
        (pa.array([["a"], None, ["b", "c"]], pa.list_view(pa.string())), [["a"], None, ["b", "c"]]),
        (pa.RunEndEncodedArray.from_arrays([2, 3], ["a", None]), ["a", "a", None]),
        (pa.ExtensionArray.from_storage(pa.json_(), pa.array(["1", None])), ["1", None]),
        (pa.array([uuid.UUID(int=1).bytes], pa.uuid()), [str(uuid.UUID(int=1))]),
    ],
    ids=["views", "views of lists", "runs", "extension", "uuid"],
)
def test_unusual_types_become_usual_ones(column: Any, expected: list[Any]) -> None:
    table = plain(pa.table({"a": column, "b": pa.nulls(len(column))}))
    assert table.column_names == ["a", "b"]
    assert table.column("a").to_pylist() == expected
    assert not isinstance(table.column("a").type, pa.BaseExtensionType)


def test_structs_are_columns_of_their_parts() -> None:
    column = pa.array([{"x": {"y": 1}, "z": "a"}, None, {"x": None, "z": "b"}])
    table = plain(pa.table({"s": column, "t": [1, 2, 3]}))
    assert table.to_pydict() == {"s.x.y": [1, None, None], "s.z": ["a", None, "b"], "t": [1, 2, 3]}


def test_columns_of_mixed_values() -> None:
    assert column_of([1, "x", None, 2.5]).to_pylist() == ["1", "x", None, "2.5"]
    assert column_of([["a"], "b", None, 1]).to_pylist() == [["a"], ["b"], None, ["1"]]
    assert column_of([[1], 2]).to_pylist() == [[1], [2]]


@pytest.mark.parametrize("unit", ["D", "h", "s", "us", "ns"])
def test_dates_of_numpy_one_by_one(unit: str) -> None:
    day = np.datetime64("2000-03-01", unit)
    assert (
        column_of([day, None, np.datetime64("NaT")]).to_pylist()
        == column_of([datetime.datetime(2000, 3, 1), None, None]).to_pylist()
    )


@pytest.mark.parametrize("odd", [print, lambda x: x, int, slice(3)])
def test_what_has_no_text_of_its_own_is_refused(odd: Any) -> None:
    with pytest.raises(DataError, match="no text of their own"):
        column_of([odd])
