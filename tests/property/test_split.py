"""The split of random models: constant + <query, item> is the score, whatever the rows hold."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.oracle.kernels import Parameters, score_rows

from fieldfare.config import ModelConfig
from fieldfare.kinds.models import MODEL_KINDS
from fieldfare.models.registry import MODEL_CLASSES
from fieldfare.retrieval import split
from fieldfare.rows import Rows
from fieldfare.schema.schema import Schema

N_FEATURES = 24


@st.composite
def configs(draw):
    """Draw a kind of model, its factors, its orders if it has several, and its linear terms."""
    kind = draw(st.sampled_from(list(MODEL_KINDS.values())))
    n_factors = st.integers(1, 9)
    settings = {"n_factors": n_factors}
    if kind.by_order:
        order = draw(st.integers(2, 5))
        shared = draw(st.booleans())
        by_order = st.tuples(*[n_factors] * (order - 1))
        factors = n_factors if shared else st.one_of(n_factors, by_order)
        settings = {
            "order": st.just(order),
            "shared_factors": st.just(shared),
            "n_factors": factors,
        }
    settings |= {"fit_linear": st.booleans(), "fit_intercept": st.booleans()}
    chosen = draw(st.fixed_dictionaries(settings))
    return ModelConfig(model=kind.name, task="regression", **chosen)


@st.composite
def problems(draw):
    """Draw a model, the side of each field, and rows with repeated, weighted, unknown features."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n_fields = draw(st.integers(2, 5))
    n_items = draw(st.integers(1, n_fields - 1))
    config = draw(configs())
    kind = config.model
    cls = MODEL_CLASSES[kind]
    shape = cls.factors_shape(config, N_FEATURES, n_fields, 1)
    pairs = cls.pair_weights_shape(n_fields, 1)
    half = None if pairs is None else rng.normal(size=pairs)
    arrays = {
        "bias": rng.normal(size=1) * config.fit_intercept,
        "linear": rng.normal(size=(N_FEATURES, 1)) * config.fit_linear,
        "factors": None if shape is None else rng.normal(size=shape),
        "pair_weights": None if half is None else half + half.swapaxes(1, 2),
    }
    arrays = {name: None if a is None else a.astype(np.float32) for name, a in arrays.items()}
    model = cls(config, **arrays, schema=Schema.indexed(N_FEATURES, n_fields))
    lengths = rng.integers(0, 9, 6)
    indices = rng.integers(0, N_FEATURES + 2, lengths.sum()).astype(np.uint32)
    rows = Rows(
        np.concatenate([[0], np.cumsum(lengths)]),
        indices,
        values=rng.normal(size=len(indices)).astype(np.float32),
        fields=rng.integers(0, n_fields, len(indices)).astype(np.uint16),
    )
    names = [str(f) for f in rng.permutation(n_fields)]
    roles = {"item": names[:n_items], "user": names[n_items : n_items + 1]}
    return model, rows, roles | {"context": names[n_items + 1 :]}


@given(problems())
def test_the_split_is_exact(problem) -> None:
    model, rows, roles = problem
    wide = {
        name: None if array is None else array.astype(np.float64)
        for name in ("bias", "linear", "factors", "pair_weights")
        for array in [getattr(model, name)]
    }
    expected = score_rows(Parameters(**wide), model.spec(), rows)[:, 0]

    parts = split(model, roles, dtype="float64")
    vectors, constants = parts.queries(rows)
    items = parts.items(rows)
    assert items.shape[1] == vectors.shape[1] == parts.dimension
    found = constants + np.einsum("nd,nd->n", vectors, items)
    scale = 1 + np.linalg.norm(vectors, axis=1) * np.linalg.norm(items, axis=1)
    assert (np.abs(found - expected) <= 1e-9 * np.maximum(1, scale / 1e3)).all()

    narrow = split(model, roles)
    vectors, constants = narrow.queries(rows)
    items = narrow.items(rows)
    assert vectors.dtype == items.dtype == constants.dtype == np.float32
    found = constants + np.einsum("nd,nd->n", vectors, items)
    bound = 1e-5 * (1 + np.abs(constants) + scale)
    assert (np.abs(found - expected) <= bound).all()
    assert (np.abs(found - model.score(rows)[:, 0]) <= bound + 1e-5 * np.abs(expected)).all()
