"""A batch: some rows of a table, and where they stand in their source."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fieldfare.exceptions import DataError, SchemaError


@dataclass(frozen=True)
class SourceLocation:
    """Where the rows of a batch came from.

    Parameters
    ----------
    file : str
        Path of the file; empty for tables in memory.
    first_row : int
        Number, from 0, of the first row of the batch in its file or table.
    """

    file: str = ""
    first_row: int = 0

    def error(self, row: int, column: str, problem: str, text: str) -> DataError:
        """Return the exception for a cell: ``row`` counts from the start of the batch."""
        place = f"{self.file}: row" if self.file else "Row"
        return SchemaError(
            f"{place} {self.first_row + row}, column {column!r}: {problem} Got {shorten(text)!r}."
        )


@dataclass(frozen=True)
class Batch:
    """Some rows of a table, as a pyarrow RecordBatch, with their location."""

    data: Any
    location: SourceLocation = field(default_factory=SourceLocation)


def shorten(text: str, length: int = 60) -> str:
    """Return the text, cut to fit into a message."""
    return text if len(text) <= length else text[: length - 3] + "..."
