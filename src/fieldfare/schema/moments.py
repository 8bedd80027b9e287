"""Moments: what a cell of dates or times says, and the parts of it that are features.

A moment is local time: what a clock on the wall of the place showed, in microseconds since
1970-01-01 00:00 on that clock. A time of a zone is on the clock of its zone, a text with an offset
on that of its offset, ``Z`` is UTC, and times without either are taken as they stand.

As in `fieldfare.schema.canonical`, each rule stands here twice: for Arrow arrays and for a single
value. The pattern of texts and the calendar are shared by both.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from fieldfare._optional import require
from fieldfare._typing import AnyArray, Int64Array
from fieldfare.exceptions import SchemaError
from fieldfare.schema.calendar import (
    CLOCK,
    DATED,
    DAY,
    FIRST_DAY,
    FORMATS,
    LAST_DAY,
    MINUTE,
    MISSING,
    MONTHS,
    ODD,
    PARTS,
    PATTERN,
    SECOND,
    TEXT,
    TICKS,
    WRITTEN,
    YEAR_FIRST,
    YEAR_LAST,
    ZONE,
    date_of,
    days_of,
)
from fieldfare.schema.canonical import codes_of, parse_number
from fieldfare.schema.missing import NOTHING, STANDARD, Marks
from fieldfare.sources.arrow import (
    array_of,
    cast_or_none,
    is_text,
    numpy_of,
    scalar_of,
    texts_of,
)

# Lengths of the ISO texts that Arrow casts at once; at others it takes some that are not ours.
_ISO_LENGTHS = frozenset((10, 16, 19, *range(21, 27)))


class Moments(NamedTuple):
    """The moments of a column: ``ticks`` in microseconds, and what each cell is."""

    ticks: Int64Array
    state: AnyArray

    def take(self, codes: Int64Array) -> Moments:
        """Return those at some places; missing where the place is beyond the last one."""
        return Moments(np.append(self.ticks, 0)[codes], np.append(self.state, MISSING)[codes])


def part_cells(part: str, moments: Moments) -> Any:
    """Return one part of moments as an Arrow column: a dictionary of texts, or float64."""
    pa = require("pyarrow", "tables")
    of, names, needs_date = PARTS[part]
    absent = moments.state != DATED
    if not needs_date:
        absent &= moments.state != CLOCK
    values = of(moments.ticks)
    if names is None:
        return array_of(np.where(absent, np.nan, values.astype(np.float64)))
    codes = pa.array(values.astype(np.int8), mask=absent)
    return pa.DictionaryArray.from_arrays(codes, texts_of(names))


def part_of(part: str, value: Any, date_format: str, marks: Marks = STANDARD) -> str | float | None:
    """Return one part of one cell as `part_cells` does of many, ``None`` if it is missing.

    Raises
    ------
    ValueError
        For what only Arrow can read, and for texts that are not dates.
    """
    ticks, state = moment_of(value, date_format, marks)
    of, names, needs_date = PARTS[part]
    if state == ODD:
        raise ValueError(value)
    if state == MISSING or (state == CLOCK and needs_date):
        return None
    found = of(ticks)
    return float(found) if names is None else names[found]


# -- one cell --


def moment_of(value: Any, date_format: str, marks: Marks = STANDARD) -> tuple[int, int]:
    """Return the ticks of one cell, and what it is, as `moments_of` does of many.

    Raises
    ------
    ValueError
        For what only Arrow can read.
    """
    kind = type(value)
    if value is None or (kind is float and value != value):
        return 0, MISSING
    if kind is str and date_format in WRITTEN:
        return _moment_of_text(value, date_format, marks)
    if kind is datetime and value.tzinfo is None:
        within = (value.hour * 60 + value.minute) * MINUTE
        within += value.second * SECOND + value.microsecond
        return (value.toordinal() - 719_163) * DAY + within, DATED
    if kind is date:
        return (value.toordinal() - 719_163) * DAY, DATED
    raise ValueError


@lru_cache(maxsize=4096)
def _moment_of_text(text: str, date_format: str, marks: Marks) -> tuple[int, int]:
    if marks.mean(text):
        return 0, MISSING
    found = TEXT.match(text)
    if found is None:
        return 0, ODD
    group = found.groupdict("")
    clock = not group["a"]
    within = _within_day(*(group[f"c{name}" if clock else name] for name in "hmsfp"))
    days = 0 if clock else _day_of(group["a"], group["b"], group["c"], date_format)
    if within is None or days is None:
        return 0, ODD
    return days * DAY + within, CLOCK if clock else DATED


def _within_day(hour: str, minute: str, second: str, fraction: str, half: str) -> int | None:
    """Return the microseconds since midnight, ``None`` if there is no such time."""
    h, m, s = int(hour or 0), int(minute or 0), int(second or 0)
    if half:
        h = h % 12 + 12 * (half.lower() == "pm") if 1 <= h <= 12 else 24
    if h > 23 or m > 59 or s > 59:
        return None
    return (h * 60 + m) * MINUTE + s * SECOND + int(f"{fraction:0<6.6}")


def _day_of(a: str, b: str, c: str, date_format: str) -> int | None:
    """Return the days since 1970 of a date in three parts, ``None`` if there is no such date."""
    named = b.isalpha()
    month = MONTHS.get(b.lower(), 0) if named else int(b)
    if (len(a) == 4) == (len(c) == 4):
        return None
    year, day = (int(a), int(c)) if len(a) == 4 else (int(c), int(a))
    if len(a) != 4 and not named:
        if date_format == "ymd":
            return None
        if date_format == "mdy":
            month, day = day, month
    days = days_of(year, month, day)
    sound = year >= 1 and date_of(days) == (year, month, day)
    return int(days) if sound else None


# -- many cells --


def moments_of(array: Any, date_format: str, marks: Marks = STANDARD) -> Moments:
    """Return the moments of an Arrow column.

    Parameters
    ----------
    array : Arrow array
        Dates, times, times of day; texts, or numbers since 1970, as the format says.
    date_format : str
        One of `FORMATS`.
    marks : Marks
        The texts and numbers that stand for missing dates.

    Raises
    ------
    SchemaError
        If values of this type are not dates.
    """
    pa, pc, kind = require("pyarrow", "tables"), require("pyarrow.compute", "tables"), array.type
    if pa.types.is_null(kind):
        return Moments(np.zeros(len(array), np.int64), np.full(len(array), MISSING, np.uint8))
    if pa.types.is_dictionary(kind):
        return moments_of(array.dictionary, date_format, marks).take(codes_of(array))
    if pa.types.is_temporal(kind) and not pa.types.is_duration(kind):
        return _of_types(array)
    if is_text(kind):
        array = marks.without(pc.cast(array, pa.large_string()))
        if date_format in WRITTEN:
            return _of_texts(array, date_format)
        return _of_numerals(array, date_format, marks)
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    if is_number:
        x = marks.without_numbers(numpy_of(pc.cast(array, pa.float64(), safe=False)))
        absent = np.isnan(x)
        # A frame without any date in it has missing numbers in their place.
        if date_format not in WRITTEN or absent.all():
            return _of_numbers(x, absent, date_format)
    raise SchemaError(
        f"Values of type {kind} are not read as dates written as {date_format!r}. Set date_format "
        f"in the Schema: numbers are {', '.join(map(repr, FORMATS[3:]))}."
    )


def _of_types(array: Any) -> Moments:
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    kind, state = array.type, DATED
    absent = numpy_of(array.is_null())
    if pa.types.is_time(kind):
        array, state = pc.cast(pc.cast(array, pa.time64("ns")), pa.int64()), CLOCK
        per_second = 10**9
    elif pa.types.is_timestamp(kind):
        if kind.tz is not None:
            array = _local(array)
        per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[kind.unit]
        array = array.view(pa.int64())
    else:
        array = pc.cast(array, pa.date32()).view(pa.int32())
        per_second = 0
    ticks = numpy_of(array.fill_null(scalar_of(0, array.type))).astype(np.int64)
    if per_second == 0:
        ticks = np.clip(ticks, FIRST_DAY - 1, LAST_DAY + 1) * DAY
    elif per_second > SECOND:
        ticks = ticks // (per_second // SECOND)
    else:
        factor = SECOND // per_second
        most = (LAST_DAY + 1) * DAY // factor
        ticks = np.clip(ticks, -most, most) * factor
    return _checked(ticks, np.where(absent, MISSING, state))


def _local(array: Any) -> Any:
    """Return times of a zone as those on the clock of that zone."""
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    try:
        return pc.local_timestamp(array)
    except pa.ArrowInvalid as error:
        raise SchemaError(
            f"The time zone {array.type.tz!r} is not known ({error}). Convert the times to another "
            "one, or to local times without a zone."
        ) from error


def _checked(ticks: Int64Array, state: AnyArray) -> Moments:
    """Return moments; those beyond the years 1 to 9999 are odd."""
    beyond = (ticks < FIRST_DAY * DAY) | (ticks >= (LAST_DAY + 1) * DAY)
    return Moments(ticks, np.where(beyond & (state == DATED), ODD, state).astype(np.uint8))


def _of_numerals(array: Any, date_format: str, marks: Marks) -> Moments:
    """Return the moments of texts of numbers, those that are missing being null."""
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    absent = numpy_of(array.is_null())
    try:
        x = numpy_of(pc.cast(array, pa.float64()))
    except pa.ArrowInvalid:
        found = [parse_number(text, NOTHING) for text in array.to_pylist()]
        x = np.array([np.nan if number is None else number for number in found])
    return _of_numbers(x, absent | np.isin(x, marks.numbers), date_format)


def _of_numbers(x: AnyArray, absent: AnyArray, date_format: str) -> Moments:
    """Return the moments of numbers: units since 1970, or the digits of a date."""
    sound = np.isfinite(x)
    if date_format in TICKS:
        ticks = np.floor(np.where(sound, x, 0) * TICKS[date_format])
        sound &= np.abs(ticks) < 2.0**62
        ticks = np.where(sound, ticks, 0).astype(np.int64)
    else:
        sound &= (np.abs(x) < 1e8) & (np.floor(x) == x) & (x > 0)
        whole = np.where(sound, x, 0).astype(np.int64)
        year, month, day = whole // 10_000, whole // 100 % 100, whole % 100
        days = days_of(year, month, day)
        y, m, d = date_of(days)
        sound &= (y == year) & (m == month) & (d == day)
        ticks = days * DAY
    return _checked(ticks, np.where(absent, MISSING, np.where(sound, DATED, ODD)))


def _of_texts(array: Any, date_format: str) -> Moments:
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    for rewritten in _as_iso(array, date_format):
        lengths = pc.unique(pc.binary_length(rewritten)).to_pylist()
        if {length for length in lengths if length} <= _ISO_LENGTHS:
            times = cast_or_none(rewritten, pa.timestamp("us"))
            if times is not None:
                return _of_types(times)
    groups = pc.extract_regex(array, PATTERN)
    matched = numpy_of(groups.is_valid())
    clock = matched & (_lengths(groups.field("a")) == 0)
    # A text without a date is one with the groups of a time of day.
    within, sound = _within(groups, "")
    if clock.any():
        own, fine = _within(groups, "c")
        within, sound = np.where(clock, own, within), np.where(clock, fine, sound)
    days, dated = _days(groups, date_format)
    sound &= matched & (clock | dated)
    ticks = np.where(clock, 0, np.where(dated, days, 0)) * DAY + within
    state = np.where(sound, np.where(clock, CLOCK, DATED), ODD)
    return _checked(np.where(sound, ticks, 0), np.where(numpy_of(array.is_null()), MISSING, state))


def _as_iso(array: Any, date_format: str) -> Iterator[Any]:
    """Yield texts as they are, and with frequent deviations from ISO removed, for Arrow to cast.

    That is twenty times as fast as to take all texts to pieces, which is left for what remains.
    """
    pc = require("pyarrow.compute", "tables")
    yield array
    array = pc.replace_substring_regex(array, "(:[0-9]{2})" + ZONE + "$", r"\1")
    yield array
    if date_format in ("dmy", "mdy"):
        order = r"\3-\1-\2" if date_format == "mdy" else r"\3-\2-\1"
        yield pc.replace_substring_regex(array, YEAR_LAST, order)
    yield pc.replace_substring_regex(array, YEAR_FIRST, r"\1-\2-\3")


def _lengths(texts: Any) -> AnyArray:
    pc = require("pyarrow.compute", "tables")
    lengths = pc.binary_length(texts)
    return numpy_of(lengths.fill_null(scalar_of(0, lengths.type)))


def _whole(texts: Any, otherwise: int = 0) -> AnyArray:
    """Return texts of digits as numbers; the other number where there are none."""
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    digits = pc.if_else(
        pc.equal(texts, scalar_of("", texts.type)), scalar_of(None, texts.type), texts
    )
    if digits.null_count == len(digits):
        return np.full(len(digits), otherwise, np.int64)
    numbers = pc.cast(digits, pa.int64())
    return numpy_of(numbers.fill_null(scalar_of(otherwise, pa.int64())))


def _within(groups: Any, prefix: str) -> tuple[AnyArray, AnyArray]:
    """Return the microseconds since midnight of matched texts, and whether they make a time."""
    pc = require("pyarrow.compute", "tables")
    hour, minute, second = (_whole(groups.field(prefix + name)) for name in ("h", "m", "s"))
    half = groups.field(prefix + "p")
    halved = _lengths(half) > 0
    sound = np.ones(len(hour), bool)
    if halved.any():
        after = pc.equal(pc.utf8_lower(half), scalar_of("pm", half.type))
        after = numpy_of(after.fill_null(scalar_of(False, after.type)))
        sound = ~halved | ((hour >= 1) & (hour <= 12))
        hour = np.where(halved, hour % 12 + 12 * after, hour)
    sound &= (hour < 24) & (minute < 60) & (second < 60)
    fraction = groups.field(prefix + "f")
    digits = _lengths(fraction)
    micros = _whole(fraction)
    if digits.any():
        micros = micros * 10 ** np.maximum(6 - digits, 0) // 10 ** np.maximum(digits - 6, 0)
    return (hour * 60 + minute) * MINUTE + second * SECOND + micros, sound


def _days(groups: Any, date_format: str) -> tuple[AnyArray, AnyArray]:
    """Return the days since 1970 of matched texts, and whether they make a date."""
    a, c = _whole(groups.field("a")), _whole(groups.field("c"))
    b, named = _months(groups.field("b"))
    long_a, long_c = _lengths(groups.field("a")) == 4, _lengths(groups.field("c")) == 4
    month_first = (date_format == "mdy") & ~named & ~long_a
    year, day = np.where(long_a, a, c), np.where(long_a, c, a)
    month, day = np.where(month_first, a, b), np.where(month_first, b, day)
    sound = long_a ^ long_c
    if date_format not in ("dmy", "mdy"):
        sound &= long_a | named
    days = days_of(year, month, day)
    y, m, d = date_of(days)
    return days, sound & (y == year) & (m == month) & (d == day) & (year >= 1)


def _months(texts: Any) -> tuple[AnyArray, AnyArray]:
    """Return months, from digits or names, and which have a name."""
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    letters = pc.utf8_is_alpha(texts)
    named = numpy_of(letters.fill_null(scalar_of(False, letters.type)))
    if not named.any():
        return _whole(texts), named
    encoded = pc.dictionary_encode(texts)
    table = [
        MONTHS.get(text.lower(), 0) if text.isalpha() else int(text or 0)
        for text in encoded.dictionary.to_pylist()
        if text is not None
    ]
    codes = encoded.indices.fill_null(scalar_of(len(table), pa.int32()))
    return np.array([*table, 0], np.int64)[numpy_of(codes)], named
