"""ONNX graphs over raw columns encode them as the Schema does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from tests.unit.export.made import KINDS, TOLERANCE, make_model, run_onnx
from tests.unit.export.tables import ONE_VALUED, SEVERAL, column_feeds, odd_table, train_on

from fieldfare.exceptions import ConfigError
from fieldfare.export import export
from fieldfare.models.base import Model
from fieldfare.schema.schema import Column
from fieldfare.training.functions import train

ALONE = tuple(column.change(field=None) for column in ONE_VALUED)


def check(model: Model, path: Path, table) -> None:
    export(model, path, inputs="columns")
    expected = model.score(model.schema.encode(table, labelled=False))
    score, prediction = run_onnx(path, column_feeds(table, model))
    np.testing.assert_allclose(score.reshape(expected.shape), expected, atol=TOLERANCE, rtol=0)
    expected = model.predict(model.schema.encode(table, labelled=False))
    np.testing.assert_allclose(prediction, expected, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("columns", [ALONE, ONE_VALUED, ONE_VALUED + SEVERAL])
@pytest.mark.parametrize("kind", KINDS)
def test_scores_with_missing_and_unknown_values(tmp_path: Path, kind: str, columns: tuple) -> None:
    model = train_on(columns, model=kind, task="binary")
    check(model, tmp_path / "m.onnx", odd_table())
    check(model, tmp_path / "m.onnx", odd_table()[7:8])


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_tasks_with_instance_norm(tmp_path: Path, task: str) -> None:
    model = train_on(ONE_VALUED + SEVERAL, model="ffm", task=task, instance_norm=True)
    check(model, tmp_path / "m.onnx", odd_table())
    onnx.checker.check_model(tmp_path / "m.onnx", full_check=True)


def test_values_that_the_schema_learned_later(tmp_path: Path) -> None:
    """Their ids are beyond the model's features, so they contribute nothing."""
    model = train_on(ONE_VALUED, model="fm", task="binary")
    table = odd_table()[2:]  # without a bucket beyond int64
    model.schema = model.schema.extend(table)
    assert model.schema.n_features > model.n_features
    check(model, tmp_path / "m.onnx", table)


def test_a_column_without_any_known_value(tmp_path: Path) -> None:
    rare = (Column("city", min_count=10**6), Column("price", "numeric", transform="log2",
                                                    min_count=10**6))  # fmt: skip
    check(train_on(rare, model="fm", task="binary"), tmp_path / "m.onnx", odd_table())


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (Column("city", hash_buckets=8), "column 'city': its values are hashed"),
        (Column("city", "text"), "column 'city': its texts are cut into words"),
        (Column("city", "multi", separator="|", norm="l2"), "column 'city': its values are scaled"),
        (Column("tags", "multi", separator="|", weight_separator=":"), "values have weights"),
    ],
)
def test_columns_without_operators_are_refused(tmp_path: Path, column: Column, words: str) -> None:
    model = train_on((column, Column("age", "numeric")), model="fm", task="binary")
    with pytest.raises(ConfigError, match=words):
        export(model, tmp_path / "m.onnx", inputs="columns")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["score", "prediction"])
def test_a_column_named_as_an_output_is_refused(tmp_path: Path, name: str) -> None:
    table = {name: ["a", "b"] * 20, "y": [0, 1] * 20}
    model = train(table, target="y", model="linear", max_iter=1, random_state=0).model
    for file, options in (("m.onnx", {"inputs": "columns"}), ("m.sql", {})):
        with pytest.raises(ConfigError, match=f"column '{name}': an output has that name"):
            export(model, tmp_path / file, **options)


def test_a_model_without_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="trained on a table.*inputs='features'"):
        export(make_model("fm"), tmp_path / "m.onnx", inputs="columns")
