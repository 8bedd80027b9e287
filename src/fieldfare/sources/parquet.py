"""Parquet files, streamed by row group."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from fieldfare._optional import require
from fieldfare.exceptions import DataError, SchemaError
from fieldfare.sources.batch import Batch, SourceLocation, check_names
from fieldfare.sources.bytes import File
from fieldfare.sources.files import Files
from fieldfare.sources.format import Format
from fieldfare.sources.source import Table
from fieldfare.sources.tables import BATCH_ROWS

_MAGIC = b"PAR1"


class ParquetFiles(Table):
    """Parquet files with the same columns.

    Raises
    ------
    DataError
        If one of them is not Parquet, or damaged.
    SchemaError
        If they have different columns.
    """

    files: Files

    def __init__(self, files: Files) -> None:
        self.files = files
        self.description = files.describe("Parquet")
        for file in files:
            if not is_parquet(Files(file)):
                raise DataError(f"{file} is not Parquet, but other files are.")
        self.names = check_names(list(_open(files[0]).schema_arrow.names), str(files[0]))

    def batches(self) -> Iterator[Batch]:
        """Yield batches of the row groups of each file in turn."""
        pa = require("pyarrow", "tables")
        for file in self.files:
            opened, row = _open(file), 0
            if list(opened.schema_arrow.names) != self.names:
                raise SchemaError(f"{file} and {self.files[0]} have different columns.")
            try:
                for part in opened.iter_batches(batch_size=BATCH_ROWS):
                    yield Batch(part, SourceLocation(str(file), row))
                    row += part.num_rows
            except (pa.ArrowException, OSError) as error:
                raise DataError(f"{file} is damaged after row {row}: {error}") from error


def is_parquet(source: Any) -> bool:
    """Whether these are files that begin as Parquet files do."""
    return isinstance(source, Files) and source.magic.startswith(_MAGIC)


def _open(file: File) -> Any:
    pa, parquet = require("pyarrow", "tables"), require("pyarrow.parquet", "tables")
    try:
        return parquet.ParquetFile(os.fspath(file))
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{file} is not a readable Parquet file: {error}") from error


FORMATS = (Format("Parquet", is_parquet, ParquetFiles, in_files=True, names=("parquet",)),)
