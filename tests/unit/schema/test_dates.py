"""Dates recognised: which columns hold dates, and how they are written."""

import datetime

import pandas as pd
import pyarrow as pa
import pytest

from fieldfare.exceptions import DataWarning
from fieldfare.schema.infer import infer_column

DAYS = pd.date_range("2019-01-01", periods=400)
TIMES = pd.date_range("2019-01-01 05:30", periods=400, freq="7h")


@pytest.mark.parametrize(
    ("written", "date_format"),
    [
        ("%Y-%m-%d", "ymd"),
        ("%Y/%m/%d", "ymd"),
        ("%d.%m.%Y", "dmy"),
        ("%d/%m/%Y", "dmy"),
        ("%m/%d/%Y", "mdy"),
        ("%d-%b-%Y", "ymd"),
    ],
)
def test_texts_of_days_are_dates_without_an_hour(written, date_format):
    column = infer_column("sold", pa.array(DAYS.strftime(written)))
    assert (column.kind, column.date_format) == ("datetime", date_format)
    assert column.parts == ("weekday", "month", "age")


@pytest.mark.parametrize(
    "written",
    ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%d.%m.%Y %H:%M", "%m/%d/%Y %I:%M:%S %p",
     "%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%dT%H:%M:%S.5+02:00"],
)  # fmt: skip
def test_texts_with_a_time_have_an_hour(written):
    column = infer_column("sold", pa.array(TIMES.strftime(written)))
    assert column.parts == ("hour", "weekday", "month", "age")


def test_times_of_day_have_only_an_hour():
    for values in (["12:30", "7:05", None], [datetime.time(12, 30)]):
        column = infer_column("opens", pa.array(values))
        assert (column.kind, column.parts) == ("datetime", ("hour",))


def test_midnights_are_days_whatever_their_type():
    for array in (pa.array(DAYS), pa.array(DAYS).cast(pa.date32()), pa.array(DAYS.strftime("%F"))):
        assert infer_column("day", array) == infer_column("day", pa.array(DAYS))


def test_numbers_named_like_times_count_since_1970():
    seconds = TIMES.astype("datetime64[s]").astype("int64")
    units = {
        "timestamp": ("s", 1),
        "ts": ("ms", 10**3),
        "eventTime": ("ns", 10**9),
        "created_at": ("s", 1),
        "time_ms": ("ms", 10**3),
        "event_time_utc": ("s", 1),
    }
    for name, (unit, factor) in units.items():
        column = infer_column(name, pa.array(seconds * factor))
        assert (column.kind, column.date_format) == ("datetime", unit)
    for name in ("distance", "at", "ms", "seat"):
        assert infer_column(name, pa.array(seconds)).kind == "numeric"
    assert infer_column("time", pa.array(range(5000))).kind == "numeric"


def test_digits_of_a_date_need_the_name_of_one():
    digits = pa.array(DAYS.strftime("%Y%m%d").astype(int))
    assert infer_column("order_date", digits).date_format == "yyyymmdd"
    assert infer_column("parcel", digits).kind == "numeric"


def test_a_few_odd_cells_leave_a_column_one_of_dates():
    texts = [*DAYS.strftime("%Y-%m-%d"), "soon", "NA", "-", None]
    assert infer_column("sold", pa.array(texts)).kind == "datetime"
    assert infer_column("sold", pa.array([*texts, *["soon"] * 100])).kind == "categorical"


@pytest.mark.parametrize(
    "texts", [["1.2.3", "2.0.1"], ["red", "blue"], ["10.0.0.1"], ["2019"], ["4-2"], ["555-1234"]]
)
def test_other_texts_are_categories(texts):
    assert infer_column("what", pa.array(texts)).kind == "categorical"


def test_days_that_could_be_months_are_not_guessed():
    with pytest.warns(DataWarning, match="date_format='dmy'"):
        column = infer_column("sold", pa.array(["01/02/2019", "03/04/2019"]))
    assert column.kind == "categorical"
    assert infer_column("sold", pa.array(["01.02.2019", "03.04.2019"])).date_format == "dmy"


def test_durations_are_numbers():
    assert infer_column("took", pa.array([datetime.timedelta(hours=3)])).kind == "numeric"
