"""Random models of every kind, random rows, and the checks made on both backends."""

from __future__ import annotations

from typing import Any

import numpy as np

import keras
from fieldfare.config import ModelConfig
from fieldfare.keras import from_keras, to_inputs, to_keras
from fieldfare.models.base import Model
from fieldfare.models.registry import build
from fieldfare.rows import Rows

KINDS = ("linear", "fm", "ffm", "fwfm", "hofm")
N_FEATURES, N_FIELDS = 20, 4


def make_model(kind: str, task: str = "binary", **config: Any) -> Model:
    """Return a model with random weights."""
    random = np.random.default_rng(1)
    config = {"n_factors": (3, 2, 2), "order": 4} | config if kind == "hofm" else config
    model = build(
        ModelConfig(model=kind, task=task, **({"n_factors": 3} | config)),
        n_features=N_FEATURES,
        n_fields=N_FIELDS,
        n_outputs=3 if task == "multiclass" else 1,
    )
    for array in model.arrays().values():
        array[...] = random.normal(0, 0.4, array.shape)
    if model.pair_weights is not None:
        model.pair_weights[...] += model.pair_weights.swapaxes(1, 2).copy()
    return model


def make_rows(n_rows: int = 40, seed: int = 0) -> Rows:
    """Return rows of 0 to 5 entries; some features repeat, some are unknown."""
    random = np.random.default_rng(seed)
    indptr = np.concatenate([[0], np.cumsum(random.integers(0, 6, n_rows))]).astype(np.int64)
    n = int(indptr[-1])
    return Rows(
        indptr,
        random.integers(0, N_FEATURES + 3, n).astype(np.uint32),
        random.normal(size=n).astype(np.float32),
        random.integers(0, N_FIELDS, n).astype(np.uint16),
    )


def inputs_of(model: Model, rows: Rows) -> dict[str, Any]:
    """Return the inputs of the Keras model of a model."""
    inputs = to_inputs(rows)
    return inputs if model.uses_fields else {n: a for n, a in inputs.items() if n != "fields"}


def outputs(network: Any, inputs: Any) -> Any:
    """Call a Keras model and return an array."""
    if keras.backend.backend() == "jax":  # it would otherwise compile each operation by itself
        return network.predict_on_batch(inputs)
    return np.array(keras.ops.convert_to_numpy(network(inputs)))


def check_there_and_back(
    kind: str, task: str, norm: bool, links: tuple[bool, ...] = (False, True)
) -> None:
    """The scores and predictions of a model are the same in Keras and after conversion back."""
    model, rows = make_model(kind, task, instance_norm=norm), make_rows()
    for link in links:
        network = to_keras(model, link=link)
        got = outputs(network, inputs_of(model, rows))
        want = model.predict(rows) if link else model.score(rows)
        np.testing.assert_allclose(got, want.reshape(got.shape), rtol=1e-5, atol=1e-5)
        back = from_keras(network, task=task)
        assert (back.kind, back.config.task) == (kind, task)
        np.testing.assert_array_equal(back.score(rows), model.score(rows))
