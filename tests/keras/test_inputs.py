"""Ids and samples in every form in which Keras hands them on, on every backend."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="Keras is not installed")

from tests.keras.models import outputs  # noqa: E402

from fieldfare.exceptions import ConfigError  # noqa: E402
from fieldfare.keras import (  # noqa: E402
    FactorizationMachine,
    FieldAwareFM,
    FieldEmbeddingFM,
    FieldWeightedFM,
    from_keras,
)

SIZES = (7, 5)
USERS = np.array([[0], [6], [3], [6]], np.int32)
ITEMS = np.array([[4], [0], [2], [9]], np.int32)  # the last is unknown
IDS = np.hstack([USERS, ITEMS])


def column() -> Any:
    return keras.Input((1,), dtype="int32")


def wanted(layer: Any) -> Any:
    """Return the scores that a layer gives for the ids as one array of integers."""
    return keras.ops.convert_to_numpy(layer(IDS))


def compiled(network: Any) -> Any:
    network.compile(keras.optimizers.SGD(0.0), "mse")
    return network


@pytest.mark.parametrize("kind", [FieldEmbeddingFM, FieldAwareFM, FieldWeightedFM])
def test_concatenated_ids_survive_training_and_a_file(kind, tmp_path):
    layer = kind(SIZES, 3, init_scale=0.5)
    inputs = [column(), column()]
    network = compiled(keras.Model(inputs, layer(keras.layers.Concatenate()(inputs))))
    network.fit([USERS, ITEMS], np.zeros(4), verbose=0)
    scores = network.predict([USERS, ITEMS], verbose=0)
    np.testing.assert_allclose(scores, wanted(layer), atol=1e-6)
    network.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(outputs(again, [USERS, ITEMS]), outputs(network, [USERS, ITEMS]))


def test_a_list_of_inputs_is_read_as_columns_of_ids(tmp_path):
    layer = FieldEmbeddingFM(SIZES, 3, init_scale=0.5)
    inputs = [column(), column()]
    network = compiled(keras.Model(inputs, layer(inputs)))
    np.testing.assert_allclose(network.predict([USERS, ITEMS], verbose=0), wanted(layer), atol=1e-6)
    network.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(outputs(again, [USERS, ITEMS]), outputs(network, [USERS, ITEMS]))


def test_a_list_of_arrays_has_columns_of_any_width_and_weights():
    layer = FieldEmbeddingFM((7, 5), 3, lengths=(1, 2), init_scale=0.5)
    tags = np.array([[0, 1], [4, -1]], np.int32)
    ones = np.ones((2, 1), np.float32)
    weights = np.array([[1, 0.5], [1, 0]], np.float32)
    got = layer([USERS[:2, 0], tags], [ones, weights])
    want = layer(np.hstack([USERS[:2], tags]), np.hstack([ones, weights]))
    np.testing.assert_allclose(got, want, rtol=1e-6)
    masked = layer([USERS[:2], tags], mask=[None, tags > 0])
    want = layer(np.hstack([USERS[:2], np.where(tags > 0, tags, -1)]))
    np.testing.assert_allclose(masked, want, rtol=1e-6)


def test_a_sequential_model_reads_ids_whose_type_it_does_not_know():
    layer = FieldEmbeddingFM(SIZES, 3, init_scale=0.5)
    network = compiled(keras.Sequential([layer]))
    network.fit(IDS.astype(np.int64), np.zeros(4), verbose=0)
    np.testing.assert_allclose(network.predict(IDS, verbose=0), wanted(layer), atol=1e-6)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_whole_floats_are_ids_in_any_precision(policy):
    layer = FieldEmbeddingFM(5000, 3, init_scale=0.5, dtype=policy)
    ids = np.array([[4999, 4097], [2049, 1]], np.int32)
    whole = layer(ids.astype(np.float32))
    np.testing.assert_array_equal(whole, layer(ids))


def test_what_is_not_whole_is_unknown():
    layer = FieldEmbeddingFM(5, 3, init_scale=0.5)
    odd = np.array([[1, 1.5], [1, np.nan], [1, np.inf], [1, -np.inf], [1, 1e30]], np.float32)
    only = layer(np.array([[1]], np.int32))
    np.testing.assert_allclose(layer(odd), np.repeat(np.array(only), 5, axis=0), rtol=1e-6)


def test_floats_that_cannot_hold_all_ids_are_refused():
    layer = FieldEmbeddingFM(5000, 2)
    with pytest.raises(ConfigError, match="float16 holds whole numbers up to 2048 only"):
        layer(np.zeros((1, 2), np.float16))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: FieldEmbeddingFM(SIZES)([[1, 2], [3, 4]]), "Wrap lists of numbers in np.array"),
        (lambda: FieldEmbeddingFM(SIZES)([USERS]), "must have 2 columns"),
        (lambda: FactorizationMachine(2)([USERS, ITEMS]), "one matrix"),
        (lambda: FieldEmbeddingFM(SIZES, 0, return_vectors=True), "leave out return_vectors"),
    ],
)
def test_other_inputs_are_refused(make, words):
    with pytest.raises(ConfigError, match=words):
        make()


@pytest.mark.parametrize(("norm", "order"), [(False, 2), (True, 2), (True, 3)])
def test_sparse_samples_train_and_predict_when_compiled(norm, order):
    if keras.backend.backend() not in ("tensorflow", "jax"):
        pytest.skip("Keras has sparse tensors on TensorFlow and JAX only")
    scipy = pytest.importorskip("scipy.sparse", reason="SciPy is not installed")
    inputs = keras.Input((6,), sparse=True)
    layer = FactorizationMachine(3, instance_norm=norm, order=order, init_scale=0.5)
    network = compiled(keras.Model(inputs, layer(inputs)))
    dense = np.diag([1.0, 2, 0, -1, 3, 0.5]).astype(np.float32)
    dense[0, 4] = 2
    sparse = scipy.csr_matrix(dense)
    loss = network.fit(sparse, np.zeros(6), verbose=0).history["loss"][0]
    scores = network.predict(sparse, verbose=0)
    np.testing.assert_allclose(scores, layer(dense), atol=1e-5)
    assert loss == pytest.approx(np.mean(scores**2), rel=1e-4)


def test_other_layers_share_the_vectors(tmp_path):
    ids = keras.Input((2,), dtype="int32")
    score, vectors = FieldEmbeddingFM(SIZES, 3, return_vectors=True, name="fm")(ids)
    assert vectors.shape == (None, 2, 3)
    deep = keras.layers.Dense(1)(keras.layers.Flatten()(vectors))
    network = compiled(keras.Model(ids, score + deep))
    layer = network.get_layer("fm")
    found = outputs(keras.Model(ids, vectors), IDS)
    factors = keras.ops.convert_to_numpy(layer.factors.value)[:, 0]
    np.testing.assert_array_equal(found[0], factors[[0, 7 + 4]])
    np.testing.assert_array_equal(found[3], [factors[6], np.zeros(3)])
    # Training moves the one table by way of both parts.
    before = factors.copy()
    network.optimizer.learning_rate = 0.5
    network.fit(IDS, np.ones(4), verbose=0)
    after = keras.ops.convert_to_numpy(layer.factors.value)[:, 0]
    assert (before != after).any(axis=1).tolist() == [i in {0, 3, 6, 7, 9, 11} for i in range(12)]
    network.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(outputs(again, IDS), outputs(network, IDS))
    np.testing.assert_array_equal(from_keras(again.get_layer("fm")).factors[:, 0], after)


def test_the_vectors_of_several_scores_and_fields_are_side_by_side():
    layer = FieldAwareFM(SIZES, 3, 2, return_vectors=True)
    values = np.full((4, 2), 0.5, np.float32)
    score, vectors = layer(IDS, values)
    assert tuple(score.shape) == (4, 2)
    assert tuple(vectors.shape) == (4, 2, 2 * 2 * 3)
    factors = keras.ops.convert_to_numpy(layer.factors.value)
    np.testing.assert_allclose(vectors[0, 1], 0.5 * factors[7 + 4].ravel(), rtol=1e-6)
