"""Scaled features: the model of values as they are scores like the model of scaled values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples

from fieldfare.config import ModelConfig
from fieldfare.exceptions import DataError
from fieldfare.kinds.models import MODEL_KINDS
from fieldfare.models.base import Model
from fieldfare.models.registry import build
from fieldfare.models.scaling import CENTRABLE, Scaling
from fieldfare.rows import Rows
from fieldfare.schema.schema import Schema

N, N_FIELDS = 7, 4
FIELD_OF = np.array([3, 0, 1, 2, 3, 0, 1], np.uint16)
SCALE = np.array([1, 2, 4, 0.5, 0, 1024, 1], np.float32)
SHIFT = np.array([0, 1.5, -2, 0, 0, 3, 0], np.float32)


def random_model(kind: str, n_outputs: int = 1, seed: int = 0) -> Model:
    """A model of some kind with parameters around one."""
    random = np.random.default_rng(seed)
    task = "multiclass" if n_outputs > 1 else "regression"
    config = ModelConfig(model=kind, task=task, n_factors=3)
    n_fields = N_FIELDS if config.kind.uses_fields else 0
    field_of = FIELD_OF if n_fields else None
    model = build(
        config,
        n_features=N,
        n_fields=n_fields,
        n_outputs=n_outputs,
        schema=Schema.indexed(N, n_fields, field_of=field_of),
    )
    drawn = {
        name: random.normal(size=array.shape).astype(np.float32)
        for name, array in model.arrays().items()
    }
    if "pair_weights" in drawn:
        drawn["pair_weights"] = drawn["pair_weights"] + drawn["pair_weights"].swapaxes(1, 2)
    return model.with_(**drawn)


def scaling_for(model: Model) -> Scaling:
    centrable = model.traits.interactions in CENTRABLE
    return Scaling(SCALE, SHIFT if centrable else np.zeros_like(SHIFT))


def random_rows(model: Model, seed: int = 0, n: int = 12) -> Rows:
    """Rows of numbers of very different size, some of them zero and so not stored."""
    random = np.random.default_rng(seed)
    table = random.normal(size=(n, N)) * np.where(SCALE == 0, 1, SCALE)
    table[random.random(table.shape) < 0.3] = 0
    table[0] = 0
    row, column = np.nonzero(table)
    indptr = np.searchsorted(row, np.arange(n + 1)).astype(np.int64)
    fields = FIELD_OF[column] if model.uses_fields else None
    values = table[row, column].astype(np.float32)
    return Rows(indptr, column.astype(np.uint32), values, fields)


def exact_scores(model: Model, rows: Rows) -> np.ndarray:
    """Scores in float64, from the formula, one row at a time."""
    out = np.zeros((rows.n_rows, model.n_outputs))
    for row, (start, stop) in enumerate(zip(rows.indptr[:-1], rows.indptr[1:], strict=True)):
        ids, values = rows.indices[start:stop], rows.values[start:stop].astype(np.float64)
        fields = None if rows.fields is None else rows.fields[start:stop]
        for c in range(model.n_outputs):
            pairs = model.pair_terms(ids, fields, values, c)[2].sum()
            higher = model.higher_terms(ids, values, c).sum()
            linear = model.linear[ids, c].astype(np.float64) @ values
            out[row, c] = model.bias[c] + linear + pairs + higher
    return out


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("kind", MODEL_KINDS)
@given(st.integers(0, 2**32 - 1))
@examples(10)
def test_scores_of_scaled_rows_are_those_of_the_folded_model(kind, n_outputs, seed) -> None:
    model = random_model(kind, n_outputs, seed)
    scaling, rows = scaling_for(model), random_rows(model, seed)
    expected = exact_scores(model, scaling.apply(rows, FIELD_OF))
    folded = scaling.fold(model)
    assert folded.scaling is scaling
    size = 1 + np.abs(expected).max()
    np.testing.assert_allclose(exact_scores(folded, rows), expected, atol=2e-5 * size)
    np.testing.assert_allclose(folded.score(rows), expected, atol=2e-5 * size)


@pytest.mark.parametrize("kind", MODEL_KINDS)
def test_unfolding_undoes_folding(kind: str) -> None:
    model = random_model(kind, 2)
    scaling = scaling_for(model)
    back = scaling.unfold(scaling.fold(model))
    assert back.scaling is None
    for name, array in model.arrays().items():
        np.testing.assert_allclose(back.arrays()[name], array, atol=2e-5)


@pytest.mark.parametrize("kind", MODEL_KINDS)
def test_without_shifts_both_ways_are_exact(kind: str) -> None:
    model = random_model(kind)
    scaling = Scaling(SCALE, np.zeros_like(SHIFT))
    rows = random_rows(model)
    folded = scaling.fold(model)
    back = scaling.unfold(folded)
    for name, array in model.arrays().items():
        np.testing.assert_array_equal(back.arrays()[name], array)
    np.testing.assert_array_equal(folded.score(rows), model.score(scaling.apply(rows, FIELD_OF)))


def test_folding_leaves_the_model_alone_unless_it_may_overwrite_it() -> None:
    model = random_model("fm")
    before = model.factors.copy()
    scaling = scaling_for(model)
    folded = scaling.fold(model)
    np.testing.assert_array_equal(model.factors, before)
    assert scaling.fold(model, in_place=True).factors is model.factors
    np.testing.assert_array_equal(model.factors, folded.factors)


def test_every_row_has_the_shifted_features() -> None:
    rows = Rows(np.array([0, 0, 2]), np.array([5, 0], np.uint32), np.array([1024, 9], np.float32))
    scaled = Scaling(SCALE, SHIFT).apply(rows)
    assert scaled.indptr.tolist() == [0, 3, 7]
    first = dict(zip(scaled.indices[:3].tolist(), scaled.values[:3].tolist(), strict=True))
    second = dict(zip(scaled.indices[3:].tolist(), scaled.values[3:].tolist(), strict=True))
    assert first == {1: -1.5, 2: 2, 5: -3}
    assert second == {5: 1 - 3, 0: 9, 1: -1.5, 2: 2}


def test_a_slice_of_rows_is_scaled_like_the_rows() -> None:
    model = random_model("ffm")
    rows, scaling = random_rows(model), Scaling(SCALE, SHIFT)
    whole, part = scaling.apply(rows, FIELD_OF), scaling.apply(rows.slice(3, 8), FIELD_OF)
    span = slice(whole.indptr[3], whole.indptr[8])
    for name in ("indices", "values", "fields"):
        np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[span])
    np.testing.assert_array_equal(np.diff(part.indptr), np.diff(whole.indptr)[3:8])


def test_a_shifted_feature_twice_in_a_row_is_refused() -> None:
    rows = Rows(np.array([0, 2]), np.array([1, 1], np.uint32), np.array([2, 3], np.float32))
    with pytest.raises(DataError, match="feature 1 twice.*scale_features=False"):
        Scaling(SCALE, SHIFT).apply(rows)


def test_only_features_that_were_not_known_are_learned_later() -> None:
    more = Scaling(np.full(9, 8, np.float32), np.full(9, 5, np.float32))
    extended = Scaling(SCALE, SHIFT).extended(more)
    assert extended.scale.tolist() == [1, 2, 4, 0.5, 8, 1024, 1, 8, 8]
    assert extended.shift.tolist() == [0, 1.5, -2, 0, 5, 3, 0, 5, 5]
