"""Derived columns: the parts of dates and times as columns of their own.

A Schema holds a column of dates as a `Column` of kind "datetime", which is not a feature itself,
and behind it one column for each of its parts, with ``source`` and ``part``: an ordinary column of
categories or numbers. Batches get the derived columns here, before they are fitted or encoded;
`fieldfare.schema.encode_one` does it for single samples.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from fieldfare.exceptions import DataWarning, SchemaError
from fieldfare.schema.calendar import ODD, PARTS
from fieldfare.schema.column import DEFAULT_PARTS, Column
from fieldfare.schema.columnwise import each
from fieldfare.schema.moments import Moments, moments_of, part_cells
from fieldfare.sources.batch import Batch, SourceLocation, require_columns, shorten

_SHOWN = 3


def expand(columns: Sequence[Column], taken: Collection[str | None] = ()) -> tuple[Column, ...]:
    """Return columns with one for each part of those of dates behind these, and no others derived.

    Derived columns that are there already stay as they are. The names of new ones are none of those
    that are taken by other columns of the table.
    """
    known = {(column.source, column.part): column for column in columns}
    names = {column.name for column in columns if column.source is None}.union(taken)
    found = []
    for column in columns:
        if column.source is None:
            found.append(column)
        if column.kind == "datetime":
            for part in column.parts or DEFAULT_PARTS:
                found.append(known.get((column.name, part)) or _derived(column, part, names))
    return tuple(found)


def _derived(column: Column, part: str, names: Collection[str | None]) -> Column:
    name = f"{column.name}.{part}"
    while name in names:
        name += "'"
    own = Column(name, field=column.field, role=column.role, source=column.name, part=part)
    if PARTS[part].names is not None:
        return own
    # In bins, because later data hold later dates: a straight line would lead anywhere.
    return own.change(kind="numeric", transform="quantile")


def with_parts(
    columns: Sequence[Column],
    batch: Batch,
    wanted: Sequence[Column] | None = None,
    n_threads: int | None = None,
) -> Batch:
    """Return a batch with derived columns.

    Parameters
    ----------
    columns : sequence of Column
        With all from which others are derived.
    batch : Batch
    wanted : sequence of Column or None
        Those that are needed; ``None``: all of them.
    n_threads : int or None
        As for `fieldfare.schema.columnwise.each`.

    Raises
    ------
    SchemaError
        If there is no column that another is derived from, or it cannot hold dates.
    """
    derived = {
        column.name: (column.source, column.part)
        for column in (columns if wanted is None else wanted)
        if column.source is not None and column.part is not None and column.is_feature
    }
    if not derived:
        return batch
    data, needed = batch.data, {source for source, _ in derived.values()}
    sources = [column for column in columns if column.name in needed]
    require_columns((column.name for column in sources), data.schema.names)

    def read(column: Column) -> Moments:
        return _moments(column, data.column(column.name), batch.location)

    found = each(data.num_rows, read, sources, n_threads=n_threads)
    moments = {column.name: own for column, own in zip(sources, found, strict=True)}

    def cells(place: tuple[str, str]) -> Any:
        source, part = place
        return part_cells(part, moments[source])

    parts = each(data.num_rows, cells, derived.values(), n_threads=n_threads)
    whole = dict(zip(data.schema.names, data.columns, strict=True))
    whole |= dict(zip(derived, parts, strict=True))
    return batch.with_columns(list(whole), list(whole.values()))


def _moments(column: Column, array: Any, location: SourceLocation) -> Moments:
    try:
        moments = moments_of(array, column.date_format, column.marks)
    except SchemaError as error:
        raise SchemaError(f"Column {column.name!r}: {error.args[0]}") from error
    odd = np.flatnonzero(moments.state == ODD)
    if len(odd):
        shown = dict.fromkeys(shorten(str(array[row])) for row in odd[:100].tolist())
        examples = ", ".join(map(repr, list(shown)[:_SHOWN]))
        place = f"{location.file}: from row" if location.file else "From row"
        warnings.warn(
            DataWarning(
                f"{place} {location.first_row + int(odd[0])}, column {column.name!r}: cells that "
                f"are not dates or times count as missing ({len(odd)} of {len(array)}): "
                f"{examples}. "
                "Correct them, or set the column's kind, or its date_format (now "
                f"{column.date_format!r}), in the Schema."
            ),
            stacklevel=2,
        )
    return moments
