"""Tables in memory, and iterables of them, as batches of Arrow columns."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from fieldfare._optional import require
from fieldfare.exceptions import DataError
from fieldfare.sources.arrow import mixed_columns, plain
from fieldfare.sources.batch import Batch, SourceLocation, check_names, first_rows
from fieldfare.sources.source import Table

BATCH_ROWS = 131_072


class MemoryTable(Table):
    """A pyarrow Table; its structs are columns of their own, ``column.part``.

    Parameters
    ----------
    table : pyarrow.Table
    description : str
        What it was made of.

    Raises
    ------
    SchemaError
        If column names repeat.
    """

    def __init__(self, table: Any, description: str = "Table") -> None:
        self.description = description
        table = plain(table)
        self.names = check_names(list(table.column_names), "The table")
        self.table, self.mixed = table, mixed_columns(table.schema)

    def batches(self) -> Iterator[Batch]:
        """Yield slices of the table."""
        for row in range(0, self.table.num_rows, BATCH_ROWS):
            # One chunk, because each batch costs a look-up per distinct value.
            part = self.table.slice(row, BATCH_ROWS).combine_chunks()
            yield Batch(part.to_batches()[0], SourceLocation("", row))
        if not self.table.num_rows:
            pa, schema = require("pyarrow", "tables"), self.table.schema
            empty = [pa.array([], kind) for kind in schema.types]
            yield Batch(pa.RecordBatch.from_arrays(empty, schema=schema))


class ChainedTables(Table):
    """Tables with the same columns, one after another.

    Parameters
    ----------
    tables : iterable of Table
        An iterator makes a source that can be read once. The first table is opened at once.
    """

    description = "Tables"

    def __init__(self, tables: Iterable[Table]) -> None:
        self._tables = tables
        self.is_rereadable = iter(tables) is not tables
        first = next(iter(tables))
        self._ahead = [] if self.is_rereadable else [first]
        self._is_spent = False
        self.names, self.untyped = list(first.names), first.untyped

    def batches(self) -> Iterator[Batch]:
        """Yield the batches of each table in turn.

        Raises
        ------
        DataError
            If the tables come from an iterator that was read already.
        """
        if self._is_spent:
            raise DataError(
                "These tables come from a generator, which was read already. Give a list, or call "
                "the function that makes the generator again."
            )
        self._is_spent = not self.is_rereadable
        while self._ahead:
            yield from self._ahead.pop(0).batches()
        for table in self._tables:
            yield from table.batches()

    def head(self, n: int) -> Any:
        """Return the first rows; tables of an iterator are kept for `batches`."""
        if self.is_rereadable:
            return super().head(n)
        while self._n_ahead() < n and (more := next(iter(self._tables), None)) is not None:
            self._ahead.append(more)
        return first_rows(self.names, chain.from_iterable(t.batches() for t in self._ahead), n)

    def _n_ahead(self) -> int:
        return sum(batch.data.num_rows for table in self._ahead for batch in table.batches())


class WithColumn(Table):
    """A table that keeps a column of the batches that passed, until it is taken.

    Parameters
    ----------
    table : Table
    column : str
        One of its names.
    """

    def __init__(self, table: Table, column: str) -> None:
        for name in ("description", "files", "is_rereadable", "n_batches"):
            setattr(self, name, getattr(table, name))
        self.names, self.untyped = table.names, table.untyped
        self.has_names, self.mixed = table.has_names, table.mixed
        self._table, self._column = table, column
        self._passed: deque[Any] = deque()

    def batches(self) -> Iterator[Batch]:
        """Yield the batches of the table."""
        for batch in self._table.batches():
            self._passed.append(batch.data.column(self._column))
            yield batch

    def head(self, n: int) -> Any:
        """Return the first rows, as the table does; nothing of them is kept."""
        return self._table.head(n)

    def take(self) -> Any:
        """Return the column of the next batch that passed, an Arrow array, if there is one."""
        return self._passed.popleft() if self._passed else None


class OneBatch(Table):
    """A batch that keeps its location."""

    description = "Batch"

    def __init__(self, batch: Batch) -> None:
        self.names = list(batch.data.schema.names)
        self._batch = batch

    def batches(self) -> Iterator[Batch]:
        """Yield the batch."""
        yield self._batch
