"""Derived columns: dates become features, the same from every source."""

from __future__ import annotations

import datetime
import json

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import fieldfare as ff
from fieldfare.data.loading import load
from fieldfare.exceptions import ConfigError, DataWarning, SchemaError
from fieldfare.schema.column import Column
from fieldfare.schema.schema import Schema

N = 60
TIMES = pd.date_range("2023-12-30 05:00", periods=N, freq="31h")
PARTS = ["when.hour", "when.weekday", "when.month", "when.age"]


def table(when=TIMES):
    return pd.DataFrame(
        {"when": when, "city": ["Rome", "Oslo", None] * (N // 3), "y": [0.0, 1.0] * (N // 2)}
    )


def same(data, other):
    return all(
        np.array_equal(getattr(data.rows, part), getattr(other.rows, part))
        for part in ("indptr", "indices", "fields", "target")
    ) and list(data.schema.feature_names) == list(other.schema.feature_names)


@pytest.fixture
def expected():
    return load(table(), target="y")


def test_each_part_is_a_column_with_a_field_of_its_own(expected):
    schema = expected.schema
    assert [c.name for c in schema.columns] == ["when", *PARTS, "city"]
    assert schema.column("when").kind == "datetime"
    assert schema.field_names == (*PARTS, "city")
    assert "when.hour=5" in schema.feature_names
    assert "when.weekday=Saturday" in schema.feature_names
    assert expected.rows.nnz == 5 * N
    assert schema.names_in_table == ["when", "city"]


def test_files_give_the_features_of_a_frame(tmp_path, expected):
    table().to_csv(tmp_path / "t.csv", index=False)
    table().to_parquet(tmp_path / "t.parquet")
    for kind in ("csv", "parquet"):
        data = load(tmp_path / f"t.{kind}", target="y", format=kind, cache=False)
        assert same(data, expected)


@pytest.mark.parametrize(
    "when",
    [
        TIMES.tz_localize("Asia/Tokyo"),
        TIMES.tz_localize("UTC"),
        TIMES.to_period("h"),
        TIMES.astype("datetime64[s]"),
        pd.Series(TIMES.to_pydatetime(), dtype=object),
        TIMES.strftime("%Y-%m-%dT%H:%M:%S+02:00"),
        TIMES.strftime("%d.%m.%Y %H:%M"),
        pd.Categorical(TIMES.strftime("%Y-%m-%d %H:%M:%S")),
    ],
    ids=lambda when: str(when.dtype) + str(when[0]),
)
def test_the_same_local_time_gives_the_same_features(expected, when):
    assert same(load(table(when), target="y"), expected)
    if "period" not in str(getattr(when, "dtype", "")):
        assert same(load(pa.Table.from_pandas(table(when)), target="y"), expected)


def test_polars_dicts_and_numpy_units_give_the_same_features(expected):
    columns = table().astype(object).where(table().notna(), None).to_dict("list")
    hours = {"when": TIMES.to_numpy().astype("M8[h]")}
    assert same(load(pl.DataFrame(columns), target="y"), expected)
    assert same(load(columns | hours, target="y"), expected)
    assert same(load(table().to_dict("records"), target="y"), expected)


def test_mixed_offsets_and_mixed_types_keep_the_local_time_of_each():
    zones = [datetime.timezone(datetime.timedelta(hours=h)) for h in (0, 2, -5)]
    moments = [datetime.datetime(2024, 1, 1, 7, tzinfo=zone) for zone in zones]
    schema = Schema([Column("when", "datetime", parts=["hour"])]).fit({"when": moments})
    assert schema.n_features == 3  # missing, unknown and 7
    mixed = [datetime.datetime(2024, 1, 1, 7), datetime.date(2024, 1, 1)]
    schema = Schema([Column("when", "datetime", parts=["hour"])]).fit({"when": mixed})
    assert list(schema.feature_names[2:]) == ["when.hour=0", "when.hour=7"]


def test_missing_dates_are_missing_in_each_part():
    schema = Schema([Column("when", "datetime")]).fit({"when": ["2024-01-01", None, "NA", ""]})
    rows = schema.encode({"when": [None]})
    assert [schema.feature_name(i) for i in rows.indices] == [f"{part}=<missing>" for part in PARTS]
    assert schema.fitted[1].n_missing == 3


def test_odd_cells_are_missing_and_named():
    dates = ["2024-01-01"] * 30
    with pytest.warns(DataWarning, match=r"row 30, column 'when'.*\(1 of 31\): 'soon'"):
        schema = Schema.infer({"when": dates}).fit({"when": [*dates, "soon"]})
    assert schema.fitted[1].n_missing == 1
    with pytest.warns(DataWarning, match="'later'"):
        schema.sample_encoder().encode({"when": "later"})


def test_parts_can_be_chosen_and_edited():
    schema = Schema.infer(table(), target="y").edit("when", parts=["year", "day"], role="user")
    assert [c.name for c in schema.columns] == ["when", "when.year", "when.day", "city"]
    schema = schema.edit("when", role="context", field="time").edit("when.day", kind="ignore")
    assert {c.role for c in schema.columns[:3]} == {"context"}
    assert schema.field_names == ("time", "city")
    assert schema.fit(table()).encode(table()).nnz == 2 * N
    with pytest.raises(ConfigError, match="weekday"):
        schema.edit("when", parts=["decade"])


@pytest.mark.parametrize("kind", ["categorical", "ignore", "numeric"])
def test_dates_can_be_something_else(kind):
    schema = Schema.infer(table(), target="y").edit("when", kind=kind)
    assert [c.name for c in schema.columns] == ["when", "city"]
    assert Schema.infer(table(), target="y", **{kind: ["when"]}).column("when").kind == kind
    assert schema.fit(table()).is_fitted


def test_fields_of_a_date_are_those_of_its_parts():
    schema = Schema.infer(table(), target="y")
    assert schema.with_fields(["a", "b"]).field_names == ("a", "b")
    assert schema.with_fields({"when": "a", "when.age": "old"}).field_names == ("a", "old", "city")


def test_a_column_may_have_the_name_of_a_part():
    data = table().assign(**{"when.hour": "x"})
    schema = Schema.infer(data, target="y").fit(data)
    assert "when.hour'=5" in schema.feature_names
    assert "when.hour=x" in schema.feature_names


def test_a_missing_source_is_named(expected):
    with pytest.raises(SchemaError, match="no column 'when'"):
        expected.schema.encode(table().drop(columns="when"), labelled=False)
    with pytest.raises(SchemaError, match="value of 'when'"):
        expected.schema.sample_encoder().encode({"city": "Rome"})


def test_a_saved_schema_reads_dates_alike(expected):
    header, arrays = expected.schema.to_json()
    again = Schema.from_json(json.loads(json.dumps(header)), arrays)
    assert again.columns == expected.schema.columns
    assert again.digest == expected.schema.digest
    assert np.array_equal(again.encode(table()).indices, expected.rows.indices)


def test_the_way_dates_are_written_is_part_of_the_schema():
    texts = TIMES.strftime("%m/%d/%Y")
    schema = Schema.infer(table(texts), target="y").fit(table(texts))
    rows = schema.encode({"when": ["01/02/2024"], "city": ["Rome"]}, labelled=False)
    assert "when.month=1" in [schema.feature_name(i) for i in rows.indices]


def test_only_parts_of_the_named_columns_are_encoded(expected):
    rows = expected.schema.encode(table(), labelled=False, columns=["when"])
    assert rows.nnz == 4 * N
    rows = expected.schema.encode(table(), labelled=False, columns=["when.hour", "city"])
    assert rows.nnz == 2 * N


def test_models_explain_parts_and_predict_single_samples():
    model = ff.train(table(), target="y", max_iter=2, random_state=0, n_jobs=1).model
    sample = {"when": "2024-01-01T07:00:00+02:00", "city": "Rome"}
    expected = ff.predict(model, [sample])
    assert model.predict_one(sample) == pytest.approx(float(expected[0]), rel=1e-5)
    assert "when.hour" in str(ff.explain(model, [sample]))


def test_derived_columns_can_be_had_as_a_table(expected):
    derived = expected.schema.derive(table())
    assert derived.column_names == ["when", "city", "y", *PARTS]
    assert derived["when.weekday"].to_pylist()[:2] == ["Saturday", "Sunday"]
    assert expected.schema.derive(table()[:0]).num_rows == 0


def test_estimators_know_the_columns_of_the_table():
    frame = table()
    model = ff.FMRegressor(max_iter=2).fit(frame[["when", "city"]], frame.y)
    assert list(model.feature_names_in_) == ["when", "city"]
    assert model.predict(frame[["when", "city"]]).shape == (N,)


def test_new_values_of_parts_are_learned_when_training_continues(expected):
    later = table(TIMES + pd.Timedelta(minutes=60 * 24 * 200))
    extended = expected.schema.extend(later)
    assert "when.month=9" in extended.feature_names


@pytest.mark.parametrize("role", ["target", "weight", "group"])
def test_derived_columns_leave_the_names_of_target_weight_and_group(role: str) -> None:
    roles = {"target": "y"} | {role: "when.month"}
    schema = Schema([Column("when", kind="datetime")], **roles)
    names = [column.name for column in schema.columns]
    assert "when.month" not in names
    assert "when.month'" in names


def test_times_of_day_that_begin_in_later_rows_are_told() -> None:
    days = [f"2021-01-{1 + i % 28:02d}" for i in range(10_500)]
    table = pa.table({"when": [*days, "2021-02-01 07:30:00"], "y": [0.0, 1.0, 0.5] * 3500 + [1.0]})
    with pytest.warns(DataWarning, match=r"'when': row 10500 and others have a time of day"):
        load(table, target="y")
    schema = Schema.infer(table, "y").edit("when", parts=("hour", "weekday"))
    assert [column.name for column in load(table, target="y", schema=schema).schema.columns] == [
        "when",
        "when.hour",
        "when.weekday",
    ]
