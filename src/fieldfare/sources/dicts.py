"""Dictionaries: one of columns, or one per sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fieldfare._optional import require
from fieldfare.exceptions import SchemaError
from fieldfare.sources.arrow import table_of
from fieldfare.sources.format import Format
from fieldfare.sources.tables import MemoryTable


def open_columns(source: Mapping[Any, Any]) -> MemoryTable:
    """Return the table of a dictionary of columns.

    Raises
    ------
    SchemaError
        If the columns do not fit together.
    """
    pa = require("pyarrow", "tables")
    try:
        table = table_of((str(name), values) for name, values in source.items())
    except pa.ArrowException as error:
        raise SchemaError(
            f"The table cannot be read as columns of one type each: {error}"
        ) from error
    return MemoryTable(table, type(source).__name__)


def are_samples(source: Any) -> bool:
    """Whether this is a list with one dictionary per sample."""
    return isinstance(source, (list, tuple)) and all(isinstance(row, Mapping) for row in source)


def open_samples(rows: Sequence[Mapping[Any, Any]]) -> MemoryTable:
    """Return the table of a list of dictionaries; keys that one lacks are missing there."""
    names = dict.fromkeys(str(name) for row in rows for name in row)
    columns = {name: [row.get(name) for row in rows] for name in names}
    return MemoryTable(open_columns(columns).table, "dicts")


FORMATS = (
    Format("a dict of columns", lambda source: isinstance(source, Mapping), open_columns),
    Format("an iterable of dicts", are_samples, open_samples),
)
