"""Types of texts: what the cells of a CSV column stand for, if all of them stand for the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fieldfare._optional import require
from fieldfare.schema.missing import STANDARD, Marks
from fieldfare.sources.arrow import cast_or_none
from fieldfare.sources.source import Table

# What Arrow takes for a type, or a little more: the first text alone tells most columns of words
# and of decimals, without an error of Arrow's for each type.
_INTEGER = re.compile(r"[+-]?(0[xX][0-9a-fA-F]+|[0-9]+)")
_NUMBER = re.compile(r"[+-]?([0-9.]|nan|inf)", re.IGNORECASE)
_BOOLEAN = re.compile(r"0|1|true|false", re.IGNORECASE)
_TIME = re.compile(r"-?[0-9]+-")


def any_padded(texts: Any) -> bool:
    """Whether digits follow a zero, as in ids such as 007, which numbers would not give back."""
    pc = require("pyarrow.compute", "tables")
    return bool(pc.any(pc.match_substring_regex(texts, r"^[+-]?0[0-9]+$")).as_py())


def type_texts(array: Any, marks: Marks = STANDARD) -> Any:
    """Give the texts of an untyped (CSV) column the narrowest type that fits all of them.

    Tried in order: integer, float, boolean, date and time; text otherwise. Digits after a zero, as
    in 007 or a postcode, are text, as they are in a frame that keeps the zero.
    """
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    if pa.types.is_null(array.type):  # a file without rows has no texts
        return array
    present = marks.without(array)
    if present.null_count == len(present):
        return pa.nulls(len(array))
    present = pc.utf8_trim_whitespace(present)
    if any_padded(present):
        return array
    first = present[0].as_py() or present.drop_null()[0].as_py()
    for kind, may_be in (
        (pa.int64(), _INTEGER.fullmatch),
        (pa.float64(), _NUMBER.match),
        (pa.bool_(), _BOOLEAN.fullmatch),
        (pa.timestamp("us"), _TIME.match),
    ):
        if may_be(first) and (typed := cast_or_none(present, kind)) is not None:
            return typed
    return array


def typed_batches(table: Table) -> Iterator[Any]:
    """Yield the Arrow batches of a table; texts of a CSV get the type that fits the whole column.

    An untyped table is read twice.
    """
    if not table.untyped:
        yield from (batch.data for batch in table.batches())
        return
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    found: list[set[Any]] = [set() for _ in table.names]
    for batch in table.batches():
        for kinds, column in zip(found, batch.data.columns, strict=True):
            kinds.add(_faithful_type(column))
    types = [_common_type(kinds - {pa.null()}) for kinds in found]
    for batch in table.batches():
        columns = [
            column if kind == pa.string() else pc.cast(type_texts(column), kind)
            for column, kind in zip(batch.data.columns, types, strict=True)
        ]
        yield pa.RecordBatch.from_arrays(columns, names=table.names)


def _faithful_type(column: Any) -> Any:
    """Return the type of texts; those that numbers would not give back, as 007, stay texts."""
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    typed = type_texts(column)
    if typed.type == pa.int64():
        back, text = (pc.cast(array, pa.string()) for array in (typed, column))
        same = pc.all(pc.equal(back, text)).as_py()
        return pa.string() if same is False else pa.int64()
    kept = (pa.float64(), pa.bool_(), pa.null())
    return typed.type if typed.type in kept else pa.string()


def _common_type(kinds: set[Any]) -> Any:
    pa = require("pyarrow", "tables")
    if kinds == {pa.int64(), pa.float64()}:
        return pa.float64()
    return kinds.pop() if len(kinds) == 1 else pa.string()
