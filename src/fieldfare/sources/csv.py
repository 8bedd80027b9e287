"""CSV and TSV files as tables of text columns, with faults traced to file, line and column.

All columns are read as text: what a value means is decided by the Schema, value by value
(`fieldfare.schema.canonical`), never by a type guessed from the first rows.
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from fieldfare._optional import require
from fieldfare.exceptions import DataError, DataWarning, SchemaError, TextFormatError
from fieldfare.sources.arrow import scalar_of
from fieldfare.sources.batch import Batch, SourceLocation, check_names, first_rows, shorten
from fieldfare.sources.bytes import NOT_UTF8, File, open_bytes
from fieldfare.sources.cells import WITH_COMMA, WITH_POINT, Notation
from fieldfare.sources.files import Files, Sources, detect
from fieldfare.sources.format import Format
from fieldfare.sources.prefetch import ahead
from fieldfare.sources.recode import Recoded, delimiter_of
from fieldfare.sources.source import Table
from fieldfare.sources.table_form import TableForm, rows_of

_BLOCK_BYTES = 4 << 20  # what is parsed at once; a record may not be longer
_BATCH_BYTES = 16 << 20  # what is encoded at once: each batch costs a look-up per distinct value
_LINES_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class CsvLocation(SourceLocation):
    """Where rows of a CSV file are; finds the line of a row by reading the file again."""

    source: File
    form: TableForm
    names: tuple[str, ...]

    def error(self, row: int, column: str, problem: str, text: str) -> DataError:
        place = self.names.index(column) + self.form.index
        here = self.first_row + row
        line, cells = next(islice(records(self.source, self.form), here, None), (0, []))
        return TextFormatError(
            f"Column {column!r}: {problem}",
            file=self.file,
            line=line,
            column=1 + sum(len(cell) + len(self.form.separator) for cell in cells[:place]),
            text=shorten(text),
        )


def records(
    file: File, form: TableForm, *, copies: bool = False
) -> Iterator[tuple[int, list[str]]]:
    """Yield the line and the cells of each row of data, or only of the copies of the header."""
    with (
        open_bytes(file) as stream,
        io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="") as text,
    ):
        lines = _Counted(text, form.comment)
        is_first = True
        for cells in rows_of(lines, form):
            line, lines.first = lines.first, None
            is_copy = form.has_header and form.repeated and is_header(cells, form)
            if is_copy == copies and not (is_first and form.has_header):
                yield line or 0, cells
            is_first = False


class _Counted:
    """The lines of a text without its comments; `first` is the number of the first since reset."""

    def __init__(self, text: Iterator[str], comment: str | None) -> None:
        self._lines = enumerate(text, 1)
        self._comment = comment
        self.first: int | None = None

    def __iter__(self) -> Iterator[str]:
        for number, line in self._lines:
            if self._comment is None or not line.startswith(self._comment):
                if self.first is None and line.strip("\r\n"):
                    self.first = number
                yield line


def is_header(cells: Sequence[str], form: TableForm) -> bool:
    """Whether a row is the header of a table, or a copy of it."""
    return tuple(cell.strip() for cell in cells) == form.cells


class CsvFiles(Table):
    """CSV or TSV files with the same columns, streamed.

    A first row that is a header names the columns. Without one, they are called by their positions:
    f0, f1, f2, ... Copies of the header inside a file, as joined files have them, are left out with
    a warning.

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
        self.forms = [_form_of(found, 0)]
        self.names = self._own_names(0)
        for i in range(1, len(found)):
            self.forms.append(self._continued(i))
        form = self.forms[0]
        self.has_names = form.has_header or found.reading.names is not None
        packed = [found.text.compression] if found.text.compression else []
        self.description = found.describe("CSV", *form.describe(), *packed)
        self._said: set[str] = set()
        self._n_copies: dict[File, int] = {}
        if form.doubt:
            self._say_doubt(form)

    def _own_names(self, i: int) -> list[str]:
        """Return the names that the columns of a file have."""
        file, form = self.files[i], self.forms[i]
        kept = slice(int(form.index), form.width - int(form.trailing))
        given = self.files.reading.names
        if given is not None:
            names = list(given)
            if len(names) != form.width and len(names) != len(range(form.width)[kept]):
                raise SchemaError(
                    f"names= has {len(names)} names, and the first line of {file} has "
                    f"{form.width} cells. Give one name for each column."
                )
            return names[kept] if len(names) == form.width else names
        if not form.has_header:
            return [f"f{n}" for n in range(form.width)]
        names = [cell or f"column{n + 1}" for n, cell in enumerate(form.header)]
        return check_names(names[kept], str(file))

    def _continued(self, i: int) -> TableForm:
        """Return the form of a further file, which has the columns of the first."""
        first, form = self.forms[0], _form_of(self.files, i)
        if form.has_header and first.has_header and form.cells == first.cells:
            return form
        same = replace(form, has_header=False, index=first.index, trailing=first.trailing)
        goes_on = not form.has_header or (bool(form.doubt) and not first.has_header)
        if goes_on and form.width == first.width and form.separator == first.separator:
            return same
        raise SchemaError(
            f"{self.files[i]} and {self.files[0]} have different columns: "
            f"{', '.join(map(repr, form.cells[:5]))} and "
            f"{', '.join(map(repr, first.cells[:5]))}, ..."
        )

    def named(self, names: Sequence[str]) -> CsvFiles:
        """Return the same rows with other names for the columns."""
        other = copy(self)
        other.names = check_names(list(names), str(self.files[0]))
        return other

    def _say_doubt(self, form: TableForm) -> None:
        shown = ", ".join(map(repr, form.cells[:6])) + (", ..." if len(form.cells) > 6 else "")
        taken = "the header" if form.has_header else "data, since no header is seen"
        self._say(
            f"The first row of {self.files[0]} ({shown}) is taken for {taken}, but {form.doubt}. "
            f"If that is wrong, say header={not form.has_header} "
            f"(--{'no-' if form.has_header else ''}header)."
        )

    def _say_copies(self, file: File, form: TableForm) -> None:
        n = self._n_copies[file]
        lines = [str(line) for line, _ in islice(records(file, form, copies=True), _LINES_SHOWN)]
        shown = ", ".join(lines) + (", ..." if n > len(lines) else "")
        self._say(
            f"{file} repeats its header inside (line {shown}), as joined files do; "
            f"{'this row is' if n == 1 else f'these {n} rows are'} left out. If they are data, say "
            "header=False and name the columns with names=[...]."
        )

    def _say(self, message: str) -> None:
        """Warn, once for each message."""
        if message not in self._said:
            self._said.add(message)
            warnings.warn(DataWarning(message), stacklevel=2)

    def batches(self) -> Iterator[Batch]:
        """Yield blocks of each file in turn, all columns text, empty cells null."""
        for file, form in zip(self.files, self.forms, strict=True):
            row = 0
            for part in _merged(ahead(self._parts(file, form))):
                location = CsvLocation(
                    str(file), row, source=file, form=form, names=tuple(self.names)
                )
                yield Batch(part, location)
                row += part.num_rows
            if self._n_copies.get(file, 0) > 0:
                self._say_copies(file, form)

    def _parts(self, file: File, form: TableForm) -> Iterator[Any]:
        """Parse a file block by block."""
        pa, pacsv = require("pyarrow", "tables"), require("pyarrow.csv", "tables")
        columns = [str(i) for i in range(form.width)]
        found = _Copies(form)
        with open_bytes(file) as stream:
            body: Any = stream
            if not form.is_plain:
                body = io.BufferedReader(Recoded(stream, form), _BLOCK_BYTES)
            # Arrow reads plain files itself, which needs no GIL.
            is_plain = form.is_plain and stream.compression is None
            try:
                reader = pacsv.open_csv(
                    pa.OSFile(os.fspath(file)) if is_plain else pa.PythonFile(body, mode="r"),
                    pacsv.ReadOptions(column_names=columns, block_size=_BLOCK_BYTES),
                    pacsv.ParseOptions(
                        delimiter=delimiter_of(form),
                        quote_char='"' if form.quoted else False,
                        escape_char="\\" if form.escaped else False,
                        newlines_in_values=form.quoted,
                        invalid_row_handler=found.of_other_width,
                    ),
                    pacsv.ConvertOptions(
                        column_types=dict.fromkeys(columns, pa.string()),
                        null_values=[""],
                        strings_can_be_null=True,
                    ),
                )
                for part in reader:
                    part = self._cleaned(found.dropped(part), file, form)
                    if part.num_rows:
                        yield part
            except pa.ArrowInvalid as error:
                raise self._explain(file, form, error) from error
        self._n_copies[file] = found.n - 1

    def _cleaned(self, part: Any, file: File, form: TableForm) -> Any:
        """Return the columns that are kept, under their names, as readers of numbers take them."""
        pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
        if form.trailing and part.column(form.width - 1).null_count < part.num_rows:
            raise DataError(
                f"{file} has cells behind the last separator, below a column without a name. Name "
                "all columns with names=[...] and header=True."
            )
        columns = list(part.columns)
        if form.padded:
            columns = [pc.utf8_trim_whitespace(column) for column in columns]
        for notation, places in ((WITH_COMMA, form.commas), (WITH_POINT, form.points)):
            for i in places:
                columns[i] = _plain(columns[i], notation)
        kept = columns[form.index : form.width - form.trailing]
        return pa.RecordBatch.from_arrays(kept, names=self.names)

    def _explain(self, file: File, form: TableForm, error: Exception) -> DataError:
        """Find the line that Arrow could not parse."""
        for line, cells in records(file, form):
            if len(cells) != form.width:
                return TextFormatError(
                    f"The line has {len(cells)} cells where {form.width} are expected. "
                    "Fill in or quote the cells.",
                    file=str(file),
                    line=line,
                    column=1,
                    text=shorten(form.separator.join(cells)),
                )
            bad = next((i for i, cell in enumerate(cells) if "\ufffd" in cell), None)
            if bad is not None and "UTF8" in str(error):
                return TextFormatError(
                    f"Column {self.names[bad - form.index]!r} is not UTF-8. {NOT_UTF8}",
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
            for file, form in zip(self.files, self.forms, strict=True)
            for part in self._parts(file, form)
        )
        return first_rows(self.names, parts, n)


def _plain(texts: Any, notation: Notation) -> Any:
    """Return an Arrow array of texts with its numbers as programs write them: 1234.50."""
    pc = require("pyarrow.compute", "tables")
    digits = pc.replace_substring_regex(texts, rf"[^0-9eE+\-{notation.mark}]", "")
    plain = pc.replace_substring(digits, notation.mark, ".")
    return pc.if_else(pc.match_substring_regex(texts, notation.pattern), plain, texts)


class _Copies:
    """The header of a file and its copies among the rows that Arrow parses, counted."""

    def __init__(self, form: TableForm) -> None:
        self._form = form
        self.n = 0

    def of_other_width(self, row: Any) -> str:
        """Let Arrow skip a header that lacks a name, and stop at any other row of wrong width."""
        form = replace(self._form, separator=delimiter_of(self._form), padded=False)
        if not form.has_header or row.actual_columns != len(form.cells):
            return "error"
        cells = next(rows_of([row.text + "\n"], form), [])
        if not is_header(cells, form):
            return "error"
        self.n += 1
        return "skip"

    def dropped(self, part: Any) -> Any:
        """Return a part without the rows that are the header."""
        form, pc = self._form, require("pyarrow.compute", "tables")
        if not form.has_header or len(form.cells) != form.width:
            return part
        if not form.repeated:
            first, self.n = int(not self.n), 1
            return part.slice(first)
        # Most parts are told by one column: they hold no cell that is its name.
        place = max(range(form.width), key=lambda i: len(form.cells[i]))
        holds = pc.any(pc.match_substring(part.column(place), form.cells[place])).as_py()
        if not holds:
            return part
        same = None
        for cell, column in zip(form.cells, part.columns, strict=True):
            filled = pc.fill_null(pc.utf8_trim_whitespace(column), scalar_of("", column.type))
            here = pc.equal(filled, scalar_of(cell, column.type))
            same = here if same is None else pc.and_(same, here)
        n = pc.sum(same).as_py() or 0
        self.n += n
        return part.filter(pc.invert(same)) if n else part


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


def _form_of(files: Files, i: int) -> TableForm:
    found = files.text if i == 0 else detect(files[i], files.reading)
    if found.table is None:
        raise DataError(
            f"{files[i]} is {found.kind} text, not a table with columns. If it is a table, say "
            "format='csv'."
        )
    return found.table


def is_csv(source: Any) -> bool:
    """Whether these are files of text with a table of cells."""
    return isinstance(source, Files) and source.text.kind == "csv"


NAMES = ("csv",)

FORMATS = (Format("CSV, TSV", is_csv, CsvFiles, in_files=True, names=NAMES),)
