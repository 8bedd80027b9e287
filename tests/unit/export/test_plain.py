"""JSON and npz hold every parameter, and everything that encoding needs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.unit.export.made import KINDS, make_model
from tests.unit.export.tables import ONE_VALUED, train_on

from fieldfare.export import export
from fieldfare.export.packing import pack
from fieldfare.schema.schema import Column, Schema


@pytest.mark.parametrize("task", ["binary", "multiclass"])
@pytest.mark.parametrize("kind", KINDS)
def test_json_numbers_are_exact(tmp_path: Path, kind: str, task: str) -> None:
    model = make_model(kind, task)
    model.linear[:3, 0] = [0.1, 2.0**-126, -3.4e38]
    export(model, tmp_path / "m.json")
    found = json.loads((tmp_path / "m.json").read_text("utf-8"))
    assert found["model"]["model"] == kind
    assert found["n_outputs"] == model.n_outputs
    assert set(found["parameters"]) == set(model.arrays())
    for name, array in model.arrays().items():
        np.testing.assert_array_equal(np.array(found["parameters"][name], np.float32), array)


def test_json_lists_values_and_their_ids(tmp_path: Path) -> None:
    model = train_on((*ONE_VALUED, Column("tags", "ignore")), model="linear", task="binary")
    export(model, tmp_path / "m.json")
    schema = json.loads((tmp_path / "m.json").read_text("utf-8"))["schema"]
    columns = {column["name"]: column for column in schema["columns"]}
    assert list(columns) == [column.name for column in ONE_VALUED]
    assert schema["field_names"] == list(model.schema.field_names)
    city = columns["city"]
    assert model.schema.feature_name(city["ids"]["São Paulo"]) == "city=São Paulo"
    assert model.schema.feature_name(city["unknown"]) == "city=<unknown>"
    assert len(columns["bid"]["edges"]) == 4
    assert columns["age"]["scale"] > 0
    assert columns["flag"]["field_number"] == columns["code"]["field_number"]


@pytest.mark.parametrize("quantize", [None, "fp16", "int8"])
def test_npz_needs_no_pickle(tmp_path: Path, quantize: str | None) -> None:
    model = train_on(ONE_VALUED, model="fm", task="binary")
    export(model, tmp_path / "m.npz", quantize=quantize)
    with np.load(tmp_path / "m.npz", allow_pickle=False) as found:
        arrays = dict(found)
    header = json.loads(str(arrays.pop("header")))
    assert header["quantize"] == quantize
    for name, packed in pack(model, quantize).items():
        np.testing.assert_array_equal(arrays[name], packed.data)
        assert (f"{name}_scale" in arrays) == (packed.scale is not None)
    prefix = "schema."
    parts = {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}
    assert Schema.from_json(header["schema"], parts).digest == model.schema.digest


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        for suffix in ("npz", "json", "c", "onnx"):
            export(make_model("fm"), tmp_path / f"m.{suffix}")
            (tmp_path / f"m.{suffix}").rename(tmp_path / f"{name}.{suffix}")
    for suffix in ("npz", "json", "c", "onnx"):
        first, second = ((tmp_path / f"{name}.{suffix}").read_bytes() for name in ("a", "b"))
        assert first == second
