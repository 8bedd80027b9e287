"""What a validation part is held out by: the time of each sample, or its group, from a column.

The column may be a feature or not. What it says is read beside the features, as whole numbers that
stand in the order of the times, or that tell the groups apart (`Rows.split_by`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fieldfare._typing import AnyArray, Float64Array, Int64Array
from fieldfare.data.dataset import AnyDataset
from fieldfare.exceptions import DataError
from fieldfare.rows import Rows, as_rows
from fieldfare.schema.calendar import MISSING, ODD
from fieldfare.schema.canonical import numbers
from fieldfare.schema.column import Column
from fieldfare.schema.dates import recognise
from fieldfare.schema.encode import NO_GROUP, encode_group
from fieldfare.schema.moments import moments_of
from fieldfare.schema.schema import Schema
from fieldfare.sources.batch import Batch, column_at, is_position, require_column, shorten
from fieldfare.sources.headers import words_of
from fieldfare.sources.source import Table

_GLIMPSE = 10_000
_ROWS_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class SplitBy:
    """The column that a validation part is held out by.

    Parameters
    ----------
    what : {"time", "group"}
        Whether its values are in order, or only tell rows apart.
    column : str or int
        Its name, or its position from 0; of numbered features, the number of one.
    """

    what: str
    column: str | int

    def reader(self, table: Table, schema: Schema) -> Callable[[Batch], Int64Array]:
        """Return the function that reads the column of a batch of a table.

        Parameters
        ----------
        table : Table
            Its first rows tell how the column writes dates, unless the Schema does.
        schema : Schema
            Of the table.

        Raises
        ------
        SchemaError
            If there is no such column; the function, if a cell cannot be used, naming its row.
        """
        name = column_at(table.names, self.column)
        require_column(name, table.names)
        if self.what == "group":
            return lambda batch: _groups(batch, name)
        own = next((c for c in schema.columns if c.name == name), None)
        if own is None or own.kind != "datetime":
            column = table.head(_GLIMPSE).column(name)
            own = recognise(name, words_of(name), column, None) or own or Column(name)
        if own.kind != "datetime":
            return lambda batch: _order_of_numbers(batch, own)
        return lambda batch: _order_of_dates(batch, own)

    def with_column_of(self, data: AnyDataset) -> AnyDataset:
        """Return samples with what they are split by: they have it, or it is a numbered feature.

        Raises
        ------
        DataError
            If it is neither.
        """
        if data.rows.split_by is not None:
            return data
        if not data.schema.is_indexed:
            raise DataError(
                "These samples are encoded already, and the values of the column "
                f"{self.column!r} were not kept. Train on the table or the file itself, or order "
                "the rows by time and leave out validation_column."
            )
        n_features = data.schema.n_features
        if not is_position(self.column) or not 0 <= int(self.column) < n_features:
            raise DataError(
                f"Features are numbered here, from 0 to {n_features - 1}, so validation_column "
                f"must be one of these numbers. Got {self.column!r}."
            )
        feature, step = int(self.column), _ROWS_AT_ONCE
        starts = range(0, len(data), step)
        parts = [_values_of(feature, as_rows(data.rows.slice(i, i + step))) for i in starts]
        values = np.concatenate([np.zeros(0), *parts])
        return data.with_(split_by=ordered(values))


def ordered(x: Float64Array) -> Int64Array:
    """Return whole numbers that are in the order of floating-point numbers, none of them NaN."""
    bits = (x + 0.0).view(np.int64)  # -0.0 becomes 0.0
    return bits ^ ((bits >> 63) & np.iinfo(np.int64).max)


def _groups(batch: Batch, name: str) -> Int64Array:
    found = encode_group(batch, name)
    _refuse(found == NO_GROUP, batch, name, "a row without a group cannot be kept with others.")
    return found


def _order_of_numbers(batch: Batch, column: Column) -> Int64Array:
    array = batch.data.column(column.name)
    x = numbers(array, batch.location, column.name, column.marks)
    _refuse(np.isnan(x), batch, column.name, "a row without a time is neither early nor late.")
    return ordered(x)


def _order_of_dates(batch: Batch, column: Column) -> Int64Array:
    found = moments_of(batch.data.column(column.name), column.date_format, column.marks)
    absent = (found.state == MISSING) | (found.state == ODD)
    _refuse(absent, batch, column.name, "a row without a time is neither early nor late.")
    return found.ticks


def _refuse(bad: AnyArray, batch: Batch, name: str, problem: str) -> None:
    if bad.any():
        row = int(np.argmax(bad))
        cell = batch.data.column(name)[row].as_py()
        problem = f"{problem} Fill in validation_column, or remove such rows."
        raise batch.location.error(row, name, problem, "" if cell is None else shorten(str(cell)))


def _values_of(feature: int, rows: Rows) -> Float64Array:
    """Return the value of a feature in each row, 0 where the row does not have it."""
    first, last = int(rows.indptr[0]), int(rows.indptr[-1])
    entries = first + np.flatnonzero(rows.indices[first:last] == feature)
    values = np.zeros(len(rows))
    row = np.searchsorted(rows.indptr, entries, side="right") - 1
    values[row] = 1 if rows.values is None else rows.values[entries]
    return values
