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


def kind_of(cell: str) -> str:
    """Return what a cell looks like: "nothing", "number", "time", "word", or a shape of text."""
    cell = cell.strip()
    if len(cell) > _LONGEST:
        return "word"
    if cell in MISSING:
        return "nothing"
    if _NUMBER.fullmatch(cell) or _DECIMAL_COMMA.fullmatch(cell):
        return "number"
    if _TIME.fullmatch(cell):
        return "time"
    return next((name for name, shape in _SHAPES if shape.fullmatch(cell)), "word")


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
