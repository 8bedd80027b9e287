"""A format in one module, as CONTRIBUTING says: lines of ``name=value`` cells after a mark."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from fieldfare.exceptions import SchemaError
from fieldfare.sources.batch import Batch, SourceLocation
from fieldfare.sources.dicts import open_samples
from fieldfare.sources.files import Files
from fieldfare.sources.format import Format
from fieldfare.sources.source import Table

MAGIC = b"#pairs\n"
BATCH_ROWS = 1000


class PairFiles(Table):
    """Files whose lines are the cells of a row, each with the name of its column."""

    files: Files
    untyped = True

    def __init__(self, files: Files) -> None:
        self.files = files
        self.description = files.describe("name=value pairs")
        first = next(self._rows(files[0]), {})
        self.names = list(first)

    def batches(self) -> Iterator[Batch]:
        """Yield the rows of each file in turn."""
        for file in self.files:
            rows, start = self._rows(file), 0
            while part := list(islice(rows, BATCH_ROWS)):
                for batch in open_samples(part).batches():
                    yield Batch(batch.data, SourceLocation(str(file), start))
                start += len(part)

    def _rows(self, file: Any) -> Iterator[dict[str, str]]:
        with open(file, encoding="utf-8") as lines:
            next(lines)
            for number, line in enumerate(lines, 2):
                cells = [cell.partition("=") for cell in line.split()]
                if not all(sign for _, sign, _ in cells):
                    raise SchemaError(f"{file}:{number}: a cell must be name=value.")
                yield {name: value for name, _, value in cells}


def is_pairs(source: object) -> bool:
    """Whether these are files of this format."""
    return isinstance(source, Files) and source.magic.startswith(MAGIC)


FORMATS = (Format("name=value pairs", is_pairs, PairFiles, in_files=True),)
