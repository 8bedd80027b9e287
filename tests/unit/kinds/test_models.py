"""Declarations of kinds of model: what follows from one, and who needs no more than that."""

from __future__ import annotations

from typing import final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fieldfare as ff
from fieldfare.config import ModelConfig
from fieldfare.exceptions import ConfigError
from fieldfare.export.support import check_interactions
from fieldfare.kinds.models import MODEL_KINDS, PARAMETERS, InteractionForm, ModelKind
from fieldfare.models.base import Model
from fieldfare.models.registry import MODEL_CLASSES, build, estimate_bytes

SIZES = {"n_features": 7, "n_fields": 3, "n_outputs": 2}
KINDS = pytest.mark.parametrize("kind", MODEL_KINDS.values(), ids=MODEL_KINDS)


@KINDS
def test_a_new_model_has_the_arrays_that_its_kind_declares(kind: ModelKind) -> None:
    config = ModelConfig(model=kind.name, task="multiclass", n_factors=4)
    model = build(config, **SIZES)
    shapes = {name: array.shape for name, array in model.arrays().items()}
    assert shapes == config.shapes(**SIZES)
    assert set(shapes) <= set(PARAMETERS)
    assert kind.n_fields(shapes) == model.n_fields == (3 if kind.uses_fields else 0)
    assert model.has_factors == kind.has_factors == (kind.interactions is not InteractionForm.NONE)


@KINDS
@given(n_factors=st.integers(1, 20), order=st.integers(2, 6), shared=st.booleans(), data=st.data())
def test_the_blocks_of_a_vector_serve_each_order_once(
    kind: ModelKind, n_factors: int, order: int, shared: bool, data: st.DataObject
) -> None:
    config = ModelConfig(model=kind.name, n_factors=n_factors, order=order, shared_factors=shared)
    blocks = config.factor_blocks
    served = [t for block in blocks for t in range(block.lowest, block.highest + 1)]
    highest = (order if kind.by_order else 2) if kind.has_factors else 1
    assert served == list(range(2, highest + 1))
    assert config.total_factors == sum(block.n_factors for block in blocks)
    if kind.by_order and not shared:
        lengths = tuple(data.draw(st.integers(1, 20)) for _ in range(order - 1))
        own = ModelConfig(model=kind.name, n_factors=lengths, order=order).factor_blocks
        assert tuple(block.n_factors for block in own) == lengths


def test_every_kind_has_a_class_of_its_own() -> None:
    assert {name: cls.traits for name, cls in MODEL_CLASSES.items()} == MODEL_KINDS


@pytest.fixture
def scratch(monkeypatch: pytest.MonkeyPatch) -> ModelKind:
    """A kind that only this test knows: pairs, with a third vector table for nothing."""
    kind = ModelKind(
        "scratch",
        "scratch model",
        InteractionForm.PAIRS,
        {
            "bias": ("outputs",),
            "linear": ("features", "outputs"),
            "factors": ("features", "outputs", "factors"),
            "pair_weights": ("outputs", "fields", "fields"),
        },
    )

    @final
    class ScratchModel(Model):
        traits = kind

        def pair_vectors(self, i, j, fields_i, fields_j, output=0):
            return self._vectors(i, output), self._vectors(j, output)

    monkeypatch.setitem(MODEL_KINDS, kind.name, kind)
    monkeypatch.setitem(MODEL_CLASSES, kind.name, ScratchModel)
    return kind


def test_a_registered_kind_is_known_everywhere(scratch: ModelKind, tmp_path) -> None:
    config = ModelConfig(model="scratch", task="regression", n_factors=2)
    assert config.kind is scratch
    sizes = {"n_features": 5, "n_fields": 3}
    assert estimate_bytes(config, **sizes) > estimate_bytes(ModelConfig(n_factors=2), **sizes)
    model = build(config, seed=1, **sizes)
    assert model.kind == "scratch"
    assert model.uses_fields
    assert model.n_fields == 3
    first, second, terms = model.pair_terms(
        np.array([0, 1, 4]), np.array([0, 1, 2]), np.array([1.0, 2.0, 1.0])
    )
    none = np.zeros(3, np.int64)
    expected = [2, 1, 2] * np.einsum(
        "pk,pk->p", *model.pair_vectors(np.array([0, 0, 1]), np.array([1, 4, 4]), none, none)
    )
    np.testing.assert_allclose(terms, expected)
    assert (first < second).all()
    ff.save_model(model, tmp_path / "scratch.ff")
    loaded = ff.load_model(tmp_path / "scratch.ff")
    assert type(loaded) is type(model)
    for name, array in model.arrays().items():
        np.testing.assert_array_equal(loaded.arrays()[name], array)
    with pytest.raises(ConfigError, match="solver='nonsampled' is for the tasks 'rank'"):
        ff.train({"u": ["a", "b"], "y": [0.0, 1.0]}, target="y", model="scratch",
                 solver="nonsampled", task="regression")  # fmt: skip


def test_a_format_refuses_interactions_that_it_does_not_know() -> None:
    model = build(ModelConfig(model="hofm"), n_features=5)
    with pytest.raises(ConfigError, match="The C export has no place for .* a hofm model"):
        check_interactions(model, "The C export", [InteractionForm.PAIRS])
