"""The calendar: what texts of dates look like, how days are counted, and the parts of a moment.

All of it holds for single whole numbers and for arrays of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

TICKS = {"s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1e-3}
"""Microseconds per unit of numbers."""
WRITTEN = ("ymd", "dmy", "mdy")
FORMATS = (*WRITTEN, "yyyymmdd", *TICKS)
"""How dates may be written; a year that comes first, and types of dates, are read in any case."""

LIKELY_SECONDS = (7.9e8, 2.2e9)
"""Seconds since 1970 that are likely for data whose name says nothing: from 1995 to 2039."""

SECOND, MINUTE, HOUR = 1_000_000, 60_000_000, 3_600_000_000
DAY = 24 * HOUR
# What a cell is: nothing, something else than a date, a moment, or a time of day without a date.
MISSING, ODD, DATED, CLOCK = 0, 1, 2, 3

ZONE = r"(?: ?(?:Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?))"
YEAR_FIRST = "^([0-9]{4})[/.]([0-9]{2})[/.]([0-9]{2})"
YEAR_LAST = "^([0-9]{2})[-/.]([0-9]{2})[-/.]([0-9]{4})"
PATTERN = (
    r"^ *(?:(?P<a>[0-9]{4}|[0-9]{1,2})[-/. ](?P<b>[0-9]{1,2}|[A-Za-z]{3,9})[-/. ]"
    r"(?P<c>[0-9]{4}|[0-9]{1,2})(?:[T ] *(?P<h>[0-9]{1,2})(?::(?P<m>[0-9]{2})"
    r"(?::(?P<s>[0-9]{2})(?:[.,](?P<f>[0-9]{1,9}))?)?)? ?(?P<p>[AaPp][Mm])?" + ZONE + r"?)?"
    r"|(?P<ch>[0-9]{1,2}):(?P<cm>[0-9]{2})(?::(?P<cs>[0-9]{2})(?:[.,](?P<cf>[0-9]{1,9}))?)?"
    r" ?(?P<cp>[AaPp][Mm])?) *$"
)
TEXT = re.compile(PATTERN)
_NAMES = ("january", "february", "march", "april", "may", "june", "july", "august", "september",
          "october", "november", "december")  # fmt: skip
MONTHS = {word: n for n, name in enumerate(_NAMES, 1) for word in (name, name[:3])} | {"sept": 9}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
FIRST_DAY, LAST_DAY = -719_162, 2_932_896  # 0001-01-01 and 9999-12-31


# -- the calendar, for whole numbers and arrays of them --


def days_of(year: Any, month: Any, day: Any) -> Any:
    """Return the days since 1970-01-01 of a date in the Gregorian calendar (Hinnant 2013)."""
    year = year - (month <= 2)
    era = year // 400
    year_of_era = year - era * 400
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return (
        era * 146_097
        + year_of_era * 365
        + year_of_era // 4
        - year_of_era // 100
        + (day_of_year - 719_468)
    )


def date_of(days: Any) -> tuple[Any, Any, Any]:
    """Return year, month and day, the inverse of `days_of`."""
    days = days + 719_468
    era = days // 146_097
    day_of_era = days - era * 146_097
    year_of_era = (
        day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096
    ) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    place = (5 * day_of_year + 2) // 153
    month = (place + 2) % 12 + 1
    return year_of_era + era * 400 + (month <= 2), month, day_of_year - (153 * place + 2) // 5 + 1


# -- parts --


class Part(NamedTuple):
    """A part of a moment: how it comes from ticks, and the names of its values if it has some."""

    of: Callable[[Any], Any]
    names: tuple[str, ...] | None = None
    needs_date: bool = True


def _numbered(n: int) -> tuple[str, ...]:
    return tuple(map(str, range(n)))


PARTS = {
    "hour": Part(lambda ticks: ticks // HOUR % 24, _numbered(24), needs_date=False),
    "minute": Part(lambda ticks: ticks // MINUTE % 60, _numbered(60), needs_date=False),
    "weekday": Part(lambda ticks: (ticks // DAY + 3) % 7, WEEKDAYS),
    "day": Part(lambda ticks: date_of(ticks // DAY)[2], _numbered(32)),
    "month": Part(lambda ticks: date_of(ticks // DAY)[1], _numbered(13)),
    "year": Part(lambda ticks: date_of(ticks // DAY)[0]),
    "age": Part(lambda ticks: -ticks / DAY),
}
"""Parts by name. Those whose values have names are categories, the others numbers."""
