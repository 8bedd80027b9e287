"""Detection of what a text file holds, from its content: libsvm, libffm or a table of cells."""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass
from typing import Literal

from fieldfare.exceptions import DataError
from fieldfare.sources.bytes import ByteStream
from fieldfare.sources.reading import DETECTED, Reading

TextKind = Literal["libsvm", "libffm", "csv"]

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MAX_LINES = 200
_MAX_ENTRIES = 20  # of a line: enough to tell
_SEPARATORS = ("\t", ",", ";", "|", " ")
_PAIR = re.compile(r"[^:\s,;|]+:[^:\s]+")
_TRIPLE = re.compile(r"[^:\s,;|]+:[^:\s]+:[^:\s]+")
_WORD = re.compile(r"(qid|weight):\S+")


@dataclass(frozen=True)
class TextFormat:
    """The format of a text file.

    Attributes
    ----------
    kind : "libsvm", "libffm" or "csv"
        ``"csv"`` is any table of cells, whatever its separator.
    separator : str or None
        Between the cells of a table; ``None`` for libsvm and libffm.
    has_header : bool
        Whether the first row of a table names its columns.
    labelled : bool
        Whether the lines of libsvm or libffm begin with a target. True for tables, where only the
        user knows.
    compression : str or None
        As of `ByteStream`.
    grouped : bool
        Whether lines of libsvm or libffm carry a ``qid:``.
    """

    kind: TextKind
    separator: str | None
    has_header: bool
    labelled: bool
    compression: str | None
    grouped: bool = False


def detect_stream(stream: ByteStream, reading: Reading = DETECTED) -> TextFormat:
    """Detect the format of a stream from its first lines, without consuming them."""
    head = stream.head().removeprefix(BYTE_ORDER_MARK)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"{stream.label} is UTF-16 text. Convert it to UTF-8.")
    if b"\0" in head:
        raise DataError(
            f"{stream.label} is not text: it holds zero bytes. Text formats are libsvm, libffm and "
            f"CSV, TSV and JSON lines in UTF-8, plain or compressed by gzip, bz2, xz, zstd or zip."
        )
    lines = head.decode("utf-8", "replace").splitlines(keepends=False)
    said = "csv" if reading.as_table else reading.format
    if len(lines) > 1 and not head.endswith(b"\n"):
        lines.pop()  # it may be cut short
    rows = [tokens for line in lines[:_MAX_LINES] if (tokens := line.partition("#")[0].split())]
    votes = Counter(_kind_of_line(tokens) for tokens in rows)
    n_sparse = votes["libsvm"] + votes["libffm"] + votes["words"]
    if n_sparse > votes["csv"] if said is None else said != "csv":
        found: TextKind = "libffm" if votes["libffm"] > votes["libsvm"] else "libsvm"
        return TextFormat(
            kind=found if said is None else "libffm" if said == "libffm" else "libsvm",
            separator=None,
            has_header=False,
            labelled=2 * sum(":" not in tokens[0] for tokens in rows) >= len(rows),
            compression=stream.compression,
            grouped=2 * sum(_is_grouped(tokens) for tokens in rows) > len(rows),
        )
    table = [line for line in lines[:_MAX_LINES] if line.strip()]
    if not table:
        raise DataError(f"{stream.label} holds no samples in its first {len(head)} bytes.")
    separator = reading.sep or _separator(table)
    cells = [row for row in csv.reader(table, delimiter=separator) if row]
    has_header = reading.header
    if has_header is None:
        has_header = tuple(cells[0]) == reading.names if reading.names else _has_header(cells)
    return TextFormat("csv", separator, has_header, True, stream.compression)


def _kind_of_line(tokens: list[str]) -> str:
    """Return what most tokens after the target look like.

    A line without features is "words" if it has a weight or a group, which only libsvm and libffm
    have, else "", since a bare number may be anything.
    """
    entries = [token for token in tokens if not _WORD.fullmatch(token)]
    if ":" not in entries[0] if entries else True:
        entries = entries[1:]
        if not entries:
            has_words = any(_WORD.fullmatch(token) for token in tokens)
            return "words" if has_words else "" if _is_number(tokens[0]) else "csv"
    entries = entries[:_MAX_ENTRIES]
    pairs = sum(_PAIR.fullmatch(token) is not None for token in entries)
    triples = sum(_TRIPLE.fullmatch(token) is not None for token in entries)
    if 2 * (pairs + triples) <= len(entries):
        return "csv"
    return "libffm" if triples > pairs else "libsvm"


def _is_grouped(tokens: list[str]) -> bool:
    return any(token.startswith("qid:") for token in tokens[:3])


def _separator(lines: list[str]) -> str:
    """Return the separator that splits the most lines into the same number of cells, over one."""

    def merit(separator: str) -> tuple[float, int]:
        widths = Counter(len(row) for row in csv.reader(lines, delimiter=separator) if row)
        widths.pop(1, None)
        if not widths:
            return (0.0, 0)
        width, n_lines = max(widths.items(), key=lambda item: (item[1], item[0]))
        return (n_lines / len(lines), width)

    merits = {separator: merit(separator) for separator in _SEPARATORS}
    # Spaces also separate the words of a text, so they count only if no other separator does.
    strong = [s for s in _SEPARATORS[:-1] if merits[s][0] > 0.5]
    best = max(strong or _SEPARATORS, key=lambda separator: merits[separator])
    return best if merits[best][0] > 0 else ","


def _has_header(rows: list[list[str]]) -> bool:
    """Whether the first row names the columns.

    It does if a cell of it is a word above a column of numbers; or if all its cells are words, all
    different, and none of them recurs in its column.
    """
    first, rest = [cell.strip() for cell in rows[0]], rows[1:]
    columns = [[row[i].strip() for row in rest if i < len(row)] for i in range(len(first))]
    for name, column in zip(first, columns, strict=True):
        filled = [cell for cell in column if cell]
        if name and not _is_number(name) and filled and all(map(_is_number, filled)):
            return True
    return (
        all(name and not _is_number(name) for name in first)
        and len(set(first)) == len(first)
        and not any(name in column for name, column in zip(first, columns, strict=True))
    )


def _is_number(cell: str) -> bool:
    """Whether a cell is a number; the usual words for a missing one count too."""
    if cell.lower() in ("na", "n/a", "null", "none"):
        return True
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell
