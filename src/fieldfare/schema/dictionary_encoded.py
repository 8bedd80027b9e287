"""Dictionary-encoded tables: what the first pass over a table finds out is kept for the second."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from fieldfare._optional import require
from fieldfare.schema.column import Column
from fieldfare.schema.columnwise import each
from fieldfare.sources.arrow import is_string
from fieldfare.sources.batch import Batch
from fieldfare.sources.source import Table

KEPT_BYTES = 256 << 20
_ENCODED_KINDS = ("categorical", "numeric", "datetime")


class DictionaryEncodedTable(Table):
    """A table whose columns of text come as codes and the distinct texts of each batch.

    Fitting a Schema and encoding with it both look at distinct values only. Batches are kept after
    the first full pass if they fit into ``KEPT_BYTES``, so that files are parsed once; those of a
    source that can be read only once are kept in any case.

    Parameters
    ----------
    table : Table
        The table to read.
    columns : sequence of Column
        What its columns mean: texts that are cut into several values stay as they are.
    others : sequence of str
        Other columns with one value per cell, such as the target.
    n_threads : int or None
        As for `fieldfare.schema.columnwise.each`.
    """

    def __init__(
        self,
        table: Table,
        columns: Sequence[Column],
        others: Sequence[str],
        n_threads: int | None = None,
    ) -> None:
        self.names, self.untyped, self.mixed = table.names, table.untyped, table.mixed
        self.description, self.files = table.description, table.files
        self._table, self._n_threads = table, n_threads
        self._encoded = {c.name for c in columns if c.kind in _ENCODED_KINDS} | set(others)
        self._kept: list[Batch] | None = None

    def batches(self) -> Iterator[Batch]:
        """Yield the rows in order, in batches of bounded size."""
        if self._kept is not None:
            yield from self._kept
            return
        kept: list[Batch] = []
        n_bytes = 0
        for batch in self._table.batches():
            encoded = self._encode(batch)
            n_bytes += encoded.data.nbytes
            if self._keeps(n_bytes):
                kept.append(encoded)
            else:
                kept.clear()
            yield encoded
        if self._keeps(n_bytes):
            self._kept = kept

    def head(self, n: int) -> Any:
        """Return the first rows, as they were read."""
        return self._table.head(n)

    def _keeps(self, n_bytes: int) -> bool:
        return n_bytes <= KEPT_BYTES or not self._table.is_rereadable

    def _encode(self, batch: Batch) -> Batch:
        data = batch.data
        columns = each(
            data.num_rows,
            self._encode_column,
            data.schema.names,
            data.columns,
            n_threads=self._n_threads,
        )
        return batch.with_columns(data.schema.names, columns)

    def _encode_column(self, name: str, array: Any) -> Any:
        pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
        if name not in self._encoded or not is_string(array.type):
            return array
        encoded = pc.dictionary_encode(array)
        if len(encoded.dictionary) > 2**15:
            return encoded
        narrow = pa.int8() if len(encoded.dictionary) <= 2**7 else pa.int16()
        return pa.DictionaryArray.from_arrays(pc.cast(encoded.indices, narrow), encoded.dictionary)
