"""A format in one module, as CONTRIBUTING says: lines of ``name=value`` cells after a mark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from fieldfare.exceptions import TextFormatError
from fieldfare.sources.batch import Batch, SourceLocation, shorten
from fieldfare.sources.bytes import File, open_bytes
from fieldfare.sources.dicts import open_columns
from fieldfare.sources.files import Files
from fieldfare.sources.format import Format
from fieldfare.sources.source import Table

MAGIC = b"#pairs\n"
BATCH_ROWS = 1000

Cells = list[tuple[int, str, str]]
"""Column at which each cell begins, name and value."""


class PairFiles(Table):
    """Files whose lines are the cells of a row, each with the name of its column, in any order.

    The first row says which columns there are, and every other row must have the same.
    """

    files: Files
    untyped = True

    def __init__(self, files: Files) -> None:
        self.files = files
        self.description = files.describe("name=value pairs")
        _, _, cells = next(_lines(files[0]), (0, "", []))
        self.names = [name for _, name, _ in cells]

    def batches(self) -> Iterator[Batch]:
        """Yield the rows of each file in turn."""
        for file in self.files:
            rows, start = self._rows(file), 0
            while part := list(islice(rows, BATCH_ROWS)):
                columns = zip(self.names, zip(*part, strict=True), strict=True)
                for batch in open_columns(dict(columns)).batches():
                    yield Batch(batch.data, SourceLocation(str(file), start))
                start += len(part)

    def _rows(self, file: File) -> Iterator[list[str]]:
        """Yield the values of each row, in the order of the names."""
        for number, line, cells in _lines(file):
            row: dict[str, str] = {}
            for column, name, value in cells:
                if name not in self.names or name in row:
                    known = ", ".join(self.names)
                    problem = f"Each row must have the columns {known}, once each."
                    raise _fault(problem, file, number, column, f"{name}={value}")
                row[name] = value
            if missing := [name for name in self.names if name not in row]:
                problem = (
                    f"The row has no {', '.join(missing)}. Write {missing[0]}= if it is empty."
                )
                raise _fault(problem, file, number, len(line) + 1, line)
            yield [row[name] for name in self.names]


def _lines(file: File) -> Iterator[tuple[int, str, Cells]]:
    """Yield number, text and cells of each line after the mark, blank ones left out."""
    with open_bytes(file) as stream:
        stream.readline()
        for number, raw in enumerate(stream, 2):
            line = raw.decode(errors="replace").rstrip()
            cells = []
            for cell in re.finditer(r"\S+", line):
                name, sign, value = cell.group().partition("=")
                if not sign or "\ufffd" in cell.group():
                    problem = "A cell must be name=value, in UTF-8."
                    raise _fault(problem, file, number, cell.start() + 1, cell.group())
                cells.append((cell.start() + 1, name, value))
            if cells:
                yield number, line, cells


def _fault(problem: str, file: Any, line: int, column: int, text: str) -> TextFormatError:
    return TextFormatError(problem, file=str(file), line=line, column=column, text=shorten(text))


def is_pairs(source: object) -> bool:
    """Whether these are files of this format."""
    if not isinstance(source, Files):
        return False
    with open_bytes(source[0]) as stream:  # decompressed
        return stream.head().startswith(MAGIC)


FORMATS = (Format("name=value pairs", is_pairs, PairFiles, in_files=True, names=("pairs",)),)
