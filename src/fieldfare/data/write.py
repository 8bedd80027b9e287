"""Tables on their way out: CSV and Parquet, complete or not at all."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from fieldfare._optional import require
from fieldfare._typing import PathLike
from fieldfare.data.sources import STDIN, atomic_file

Write = Callable[[Any], None]


@contextmanager
def open_output(path: PathLike) -> Iterator[BinaryIO]:
    """Open a file that appears under its name only when complete.

    ``"-"`` is standard output. What exists and is no ordinary file (a pipe, ``/dev/null``) is
    written to and not replaced.

    Raises
    ------
    DataError
        If the file cannot be written; nothing is left behind.
    """
    if path == STDIN:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    elif Path(path).exists() and not Path(path).is_file() and not Path(path).is_dir():
        with open(path, "wb") as file:
            yield file
    else:
        with atomic_file(path) as file:
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
    make = _parquet if kind == "parquet" else _csv
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


def _csv(file: BinaryIO, schema: Any) -> Any:
    csv = require("pyarrow.csv", "tables")
    return csv.CSVWriter(file, schema, write_options=csv.WriteOptions(quoting_style="needed"))
