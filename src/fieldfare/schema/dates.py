"""Dates recognised: whether a column holds dates or times, and how they are written.

- Types of dates and times are what they say; durations are numbers (of seconds).
- Texts are dates if hardly any is not: ISO 8601 with or without time, fraction and offset;
  ``2019/01/31``, ``31.01.2019``, ``31-Jan-2019``, ``01/31/2019`` with or without a time. Where the
  year is last, some day beyond the 12th must tell days from months; with dots the day is first.
  Times such as ``12:30`` are times of day.
- Numbers are times since 1970 if the name ends in a word such as "time", "timestamp_ms", "ts",
  "date" or "created_at" and all of them lie between 1980 and 2100 in seconds, milliseconds, micro-
  or nanoseconds, and dates if all of them read as ``20190131``.
"""

from __future__ import annotations

import warnings
from collections import Counter
from typing import Any

import numpy as np

from fieldfare._optional import require
from fieldfare._typing import AnyArray
from fieldfare.exceptions import DataWarning
from fieldfare.schema.calendar import DATED, DAY, MISSING, ODD, TEXT, TICKS, date_of
from fieldfare.schema.column import Column
from fieldfare.schema.missing import STANDARD
from fieldfare.schema.moments import Moments, moments_of
from fieldfare.sources.arrow import array_of, is_text, numpy_of

_ODD_SHARE = 0.05
_GLIMPSE = 100
_SINCE, _UNTIL = 315_532_800, 4_102_444_800  # 1980 and 2100, in seconds
_YEARS = (1900, 2100)
_WORDS = ("time", "timestamp", "ts", "date", "datetime", "day", "epoch", "unixtime")
# What may follow such a word, as in "timestamp_ms" or "event_time_utc".
_UNITS = frozenset((
    "s", "ms", "us", "ns", "sec", "secs", "seconds", "millis", "micros", "nanos", "utc", "gmt",
))  # fmt: skip


def recognise(name: str, words: list[str], array: Any, role: str | None) -> Column | None:
    """Return the Column for a sample of values (an Arrow array), ``None`` if they are not dates.

    Parameters
    ----------
    name : str
    words : list of str
        The words of the name, in lower case.
    array : Arrow array
    role : str or None
        Role of the column.
    """
    pa, kind = require("pyarrow", "tables"), array.type
    if pa.types.is_temporal(kind):
        date_format = None if pa.types.is_duration(kind) else "ymd"
    elif _holds_text(kind):
        date_format = _format_of_texts(name, array)
    elif _name_times(words) and not pa.types.is_nested(kind):
        date_format = _format_of_numbers(array)
    else:
        date_format = None
    if date_format is None:
        return None
    parts = parts_in(moments_of(array, date_format))
    return Column(name, "datetime", role=role, parts=parts, date_format=date_format)


def _name_times(words: list[str]) -> bool:
    """Whether the words of a name end like "event_time", "timestamp_ms" or "created_at"."""
    if len(words) > 1 and words[-1] in _UNITS:
        words = words[:-1]
    return bool(words) and (words[-1] in _WORDS or (len(words) > 1 and words[-1] == "at"))


def parts_in(moments: Moments) -> tuple[str, ...]:
    """Return the parts that say something about these moments."""
    dated = moments.ticks[moments.state == DATED]
    if not len(dated):
        return ("hour",)
    hour = ("hour",) if (dated % DAY != 0).any() else ()
    return (*hour, "weekday", "month", "age")


def _holds_text(kind: Any) -> bool:
    pa = require("pyarrow", "tables")
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return is_text(kind)


def _format_of_texts(name: str, array: Any) -> str | None:
    """Return how texts write dates, ``None`` if they do not."""
    pc = require("pyarrow.compute", "tables")
    array = array.drop_null()
    # A few tell most columns of other texts, cell by cell, which is fast where columns are many.
    first = Counter(_words(array.slice(0, _GLIMPSE)).to_pylist())
    present = {text: n for text, n in first.items() if not STANDARD.mean(text)}
    dated = sum(n for text, n in present.items() if TEXT.match(text) is not None)
    if 2 * dated <= sum(present.values()):
        return None
    array = _words(array)
    if _odd_share(array, "ymd") <= _ODD_SHARE:
        return "ymd"
    shares = {way: _odd_share(array, way) for way in ("dmy", "mdy")}
    fitting = [way for way, share in shares.items() if share <= _ODD_SHARE]
    if not fitting:
        return None
    if shares["dmy"] != shares["mdy"]:
        return min(fitting, key=lambda way: shares[way])
    if not pc.any(pc.match_substring_regex(array, "[0-9][-/][0-9]")).as_py():
        return "dmy"
    warnings.warn(
        DataWarning(
            f"Column {name!r} seems to hold dates, but no day beyond the 12th tells days from "
            "months, so its texts are taken for categories. Say which comes first: "
            f"schema.edit({name!r}, kind='datetime', date_format='dmy') or 'mdy'."
        ),
        stacklevel=2,
    )
    return None


def _words(array: Any) -> Any:
    """Return texts, also those of categories, as an array of texts."""
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    if pa.types.is_dictionary(array.type):
        return pc.cast(array.dictionary, pa.large_string()).take(array.indices)
    return pc.cast(array, pa.large_string())


def _odd_share(array: Any, date_format: str) -> float:
    """Return which share of the cells that are not missing is not a date."""
    state = moments_of(array, date_format).state
    present = int((state != MISSING).sum())
    return int((state == ODD).sum()) / present if present else 1.0


def _format_of_numbers(array: Any) -> str | None:
    """Return how numbers write dates, ``None`` if they do not."""
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    if not (pa.types.is_integer(array.type) or pa.types.is_floating(array.type)):
        return None
    x: AnyArray = numpy_of(pc.cast(array, pa.float64(), safe=False))
    x = x[~np.isnan(x)]
    if not len(x):
        return None
    for unit, ticks in TICKS.items():
        seconds = x * (ticks / 1e6)
        if (seconds >= _SINCE).all() and (seconds < _UNTIL).all():
            return unit
    moments = moments_of(array_of(x), "yyyymmdd")
    years = date_of(moments.ticks // DAY)[0]
    sound = (moments.state == DATED) & (years >= _YEARS[0]) & (years < _YEARS[1])
    return "yyyymmdd" if sound.all() else None
