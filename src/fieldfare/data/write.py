"""Tables on their way out: CSV and Parquet, complete or not at all."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from fieldfare._optional import require
from fieldfare._typing import AnyArray, PathLike

KINDS = ("csv", "parquet")


class TableWriter:
    """Write batches of columns to one file, which appears under its name only when complete.

    Parameters
    ----------
    path : str or path
        ``"-"`` is standard output.
    kind : {"csv", "parquet"}

    Raises
    ------
    MissingDependencyError
        If pyarrow is not installed.
    """

    def __init__(self, path: PathLike, kind: str) -> None:
        self._arrow = require("pyarrow", "tables")
        self._formats = require("pyarrow.csv" if kind == "csv" else "pyarrow.parquet", "tables")
        self._kind = kind
        self._path = os.fspath(path)
        self._temporary: Path | None = None
        self._writer: Any = None

    def __enter__(self) -> TableWriter:
        if self._path == "-":
            self._file: Any = sys.stdout.buffer
            return self
        folder, name = os.path.split(os.path.abspath(self._path))
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
        self._temporary = Path(temporary)
        self._file = os.fdopen(handle, "wb")
        return self

    def write(self, batch: Mapping[str, AnyArray | Sequence[Any]] | Any) -> None:
        """Append a batch: columns by name, or an Arrow table or record batch."""
        table = self._arrow.table(dict(batch)) if isinstance(batch, Mapping) else batch
        if not isinstance(table, self._arrow.Table):
            table = self._arrow.Table.from_batches([table])
        if self._writer is None:
            self._writer = self._open(table.schema)
        self._writer.write_table(table)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None and self._writer is None:
                self._writer = self._open(self._arrow.schema([]))
            if self._writer is not None:
                self._writer.close()
            if self._temporary is None:
                self._file.flush()
                return
            if error is None:
                self._file.flush()
                os.fsync(self._file.fileno())
            self._file.close()
            if error is None:
                mask = os.umask(0)
                os.umask(mask)
                os.chmod(self._temporary, 0o666 & ~mask)
                os.replace(self._temporary, self._path)
        finally:
            if self._temporary is not None:
                self._temporary.unlink(missing_ok=True)

    def _open(self, schema: Any) -> Any:
        if self._kind == "parquet":
            return self._formats.ParquetWriter(self._file, schema)
        options = self._formats.WriteOptions(quoting_style="needed")
        return self._formats.CSVWriter(self._file, schema, write_options=options)
