"""A batch: some rows of a table, and where they stand in their source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

from fieldfare._optional import require
from fieldfare._validation import Number, check, closest, quoted
from fieldfare.exceptions import DataError, SchemaError


@dataclass(frozen=True)
class SourceLocation:
    """Where the rows of a batch came from.

    Parameters
    ----------
    file : str
        What to call the file in messages; empty for tables in memory.
    first_row : int
        Number, from 0, of the first row of the batch in its file or table.
    """

    file: str = ""
    first_row: int = 0

    def error(self, row: int, column: str, problem: str, text: str) -> DataError:
        """Return the exception for a cell: ``row`` counts from the start of the batch."""
        place = self.place(row) if self.file else self.place(row).capitalize()
        return SchemaError(f"{place}, column {column!r}: {problem} Got {shorten(text)!r}.")

    def place(self, row: int) -> str:
        """Return the name of a row in messages: ``row`` counts from the start of the batch."""
        number = f"row {self.first_row + row}"
        return f"{self.file}: {number}" if self.file else number


@dataclass(frozen=True)
class Batch:
    """Some rows of a table, as a pyarrow RecordBatch, with their location."""

    data: Any
    location: SourceLocation = field(default_factory=SourceLocation)

    def with_columns(self, names: Sequence[str], columns: Sequence[Any]) -> Batch:
        """Return the same rows with other columns, Arrow arrays."""
        pa = require("pyarrow", "tables")
        data = pa.RecordBatch.from_arrays(list(columns), names=list(names))
        return Batch(data, self.location)


def shorten(text: str, length: int = 60) -> str:
    """Return the text, cut to fit into a message."""
    return text if len(text) <= length else text[: length - 3] + "..."


def check_names(names: list[str], where: str) -> list[str]:
    """Return column names, refusing repeated ones.

    Raises
    ------
    SchemaError
        If a name repeats.
    """
    known = set()
    for name in names:
        if name in known:
            raise SchemaError(f"{where} has two columns named {name!r}. Rename one of them.")
        known.add(name)
    return names


def require_column(name: str, names: Sequence[str]) -> None:
    """Raise SchemaError unless there is a column of this name."""
    if name not in names:
        raise SchemaError(
            f"There is no column {name!r}. The columns are {quoted(names)}.{closest(name, names)}"
        )


def require_columns(wanted: Iterable[str], names: Sequence[str]) -> None:
    """Raise SchemaError unless there are columns of all these names."""
    known = set(names)
    for name in wanted:
        if name not in known:
            require_column(name, names)


def column_at(names: Sequence[str], column: Any) -> Any:
    """Return the name of a column that is given by its position from 0; a name as it is.

    A number that is the name of a column is the name.

    Raises
    ------
    SchemaError
        If there is no such position.
    """
    if not is_position(column) or str(column) in names:
        return str(column) if is_position(column) else column
    if not 0 <= column < len(names):
        raise SchemaError(
            f"There is no column {column}, by name or by position from 0. The {len(names)} columns "
            f"are {', '.join(map(repr, names))}."
        )
    return names[int(column)]


def is_position(column: Any) -> bool:
    """Whether a column is given by a number, of Python or NumPy."""
    return isinstance(column, Integral) and not isinstance(column, bool)


def first_rows(names: list[str], batches: Iterable[Batch], n: int) -> Any:
    """Return the first rows of batches as one RecordBatch.

    Raises
    ------
    SchemaError
        If a batch has other columns than the first ones, or of a type that does not go with theirs.
    """
    check("n", n, Number(0, 2**62, integer=True), "head")
    pa = require("pyarrow", "tables")
    n, parts, have = int(n), [], 0
    for batch in batches:
        check_columns(names, batch)
        parts.append(batch.data.slice(0, n - have).select(names))
        have += parts[-1].num_rows
        if have >= n:
            break
    if not parts:
        return pa.RecordBatch.from_arrays([pa.nulls(0) for _ in names], names=names)
    return stacked(parts).combine_chunks().to_batches()[0] if have else parts[0]


def check_columns(names: list[str], batch: Batch) -> None:
    """Refuse a batch unless it has exactly the columns of its table, in any order.

    Raises
    ------
    SchemaError
    """
    found = batch.data.schema.names
    if sorted(found) != sorted(names):
        file, row = batch.location.file, batch.location.first_row
        part = f"{file}, from row {row} on," if file else "One of the tables"
        raise SchemaError(
            f"{part} has the columns {', '.join(map(repr, found))}, and the rows before "
            f"it have {', '.join(map(repr, names))}. Give all rows the same columns."
        )


def stacked(parts: Sequence[Any]) -> Any:
    """Return record batches, at least one, as one table; whole numbers become floats if need be.

    Raises
    ------
    SchemaError
        If a column has types that do not go together, such as numbers and text.
    """
    pa = require("pyarrow", "tables")
    if all(part.schema.equals(parts[0].schema) for part in parts):
        return pa.Table.from_batches(parts)
    tables = [pa.Table.from_batches([part]) for part in parts]
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        raise SchemaError(
            f"The tables have columns of the same name whose types do not go together: {error}. "
            "Convert them to one type."
        ) from error
