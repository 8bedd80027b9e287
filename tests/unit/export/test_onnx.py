"""ONNX graphs over feature ids score as the model does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from tests.unit.export.made import KINDS, ROWS, TASKS, TOLERANCE, feeds, make_model, run_onnx

from fieldfare.exceptions import ConfigError
from fieldfare.export import export, onnx_graph
from fieldfare.export.packing import quantized


@pytest.mark.parametrize("instance_norm", [False, True])
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("kind", KINDS)
def test_scores_and_predictions(tmp_path: Path, kind: str, task: str, instance_norm: bool) -> None:
    model = make_model(kind, task, instance_norm=instance_norm)
    export(model, tmp_path / "m.onnx")
    onnx.checker.check_model(tmp_path / "m.onnx", full_check=True)
    score, prediction = run_onnx(tmp_path / "m.onnx", feeds(ROWS, model))
    expected = model.score(ROWS)
    assert score.shape == (expected.shape if task == "multiclass" else (len(ROWS),))
    np.testing.assert_allclose(score.reshape(expected.shape), expected, atol=TOLERANCE, rtol=0)
    np.testing.assert_allclose(prediction, model.predict(ROWS), atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_the_length_may_count_unknown_features(tmp_path: Path, kind: str) -> None:
    model = make_model(kind, instance_norm=True, norm_unknown=True)
    export(model, tmp_path / "m.onnx")
    score, _ = run_onnx(tmp_path / "m.onnx", feeds(ROWS, model))
    np.testing.assert_allclose(score, model.score(ROWS)[:, 0], atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("config", [{"shared_factors": True}, {"n_factors": (2, 1, 3)}])
def test_orders_with_factors_of_their_own_or_shared(tmp_path: Path, config: dict) -> None:
    model = make_model("hofm", "multiclass", **config)
    export(model, tmp_path / "m.onnx")
    score, _ = run_onnx(tmp_path / "m.onnx", feeds(ROWS, model))
    np.testing.assert_allclose(score, model.score(ROWS), atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_any_batch(tmp_path: Path, kind: str) -> None:
    model = make_model(kind)
    export(model, tmp_path / "m.onnx")
    for rows in (ROWS.slice(0, 0), ROWS.slice(0, 1), ROWS.slice(0, 3)):
        first = rows.indptr[-1]
        arrays = {
            name: array if name == "offsets" else array[:first]
            for name, array in feeds(rows, model).items()
        }
        score, _ = run_onnx(tmp_path / "m.onnx", arrays)
        np.testing.assert_allclose(score, model.score(rows)[:, 0], atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("quantize", ["fp16", "int8"])
@pytest.mark.parametrize("task", ["binary", "multiclass"])
@pytest.mark.parametrize("kind", ["linear", "fm", "ffm"])
def test_quantised_graphs_score_as_their_rounded_weights(
    tmp_path: Path, kind: str, task: str, quantize: str
) -> None:
    model = make_model(kind, task)
    export(model, tmp_path / "m.onnx", quantize=quantize)
    score, _ = run_onnx(tmp_path / "m.onnx", feeds(ROWS, model))
    expected = quantized(model, quantize).score(ROWS)
    np.testing.assert_allclose(score.reshape(expected.shape), expected, atol=TOLERANCE, rtol=0)


def test_the_metadata_of_a_file(tmp_path: Path) -> None:
    model = make_model("fm", "multiclass")
    model.classes = ["a", "b", "é"]
    export(model, tmp_path / "m.onnx")
    file = onnx.load(tmp_path / "m.onnx")
    facts = {item.key: item.value for item in file.metadata_props}
    assert facts["fieldfare.model"] == "fm"
    assert facts["fieldfare.task"] == "multiclass"
    assert json.loads(facts["fieldfare.classes"]) == ["a", "b", "é"]
    assert file.producer_name == "fieldfare"


def test_models_too_large_for_protobuf_are_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(onnx_graph, "_LARGEST", 100)
    with pytest.raises(ConfigError, match=r"at most 2 GB.*quantize='fp16'"):
        export(make_model("fm"), tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []


def test_unknown_inputs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'inputs' parameter .* 'features', 'columns'"):
        export(make_model("fm"), tmp_path / "m.onnx", inputs="rows")
