"""Marks of missing mean the same in all kinds of columns and sources, unless a column says so."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from fieldfare.data.loading import load
from fieldfare.exceptions import ConfigError, SchemaError
from fieldfare.schema.canonical import number_of, numbers, text_of, texts
from fieldfare.schema.column import Column
from fieldfare.schema.missing import STANDARD, Marks
from fieldfare.schema.schema import Schema
from fieldfare.sources.batch import SourceLocation

MARKS = sorted(STANDARD.words)


@pytest.mark.parametrize("mark", [*MARKS, " NA", "\t?\r\n"])
def test_a_mark_is_missing_alone_and_in_arrays(mark):
    assert text_of(mark) is None
    assert texts(pa.array([mark])).to_pylist() == [None]
    assert np.isnan(number_of(mark))
    assert np.isnan(numbers(pa.array(["1", mark]), SourceLocation(), "x")[1])


@pytest.mark.parametrize("word", ["Nan", "Na", "nothing", "N A", "x-", "0", "+"])
def test_other_texts_are_values(word):
    assert text_of(word) == word
    assert texts(pa.array([word])).to_pylist() == [word]


@pytest.mark.parametrize("mark", ["NA", "?", "-", ".", "\\N", "None", "#DIV/0!", "<null>"])
def test_kinds_and_sources_agree(mark, tmp_path):
    columns = [
        Column("c"),
        Column("h", hash_buckets=4),
        Column("n", "numeric"),
        Column("l", "numeric", transform="log2"),
        Column("m", "multi", separator="|"),
        Column("t", "text"),
    ]
    names = [column.name for column in columns]
    schema = Schema(columns).fit([dict.fromkeys(names, "1"), dict.fromkeys(names, "2")])
    sample = dict.fromkeys(names, mark)
    (tmp_path / "t.csv").write_text(f"{','.join(names)}\n" + ",".join(f" {mark}" for _ in names))
    tables = [
        [sample],
        pd.DataFrame([sample]),
        pa.Table.from_pylist([sample]),
        str(tmp_path / "t.csv"),
    ]
    for table in [*tables, [dict.fromkeys(names)]]:
        rows = schema.encode(table, labelled=False)
        assert [schema.feature_name(i) for i in rows.indices] == [f"{n}=<missing>" for n in names]
    assert schema.sample_encoder().encode(sample)[0] == rows.indices.tolist()


def test_marks_among_several_values_count_for_nothing():
    schema = Schema([Column("m", "multi", separator="|"), Column("t", "text")]).fit(
        {"m": ["a|NA|b", "a"], "t": ["none of us", "na"]}
    )
    assert list(schema.feature_names)[:4] == ["m=<missing>", "m=<unknown>", "m=a", "m=b"]
    assert "t=none" in list(schema.feature_names)


def test_a_column_says_what_is_missing():
    table = {"c": ["NA", "US", None], "x": [-999, 1, -999.0], "y": ["-999", "2", ""]}
    columns = [
        Column("c", na_values=()),
        Column("x", "numeric", na_values=(-999,)),
        Column("y", na_values=["-999.0"]),
    ]
    schema = Schema(columns).fit(table)
    missing = dict(zip(schema.feature_names, schema.counts.tolist(), strict=True))
    assert (missing["c=NA"], missing["c=<missing>"]) == (1, 1)
    assert missing["x=<missing>"] == missing["y=<missing>"] == 2
    header, arrays = schema.to_json()
    back = Schema.from_json(json.loads(json.dumps(header)), arrays)
    assert back.digest == schema.digest
    assert back.columns == schema.columns
    assert schema.sample_encoder().encode({"c": "NA", "x": -999.0, "y": -999})[0] == [2, 4, 6]
    with pytest.raises(ConfigError, match="na_values"):
        Column("c", na_values="NA")
    with pytest.raises(SchemaError, match="number is needed.*'NA'"):
        schema.encode({**table, "x": ["NA", "1", "2"]})


def test_hints_add_marks_or_say_exactly():
    table = {"c": ["NA", "US", "unknown"] * 3, "d": ["NA", "US", "unknown"] * 3}
    names = list(Schema.infer(table, na_values=["unknown"]).fit(table).feature_names)
    assert "c=NA" not in names
    assert "c=unknown" not in names
    names = list(Schema.infer(table, na_values={"c": []}).fit(table).feature_names)
    assert {"c=NA", "c=unknown", "d=unknown"} <= set(names)
    assert "d=NA" not in names


def test_classes_may_be_called_none_and_minus():
    table = {"x": ["a", "b", "c", "d"], "y": ["none", "mild", "-", "+"]}
    data = load(table, target="y")
    assert data.schema.target_classes == ("+", "-", "mild", "none")
    with pytest.raises(SchemaError, match=r"Row 1, column 'y'.*must not be missing"):
        load({"x": ["a", "b", "c"], "y": ["yes", "NA", "no"]}, target="y")
    with pytest.raises(SchemaError, match=r"Row 1, column 'y'.*must not be missing"):
        load({"x": ["a", "b", "c"], "y": ["1", "-", "0"]}, target="y")


def test_marks_are_exact():
    assert Marks.of(["a"]).mean(" a ")
    assert not Marks.of(["a"]).mean("A")
    assert Marks.of([]).mean("")
