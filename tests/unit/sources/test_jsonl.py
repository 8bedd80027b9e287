"""JSON lines and arrays: the same table as from a list of dicts, and faults by line."""

from __future__ import annotations

import json
import lzma
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from tests.unit.sources.batches import assert_same

from fieldfare.data.loading import Dataset, load, stream
from fieldfare.exceptions import DataError, DataWarning, SchemaError, TextFormatError
from fieldfare.schema.schema import Schema
from fieldfare.sources import jsonl
from fieldfare.sources.formats import open_table
from fieldfare.sources.json_text import layout_of

Samples = list[dict[str, Any]]


def write(path: Path, rows: Samples, layout: str = "lines") -> Path:
    if layout == "lines":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif layout == "objects":
        path.write_text("\n".join(json.dumps(row, indent=2) for row in rows))
    else:
        path.write_text(json.dumps(rows, indent=2 if layout == "indented" else None))
    return path


def assert_as_dicts(path: Path, rows: Samples, target: str = "y") -> Dataset:
    found, expected = load(path, target=target), load(rows, target=target)
    assert found.schema.digest == expected.schema.digest
    assert list(found.schema.feature_names) == list(expected.schema.feature_names)
    assert_same(found.rows, expected.rows)
    return found


ROWS: Samples = [
    {
        "user": f"u{i % 7}",
        "n": i if i % 3 else None,
        "x": i / 8,
        "vip": i % 2 == 0,
        "tags": ["a", "b"][: i % 3],
        "when": "2024-01-02",
        "zip": f"0{i}",
        "y": i % 2,
    }
    for i in range(60)
]


@pytest.fixture(params=[None, 300])
def blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of the usual size, or of a few lines."""
    if request.param:
        monkeypatch.setattr(jsonl, "_BLOCK_BYTES", request.param)
        monkeypatch.setattr(jsonl, "_BLOCK_OBJECTS", 3)
        monkeypatch.setattr("fieldfare.sources.json_text._READ_BYTES", 50)


@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize("layout", ["lines", "objects", "array", "indented"])
def test_every_layout_is_the_table_of_the_dicts(tmp_path: Path, layout: str) -> None:
    assert_as_dicts(write(tmp_path / "data", ROWS, layout), ROWS)


def test_what_pandas_and_polars_write_is_read_back(tmp_path: Path) -> None:
    frame = pd.DataFrame(ROWS).drop(columns="tags")
    expected = load(frame, target="y")
    frame.to_json(tmp_path / "a", orient="records", lines=True)
    frame.to_json(tmp_path / "b", orient="records")
    frame.to_json(tmp_path / "c.xz", orient="records", lines=True, compression="xz")
    pl.DataFrame(frame.to_dict("list")).write_ndjson(tmp_path / "d")
    for name in ("a", "b", "c.xz", "d"):
        found = load(tmp_path / name, target="y")
        assert found.schema.digest == expected.schema.digest
        assert_same(found.rows, expected.rows)


@pytest.mark.filterwarnings("ignore::fieldfare.exceptions.DataWarning")  # of odd texts
@pytest.mark.usefixtures("blocks")
@pytest.mark.parametrize(
    "values",
    [
        [1, "x", 2.5, None, True],
        [1, 2.5, None],
        [1, True, False],
        [2**53 + 1, 0.5, 3],
        [2**70, 1],
        [-(2**63), 2**63 - 1],
        ["é", "\u4e2d", "\U0001f600", "\u0000"],
        [math.nan, 1.5],
        [["a"], [], None, ["b", "c"]],
        [["a"], "b", None],
        [[1], [2.5], ["x"]],
        ["2024-01-02", "2024-01-02T03:04:05Z", "word"],
        ["007", "7", "7.0"],
        [0.1, 1e22, -0.0, 5e-324],
        [True, "true", None],
        ["", "x"],
    ],
    ids=str,
)
def test_a_column_of_any_values_is_that_of_the_dicts(tmp_path: Path, values: list[Any]) -> None:
    filler = "z" * 150  # so that small blocks hold one or two rows
    rows = [{"c": value, "filler": filler, "y": i % 2} for i, value in enumerate(values)]
    assert_as_dicts(write(tmp_path / "data", rows), rows)


@pytest.mark.usefixtures("blocks")
def test_keys_may_come_late_or_be_absent(tmp_path: Path) -> None:
    rows: Samples = [{"a": "x" * 200, "y": 1}] * 5 + [{"y": 0}, {}, {"late": "z", "y": 1}]
    rows[6] = {"y": 0}
    data = assert_as_dicts(write(tmp_path / "data", rows), rows)
    assert data.schema.field_names == ("a", "late")


@pytest.mark.usefixtures("blocks")
def test_objects_within_objects_are_columns_of_their_own(tmp_path: Path) -> None:
    rows: Samples = [
        {"user": {"id": i, "home": {"city": "Rome"}}, "y": i % 2, "f": "z" * 200} for i in range(5)
    ]
    rows += [{"user": None, "y": 1}, {"user": {}, "y": 0}, {"user": {"id": "x"}, "y": 0}]
    data = assert_as_dicts(write(tmp_path / "data", rows), rows)
    assert data.schema.field_names[:2] == ("user.id", "user.home.city")


def test_a_part_and_a_key_of_one_name_are_refused(tmp_path: Path) -> None:
    for layout in ("lines", "array"):
        path = write(tmp_path / "data", [{"a": {"b": 1}, "a.b": 2, "y": 1}] * 2, layout)
        with pytest.raises(SchemaError, match=r"two values named 'a\.b'"):
            load(path, target="y")


def test_lists_of_objects_are_ignored_with_a_warning(tmp_path: Path) -> None:
    rows: Samples = [{"c": "x", "items": [{"id": 1}], "y": 1}, {"c": "z", "items": [], "y": 0}]
    with pytest.warns(DataWarning, match="'items' is ignored"):
        data = load(write(tmp_path / "data", rows), target="y")
    assert data.schema.field_names == ("c",)


def test_blank_lines_and_a_byte_order_mark_change_nothing(tmp_path: Path) -> None:
    text = "\r\n\r\n".join(json.dumps(row) for row in ROWS)
    (tmp_path / "data").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert_as_dicts(tmp_path / "data", ROWS)


def test_several_files_are_one_table(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", ROWS[:30])
    (tmp_path / "b.jsonl.xz").write_bytes(lzma.compress(json.dumps(ROWS[30:]).encode()))
    assert_as_dicts(tmp_path, ROWS)
    (tmp_path / "c.csv").write_text("user,y\nu1,1\n")
    with pytest.raises(DataError, match=r"c\.csv is not JSON, but other files are"):
        load(tmp_path, target="y")


def test_large_files_go_through_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fieldfare.data.loading.SMALL_BYTES", 0)
    found = load(write(tmp_path / "data", ROWS), target="y")
    assert found.store is not None
    np.testing.assert_array_equal(found.rows.indices, load(ROWS, target="y").rows.indices)


def test_prediction_streams_and_needs_no_target(tmp_path: Path) -> None:
    schema = load(ROWS, target="y").schema
    bare = [{key: value for key, value in row.items() if key != "y"} for row in ROWS]
    path = write(tmp_path / "data", bare)
    assert sum(len(rows) for rows in stream(path, schema=schema)) == len(ROWS)


def fault_of(path: Path, content: bytes, **options: Any) -> TextFormatError:
    path.write_bytes(content)
    with pytest.raises(TextFormatError) as caught:
        load(path, target="y", **options)
    return caught.value


GOOD = b'{"a": "x", "y": 1}\n'


@pytest.mark.parametrize(
    ("line", "column", "message"),
    [
        (b'{"a": "x" "y": 1}', 11, "Expecting ',' delimiter"),
        (b'{"a": "x", "a": "z", "y": 1}', 1, "The key 'a' stands twice"),
        (b'{"a": "x", "y": 1', 18, "Expecting ',' delimiter"),
        (b'{"a": 01, "y": 1}', 8, "Expecting ',' delimiter"),
        (b'{"a": "\xff", "y": 1}', 8, "not UTF-8"),
        (b'["a", 1]', 1, "Every line must hold one object"),
        (GOOD.strip() + GOOD.strip(), 19, "Extra data"),
        (b'{"a": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", 1, "nested too deeply"),
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, line: bytes, column: int, message: str) -> None:
    error = fault_of(tmp_path / "data", 3 * GOOD + line + b"\n" + GOOD)
    assert (error.line, error.column) == (4, column)
    assert message in str(error)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (b'[{"a": 1, "y": 1},\n {"a": 2 "y": 0}]', 2, "Expecting ',' delimiter"),
        (b'[{"a": 1, "y": 1},\n {"a": 2, "y": 0}', 2, "The array has no end"),
        (b'[{"a": 1, "y": 1},\n {"a": 2, "y', 2, "Unterminated string"),
        (b'[{"a": 1, "y": 1}\n {"a": 2, "y": 0}]', 2, "A comma or the end"),
        (b'[{"a": 1, "y": 1},\n]', 2, "An item must follow the comma"),
        (b'[{"a": 1, "y": 1}]\n7', 2, "Nothing may follow"),
        (b'[{"a": 1, "y": 1},\n 3]', 2, "Every item must be an object"),
        (b'[{"a": 1, "y": 1},\n {"a": "\xff"}]', 1, "not UTF-8"),
        (b'[{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}]", 1, "nested too deeply"),
    ],
)
def test_a_damaged_array_is_named(tmp_path: Path, text: bytes, line: int, message: str) -> None:
    error = fault_of(tmp_path / "data", text)
    assert error.line == line
    assert message in str(error)


@pytest.mark.parametrize("layout", ["lines", "objects", "array"])
def test_a_value_that_does_not_fit_is_found_in_its_line(tmp_path: Path, layout: str) -> None:
    rows: Samples = [{"a": 1.5, "y": 0}, {"a": 2.5, "y": 1}, {"a": "word", "y": 1}]
    path = write(tmp_path / "data", rows, layout)
    schema = Schema.infer(rows[:2], target="y")
    schema = schema.edit("a", kind="numeric")
    with pytest.raises(TextFormatError, match="Column 'a': a number is needed") as caught:
        load(path, schema=schema)
    assert caught.value.line == {"lines": 3, "objects": 9, "array": 1}[layout]


@pytest.mark.parametrize("orient", ["columns", "index", "split", "table", "values"])
@pytest.mark.parametrize("indent", [None, 2])
def test_other_forms_of_pandas_are_refused_with_the_way_out(
    tmp_path: Path, orient: Any, indent: int | None
) -> None:
    pd.DataFrame({"a": [1, 2], "y": [0, 1]}).to_json(
        tmp_path / "data", orient=orient, indent=indent or 0
    )
    with pytest.raises(DataError, match=r"to_json\(orient='records', lines=True\)"):
        load(tmp_path / "data", target="y")


def test_an_object_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("json_text", "jsonl"):
        monkeypatch.setattr(f"fieldfare.sources.{module}.MAX_BYTES", 1000)
    monkeypatch.setattr(jsonl, "_BLOCK_BYTES", 100)
    monkeypatch.setattr("fieldfare.sources.json_text._READ_BYTES", 100)
    long = '{"a": "' + "x" * 3000 + '", "y": 1}'
    for text in (GOOD.decode() + long, f"[{long}]"):
        (tmp_path / "data").write_text(text)
        with pytest.raises(DataError, match="this one is longer"):
            load(tmp_path / "data", target="y")


def test_layouts_are_told_by_structure() -> None:
    for text, layout in {
        '{"a": 1}\n{"a": 2}\n': "lines",
        '{"a": 1}': "lines",
        '\n  {"a": 1}\n{broken\n{"a": 1}\n': "lines",
        '{\n "a": 1\n}\n': "objects",
        '{"a": {\n "b": 1}}\n': "objects",
        '[{"a": 1}]': "array",
        "[\n [1, 2]]": "array",
        "{a},{b}\n1,2\n": None,
        "{user}\n{item}\n": None,
        "[a],b\n1,2\n": None,
        "1 1:1\n": None,
        "a,b\n": None,
        "": None,
    }.items():
        assert layout_of(text.encode()) == layout, text


def test_the_description_says_what_was_read(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(lzma.compress(GOOD * 2))
    assert open_table(tmp_path / "data").description == "JSON lines, xz"
