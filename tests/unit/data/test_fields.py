"""``fields=`` says which columns share a field, for tables as for matrices, or is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from fieldfare import FFMClassifier, predict, train
from fieldfare.data.loading import load
from fieldfare.exceptions import DataError, SchemaError, TextFormatError
from fieldfare.schema.schema import Schema

TABLE = {"a": ["x", "y"] * 20, "b": ["p", "p", "q", "q"] * 10, "c": ["k"] * 40, "y": [0, 1] * 20}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (["user", "user", "item"], [0, 0, 1]),
        ([3, 3, 3], [0, 0, 0]),
        (np.array([0, 1, 0]), [0, 1, 0]),
        ({"b": "a"}, [0, 0, 1]),
        ({"a": 0, "c": 0}, [0, 1, 0]),
    ],
)
def test_columns_of_a_table_share_fields(fields: Any, expected: list[int]) -> None:
    data = load(TABLE, target="y", fields=fields)
    assert data.rows.fields is not None
    assert data.rows.fields[:3].tolist() == expected
    assert data.schema.n_fields == max(expected) + 1


def test_as_many_fields_as_there_are_numbers_are_read_and_one_more_is_named(
    tmp_path: Path,
) -> None:
    path = tmp_path / "wide.ffm"
    path.write_text("1 0:0:1 65534:1:1\n0 0:0:1\n")
    data = load(path)
    assert data.schema.n_fields == data.rows.n_fields == 65535
    path.write_text("1 0:0:1\n0 65535:1:1\n")
    with pytest.raises(TextFormatError, match=rf"{path}:2:3: .*at most 65534.*without gaps"):
        load(path)
    with pytest.raises(SchemaError, match=r"at most 65535 fields\. Got 65536\. Let related"):
        Schema.indexed(2, 65536)


def test_ids_do_not_depend_on_fields() -> None:
    plain, shared = load(TABLE, target="y"), load(TABLE, target="y", fields=[0, 0, 0])
    np.testing.assert_array_equal(plain.rows.indices, shared.rows.indices)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (["wrong"], r"one field per column that is a feature \(3: a, b, c\)\. Got 1"),
        ([0, 0, 0, 0], "Got 4"),
        ({"d": 0}, "no column 'd'"),
    ],
)
def test_fields_that_do_not_fit_the_columns_are_refused(fields: Any, words: str) -> None:
    with pytest.raises(SchemaError, match=words):
        load(TABLE, target="y", fields=fields)


def test_fields_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.ffm"
    path.write_text("1 0:1:1\n0 1:2:1\n")
    with pytest.raises(DataError, match=r"libffm holds features .* Leave out fields="):
        load(path, fields=[0, 1, 2])
    data = load(TABLE, target="y")
    with pytest.raises(DataError, match="encoded already"):
        load(data, fields=[0, 0, 0])
    with pytest.raises(DataError, match="Schema is fitted"):
        load(TABLE, schema=data.schema, fields=[0, 0, 0])


def test_an_unfitted_schema_takes_fields(tmp_path: Path) -> None:
    schema = Schema.infer(TABLE, "y")
    assert load(TABLE, schema=schema, fields={"b": "a"}).schema.field_names == ("a", "c")


def test_fields_of_an_estimator_are_those_of_its_columns(tmp_path: Path) -> None:
    frame = pd.DataFrame(TABLE)
    frame.to_csv(tmp_path / "t.csv", index=False)
    settings = {"fields": [0, 0, 1], "max_iter": 1, "random_state": 0, "n_jobs": 1}
    X, y = frame.drop(columns="y"), frame["y"]
    fitted = FFMClassifier(**settings).fit(X, y)
    assert fitted.model_.n_fields == 2
    assert FFMClassifier(**settings).fit(tmp_path / "t.csv", "y").model_.n_fields == 2
    with pytest.raises(SchemaError, match="one field per column"):
        FFMClassifier(**{**settings, "fields": [0]}).fit(X, y)


@pytest.mark.parametrize(
    "fields", ["AB", b"AB", 3, True, ["A", None], [0, float("nan")], {"x": ["A"]}, {"x": None}]
)
def test_what_names_no_field_is_refused(fields: Any) -> None:
    with pytest.raises(ValueError, match=r"must be a mapping or a list|A field is a name or a num"):
        load({"x": ["a", "b"], "z": ["c", "d"], "y": [0, 1]}, target="y", fields=fields)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
def test_a_matrix_without_fields_gets_those_of_the_model(form: Any) -> None:
    X = np.random.default_rng(0).random((20, 3), np.float32)
    y = np.arange(20) % 2
    data = load(X, target=y, fields=[0, 0, 1])
    model = train(data, model="ffm", max_iter=1, random_state=0).model
    expected = model.predict(data.rows)
    np.testing.assert_array_equal(predict(model, form(X)), expected)
    train(form(X), target=y, model=model, max_iter=1)
