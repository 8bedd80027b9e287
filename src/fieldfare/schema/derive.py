"""Derived columns: the parts of dates and times as columns of their own.

A Schema holds a column of dates as a `Column` of kind "datetime", which is no feature itself, and
behind it one column for each of its parts, with ``source`` and ``part``: an ordinary column of
categories or numbers. Batches get the derived columns here, before they are fitted or encoded;
`fieldfare.schema.encode_one` does it for single samples.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from fieldfare.exceptions import DataWarning, SchemaError
from fieldfare.schema.column import DEFAULT_PARTS, Column
from fieldfare.schema.columnwise import each
from fieldfare.schema.moments import ODD, PARTS, Moments, moments_of, part_cells
from fieldfare.sources.batch import Batch, SourceLocation, require_column, shorten

_SHOWN = 3


def expand(columns: Sequence[Column]) -> tuple[Column, ...]:
    """Return columns with one for each part of those of dates behind these, and no others derived.

    Derived columns that are there already stay as they are.
    """
    if not any(column.kind == "datetime" or column.source is not None for column in columns):
        return tuple(columns)
    known = {(column.source, column.part): column for column in columns}
    names = {column.name for column in columns if column.source is None}
    found = []
    for column in columns:
        if column.source is None:
            found.append(column)
        if column.kind == "datetime":
            for part in column.parts or DEFAULT_PARTS:
                old = known.get((column.name, part))
                if old is None:
                    found.append(_derived(column, part, names))
                else:
                    found.append(old.change(date_format=column.date_format))
    return tuple(found)


def _derived(column: Column, part: str, names: set[str]) -> Column:
    name = f"{column.name}.{part}"
    while name in names:
        name += "'"
    return Column(
        name,
        "numeric" if PARTS[part].names is None else "categorical",
        column.field,
        column.role,
        source=column.name,
        part=part,
        date_format=column.date_format,
    )


def with_parts(columns: Sequence[Column], batch: Batch, n_threads: int | None = None) -> Batch:
    """Return a batch with the derived columns among some columns.

    Raises
    ------
    SchemaError
        If there is no column that another is derived from, or it cannot hold dates.
    """
    derived = [c for c in columns if c.source is not None and c.is_feature]
    if not derived:
        return batch
    data = batch.data
    formats = {column.source: column.date_format for column in derived}
    for name in formats:
        require_column(name, data.schema.names)

    def read(name: str, date_format: str) -> Moments:
        return _moments(name, data.column(name), date_format, batch.location)

    found = each(data.num_rows, read, formats.keys(), formats.values(), n_threads=n_threads)
    moments = dict(zip(formats, found, strict=True))

    def cells(column: Column) -> Any:
        return part_cells(column.part, moments[column.source])

    parts = each(data.num_rows, cells, derived, n_threads=n_threads)
    whole = dict(zip(data.schema.names, data.columns, strict=True))
    whole |= {column.name: part for column, part in zip(derived, parts, strict=True)}
    return batch.with_columns(list(whole), list(whole.values()))


def _moments(name: str, array: Any, date_format: str, location: SourceLocation) -> Moments:
    try:
        moments = moments_of(array, date_format)
    except SchemaError as error:
        raise SchemaError(f"Column {name!r}: {error}") from error
    odd = np.flatnonzero(moments.state == ODD)
    if len(odd):
        shown = dict.fromkeys(shorten(str(array[row].as_py())) for row in odd[:100].tolist())
        examples = ", ".join(map(repr, list(shown)[:_SHOWN]))
        place = f"{location.file}: from row" if location.file else "From row"
        warnings.warn(
            DataWarning(
                f"{place} {location.first_row + int(odd[0])}, column {name!r}: {len(odd)} cells are "
                f"no dates or times and count as missing: {examples}. Correct them, or set the "
                f"column's kind, or its date_format (now {date_format!r}), in the Schema."
            ),
            stacklevel=2,
        )
    return moments

