"""The form of a table of cells: separator, quotes, comments, header, found in its first lines."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from fieldfare.exceptions import DataError
from fieldfare.sources.cells import WITH_COMMA, WITH_POINT, has_decimal_comma
from fieldfare.sources.headers import Verdict, judge
from fieldfare.sources.reading import Reading

SPACES = " "  # as a separator: any number of spaces and tabs
_SEPARATORS = ("\t", "\x01", ",", ";", "|", "::", SPACES)
_COMMENT_MARKS = ("#", "%")
_MAX_ROWS = 500
_MIN_ROWS = 20  # of wide tables
_MAX_CELLS = 50_000
_CONSTANT = 0.98  # of the rows have the same number of cells
_USABLE = 0.5
_SPACED = 0.8  # spaces also separate the words of a text


@dataclass(frozen=True)
class TableForm:
    r"""How a table of cells is written.

    Parameters
    ----------
    separator : str
        One character or more; ``" "`` stands for any number of spaces and tabs.
    has_header : bool
        Whether the first row names the columns.
    cells : tuple of str
        The first row, without spaces around its cells: the header, or the first sample.
    header : tuple of str
        The names of all cells of a row, if there is a header: a header may lack the name of the
        first or last.
    width : int
        Number of cells of a row of data.
    quoted : bool
        Whether cells that begin with a double quote end with the next.
    escaped : bool
        Whether a backslash before a quote makes it part of a quoted cell.
    comment : str or None
        What a line begins with that is a comment rather than a row.
    padded : bool
        Whether cells have spaces around them.
    commas, points : frozenset of int
        Columns of numbers as people write them, with a comma or a point before their decimals:
        1.234,50 or $1,234.50.
    index : bool
        Whether the first column has no name and numbers or names the rows, as pandas and R write.
    trailing : bool
        Whether each row ends in a separator, behind which there is nothing.
    repeated : bool
        Whether rows that are the same as the header are copies of it, as in files that were joined.
    doubt : str
        What speaks against the judgement about the header; empty if nothing does.
    """

    separator: str
    has_header: bool = False
    cells: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    width: int = 1
    quoted: bool = True
    escaped: bool = False
    comment: str | None = None
    padded: bool = False
    commas: frozenset[int] = frozenset()
    points: frozenset[int] = frozenset()
    index: bool = False
    trailing: bool = False
    repeated: bool = True
    doubt: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether every reader of CSV takes the bytes as they stand."""
        return not is_long(self.separator) and self.separator != SPACES and self.comment is None

    def describe(self) -> list[str]:
        """Return the form in a few words each."""
        words = [f"separator {self.separator!r}", "header" if self.has_header else "no header"]
        words += ["row names left out"] if self.index else []
        words += ["decimal comma"] if self.commas else []
        words += [f"comments after {self.comment!r}"] if self.comment else []
        return words


def is_long(separator: str) -> bool:
    """Whether a separator is more than one byte, as readers of CSV refuse; no quotes go with it."""
    return len(separator) > 1 or not separator.isascii()


def rows_of(lines: Iterable[str], form: TableForm) -> Iterator[list[str]]:
    """Yield the cells of each row of some lines, with their line ends; blank lines are left out."""
    if is_long(form.separator):
        stripped = (line.strip("\r\n") for line in lines)
        rows: Iterator[list[str]] = (line.split(form.separator) for line in stripped if line)
    else:
        if form.separator == SPACES:
            lines = (line.replace("\t", " ").strip(" \r\n") + "\n" for line in lines)
        rows = csv.reader(
            lines,
            delimiter=form.separator,
            quoting=csv.QUOTE_MINIMAL if form.quoted else csv.QUOTE_NONE,
            escapechar="\\" if form.escaped else None,
            skipinitialspace=form.separator == SPACES or form.padded,
        )
    for row in rows:
        if row:
            yield [cell.strip() for cell in row] if form.padded else row


def detect_table(lines: Sequence[str], label: str, reading: Reading) -> TableForm:
    """Return the form of a table.

    Parameters
    ----------
    lines : sequence of str
        The first ones, with their line ends.
    label : str
        What to call the file in messages.
    reading : Reading
        What the user says, which is not questioned.

    Raises
    ------
    DataError
        If there are no rows.
    """
    comments, kept = _without_comments(lines)
    form = _separated(kept, reading.sep)
    form = replace(form, comment=comments[0][0] if comments else None)
    rows = _first_rows(kept, form)
    if not rows:
        raise DataError(f"{label} holds no samples in its first {sum(map(len, lines))} characters.")
    if comments and (named := _header_in_comment(comments[-1], rows, form)) is not None:
        return replace(form, has_header=True, cells=named, header=named, width=len(named))
    return _with_header(form, rows, reading)


def _without_comments(lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the comments at the top of a file, and the lines that are none."""
    n = 0
    while n < len(lines) and (lines[n].startswith(_COMMENT_MARKS) or not lines[n].strip()):
        n += 1
    comments = [line for line in lines[:n] if line.strip()]
    if not comments or n == len(lines):
        return [], list(lines)
    mark = comments[0][0]
    return comments, [line for line in lines[n:] if not line.startswith(mark)]


def _header_in_comment(line: str, rows: list[list[str]], form: TableForm) -> tuple[str, ...] | None:
    """Return the names in a comment that is as wide as the rows: '#user,item,rating'."""
    found = next(rows_of([line.lstrip("".join(_COMMENT_MARKS)).lstrip(" ")], form), [])
    names = [name.strip() for name in found]
    fits = len(names) == len(rows[0]) > 1 and len(set(names)) == len(names)
    return tuple(names) if fits and judge([names, *rows]).is_header else None


def _separated(lines: Sequence[str], given: str | None) -> TableForm:
    """Return the form with the separator that splits most rows into the same number of cells."""
    separators = _SEPARATORS if given is None else (given,)
    merits = dict(_best_quoting(lines, separator) for separator in separators)
    if given is not None:
        return _padded(lines, next(iter(merits)))
    usable = [
        form
        for form, (share, _) in merits.items()
        if share > (_SPACED if form.separator == SPACES else _USABLE)
    ]
    strong = [form for form in usable if form.separator != SPACES]
    aligned = [form for form in usable if form.separator == SPACES and _are_aligned(lines)]
    strong = [form for form in strong if all(merits[form] >= merits[other] for other in aligned)]
    strong = strong + aligned or usable
    if not strong:
        return TableForm(",")
    best = max(strong, key=lambda form: _rank(form, *merits[form]))
    other = next((f for f in strong if f.separator == ";" and merits[f][0] >= _CONSTANT), None)
    if best.separator == "," and other is not None and _commas_are_decimals(lines, other):
        best = other
    return _padded(lines, best)


def _best_quoting(lines: Sequence[str], separator: str) -> tuple[TableForm, tuple[float, int]]:
    """Return the form with a separator that makes the most of the quotes in the lines, if any."""
    plain = TableForm(separator, quoted=False)
    if is_long(separator):
        return plain, _merit(lines, plain)
    quoted = TableForm(separator)
    if not any('"' in line for line in lines):
        return quoted, _merit(lines, quoted)
    forms = [replace(quoted, escaped=True)] if any('\\"' in line for line in lines) else []
    best = max([*forms, quoted], key=lambda form: _merit(lines, form)[0])
    merit = _merit(lines, best)
    # A quote that belongs to the text would take up the rows behind it.
    takes_lines = 2 * len(_first_rows(lines, best)) < min(len(lines), _MAX_ROWS)
    is_open = sum(line.count('"') for line in lines) % 2 == 1
    if takes_lines or is_open or merit[0] < _CONSTANT:
        unquoted = _merit(lines, plain)
        if unquoted[0] >= _CONSTANT:
            return plain, unquoted
    return best, merit


def _are_aligned(lines: Sequence[str]) -> bool:
    """Whether most lines have several spaces in a row, as columns have that stand in line."""
    return 2 * sum("  " in line.strip() for line in lines) > len(lines)


def _merit(lines: Sequence[str], form: TableForm) -> tuple[float, int]:
    """Return the share of rows that have the usual number of cells, if over one, and the number."""
    widths = Counter(len(row) for row in _first_rows(lines, form))
    n_rows = widths.total()
    widths.pop(1, None)
    if not widths:
        return (0.0, 0)
    width, n = max(widths.items(), key=lambda item: (item[1], item[0]))
    return (n / n_rows, width)


def _rank(form: TableForm, share: float, width: int) -> tuple[bool, bool, float, int]:
    """Return what makes a separator the likelier one, the most important first."""
    is_constant = share >= _CONSTANT
    # Tabs and control characters are seldom part of a text.
    is_rare = form.separator in ("\t", "\x01")
    return (is_constant, is_constant and is_rare, share, width)


def _commas_are_decimals(lines: Sequence[str], form: TableForm) -> bool:
    cells = [cell for row in _first_rows(lines, form) for cell in row if "," in cell]
    return bool(cells) and all(map(has_decimal_comma, cells))


def _padded(lines: Sequence[str], form: TableForm) -> TableForm:
    """Note whether most cells begin with a space, as after the separator ', '."""
    if form.separator == SPACES:
        return form
    cells = [cell for row in _first_rows(lines, form) for cell in row[1:]]
    n = sum(cell.startswith(" ") for cell in cells)
    return replace(form, padded=2 * n > len(cells))


def _first_rows(lines: Sequence[str], form: TableForm) -> list[list[str]]:
    rows: list[list[str]] = []
    n_cells = 0
    try:
        for row in rows_of(lines, form):
            rows.append(row)
            n_cells += len(row)
            if len(rows) == _MAX_ROWS or (len(rows) >= _MIN_ROWS and n_cells > _MAX_CELLS):
                break
    except csv.Error:  # a cell beyond the limit: what came before it decides
        pass
    return rows


def _with_header(form: TableForm, rows: list[list[str]], reading: Reading) -> TableForm:
    """Complete a form by its header, by columns of no name, and by decimal commas."""
    first, rest = [cell.strip() for cell in rows[0]], rows[1:]
    width, n_usual = Counter(map(len, rest or rows)).most_common(1)[0]
    body = [row for row in rest if len(row) == width]
    ends_empty = bool(body) and width > 1 and not any(row[-1].strip() for row in body)
    lacks_name = len(first) == width - 1 and n_usual >= _CONSTANT * len(rest)
    names = first
    if lacks_name:  # that of the row names, or of nothing behind the last separator
        names = [*first, ""] if ends_empty else ["", *first]
    verdict = _verdict([names, *rest], reading)
    if not verdict.is_header:
        widths = Counter(map(len, rows))
        form = replace(form, width=widths.most_common(1)[0][0])
    else:
        is_index = width > 1 and not names[0] and _is_index(body, lacks_name)
        form = replace(
            form,
            width=len(names),
            header=tuple(names),
            index=is_index,
            trailing=ends_empty and not names[-1] and len(names) == width,
            repeated=not _are_values(names, body),
        )
        if lacks_name and is_index and not _are_row_names([row[0] for row in body], form):
            verdict = Verdict(True, "it has one name fewer than the rows have cells, so that their "
                              "first cells are taken for the names of the rows")  # fmt: skip
    columns = {i: [row[i] for row in body] for i in range(width)}
    commas = {i for i, cells in columns.items() if _has_decimal_commas(cells, form.separator)}
    points = {i for i, cells in columns.items() if WITH_POINT.is_that_of(cells)}
    return replace(
        form,
        has_header=verdict.is_header,
        cells=tuple(first),
        commas=frozenset(commas),
        points=frozenset(points - commas),
        doubt=verdict.doubt,
    )


def _are_values(names: list[str], body: list[list[str]]) -> bool:
    """Whether each name is also a value of its column, in rows that do not repeat them all."""
    others = [row for row in body if [cell.strip() for cell in row] != names]
    return all(any(row[i].strip() == name for row in others) for i, name in enumerate(names))


def _are_row_names(cells: list[str], form: TableForm) -> bool:
    """Whether the first cells are surely row names of R: 1, 2, 3, ..., or between its spaces."""
    return form.separator in (SPACES, "\t") or cells == [str(i + 1) for i in range(len(cells))]


def _verdict(rows: list[list[str]], reading: Reading) -> Verdict:
    if reading.header is not None:
        return Verdict(reading.header)
    if reading.names is not None:
        return Verdict(tuple(cell.strip() for cell in rows[0]) == reading.names)
    return judge(rows, reading.expected)


def _is_index(body: list[list[str]], is_short: bool) -> bool:
    """Whether the first cells of the rows, whose column has no name, are all different."""
    cells = [row[0] for row in body]
    return is_short or (bool(cells) and len(set(cells)) == len(cells))


def _has_decimal_commas(cells: list[str], separator: str) -> bool:
    return separator == ";" and WITH_COMMA.is_that_of(cells)
