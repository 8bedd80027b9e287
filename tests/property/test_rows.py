"""Any way of cutting rows up and putting them together again gives the same rows."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples

from fieldfare.config import ModelConfig
from fieldfare.models.registry import build
from fieldfare.rows import Rows

NAMES = ("values", "fields", "target", "weight", "group")


@st.composite
def any_rows(draw):
    """Draw rows of up to a dozen samples, with any of the optional arrays."""
    lengths = draw(st.lists(st.integers(0, 6), max_size=12))
    seed = draw(st.integers(0, 2**16))
    kept = draw(st.sets(st.sampled_from(NAMES)))
    rng = np.random.default_rng(seed)
    indptr = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64)
    n, nnz = len(lengths), int(indptr[-1])
    arrays = {
        "values": rng.normal(size=nnz).astype(np.float32),
        "fields": rng.integers(5, size=nnz).astype(np.uint16),
        "target": rng.integers(2, size=n).astype(np.float32),
        "weight": rng.uniform(size=n).astype(np.float32),
        "group": rng.integers(3, size=n),
    }
    indices = rng.integers(20, size=nnz).astype(np.uint32)
    return Rows(indptr, indices, **{name: arrays[name] for name in kept})


def content(rows):
    """What rows say, sample by sample."""
    found = []
    for r in range(len(rows)):
        span = slice(rows.indptr[r], rows.indptr[r + 1])
        entry = [rows.indices[span].tolist()]
        for name in NAMES:
            array = getattr(rows, name)
            if array is not None:
                entry.append(array[span if name in ("values", "fields") else r].tolist())
        found.append(entry)
    return found


def cut(rows, cuts):
    places = [0, *sorted(c % (len(rows) + 1) for c in cuts), len(rows)]
    return [rows.slice(a, b) for a, b in itertools.pairwise(places)]


@examples(60)
@given(any_rows(), st.lists(st.integers(0, 100), max_size=4))
def test_slices_join_to_the_whole(rows, cuts):
    joined = Rows.concatenate(cut(rows, cuts))
    assert content(joined) == content(rows)
    joined.validate()


@examples(60)
@given(any_rows(), st.data())
def test_take_is_indexing(rows, data):
    chosen = data.draw(
        st.lists(st.integers(0, len(rows) - 1), max_size=8) if len(rows) else st.just([])
    )
    whole = content(rows)
    assert content(rows.take(np.array(chosen, np.int64))) == [whole[r] for r in chosen]


@examples(60)
@given(any_rows(), st.integers(0, 12), st.integers(0, 12), st.data())
def test_take_of_a_slice(rows, start, stop, data):
    part = rows.slice(start, stop)
    expected = content(rows)[start:stop]
    assert content(part) == expected
    order = data.draw(st.permutations(range(len(part))))
    assert content(part.take(np.array(order, np.int64))) == [expected[r] for r in order]


@examples(60)
@given(any_rows(), st.lists(st.integers(0, 100), max_size=4), st.sampled_from(["linear", "fm"]))
def test_any_chunking_gives_the_same_scores(rows, cuts, kind):
    config = ModelConfig(model=kind, n_factors=3, init_scale=1.0)
    model = build(config, n_features=15, seed=1)
    whole = model.score(rows, 1)
    parts = [model.score(part, 1) for part in cut(rows, cuts)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@examples(60)
@given(any_rows(), st.data())
def test_any_order_of_features_gives_the_same_scores(rows, data):
    order = data.draw(st.permutations(range(6)))
    entries = np.arange(rows.nnz)
    for start, stop in zip(rows.indptr[:-1], rows.indptr[1:], strict=True):
        places = [place for place in order if place < stop - start]
        entries[start:stop] = start + np.array(places, np.int64)
    shuffled = rows.with_(
        indices=rows.indices[entries],
        **{
            name: None if getattr(rows, name) is None else getattr(rows, name)[entries]
            for name in ("values", "fields")
        },
    )
    model = build(ModelConfig(n_factors=4, init_scale=1.0), n_features=15, seed=2)
    np.testing.assert_allclose(model.score(shuffled), model.score(rows), rtol=1e-4, atol=1e-4)
