"""What binary files of Arrow columns share: their batches are checked before anything uses them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from fieldfare._optional import require
from fieldfare.exceptions import ConfigError, DataError, SchemaError
from fieldfare.sources.arrow import plain
from fieldfare.sources.batch import Batch, SourceLocation, check_names
from fieldfare.sources.bytes import File
from fieldfare.sources.files import Files, unpacked
from fieldfare.sources.source import Table
from fieldfare.sources.tables import MemoryTable


class ArrowFiles(Table):
    """Binary files with the same columns. A packed one that must be sought in is unpacked first.

    Attributes
    ----------
    title : str
        What the format is called.

    Raises
    ------
    DataError
        If one of them is of another format, or damaged.
    SchemaError
        If they have different columns.
    ConfigError
        If an encoding is given.
    """

    title: str
    files: Files

    def __init__(self, files: Files) -> None:
        self.files = files
        self.description = files.describe(self.title)
        if files.reading.encoding is not None:
            raise ConfigError(
                f"encoding= is for files of text. Leave it out: {files[0]} is {self.title}."
            )
        for file in files:
            if not self._is_readable(Files(file)):
                raise DataError(f"{file} is not {self.title}, but other files are.")
        self._plain = [unpacked(file) for file in files]
        self.names = self._names(self._plain[0])
        for file in self._plain[1:]:
            if self._names(file) != self.names:
                raise SchemaError(f"{file} and {self.files[0]} have different columns.")

    @abstractmethod
    def _is_readable(self, files: Files) -> bool:
        """Whether files are of this format."""

    @abstractmethod
    def _open(self, file: File, stack: ExitStack) -> Any:
        """Open a file that is not packed; what must be closed goes on the stack."""

    @abstractmethod
    def _schema(self, opened: Any) -> Any:
        """Return the Arrow schema of what was opened."""

    @abstractmethod
    def _parts(self, opened: Any) -> Iterator[Any]:
        """Yield the record batches of what was opened."""

    def _names(self, file: File) -> list[str]:
        with ExitStack() as stack:
            try:
                opened = self._open(file, stack)
                names = list(plain(self._schema(opened).empty_table()).column_names)
            except _faults() as error:
                raise DataError(f"{file} is not a readable {self.title} file: {error}") from error
        return check_names(names, str(file))

    def batches(self) -> Iterator[Batch]:
        """Yield batches of each file in turn."""
        pa = require("pyarrow", "tables")
        for file in self._plain:
            row = 0
            with ExitStack() as stack:
                parts = self._checked(file, stack)
                while True:
                    try:
                        part = next(parts, None)
                    except _faults() as error:
                        raise DataError(f"{file} is damaged after row {row}: {error}") from error
                    if part is None:
                        break
                    for batch in MemoryTable(pa.Table.from_batches([part])).batches():
                        start = row + batch.location.first_row
                        yield Batch(batch.data, SourceLocation(str(file), start))
                    row += part.num_rows

    def _checked(self, file: File, stack: ExitStack) -> Iterator[Any]:
        for part in self._parts(self._open(file, stack)):
            part.validate(full=True)
            yield part


def _faults() -> tuple[type[Exception], ...]:
    """Return what pyarrow raises for damaged files."""
    pa = require("pyarrow", "tables")
    return (pa.ArrowException, OSError, ValueError, TypeError, KeyError, OverflowError, MemoryError)
