"""Texts as codes: what the first pass over a table finds out is kept for the second."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from fieldfare._optional import require
from fieldfare.schema.column import Column
from fieldfare.schema.columnwise import each
from fieldfare.sources.arrow import is_string
from fieldfare.sources.batch import Batch
from fieldfare.sources.tables import Table

KEPT_BYTES = 256 << 20
_CODED_KINDS = ("categorical", "numeric")


class CodedTable:
    """A table whose columns of text come as codes and the distinct texts of each batch.

    Fitting a Schema and encoding with it both look at distinct values only. Batches are kept after
    the first full pass if they fit into ``KEPT_BYTES``, so that files are parsed once.

    Parameters
    ----------
    table : Table
        The table to read.
    columns : sequence of Column
        What its columns mean: texts that are cut into several values stay as they are.
    others : sequence of str
        Other columns with one value per cell, such as the target.
    """

    def __init__(self, table: Table, columns: Sequence[Column], others: Sequence[str]) -> None:
        self.names, self.untyped = table.names, table.untyped
        self._table = table
        self._coded = {c.name for c in columns if c.kind in _CODED_KINDS} | set(others)
        self._kept: list[Batch] | None = None

    def batches(self) -> Iterator[Batch]:
        """Yield the rows in order, in batches of bounded size."""
        if self._kept is not None:
            yield from self._kept
            return
        kept: list[Batch] = []
        n_bytes = 0
        for batch in self._table.batches():
            coded = self._code(batch)
            n_bytes += coded.data.nbytes
            if n_bytes <= KEPT_BYTES:
                kept.append(coded)
            else:
                kept.clear()
            yield coded
        if n_bytes <= KEPT_BYTES:
            self._kept = kept

    def head(self, n: int) -> Any:
        """Return the first rows, as they were read."""
        return self._table.head(n)

    def _code(self, batch: Batch) -> Batch:
        pa, data = require("pyarrow", "tables"), batch.data
        columns = each(data.num_rows, self._code_column, data.schema.names, data.columns)
        return replace(batch, data=pa.RecordBatch.from_arrays(columns, names=data.schema.names))

    def _code_column(self, name: str, array: Any) -> Any:
        pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
        if name not in self._coded or not is_string(array.type):
            return array
        coded = pc.dictionary_encode(array)
        if len(coded.dictionary) > 2**15:
            return coded
        narrow = pa.int8() if len(coded.dictionary) <= 2**7 else pa.int16()
        return pa.DictionaryArray.from_arrays(pc.cast(coded.indices, narrow), coded.dictionary)
