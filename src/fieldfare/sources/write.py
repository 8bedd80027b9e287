"""Tables on their way out: CSV and Parquet, complete or not at all."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np

from fieldfare._files import STREAM, atomic_write, standard_output
from fieldfare._optional import require
from fieldfare._typing import AnyArray, Float32Array, PathLike

Write = Callable[[Any], None]


@contextmanager
def open_output(path: PathLike) -> Iterator[BinaryIO]:
    """Open a file that appears under its name only when complete.

    ``"-"`` is standard output; the rest is as `atomic_write` says.

    Raises
    ------
    OutputError
        If the file cannot be written; nothing is left behind.
    """
    with standard_output() if path == STREAM else atomic_write(path) as file:
        yield file


@contextmanager
def table_writer(path: PathLike, kind: str) -> Iterator[Write]:
    """Open a CSV or Parquet file that takes a table batch by batch.

    Parameters
    ----------
    path : path or "-"
        As for `open_output`.
    kind : {"csv", "parquet"}

    Yields
    ------
    function
        Takes a dictionary of columns, an Arrow table or a record batch; all of the same columns.

    Raises
    ------
    MissingDependencyError
        If pyarrow is not installed.
    """
    arrow = require("pyarrow", "tables")
    make = _parquet if kind == "parquet" else _Csv
    writer: Any = None
    with open_output(path) as file:

        def write(batch: Any) -> None:
            nonlocal writer
            table = arrow.table(dict(batch)) if isinstance(batch, Mapping) else batch
            if isinstance(table, arrow.RecordBatch):
                table = arrow.Table.from_batches([table])
            writer = writer or make(file, table.schema)
            writer.write_table(table)

        yield write
        writer = writer or make(file, arrow.schema([]))
        writer.close()


def _parquet(file: BinaryIO, schema: Any) -> Any:
    return require("pyarrow.parquet", "tables").ParquetWriter(file, schema)


def vector_table(
    columns: Mapping[str, AnyArray], vectors: Float32Array, metadata: Mapping[str, str]
) -> Any:
    """Return a pyarrow Table with a last column, ``vector``, of lists of equal length.

    Parameters
    ----------
    columns : mapping from name to array of shape (n,)
    vectors : float32 array of shape (n, d)
    metadata : mapping
        Of the whole table; Parquet files keep it.
    """
    pa = require("pyarrow", "tables")
    flat = pa.array(np.ascontiguousarray(vectors).reshape(-1))
    lists = pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
    arrays = {name: pa.array(array) for name, array in columns.items()} | {"vector": lists}
    return pa.table(arrays).replace_schema_metadata(dict(metadata))


class _Csv:
    """CSV as `csv` writes it: quotes where needed, empty cells for what is missing."""

    def __init__(self, file: BinaryIO, schema: Any) -> None:
        self._text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        self._writer = csv.writer(self._text, lineterminator="\n")
        self._writer.writerow(schema.names)

    def write_table(self, table: Any) -> None:
        columns = [_cells(column) for column in table.columns]
        self._writer.writerows(zip(*columns, strict=True))

    def close(self) -> None:
        self._text.detach()


def _cells(column: Any) -> list[Any]:
    """Return values that `csv` writes as the shortest text that reads back the same."""
    arrow = require("pyarrow", "tables")
    if column.type == arrow.float32() and column.null_count == 0:
        texts: list[Any] = column.to_numpy().astype("U").tolist()
        return texts
    values: list[Any] = column.to_pylist()
    if column.type == arrow.bool_():
        return [None if value is None else str(value).lower() for value in values]
    return values
