"""Detection of what a text file holds, from its content: libsvm, libffm or a table of cells.

A table has the same number of cells in every row, between separators; libsvm and libffm have
entries of digits, ``id:value`` and ``field:id:value``, after a number. A colon alone says nothing:
clocks, dates, URLs and keys have it too. Nor does a comma: xLearn writes ``target,id:value``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from fieldfare.exceptions import DataError
from fieldfare.sources.bytes import BYTE_ORDER_MARK, ByteStream
from fieldfare.sources.reading import DETECTED, Reading
from fieldfare.sources.table_form import TableForm, detect_table

TextKind = Literal["libsvm", "libffm", "csv"]

_MAX_LINES = 200
_MAX_LINES_OF_TABLE = 1000
_MAX_ENTRIES = 20  # of a line: enough to tell
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_IS_NUMBER = re.compile(_NUMBER)
_ID = r"\d+(?:\.0+)?"
_PAIR = re.compile(rf"{_ID}:{_NUMBER}")
_TRIPLE = re.compile(rf"{_ID}:{_ID}:{_NUMBER}")
# Entries that are damaged, or that other programs take, are refused by the reader, which says where
# and why, rather than taken for cells.
_NEARLY = (
    re.compile(r"[^:\s,;|/]+:(?!//)[^:\s,;|]+"),
    re.compile(r"[^:\s,;|/]+:[^:\s,;|]+:[^:\s,;|]+"),
)
# Between commas only those of numbers are: cells hold much else with a colon.
_VALUE = rf"(?:{_NUMBER}|[+-]?(?:[nN][aA][nN]|[iI][nN][fF](?:inity)?))"
_NEARLY_WITH_COMMAS = (
    re.compile(rf"{_NUMBER}:{_VALUE}"),
    re.compile(rf"{_NUMBER}:{_NUMBER}:{_VALUE}"),
)
_CLOCK = re.compile(r"\d\d:\d\d(:\d\d(\.\d+)?)?")
_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?")
_WORD = re.compile(r"(qid|weight):\S+")
# A line of Vowpal Wabbit: label, importance, tag, and namespaces of features after bars.
_NAMESPACE = re.compile(r"[-+.\d]*( [-+.\d]+)*( ?'\S+)?\s*\|\S*( |$)")
_NAMED_VALUE = re.compile(r"\|\S* ?[^|]*\S(:[-+.\d]| \S)")


@dataclass(frozen=True)
class TextFormat:
    """The format of a text file.

    Attributes
    ----------
    kind : "libsvm", "libffm" or "csv"
        ``"csv"`` is any table of cells, whatever its separator.
    labelled : bool
        Whether the lines of libsvm or libffm begin with a target. True for tables, where only the
        user knows.
    compression : str or None
        As of `ByteStream`.
    grouped : bool
        Whether lines of libsvm or libffm carry a ``qid:``.
    table : TableForm or None
        How a table is written; ``None`` for libsvm and libffm.
    """

    kind: TextKind
    labelled: bool
    compression: str | None
    grouped: bool = False
    table: TableForm | None = None

    @property
    def separator(self) -> str | None:
        """What stands between the cells of a table."""
        return None if self.table is None else self.table.separator

    @property
    def has_header(self) -> bool:
        """Whether the first row of a table names its columns."""
        return self.table is not None and self.table.has_header


def detect_stream(stream: ByteStream, reading: Reading = DETECTED) -> TextFormat:
    """Detect the format of a stream from its first lines, without consuming them.

    Parameters
    ----------
    stream : ByteStream
    reading : Reading
        What the user says, which is not questioned.

    Raises
    ------
    DataError
        If it holds no text or no samples, or text of another program.
    """
    lines = _first_lines(stream)
    texts = [text for line in lines[:_MAX_LINES] if (text := line.partition("#")[0].strip())]
    rows = [words for text in texts if (words := text.replace(",", " ").split())]
    kind = _kind_said(reading)
    if kind is None:
        kind = _sparse_kind([text.split() for text in texts]) or _kind_with_commas(rows)
        if kind is None or _has_header_of_cells(lines):
            kind = "csv"
            _refuse_others(lines, stream.label)
    if kind == "csv":
        table = detect_table(lines, stream.label, reading)
        return TextFormat("csv", True, stream.compression, table=table)
    return TextFormat(
        kind=kind,
        labelled=2 * sum(":" not in words[0] for words in rows) >= len(rows),
        compression=stream.compression,
        grouped=2 * sum(_is_grouped(words) for words in rows) > len(rows),
    )


def _kind_said(reading: Reading) -> TextKind | None:
    """Return the kind of text that the user names, ``None`` if that is to be detected."""
    if reading.as_table or reading.format == "csv":
        return "csv"
    if reading.format is None:
        return None
    # Only a reader of libsvm asks for the text of any other format, which it then refuses.
    return "libffm" if reading.format == "libffm" else "libsvm"


def _hint_of_utf16(head: bytes) -> str:
    """Advise to name UTF-16 if nearly every second byte is zero, as in European text."""
    for start, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        if 2 * head[start::2].count(0) > len(head[start::2]):
            return f" If it is UTF-16 without a byte order mark: encoding={name!r}."
    return ""


def _first_lines(stream: ByteStream) -> list[str]:
    """Return the first whole lines, with their ends."""
    head = stream.head().removeprefix(BYTE_ORDER_MARK)
    if b"\0" in head:
        raise DataError(
            f"{stream.label} is not text: it holds zero bytes. Text formats are libsvm, libffm and "
            f"CSV, TSV and JSON lines in UTF-8, plain or compressed by gzip, bz2, xz, zstd or zip."
            f"{_hint_of_utf16(head)}"
        )
    # Only the line ends of files: other characters that end lines may be part of a cell.
    found = re.finditer(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$", head.decode("utf-8", "replace"))
    lines = [match.group() for match in islice(found, _MAX_LINES_OF_TABLE)]
    if len(lines) > 1 and not lines[-1].endswith(("\n", "\r")):
        lines.pop()  # it may be cut short
    if not any(line.strip() for line in lines):
        raise DataError(f"{stream.label} holds no samples in its first {len(head)} bytes.")
    return lines


def _sparse_kind(rows: Sequence[Sequence[str]]) -> TextKind | None:
    """Return whether most lines are libsvm or libffm, ``None`` if they are neither."""
    votes = Counter(_kind_of_line(words) for words in rows)
    n_sparse = votes["libsvm"] + votes["libffm"] + votes["words"]
    if not n_sparse or n_sparse <= votes["cells"]:
        return None
    entries = [word for words in rows for word in words if ":" in word]
    if len(entries) <= len(rows) and all(map(_CLOCK.fullmatch, entries)):
        return None  # one column of clock times
    return "libffm" if votes["libffm"] > votes["libsvm"] else "libsvm"


def _kind_with_commas(rows: Sequence[Sequence[str]]) -> TextKind | None:
    """Return whether most lines, cut at commas too, are libsvm or libffm; times of day are not."""
    votes = Counter(_kind_of_line(words, _NEARLY_WITH_COMMAS) for words in rows)
    n_sparse = votes["libsvm"] + votes["libffm"]
    if not n_sparse or n_sparse <= votes["cells"]:
        return None
    if all(_TIME_OF_DAY.fullmatch(word) for words in rows for word in words if ":" in word):
        return None
    return "libffm" if votes["libffm"] > votes["libsvm"] else "libsvm"


def _kind_of_line(
    words: Sequence[str], nearly: tuple[re.Pattern[str], re.Pattern[str]] = _NEARLY
) -> str:
    """Return what most words of a line after the target look like, some of them damaged.

    A line without features is "words" if it has a weight or a group, which only libsvm and libffm
    have, else "", since a bare number may be anything.
    """
    entries = [word for word in words if not _WORD.fullmatch(word)]
    if not entries:
        return "words"
    if ":" not in entries[0]:
        target, *entries = entries
        is_number = _IS_NUMBER.fullmatch(target) is not None
        if not entries:
            has_words = any(_WORD.fullmatch(word) for word in words)
            return "words" if has_words else "" if is_number else "cells"
        if not is_number and not target.isalpha():
            return "cells"
    entries = entries[:_MAX_ENTRIES]
    exact = sum(map(bool, map(_PAIR.fullmatch, entries)))
    triples = sum(map(bool, map(_TRIPLE.fullmatch, entries)))
    if 2 * (exact + triples) <= len(entries):
        exact = sum(map(bool, map(nearly[0].fullmatch, entries)))
        triples = sum(map(bool, map(nearly[1].fullmatch, entries)))
    if 2 * (exact + triples) <= len(entries):
        return "cells"
    return "libffm" if triples > exact else "libsvm"


def _is_grouped(words: Sequence[str]) -> bool:
    return any(word.startswith("qid:") for word in words[:3])


def _has_header_of_cells(lines: Sequence[str]) -> bool:
    """Whether the first line names as many columns as a separator cuts each line into.

    Names are neither numbers nor have a colon.
    """
    filled = [line.rstrip("\r\n") for line in lines[:_MAX_LINES] if line.strip()]
    return len(filled) > 1 and any(_has_header(filled, separator) for separator in "\t,")


def _has_header(lines: Sequence[str], separator: str) -> bool:
    widths = {line.count(separator) for line in lines}
    names = lines[0].split(separator)
    return (
        len(widths) == 1
        and len(names) > 1
        and all(name and not _IS_NUMBER.fullmatch(name) and ":" not in name for name in names)
    )


def _refuse_others(lines: Sequence[str], label: str) -> None:
    """Refuse text of Vowpal Wabbit and ARFF, which would pass for a table of odd cells."""
    filled = [line.strip() for line in lines[:_MAX_LINES] if line.strip()]
    named = sum(_NAMESPACE.match(line) is not None for line in filled)
    if named == len(filled) and any(_NAMED_VALUE.search(line) for line in filled):
        raise DataError(
            f"{label} looks like text for Vowpal Wabbit ('1 |namespace feature:value'), which is "
            "not read. Convert it to libsvm or a table; if it is a table, say format='csv'."
        )
    if any(line.lower().startswith("@relation") for line in filled):
        raise DataError(
            f"{label} is ARFF, which is not read. Remove the lines before the first row, and name "
            "the columns with names=[...]."
        )
