"""Moments: what cells of dates and times say."""

from datetime import date, datetime, timedelta, timezone

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from fieldfare.exceptions import SchemaError
from fieldfare.schema.calendar import CLOCK, DATED, MISSING, ODD, PARTS, date_of, days_of
from fieldfare.schema.moments import moment_of, moments_of, part_cells, part_of


def parts(array, date_format="ymd"):
    moments = moments_of(array, date_format)
    return {part: part_cells(part, moments).to_pylist() for part in PARTS}


def local(text, date_format="ymd"):
    """Return what a text says, as NumPy writes it; None unless it is a moment."""
    ticks, state = moment_of(text, date_format)
    many = moments_of(pa.array([text, "soon"]), date_format)
    assert (many.ticks[0], many.state[0]) == (ticks, state) or state != DATED
    assert many.state[0] == state
    return str(np.datetime64(ticks, "us"))[:19].replace("T00:00:00", "") if state == DATED else None


def test_the_calendar_is_that_of_numpy_from_the_year_1_to_9999():
    days = np.arange(-719_162, 2_932_897, 11)
    year, month, day = date_of(days)
    expected = days.astype("M8[D]")
    assert np.array_equal(year, expected.astype("M8[Y]").astype(int) + 1970)
    assert np.array_equal(month, expected.astype("M8[M]").astype(int) % 12 + 1)
    assert np.array_equal(days_of(year, month, day), days)
    assert date_of(int(days[7])) == (year[7], month[7], day[7])


def test_the_parts_of_a_moment():
    when = pa.array([datetime(2024, 2, 29, 17, 45), datetime(1969, 12, 31, 23, 0), None])
    assert parts(when) == {
        "hour": ["17", "23", None],
        "minute": ["45", "0", None],
        "weekday": ["Thursday", "Wednesday", None],
        "day": ["29", "31", None],
        "month": ["2", "12", None],
        "year": [2024.0, 1969.0, pytest.approx(np.nan, nan_ok=True)],
        "age": [-19782 - 17.75 / 24, 1 / 24, pytest.approx(np.nan, nan_ok=True)],
    }


@pytest.mark.parametrize(
    ("text", "date_format", "expected"),
    [
        ("2024-02-29", "ymd", "2024-02-29"),
        ("2024-2-9", "ymd", "2024-02-09"),
        ("2024/02/29 7:05", "ymd", "2024-02-29T07:05:00"),
        ("2024-02-29T17:45:10.123456789Z", "ymd", "2024-02-29T17:45:10"),
        ("2024-02-29 17:45:10,5 UTC", "ymd", "2024-02-29T17:45:10"),
        ("2024-02-29T17", "ymd", "2024-02-29T17:00:00"),
        (" 2024-02-29 17:45 ", "ymd", "2024-02-29T17:45:00"),
        ("29.02.2024", "dmy", "2024-02-29"),
        ("5/6/2024 1:02:03 PM", "dmy", "2024-06-05T13:02:03"),
        ("5/6/2024 12:02:03 AM", "mdy", "2024-05-06T00:02:03"),
        ("31-Jan-2024", "ymd", "2024-01-31"),
        ("3 March 2024 10:00", "ymd", "2024-03-03T10:00:00"),
        ("0001-01-01", "ymd", "0001-01-01"),
        ("9999-12-31 23:59:59", "ymd", "9999-12-31T23:59:59"),
        ("2023-02-29", "ymd", None),
        ("2024-13-01", "ymd", None),
        ("2024-01-01 24:00", "ymd", None),
        ("2024-01-01 12:60", "ymd", None),
        ("2024-01-01 13:00 PM", "ymd", None),
        ("0000-01-01", "ymd", None),
        ("29.02.2024", "ymd", None),
        ("29/02/2024", "mdy", None),
        ("1.2.3", "dmy", None),
        ("2024-01-2025", "ymd", None),
        ("20240229", "ymd", None),
        ("٢٠٢٤-01-01", "ymd", None),
        ("2024-01-01 then", "ymd", None),
    ],
)
def test_texts_say(text, date_format, expected):
    assert local(text, date_format) == expected


def test_the_local_time_of_zones_and_offsets_counts():
    berlin = pa.array([1_600_000_000], pa.timestamp("s", "Europe/Berlin"))
    fixed = pa.array([datetime(2020, 9, 13, 14, 26, 40, tzinfo=timezone(timedelta(hours=2)))])
    texts = pa.array(
        ["2020-09-13 14:26:40+02:00", "2020-09-13T14:26:40-0500", "2020-09-13 14:26:40"]
    )
    assert parts(berlin)["hour"] == parts(fixed)["hour"] == ["14"]
    assert parts(texts)["hour"] == ["14"] * 3


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_units_do_not_matter(unit):
    ticks = [-1, 0, 1_582_934_400, None]
    factor = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    numbers = pa.array([None if t is None else t * factor for t in ticks])
    typed = numbers.cast(pa.timestamp(unit))
    texts = pc.strftime(typed.cast(pa.timestamp("s")), "%Y-%m-%d %H:%M:%S")
    assert str(parts(typed)) == str(parts(numbers, unit)) == str(parts(texts))
    assert str(parts(numbers.cast(pa.string()), unit)) == str(parts(typed))


@pytest.mark.parametrize(
    "array",
    [
        pa.array([date(2024, 2, 29)]),
        pa.array([date(2024, 2, 29)]).cast(pa.date64()),
        pa.array(["2024-02-29"]).dictionary_encode(),
        pa.array(["2024-02-29"]).cast(pa.string_view()),
    ],
    ids=str,
)
def test_dates_of_all_types_are_one(array):
    assert parts(array)["month"] == ["2"]
    assert parts(array)["hour"] == ["0"]


def test_numbers_may_be_the_digits_of_a_date():
    states = moments_of(pa.array([20240229.0, 20230229.0, None]), "yyyymmdd").state
    assert states.tolist() == [DATED, ODD, MISSING]
    assert parts(pa.array(["20240229", "NA"]), "yyyymmdd")["day"] == ["29", None]


def test_a_time_of_day_has_an_hour_but_no_weekday():
    for array in (pa.array(["17:45", None]), pa.array([63_900, None], pa.time32("s"))):
        found = parts(array)
        assert found["hour"] == ["17", None]
        assert found["weekday"] == [None, None]
    assert moment_of("5:45 PM", "ymd") == (63_900_000_000, CLOCK)


@pytest.mark.parametrize("text", ["", " ", "NA", "nan", "NaT", "null", None])
def test_marks_of_missing_are_no_dates(text):
    assert moment_of(text, "ymd")[1] == MISSING
    assert moments_of(pa.array([text, "2024-01-01"]), "ymd").state.tolist() == [MISSING, DATED]


def test_years_beyond_the_calendar_are_odd():
    far = pa.array([10**15, -(10**15), 0], pa.timestamp("s"))
    assert moments_of(far, "ymd").state.tolist() == [ODD, ODD, DATED]
    assert moments_of(pa.array([1e300, -1e300, 0.0]), "s").state.tolist() == [ODD, ODD, DATED]


def test_a_zone_that_is_not_known_is_named():
    with pytest.raises(SchemaError, match="time zone 'Moon/Crater' is not known"):
        moments_of(pa.array([0], pa.timestamp("s", "Moon/Crater")), "ymd")


def test_values_that_cannot_be_dates_are_refused():
    with pytest.raises(SchemaError, match="Set date_format"):
        moments_of(pa.array([1, 2]), "ymd")
    with pytest.raises(ValueError, match="soon"):
        part_of("hour", "soon", "ymd")
