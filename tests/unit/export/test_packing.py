"""Quantised parameters: how far they are from the trained ones, and what that loses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.unit.export.made import KINDS, make_model
from tests.unit.export.tables import ONE_VALUED, make_table, train_on

from fieldfare.exceptions import ConfigError
from fieldfare.export import export
from fieldfare.export.packing import drawn_rows, pack, quantized
from fieldfare.training.functions import evaluate


@pytest.mark.parametrize("kind", KINDS)
def test_int8_rounds_to_half_a_step(kind: str) -> None:
    model = make_model(kind, "multiclass")
    if model.factors is not None:
        model.factors[0] = 0
    packed = pack(model, "int8")
    assert packed["linear"].data.dtype == np.float16
    np.testing.assert_array_equal(packed["bias"].unpack(), model.bias)
    if model.factors is None:
        return
    factors = packed["factors"]
    assert factors.data.dtype == np.int8
    assert np.abs(factors.data).max() == 127
    steps = factors.scale.reshape(factors.scale.shape + (1,) * (model.factors.ndim - 2))
    assert (np.abs(factors.unpack() - model.factors) <= 0.5001 * steps).all()
    assert (factors.unpack()[0] == 0).all()


def test_a_weight_too_large_for_16_bits_is_refused(tmp_path: Path) -> None:
    model = make_model("linear")
    model.linear[3] = 70_000
    with pytest.raises(ConfigError, match="70000 is larger than 65504"):
        export(model, tmp_path / "m.npz", quantize="fp16")
    assert list(tmp_path.iterdir()) == []


def test_the_loss_is_reported(tmp_path: Path) -> None:
    model = train_on(ONE_VALUED, model="fm", task="binary", init_scale=0.5)
    done = export(model, tmp_path / "m.npz", quantize="int8")
    rows = drawn_rows(model)
    difference = np.abs(model.score(rows) - quantized(model, "int8").score(rows)).max()
    assert done.loss.difference == difference > 0
    assert done.loss.before is None
    assert "1,000 drawn rows" in str(done)
    table = make_table(80, seed=9).assign(y=np.arange(80) % 2)
    done = export(model, tmp_path / "m.npz", quantize="int8", data=table)
    assert done.loss.before == evaluate(model, table)["loss"]
    assert done.loss.after == evaluate(quantized(model, "int8"), table)["loss"]
    assert "80 rows; loss 0." in str(done)


@pytest.mark.parametrize("kind", ["fm", "ffm"])
def test_rows_are_drawn_without_a_schema_too(kind: str) -> None:
    model = make_model(kind)
    rows = drawn_rows(model)
    assert rows.nnz == 1000 * (16 if kind == "fm" else model.n_fields)
    assert rows.indices.max() < model.n_features


def test_drawn_rows_have_one_feature_per_field() -> None:
    model = train_on(ONE_VALUED, model="ffm", task="binary")
    rows = drawn_rows(model)
    np.testing.assert_array_equal(model.schema.field_of[rows.indices], rows.fields)
