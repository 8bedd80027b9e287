"""Parquet files, streamed in batches, however large their row groups are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from fieldfare._optional import require
from fieldfare.sources.arrow_files import ArrowFiles
from fieldfare.sources.bytes import File
from fieldfare.sources.files import Files
from fieldfare.sources.format import Format
from fieldfare.sources.tables import BATCH_ROWS

_MAGIC = b"PAR1"
_BUFFER_BYTES = (
    1 << 20
)  # of a column; without a buffer Arrow reads all of it that is in a row group


class ParquetFiles(ArrowFiles):
    """Parquet files with the same columns."""

    title = "Parquet"

    def _is_readable(self, files: Files) -> bool:
        return is_parquet(files)

    def _open(self, file: File, stack: ExitStack) -> Any:
        parquet = require("pyarrow.parquet", "tables")
        form = {"buffer_size": _BUFFER_BYTES, "pre_buffer": False}
        return stack.enter_context(parquet.ParquetFile(os.fspath(file), **form))

    def _schema(self, opened: Any) -> Any:
        return opened.schema_arrow

    def _parts(self, opened: Any) -> Iterator[Any]:
        parts: Iterator[Any] = opened.iter_batches(batch_size=BATCH_ROWS)
        return parts


def is_parquet(source: Any) -> bool:
    """Whether these are files that begin as Parquet files do."""
    return isinstance(source, Files) and source.magic.startswith(_MAGIC)


FORMATS = (Format("Parquet", is_parquet, ParquetFiles, in_files=True, names=("parquet",)),)
