"""CSV and TSV files as tables of text columns, with faults traced to file, line and column.

All columns are read as text: what a value means is decided by the Schema, value by value
(`fieldfare.schema.canonical`), never by a type guessed from the first rows.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from fieldfare._optional import require
from fieldfare.exceptions import DataError, SchemaError, TextFormatError
from fieldfare.sources.batch import Batch, SourceLocation, check_names, first_rows, shorten
from fieldfare.sources.bytes import File, open_bytes
from fieldfare.sources.files import Files, Sources, detect
from fieldfare.sources.format import Format
from fieldfare.sources.prefetch import ahead
from fieldfare.sources.source import Table

_BLOCK_BYTES = 4 << 20  # what is parsed at once; a record may not be longer
_BATCH_BYTES = 16 << 20  # what is encoded at once: each batch costs a look-up per distinct value


@dataclass(frozen=True)
class CsvFormat:
    """How one CSV file is written."""

    separator: str
    has_header: bool


@dataclass(frozen=True, kw_only=True)
class CsvLocation(SourceLocation):
    """Where rows of a CSV file are; finds the line of a row by reading the file again."""

    source: File
    format: CsvFormat
    names: tuple[str, ...]

    def error(self, row: int, column: str, problem: str, text: str) -> DataError:
        place = self.names.index(column)
        here = self.first_row + row
        line, cells = next(islice(records(self.source, self.format), here, None), (0, []))
        return TextFormatError(
            f"Column {column!r}: {problem}",
            file=self.file,
            line=line,
            column=1 + sum(len(cell) + 1 for cell in cells[:place]),
            text=shorten(text),
        )


def records(file: File, form: CsvFormat) -> Iterator[tuple[int, list[str]]]:
    """Yield the line and the cells of each record after the header, blank lines left out."""
    with (
        open_bytes(file) as stream,
        io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="") as text,
    ):
        reader = csv.reader(text, delimiter=form.separator)
        header, line = form.has_header, 1
        for cells in reader:
            if cells and header:
                header = False
            elif cells:
                yield line, cells
            line = reader.line_num + 1


class CsvFiles(Table):
    """CSV or TSV files with the same columns, streamed.

    A first row that is a header names the columns. Without one, the first column is called
    "target", as libsvm's and xLearn's users expect, and the others f1, f2, ...

    Parameters
    ----------
    files : Files, or what they are made of

    Raises
    ------
    DataError
        If a file is missing, empty, or no table of cells.
    SchemaError
        If the files have different columns.
    """

    files: Files
    untyped = True

    def __init__(self, files: Sources) -> None:
        self.files = found = files if isinstance(files, Files) else Files(files)
        self.formats = [_format_of(found, i) for i in range(len(found))]
        self.names = self._names(0)
        for i in range(1, len(found)):
            if self._names(i) != self.names:
                raise SchemaError(f"{found[i]} and {found[0]} have different columns.")
        header = "header" if self.formats[0].has_header else "no header"
        packed = [found.text.compression] if found.text.compression else []
        separator = f"separator {self.formats[0].separator!r}"
        self.description = found.describe("CSV", separator, header, *packed)

    def _names(self, i: int) -> list[str]:
        file, form = self.files[i], self.formats[i]
        first = next(records(file, CsvFormat(form.separator, False)), None)
        if first is None:
            raise DataError(f"{file} is empty.")
        if self.files.reading.names is not None:
            names = self.files.reading.names
            if len(names) != len(first[1]):
                raise SchemaError(
                    f"names= has {len(names)} names, and the first line of {file} has "
                    f"{len(first[1])} cells. Give one name for each column."
                )
            return list(names)
        if not form.has_header:
            return ["target", *(f"f{n}" for n in range(1, len(first[1])))]
        return check_names([cell or f"column{n + 1}" for n, cell in enumerate(first[1])], str(file))

    def batches(self) -> Iterator[Batch]:
        """Yield blocks of each file in turn, all columns text, empty cells null."""
        for file, form in zip(self.files, self.formats, strict=True):
            row = 0
            for part in _merged(ahead(self._parts(file, form))):
                yield Batch(
                    part,
                    CsvLocation(str(file), row, source=file, format=form, names=tuple(self.names)),
                )
                row += part.num_rows

    def _parts(self, file: File, form: CsvFormat) -> Iterator[Any]:
        """Parse a file block by block."""
        pa, pacsv = require("pyarrow", "tables"), require("pyarrow.csv", "tables")
        with open_bytes(file) as stream:
            try:
                # Arrow reads plain files itself, which needs no GIL.
                plain = stream.compression is None
                reader = pacsv.open_csv(
                    pa.OSFile(os.fspath(file)) if plain else pa.PythonFile(stream, mode="r"),
                    pacsv.ReadOptions(column_names=self.names, block_size=_BLOCK_BYTES),
                    pacsv.ParseOptions(delimiter=form.separator, newlines_in_values=True),
                    pacsv.ConvertOptions(
                        column_types=dict.fromkeys(self.names, pa.string()),
                        null_values=[""],
                        strings_can_be_null=True,
                    ),
                )
                skip = 1 if form.has_header else 0
                for part in reader:
                    part, skip = part.slice(skip), max(0, skip - part.num_rows)
                    if part.num_rows:
                        yield part
            except pa.ArrowInvalid as error:
                raise self._explain(file, form, error) from error

    def _explain(self, file: File, form: CsvFormat, error: Exception) -> DataError:
        """Find the line that Arrow could not parse."""
        for line, cells in records(file, form):
            if len(cells) != len(self.names):
                return TextFormatError(
                    f"The line has {len(cells)} cells where {len(self.names)} are expected. "
                    "Fill in or quote the cells.",
                    file=str(file),
                    line=line,
                    column=1,
                    text=shorten(form.separator.join(cells)),
                )
            bad = next((i for i, cell in enumerate(cells) if "\ufffd" in cell), None)
            if bad is not None and "UTF8" in str(error):
                return TextFormatError(
                    f"Column {self.names[bad]!r} is not UTF-8. Convert the file, "
                    "for instance with iconv -t utf-8.",
                    file=str(file),
                    line=line,
                    column=1 + sum(len(cell) + 1 for cell in cells[:bad]),
                    text=shorten(cells[bad]),
                )
        return DataError(f"{file} cannot be read as CSV: {error}")

    def head(self, n: int) -> Any:
        """Return the first rows, without parsing more than they need."""
        parts = (
            Batch(part)
            for file, form in zip(self.files, self.formats, strict=True)
            for part in self._parts(file, form)
        )
        return first_rows(self.names, parts, n)


def _merged(parts: Iterator[Any]) -> Iterator[Any]:
    """Merge blocks into batches of a worthwhile size."""
    pa = require("pyarrow", "tables")
    held: list[Any] = []
    size = 0
    for part in parts:
        held.append(part)
        size += part.nbytes
        if size >= _BATCH_BYTES:
            yield pa.Table.from_batches(held).combine_chunks().to_batches()[0]
            held, size = [], 0
    if held:
        yield pa.Table.from_batches(held).combine_chunks().to_batches()[0]


def _format_of(files: Files, i: int) -> CsvFormat:
    found = files.text if i == 0 else detect(files[i], files.reading)
    if found.kind != "csv":
        raise DataError(f"{files[i]} is {found.kind} text, not a table with columns.")
    return CsvFormat(found.separator or ",", found.has_header)


def is_csv(source: Any) -> bool:
    """Whether these are files of text with a table of cells."""
    return isinstance(source, Files) and source.text.kind == "csv"


NAMES = ("csv",)

FORMATS = (Format("CSV, TSV", is_csv, CsvFiles, in_files=True, names=NAMES),)
