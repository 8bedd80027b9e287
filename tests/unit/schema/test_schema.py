"""The Schema: inference, fitting, ids, names, editing and saving."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from fieldfare.exceptions import ConfigError, DataWarning, SchemaError
from fieldfare.schema.column import Column
from fieldfare.schema.schema import Schema


def clicks() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "user_id": [7, 7, 8, 9],
            "movieId": [1, 2, 3, 4],
            "city": ["Rome", "Oslo", None, "Rome"],
            "genres": ["a|b", "a", "b|c", None],
            "price": [1.5, 2.5, None, 3.5],
            "vip": [True, False, True, True],
            "clicked": [0, 1, 1, 0],
        }
    )


def test_inference_finds_kinds_roles_and_separators():
    schema = Schema.infer(clicks(), target="clicked")
    kinds = {column.name: column.kind for column in schema.columns}
    assert kinds == {
        "user_id": "categorical",
        "movieId": "categorical",
        "city": "categorical",
        "genres": "multi",
        "price": "numeric",
        "vip": "categorical",
    }
    assert schema.column("user_id").role == "user"
    assert schema.column("movieId").role == "item"
    assert schema.column("genres").separator == "|"


def test_whole_numbers_are_categories_only_if_few_or_named_so():
    table = {
        "age": list(range(100)),
        "zip_code": list(range(100)),
        "hour": [i % 24 for i in range(100)],
    }
    schema = Schema.infer(table)
    assert [column.kind for column in schema.columns] == ["numeric", "categorical", "categorical"]


def test_missing_values_do_not_make_whole_numbers_fractions():
    schema = Schema.infer({"hour": [1.0, None, 3.0]})
    assert schema.column("hour").kind == "categorical"


@pytest.mark.parametrize("values", [[None, None], [[{"a": 1}], [{"a": 2}]]])
def test_what_cannot_be_a_feature_is_ignored_with_a_warning(values):
    with pytest.warns(DataWarning, match="'odd' is ignored"):
        schema = Schema.infer({"odd": values, "x": [1.5, 2.5]})
    assert schema.column("odd").kind == "ignore"
    assert schema.fit({"odd": values, "x": [1.5, 2.5]}).n_features == 2


def test_texts_that_look_like_numbers_are_warned_about():
    table = {"price": [f"${i},000" for i in range(1, 101)]}
    with pytest.warns(DataWarning, match=r"'price' holds texts such as '[$]1,000'"):
        assert Schema.infer(table).column("price").kind == "categorical"
    assert Schema.infer(table, categorical=["price"]).column("price").kind == "categorical"
    for texts in (["1.2.3", "1.2.4"] * 50, [f"192.168.{i}.200" for i in range(100)]):
        assert Schema.infer({"price": texts}).column("price").kind == "categorical"


def test_a_wrong_target_lists_the_columns_and_suggests():
    with pytest.raises(SchemaError, match=r"'user_id'.*Did you mean 'clicked'"):
        Schema.infer(clicks(), target="cliked")


def test_ids_follow_columns_then_frequency_then_text():
    schema = Schema([Column("city"), Column("price", "numeric")]).fit(clicks())
    assert list(schema.feature_names) == [
        "city=<missing>",
        "city=<unknown>",
        "city=Rome",
        "city=Oslo",
        "price=<missing>",
        "price",
    ]
    assert schema.counts.tolist() == [1, 0, 2, 1, 1, 3]
    assert schema.field_of.tolist() == [0, 0, 0, 0, 1, 1]
    assert schema.feature_names[-1] == "price"
    assert schema.feature_names[2:4] == ["city=Rome", "city=Oslo"]
    with pytest.raises(SchemaError, match="0 to 5"):
        schema.feature_name(6)


def test_columns_can_share_a_field():
    schema = Schema([Column("a", field="both"), Column("c"), Column("b", field="both")])
    assert schema.field_names == ("both", "c")
    fitted = schema.fit({"a": ["x"], "b": ["y"], "c": ["z"]})
    assert fitted.encode({"a": ["x"], "b": ["y"], "c": ["z"]}).fields.tolist() == [0, 1, 0]


def test_rare_values_become_unknown():
    schema = Schema([Column("city", min_count=2)]).fit(clicks())
    assert schema.n_features == 3
    assert schema.counts.tolist() == [1, 1, 2]
    assert schema.encode({"city": ["Oslo", "Rome", "Bonn", None]}).indices.tolist() == [1, 2, 1, 0]


def test_extend_appends_and_never_moves():
    schema = Schema([Column("city"), Column("price", "numeric")], target="clicked").fit(clicks())
    grown = schema.extend({"city": ["Bonn", "Rome", "Bonn", "Aix"], "price": [1.0] * 4})
    assert list(grown.feature_names)[: schema.n_features] == list(schema.feature_names)
    assert list(grown.feature_names)[schema.n_features :] == ["city=Bonn", "city=Aix"]
    assert grown.field_of.tolist() == [0, 0, 0, 0, 1, 1, 0, 0]
    assert grown.counts.tolist() == [1, 0, 3, 1, 1, 3, 2, 1]
    assert grown.extend(clicks()).n_features == grown.n_features
    np.testing.assert_array_equal(grown.encode(clicks()).indices, schema.encode(clicks()).indices)


def test_edit_returns_another_schema():
    schema = Schema.infer(clicks(), target="clicked").fit(clicks())
    edited = schema.edit("price", transform="quantile", n_bins=2)
    assert schema.column("price").transform == "standardize"
    assert edited.column("price").n_bins == 2
    assert not edited.is_fitted
    assert schema.edit("city", role="context").is_fitted
    with pytest.raises(SchemaError, match="not fitted"):
        edited.encode(clicks())
    with pytest.raises(SchemaError, match="Did you mean 'city'"):
        schema.edit("citty", kind="ignore")
    with pytest.raises(ConfigError, match="Did you mean 'min_count'"):
        schema.edit("city", min_cout=3)
    with pytest.raises(ConfigError, match="one of 'categorical'"):
        schema.edit("city", kind="word")


def test_printing_is_a_table():
    schema = Schema.infer(clicks(), target="clicked")
    lines = str(schema.fit(clicks())).splitlines()
    assert "6 fields, fitted on 4 rows; target 'clicked'" in lines[0]
    assert lines[1].split() == [
        "column", "kind", "field", "role", "transform", "features", "missing", "unknown"
    ]  # fmt: skip
    assert lines[5].split() == ["genres", "multi", "genres", "split", "at", "'|'", "5", "1", "0"]
    assert lines[1].index("kind") == lines[2].index("categorical")
    assert "not fitted" in repr(schema)


def all_kinds() -> tuple[Schema, dict]:
    table = {
        "c": ["a", "b", None, "a"],
        "h": ["a", "b", None, "c"],
        "n": [1.0, 2.0, None, 4.5],
        "q": [1.0, 2.0, None, 4.5],
        "l": [1, 2, None, 40],
        "m": ["a:2;b", "b:0.5", "", "c"],
        "t": ["The cat", "the dog!", None, "a cat, a dog"],
        "i": [1, 2, 3, 4],
        "y": ["no", "yes", "no", "maybe"],
        "w": [1.0, 2.0, 0.0, 1.0],
        "g": ["x", "x", "12", "y"],
    }
    columns = [
        Column("c"),
        Column("h", hash_buckets=10),
        Column("n", "numeric"),
        Column("q", "numeric", transform="quantile", n_bins=2),
        Column("l", "numeric", transform="log2"),
        Column("m", "multi", separator=";", weight_separator=":"),
        Column("t", "text", min_count=2),
        Column("i", "ignore"),
    ]
    return Schema(columns, target="y", weight="w", group="g"), table


def test_json_round_trip_keeps_everything():
    schema, table = all_kinds()
    schema = schema.fit(table).extend({**table, "c": ["new", "a", "b", "b"]})
    header, arrays = schema.to_json()
    back = Schema.from_json(json.loads(json.dumps(header)), arrays)
    assert back.digest == schema.digest
    assert list(back.feature_names) == list(schema.feature_names)
    ours, theirs = schema.encode(table), back.encode(table)
    for name in ("indptr", "indices", "values", "fields", "target", "weight", "group"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))


def test_unfitted_and_indexed_schemas_round_trip():
    for schema in (
        all_kinds()[0],
        Schema.indexed(3, 2, ["u", "i"], ["a", "b", "ü"], np.array([0, 1, 1], np.uint16)),
        Schema.indexed(10, 0),
    ):
        header, arrays = schema.to_json()
        assert Schema.from_json(json.loads(json.dumps(header)), arrays).digest == schema.digest


def test_damaged_saved_schemas_are_refused():
    schema, table = all_kinds()
    header, arrays = schema.fit(table).to_json()
    for broken in ({}, {**header, "format": 9}, {**header, "columns": [{"nme": "c"}]},
                   {**header, "fitted": []}):  # fmt: skip
        with pytest.raises(SchemaError):
            Schema.from_json(broken, arrays)
    for name, array in {
        "0.vocabulary.ids": arrays["0.vocabulary.ids"][::-1] * 0,
        "0.vocabulary.offsets": arrays["0.vocabulary.offsets"] + 1,
        "0.vocabulary.counts": arrays["0.vocabulary.counts"].astype(np.float64),
    }.items():
        with pytest.raises(SchemaError):
            Schema.from_json(header, {**arrays, name: array})


def test_indexed_schemas_leave_rows_alone():
    schema = Schema.indexed(4, 2, field_of=np.array([0, 0, 1, 1], np.uint16))
    rows = schema.encode(np.eye(4))
    assert schema.encode(rows) is rows
    assert schema.is_indexed
    assert schema.feature_name(2) == "2"
    assert schema.field_names == ("0", "1")
    assert schema.counts is None


def test_names_must_be_distinct():
    with pytest.raises(SchemaError, match="'a' repeats"):
        Schema([Column("a"), Column("a")])
    with pytest.raises(SchemaError, match="target or weight"):
        Schema([Column("a")], target="a")


def test_dictionary_columns_and_arrow_types_give_the_same_ids():
    plain = Schema([Column("c")]).fit({"c": ["x", "y", "x"]})
    coded = pa.table({"c": pa.array(["x", "y", "x"]).dictionary_encode()})
    assert Schema([Column("c")]).fit(coded).digest == plain.digest
