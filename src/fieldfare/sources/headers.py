"""Headers: whether the first row of a table names its columns, and how sure that is.

There are several signs, because each alone misleads: a word above a column of numbers, dates or
hashes; a cell that recurs in its own column; a name that repeats; the numbers 0, 1, 2, ... of a
table that had no names; words that name columns everywhere, such as "id" and "date".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from fieldfare.sources.cells import kind_of, kind_of_column

_USUAL = frozenset(
    """
    age app artist book brand category city class click clicked clicks cls code color colour
    count country created date day device domain email event feature features gender genre
    group hour id ids index ip item items key label lat latitude length lon longitude month
    movie name number os page price product query rank rate rating ratings region score
    session sex site size song star stars state status tag tags target text time timestamp
    title topic ts type uid url user users value version views weekday weight width year zip
    """.split()  # noqa: SIM905 - a list of words reads best as text
)
_MAX_COLUMNS = 500  # enough to tell
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WORD = re.compile(r"[^\W_]+")
_NUMBERED_NAME = re.compile(r"([A-Za-z_]+\.?)(\d+)")
_FEW = 0.5  # of a column's cells: fewer distinct values than this recur so often that all are seen


@dataclass(frozen=True)
class Verdict:
    """Whether the first row is a header, and what speaks against it, if anything does.

    Parameters
    ----------
    is_header : bool
    doubt : str
        What makes it uncertain, as the end of a sentence; empty if it is certain enough.
    """

    is_header: bool
    doubt: str = ""


def judge(rows: Sequence[Sequence[str]], expected: frozenset[str] = frozenset()) -> Verdict:
    """Judge the first of some rows of cells.

    Parameters
    ----------
    rows : sequence of rows, at least one
        From the top of the table.
    expected : frozenset of str
        Names of columns that are asked for: a row that has them is their header.
    """
    names = {cell.strip() for cell in rows[0]}
    if 2 * sum(name in names for name in expected) > len(expected):
        return Verdict(True)
    rows = [row[:_MAX_COLUMNS] for row in rows]
    first = [cell.strip() for cell in rows[0]]
    rest = _without_copies(rows[0], rows[1:])
    columns = [[row[i].strip() for row in rest if i < len(row)] for i in range(len(first))]
    kinds = [kind_of(cell) for cell in first]
    bodies = [kind_of_column(column) for column in columns]
    recurring = [bool(cell) and cell in column for cell, column in zip(first, columns, strict=True)]
    numbered = _numbers_of_columns(first, columns, recurring)
    if numbered is not None:
        return numbered
    run = _run_of_numbers(first, recurring)
    pairs = list(zip(kinds, bodies, strict=True))
    unlike = sum(kind == "word" and body not in ("word", "nothing") for kind, body in pairs)
    typed = [(kind, body) for kind, body in pairs if kind not in ("word", "nothing")]
    alike = max(0, sum(body in (kind, "word") for kind, body in typed) - run)
    if unlike and not alike:
        return Verdict(True)
    if unlike and alike:
        return _split_vote(first, unlike, alike)
    if alike or (typed and not run):
        return Verdict(False)
    return _judge_words(first, columns, recurring)


def _without_copies(first: Sequence[str], rest: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """Leave out rows that repeat the first, if they may be headers of joined files."""
    others = [row for row in rest if row != first]
    is_rare = len(rest) - len(others) <= 1 + len(rest) // 50
    # What the columns hold is looked at only where copies are many.
    may_go = is_rare or any(
        kind_of(cell) == "word"
        and kind_of_column(row[i] for row in others if i < len(row)) not in ("word", "nothing")
        for i, cell in enumerate(first)
    )
    return others if len(first) > 1 and may_go else list(rest)


def _numbers_of_columns(
    first: list[str], columns: list[list[str]], recurring: list[bool]
) -> Verdict | None:
    """Judge a row 0, 1, 2, ..., as it stands above a table that had no names."""
    has_index = not first[0]
    cells = first[1:] if has_index else first
    if len(cells) < 2 - has_index or cells != [str(i) for i in range(len(cells))]:
        return None
    if has_index:
        return Verdict(True)
    # Whole numbers above words or above numbers with decimals do not belong to their columns.
    unlike = any(
        filled and all("." in cell or kind_of(cell) != "number" for cell in filled)
        for column in columns
        if (filled := [cell for cell in column if cell])
    )
    if unlike and not all(recurring):
        return Verdict(True, "" if len(cells) > 2 else "it could be a row of numbers as well")
    if len(cells) > 2 and not all(recurring):
        return Verdict(True, "it could be a row of numbers as well")
    return None


def _run_of_numbers(first: list[str], recurring: list[bool]) -> int:
    """Return how many cells count up beside words, such as years: 3 or more, else 0."""
    numbers = [
        int(cell) for cell, r in zip(first, recurring, strict=True) if cell.isdecimal() and not r
    ]
    steps = {b - a for a, b in pairwise(numbers)}
    has_words = any(kind_of(cell) == "word" for cell in first)
    return len(numbers) if len(numbers) > 2 and steps == {1} and has_words else 0


def _split_vote(first: list[str], unlike: int, alike: int) -> Verdict:
    """Judge a row that has words above columns of numbers and numbers above columns of numbers."""
    is_header = unlike > alike and len(set(first)) == len(first)
    return Verdict(is_header, "some of its cells are unlike those below and others are like them")


def _judge_words(first: list[str], columns: list[list[str]], recurring: list[bool]) -> Verdict:
    """Judge a row of words above columns of words."""
    if len(set(first)) < len(first) or not all(first[1:]):
        return Verdict(False)
    usual = sum(map(_is_usual, first)) + _n_numbered(first)
    n_recurring = sum(recurring)
    if not n_recurring:
        known = any(len(set(column)) < _FEW * len(column) for column in columns)
        empty = not any(map(any, columns))
        is_certain = usual or known or empty
        return Verdict(True, "" if is_certain else "its words could also be data")
    if n_recurring == len(first):
        return Verdict(False)
    if 2 * usual >= len(first):
        return Verdict(True, "some of its words occur below as well")
    return Verdict(False, "not all of its words occur below")


def words_of(name: str) -> list[str]:
    """Split a column name into lower-case words: ``userId`` is user, id."""
    return list(_words(name))


@lru_cache(maxsize=1024)  # several ask for those of one column, one after another
def _words(name: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _WORD.findall(_HUMP.sub(" ", name)))


def _is_usual(name: str) -> bool:
    """Whether a word of a name is one that columns are often called."""
    words = words_of(name)
    return len(words) < 5 and any(word in _USUAL or word.endswith("id") for word in words)


def _n_numbered(first: list[str]) -> int:
    """Return how many cells are names with consecutive numbers, such as x1, x2, x3."""
    found = [match.groups() for cell in first if (match := _NUMBERED_NAME.fullmatch(cell))]
    n = sum(a[0] == b[0] and int(b[1]) - int(a[1]) == 1 for a, b in pairwise(found))
    return n + 1 if n else 0
