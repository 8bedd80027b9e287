"""What single cells of text look like: missing values, numbers, times, words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

# What they mean in a column, `fieldfare.schema.missing` says.
MISSING = frozenset((
    "",
    *("NA", "na", "N/A", "n/a", "N.A.", "n.a.", "<NA>", "<na>", "#N/A", "#N/A N/A", "#NA"),
    *("NaN", "nan", "NAN", "-NaN", "-nan", "NaT", "<NaT>"),
    *("1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
    *("NULL", "Null", "null", "<NULL>", "<null>", "(NULL)", "(null)", "[NULL]", "[null]", "\\N"),
    *("#NULL!", "#VALUE!", "#DIV/0!", "#REF!", "#NAME?", "#NUM!"),
    *("?", ".", "none", "None", "NONE", "-", "--"),
))  # fmt: skip
"""The texts that programs write for a missing value."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|infinity)", re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")
_BLANKS = "\u00a0\u202f "
_SIGNS = "$€£¥%"
_TIME = re.compile(
    r"\d{4}-\d\d?-\d\d?([T ].*)?|\d{4}/\d\d?/\d\d?( .*)?|\d\d?[./-]\d\d?[./-]\d{2,4}( .*)?"
    r"|\d\d?:\d\d(:\d\d(\.\d+)?)?"
)
_SHAPES = (
    ("URL", re.compile(r"\w+://\S+")),
    ("mail", re.compile(r"[^@\s]+@[^@\s]+\.\w+")),
    ("flag", re.compile(r"true|false", re.IGNORECASE)),
    ("hash", re.compile(r"(?=.*\d)[0-9a-fA-F]{8,}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-.*")),
    ("JSON", re.compile(r"[\[{].*[\]}]", re.DOTALL)),
)
_MOSTLY = 0.95
_LONGEST = 2000  # of what is looked at; some patterns take time quadratic in the length


class Notation:
    """A way in which people write numbers: 1,234.50 or 1.234,50, with $ before or % behind.

    Parameters
    ----------
    groups : str
        What may stand between thousands.
    mark : str
        What stands before the decimals.
    """

    def __init__(self, groups: str, mark: str) -> None:
        digits = rf"(\d+|\d{{1,3}}([{groups}]\d{{3}})+)([{mark}]\d+)?([eE][+-]?\d+)?"
        before, behind = rf"([$€£¥][{_BLANKS}]?)?[+-]?", rf"([{_BLANKS}]?[{_SIGNS}])?"
        self.mark = mark
        self.pattern = rf"^\s*[+-]?{before}{digits}{behind}\s*$"
        self._compiled = re.compile(self.pattern, re.ASCII)  # as Arrow does

    def fits(self, cell: str) -> bool:
        """Whether a cell is a number in this notation."""
        return self._compiled.match(cell) is not None

    def is_that_of(self, cells: Iterable[str]) -> bool:
        """Whether nearly all filled cells are such numbers, some with decimals, all of one unit.

        Whole numbers alone may be something else: lists, versions, parts of an address.
        """
        filled = [bare for cell in cells if (bare := cell.strip()) not in MISSING]
        fitting = [cell for cell in filled if self.fits(cell)]
        signs = Counter(sign for cell in fitting for sign in _SIGNS if sign in cell)
        return (
            len(fitting) >= _MOSTLY * len(filled)
            and any(self.mark in cell for cell in fitting)
            and not all(map(_NUMBER.fullmatch, fitting))
            and len(signs) <= 1
            and signs["%"] in (0, len(fitting))
        )


WITH_POINT = Notation(",'’", ".")
WITH_COMMA = Notation("." + _BLANKS, ",")


def kind_of(cell: str) -> str:
    """Return what a cell looks like: "nothing", "number", "time", "word", or a shape of text."""
    cell = cell.strip()
    if len(cell) > _LONGEST:
        return "word"
    if cell in MISSING:
        return "nothing"
    if _NUMBER.fullmatch(cell) or _DECIMAL_COMMA.fullmatch(cell):
        return "number"
    if any(notation.fits(cell) for notation in (WITH_POINT, WITH_COMMA)):
        return "number"
    if _TIME.fullmatch(cell):
        return "time"
    return next((name for name, shape in _SHAPES if shape.fullmatch(cell)), "word")


def is_written_number(cell: str) -> bool:
    """Whether a cell is a number as only people write it, such as $1,200 or 12 %."""
    cell = cell.strip()
    is_plain = _NUMBER.fullmatch(cell) is not None
    return not is_plain and (WITH_POINT.fits(cell) or WITH_COMMA.fits(cell))


def has_decimal_comma(cell: str) -> bool:
    """Whether a cell is a number with a comma before its decimals."""
    return _DECIMAL_COMMA.fullmatch(cell.strip()) is not None


def kind_of_column(cells: Iterable[str]) -> str:
    """Return what nearly all filled cells look like, "word" if they differ, else "nothing"."""
    kinds = Counter(map(kind_of, cells))
    kinds.pop("nothing", None)
    if not kinds:
        return "nothing"
    kind, n = kinds.most_common(1)[0]
    return kind if n >= _MOSTLY * kinds.total() else "word"
