"""JSON lines: one object per line; also one array of objects, or objects one after another.

Lines are parsed by Arrow, block by block. A block that Arrow refuses or would change (large whole
numbers among fractions, values of mixed types) is parsed by Python, which also finds the line of a
fault. All files are read once to begin with, because a key may occur first in the last line and a
column must have one type.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from fieldfare._optional import require
from fieldfare.exceptions import DataError, SchemaError, TextFormatError
from fieldfare.sources.arrow import mixed_columns, numpy_of, one_array, plain, text_or_none
from fieldfare.sources.batch import Batch, SourceLocation, check_names, shorten
from fieldfare.sources.bytes import BYTE_ORDER_MARK, ByteStream, File, open_bytes
from fieldfare.sources.dicts import open_samples
from fieldfare.sources.files import Files
from fieldfare.sources.format import Format
from fieldfare.sources.json_text import (
    HOW_TO_WRITE,
    MAX_BYTES,
    Layout,
    layout_of,
    object_of_line,
    objects_of,
    too_long,
)
from fieldfare.sources.prefetch import ahead
from fieldfare.sources.source import Table

_BLOCK_BYTES = 16 << 20
_BLOCK_OBJECTS = 65_536
_MAX_DEPTH = 100  # Arrow's parser does not limit its recursion
_NOT_OPENING = bytes(set(range(256)) - set(b"[{\n"))
_EXACT = float(2**53)
_LARGE = "large"


@dataclass(frozen=True, kw_only=True)
class JsonLocation(SourceLocation):
    """Where rows of a JSON file are; finds the line of a row by reading the file again."""

    source: File
    layout: Layout

    def error(self, row: int, column: str, problem: str, text: str) -> DataError:
        with open_bytes(self.source) as stream:
            objects = objects_of(stream, self.layout)
            line, _ = next(islice(objects, self.first_row + row, None), (0, {}))
        return TextFormatError(
            f"Column {column!r}: {problem}",
            file=self.file,
            line=line,
            column=1,
            text=shorten(text),
        )


class JsonFiles(Table):
    """JSON files, streamed. A key that an object lacks is missing there.

    An object within an object becomes columns of its own, ``key.part``; a list becomes a column
    with several values per row.

    Parameters
    ----------
    files : Files

    Raises
    ------
    DataError
        If a file is damaged or holds something else than objects of one row each.
    """

    files: Files

    def __init__(self, files: Files) -> None:
        self.files = files
        self._layouts = [_layout(file) for file in files]
        kinds: dict[str, set[Any]] = {}
        mixed: set[str] = set()
        for file, layout in zip(files, self._layouts, strict=True):
            _refuse_turned(file, layout)
            for part in _parts(file, layout):
                for name, column in zip(part.column_names, part.columns, strict=True):
                    kinds.setdefault(name, set()).update(_kinds(column))
                mixed |= mixed_columns(part.schema)
        self._types = _common_types(kinds)
        self.mixed = frozenset(mixed | _mixed_between(kinds, self._types))
        self.names = check_names(list(self._types), str(files[0]))
        packed = [compression] if (compression := _compression(files[0])) else []
        self.description = files.describe("JSON lines", *packed)

    def batches(self) -> Iterator[Batch]:
        """Yield blocks of each file in turn."""
        for file, layout in zip(self.files, self._layouts, strict=True):
            row = 0
            for part in ahead(_parts(file, layout)):
                location = JsonLocation(str(file), row, source=file, layout=layout)
                yield Batch(self._conformed(part), location)
                row += part.num_rows

    def _conformed(self, part: Any) -> Any:
        """Return a block with all columns of the files, each of its type."""
        pa = require("pyarrow", "tables")
        columns = [
            _cast(part.column(name), kind)
            if name in part.column_names
            else pa.nulls(part.num_rows, kind)
            for name, kind in self._types.items()
        ]
        return pa.RecordBatch.from_arrays(columns, names=self.names)


def _layout(file: File) -> Layout:
    with open_bytes(file) as stream:
        layout = layout_of(stream.head())
    if layout is None:
        raise DataError(f"{file} is not JSON, but other files are.")
    return layout


def _compression(file: File) -> str | None:
    with open_bytes(file) as stream:
        return stream.compression


def _parts(file: File, layout: Layout) -> Iterator[Any]:
    """Yield the rows of a file block by block, as Arrow tables."""
    with open_bytes(file) as stream:
        if layout == "lines":
            for first_line, block in _blocks(stream):
                table = _by_arrow(block)
                yield _by_python(block, stream.label, first_line) if table is None else table
        else:
            objects = objects_of(stream, layout)
            while rows := [row for _, row in islice(objects, _BLOCK_OBJECTS)]:
                yield _table_of(rows, stream.label)


def _blocks(stream: ByteStream) -> Iterator[tuple[int, bytes]]:
    """Cut lines into blocks; yield the number of the first line of each, and the block."""
    line = 1
    held = b""
    while block := stream.read(_BLOCK_BYTES):
        held += block
        end = held.rfind(b"\n") + 1
        if end == 0 and len(held) > MAX_BYTES:
            raise too_long(stream.label, line)
        if end:
            whole, held = held[:end], held[end:]
            yield line, whole
            line += whole.count(b"\n")
    if held:
        yield line, held


def _by_arrow(block: bytes) -> Any:
    """Parse lines by Arrow; return None where that fails or would change a value."""
    pa = require("pyarrow", "tables")
    depths = map(len, block.translate(None, _NOT_OPENING).split(b"\n"))
    if max(depths) > _MAX_DEPTH:
        return None
    n_lines = sum(not line.isspace() for line in io.BytesIO(block))
    try:
        table = _read(block, None)
        if (texts := _without_times(table.schema)) is not None:
            names = table.column_names  # Arrow puts those of the schema first
            table = _read(block, texts).select(names)
        table.validate(full=True)
    except (pa.ArrowException, ValueError):
        return None
    table = plain(table)
    if table.num_rows != n_lines or any(map(_is_rounded, table.columns)):
        return None
    if len(set(table.column_names)) < table.num_columns:
        return None
    return table


def _read(block: bytes, schema: Any) -> Any:
    pa, pajson = require("pyarrow", "tables"), require("pyarrow.json", "tables")
    options = pajson.ParseOptions(explicit_schema=schema)
    return pajson.read_json(pa.BufferReader(block), parse_options=options)


def _without_times(schema: Any) -> Any:
    """Return a schema with texts where Arrow took them for times; None if there are none."""
    pa = require("pyarrow", "tables")
    kinds = {field.name: _untimed(field.type) for field in schema}
    changed = [
        (field.name, kinds[field.name]) for field in schema if kinds[field.name] != field.type
    ]
    return pa.schema(changed) if changed else None


def _untimed(kind: Any) -> Any:
    pa = require("pyarrow", "tables")
    if pa.types.is_timestamp(kind):
        return pa.string()
    if pa.types.is_list(kind):
        return pa.list_(_untimed(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _untimed(field.type)) for field in kind])
    return kind


def _is_rounded(column: Any) -> bool:
    """Whether whole numbers may have lost digits among fractions."""
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    while pa.types.is_list(column.type):
        column = pc.list_flatten(column)
    if not pa.types.is_floating(column.type):
        return False
    return bool((np.abs(numpy_of(one_array(column))) >= _EXACT).any())


def _by_python(block: bytes, file: str, first_line: int) -> Any:
    if first_line == 1:
        block = block.removeprefix(BYTE_ORDER_MARK)
    rows = [
        object_of_line(line, file, number)
        for number, line in enumerate(block.split(b"\n"), first_line)
        if line.strip()
    ]
    return _table_of(rows, file)


def _table_of(rows: list[dict[str, Any]], file: str) -> Any:
    pa = require("pyarrow", "tables")
    try:
        table = open_samples(rows).table
    except SchemaError as error:
        raise SchemaError(f"{file}: {error.args[0]}") from error
    return table if table.num_columns else pa.table({"": pa.nulls(len(rows))}).select([])


def _kinds(column: Any) -> set[Any]:
    """Return the type of a column, and `_LARGE` if fractions beside it would round its numbers."""
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    if column.type != pa.int64():
        return {column.type}
    ends = pc.min_max(column).as_py().values()
    return {column.type, _LARGE} if any(abs(end or 0) > _EXACT for end in ends) else {column.type}


def _common_types(kinds: dict[str, set[Any]]) -> dict[str, Any]:
    """Return the one type of each column."""
    pa = require("pyarrow", "tables")
    found = {name: _common_type(types) for name, types in kinds.items()}
    # What is null in some rows and an object in others has its parts as columns.
    parents = {name[:i] for name in found for i, sign in enumerate(name) if sign == "."}
    return {n: kind for n, kind in found.items() if kind != pa.null() or n not in parents}


def _mixed_between(kinds: dict[str, set[Any]], types: dict[str, Any]) -> set[str]:
    """Return the names of columns that are text because blocks have other types."""
    pa = require("pyarrow", "tables")
    texts = [name for name, kind in types.items() if kind == pa.string()]
    return {name for name in texts if kinds[name] - {pa.null(), pa.string()}}


def _common_type(types: set[Any]) -> Any:
    """Return a type for all values of a column, as `column_of` does of the values of one block."""
    pa = require("pyarrow", "tables")
    real = types - {pa.null(), _LARGE}
    if len(real) < 2:
        return next(iter(real), pa.null())
    lists = [kind for kind in real if pa.types.is_list(kind)]
    if any(pa.types.is_nested(kind.value_type) for kind in lists):
        return pa.list_(pa.struct([]))  # which the Schema ignores
    if lists:
        return pa.list_(pa.string())
    if real == {pa.int64(), pa.float64()} and _LARGE not in types:
        return pa.float64()
    return pa.string()


def _cast(column: Any, kind: Any) -> Any:
    """Return a column of a block as one array of the type that it has throughout the files."""
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    array = one_array(column)
    if array.type == kind:
        return array
    if kind == pa.float64():
        return pc.cast(array, kind)
    if pa.types.is_null(array.type) or kind == pa.list_(pa.struct([])):
        return pa.nulls(len(array), kind)
    values = array.to_pylist()
    if not pa.types.is_list(kind):
        return pa.array(list(map(text_or_none, values)), kind)
    lists = [value if isinstance(value, list) or value is None else [value] for value in values]
    return pa.array([v if v is None else list(map(text_or_none, v)) for v in lists], kind)


def _refuse_turned(file: File, layout: Layout) -> None:
    """Refuse a file whose only object holds columns, an index of rows or a list of them."""
    with open_bytes(file) as stream:
        first = [row for _, row in islice(objects_of(stream, layout), 2)]
    if layout == "array" or len(first) != 1:
        return
    values = first[0].values()
    if values and all(isinstance(value, (dict, list)) and value for value in values):
        keys = ", ".join(map(repr, list(first[0])[:5]))
        raise DataError(
            f"{file} holds one JSON object, of {keys}, where there should be one per row. "
            f"{HOW_TO_WRITE}"
        )


def is_json(source: Any) -> bool:
    """Whether these are files of JSON objects, by lines or in an array."""
    if not isinstance(source, Files) or source.reading.as_table:
        return False
    with open_bytes(source[0]) as stream:
        return layout_of(stream.head()) is not None


FORMATS = (Format("JSON lines", is_json, JsonFiles, in_files=True, names=("jsonl",)),)
