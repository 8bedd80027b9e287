"""One context with many candidates: the scores of the joined rows, whatever the model and rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples
from tests.instruction_sets import each_in_use

from fieldfare.config import ModelConfig
from fieldfare.exceptions import DataError, SchemaError
from fieldfare.kinds.models import MODEL_KINDS
from fieldfare.models.registry import build
from fieldfare.rows import Rows

N_FEATURES, N_FIELDS = 30, 5
NORMS: tuple[dict[str, bool], ...] = (
    {},
    {"instance_norm": True},
    {"instance_norm": True, "norm_unknown": True},
)

# Ids and fields that the model does not know are in reach: they are left out.
ENTRIES = st.lists(
    st.tuples(
        st.integers(0, N_FEATURES + 5),
        st.integers(0, N_FIELDS),
        st.sampled_from([1.0, -0.5, 2.0, 0.0]),
    ),
    max_size=8,
)


def rows_of(samples) -> Rows:
    entries = [entry for sample in samples for entry in sample]
    return Rows(
        np.cumsum([0, *map(len, samples)], dtype=np.int64),
        np.array([i for i, _, _ in entries], np.uint32),
        np.array([x for _, _, x in entries], np.float32),
        np.array([f for _, f, _ in entries], np.uint16),
    )


def make_model(kind, task="binary", n_factors=3, **config):
    chosen = ModelConfig(model=kind, task=task, n_factors=n_factors, init_scale=0.5, **config)
    outputs = 3 if task == "multiclass" else 1
    model = build(chosen, n_features=N_FEATURES, n_fields=N_FIELDS, n_outputs=outputs)
    rng = np.random.default_rng(0)
    model.linear[:] = rng.normal(size=model.linear.shape)
    model.bias[:] = rng.normal(size=model.bias.shape)
    if model.pair_weights is not None:
        upper = np.triu(rng.normal(size=model.pair_weights.shape))
        model.pair_weights[:] = upper + np.triu(upper, 1).swapaxes(1, 2)
    return model


@given(
    context=ENTRIES,
    candidates=st.lists(ENTRIES, max_size=4),
    kind=st.sampled_from(list(MODEL_KINDS)),
    task=st.sampled_from(["regression", "binary", "multiclass"]),
    n_factors=st.sampled_from([1, 3, 4, 8, 16, 31, 64]),
    norm=st.sampled_from(NORMS),
    fit_linear=st.booleans(),
)
@examples(100)
def test_candidates_score_as_joined_rows(
    context, candidates, kind, task, n_factors, norm, fit_linear
):
    model = make_model(kind, task, n_factors=n_factors, fit_linear=fit_linear, **norm)
    joined = model.score(rows_of([context + candidate for candidate in candidates]))
    found = model.score_candidates(rows_of([context]), rows_of(candidates))
    assert found.shape == (len(candidates), model.n_outputs)
    np.testing.assert_allclose(found, joined, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", MODEL_KINDS)
@pytest.mark.parametrize("instance_norm", [False, True])
def test_every_instruction_set_and_thread_gives_the_same(kind, instance_norm):
    model = make_model(kind, n_factors=20, instance_norm=instance_norm)
    rng = np.random.default_rng(1)

    def draw(n):
        ids, fields = rng.integers(0, N_FEATURES, n), rng.integers(0, N_FIELDS, n)
        return list(zip(ids.tolist(), fields.tolist(), rng.normal(size=n).tolist(), strict=True))

    context, candidates = draw(9), [draw(n) for n in rng.integers(0, 12, 50)]
    joined = model.score(rows_of([context + candidate for candidate in candidates]))
    for _ in each_in_use():
        found = [
            model.score_candidates(rows_of([context]), rows_of(candidates), n) for n in (1, 3, 100)
        ]
        np.testing.assert_allclose(found[0], joined, rtol=1e-4, atol=1e-4)
        np.testing.assert_array_equal(found[0], found[1])
        np.testing.assert_array_equal(found[0], found[2])


def test_long_fields_are_summed_up():
    # Far more features than fields: one pass over them, with a context that has repeats as well.
    model = make_model("ffm", n_factors=5)
    rng = np.random.default_rng(2)
    samples = [
        [
            (int(i), int(i) % N_FIELDS, float(x))
            for i, x in zip(ids, rng.normal(size=60), strict=True)
        ]
        for ids in rng.integers(0, N_FEATURES, (4, 60))
    ]
    found = model.score_candidates(rows_of(samples[:1]), rows_of(samples))
    joined = model.score(rows_of([samples[0] + sample for sample in samples]))
    np.testing.assert_allclose(found, joined, rtol=1e-3)


def test_a_context_is_one_row():
    model = make_model("fm")
    two = rows_of([[], []])
    with pytest.raises(DataError, match="A context is one row"):
        model.score_candidates(two, two)
    with pytest.raises(DataError, match="must be Rows too"):
        model.score_candidates(rows_of([[]]), [{"item": "a"}])
    with pytest.raises(SchemaError, match="has no schema"):
        model.score_candidates({"user": "a"}, two)


def test_a_context_with_a_broken_indptr_is_refused():
    model = make_model("fm")
    bad = rows_of([[(1, 1, 1.0)]])
    bad.indptr[:] = [1, 0]
    with pytest.raises(ValueError, match="indptr"):
        model.score_candidates(bad, rows_of([[]]))


def test_a_context_without_fields_is_refused():
    model = make_model("ffm")
    with pytest.raises(ValueError, match="needs the field of every entry"):
        model.score_candidates(rows_of([[]]).with_(fields=None), rows_of([[]]))
