"""Layers: gradients against the oracle, inputs of every form, files, mixed precision, jit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="Keras is not installed")
tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")

from tests.keras.models import (  # noqa: E402
    KINDS,
    N_FEATURES,
    inputs_of,
    make_model,
    make_rows,
    outputs,
)
from tests.oracle import kernels as reference  # noqa: E402

from fieldfare.exceptions import ConfigError  # noqa: E402
from fieldfare.keras import (  # noqa: E402
    FactorizationMachine,
    FieldAwareFM,
    FieldEmbeddingFM,
    FieldWeightedFM,
    from_keras,
    to_inputs,
    to_keras,
)
from fieldfare.kinds.models import PARAMETERS  # noqa: E402
from fieldfare.models.base import Model  # noqa: E402
from fieldfare.rows import Rows  # noqa: E402
from fieldfare.schema.schema import Column, Schema  # noqa: E402
from fieldfare.sources.matrix import array_rows  # noqa: E402


def oracle_gradients(model: Model, rows: Rows) -> dict[str, np.ndarray]:
    """Return the gradient of the sum of all scores in each parameter."""
    arrays = {name: array.astype(np.float64) for name, array in model.arrays().items()}
    params = reference.Parameters(*map(arrays.get, PARAMETERS))
    found = {name: np.zeros_like(array) for name, array in arrays.items()}
    spec = model.spec()
    for sample in reference.samples(rows):
        ids, x, of_factors = reference.gradients(params, spec, *sample)
        found["bias"] += 1
        np.add.at(found["linear"], ids, np.repeat(x[:, None], model.n_outputs, 1))
        if params.factors is not None:
            np.add.at(found["factors"], ids, of_factors)
        if params.pair_weights is not None:
            known = reference.known(spec, model.n_features, sample)
            found["pair_weights"] += reference.pair_weight_gradient(params, spec, *known)
    return found


def check_gradients(model: Model, rows: Rows, network: Any, inputs: Any) -> None:
    """The gradients that TensorFlow finds are those of the oracle."""
    layer = network.layers[-1]
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(network(inputs))
    weights = {name: getattr(layer, name).value for name in model.arrays()}
    wanted = oracle_gradients(model, rows)
    for name, gradient in tape.gradient(total, weights).items():
        got = tf.convert_to_tensor(gradient).numpy()
        if name == "pair_weights":  # the oracle has one weight per pair, the layer two entries
            got = np.triu(got + got.swapaxes(1, 2), 1) + got * np.eye(got.shape[1])
        np.testing.assert_allclose(got, wanted[name], rtol=1e-4, atol=1e-4, err_msg=name)


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_those_of_the_oracle(kind, norm):
    model, rows = make_model(kind, "multiclass", instance_norm=norm), make_rows(12)
    check_gradients(model, rows, to_keras(model, link=False), inputs_of(model, rows))


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("kind", ["linear", "fm", "hofm"])
def test_gradients_of_a_matrix_are_those_of_the_oracle(kind, norm):
    model = make_model(kind, "multiclass", instance_norm=norm)
    X = np.random.default_rng(3).normal(size=(6, N_FEATURES)).astype(np.float32)
    X[:, ::2] = 0
    check_gradients(model, array_rows(X), to_keras(model, dense=True, link=False), X)


def test_ids_of_each_field_are_its_own():
    by_field = FieldAwareFM((5, 3, 4), 2, lengths=(1, 2, 1))
    ids = np.array([[4, 2, 0, 3], [1, -1, 2, 9]], np.int32)
    values = np.array([[1, 0.5, 2, 1], [1, 7, 1, 7]], np.float32)
    score = np.array(by_field(ids, values))
    model = from_keras(by_field)
    assert model.schema.field_of.tolist() == [0] * 5 + [1] * 3 + [2] * 4
    inputs = to_inputs(make_rows(2))
    inputs["ids"] = np.array([[4, 7, 5, 11], [1, -1, 7, -1]], np.int32)
    inputs["values"] = values
    inputs["fields"] = np.array([[0, 1, 1, 2], [0, 1, 1, 2]], np.int32)
    np.testing.assert_allclose(score, outputs(to_keras(model), inputs), atol=1e-6)


def test_masks_fillers_and_zero_weights_are_the_same():
    layer = FieldEmbeddingFM(10, 3, order=3)
    ids = np.array([[1, 2, 3, 4]], np.int32)
    want = np.array(layer(ids[:, :3]))
    there = np.array([[True, True, True, False]])
    np.testing.assert_allclose(np.array(layer(ids, mask=there)), want, rtol=1e-6)
    np.testing.assert_allclose(np.array(layer(ids, there.astype(np.float32))), want, rtol=1e-6)
    filled = np.where(there, ids, -1).astype(np.int32)
    np.testing.assert_allclose(np.array(layer(filled)), want, rtol=1e-6)


def test_vocabulary_and_hashing_come_from_a_schema():
    table = {"user": ["a", "b", "a"], "tags": [["x", "y"], [], ["y"]], "site": ["p", "q", "r"]}
    rows = [dict(zip(table, cells, strict=True)) for cells in zip(*table.values(), strict=True)]
    columns = (Column("user"), Column("tags", "multi"), Column("site", hash_buckets=4))
    schema = Schema(columns).fit(rows)
    layer = FieldWeightedFM.from_schema(schema, 3)
    inputs = to_inputs(schema.encode(rows, labelled=False))
    score = np.array(layer(inputs["ids"], inputs["values"], inputs["fields"]))
    model = from_keras(layer, schema=schema)
    want = [model.predict_one(row) for row in rows]
    np.testing.assert_allclose(score[:, 0], want, atol=1e-6)


def test_sparse_samples_score_as_dense_ones():
    X = np.random.default_rng(0).normal(size=(6, 8)).astype(np.float32)
    X[X < 0.3] = 0
    for settings in ({}, {"instance_norm": True}, {"order": 3}):
        inputs = keras.Input((8,), sparse=True)
        network = keras.Model(inputs, FactorizationMachine(3, **settings)(inputs))
        dense = network.layers[-1](X)
        np.testing.assert_allclose(network(tf.sparse.from_dense(X)), dense, atol=1e-5)


LAYERS = [
    FactorizationMachine((3, 2), 2, order=3, activation="tanh", linear_regularizer="l2"),
    FieldEmbeddingFM((4, 5), 2, lengths=(1, 3), l2_linear=0.1, l2_factors=0.2, name="mine"),
    FieldAwareFM(9, 2, n_fields=3, use_bias=False, return_vectors=True),
    FieldWeightedFM((4, 5, 6), 2, use_linear=False, factors_regularizer=keras.regularizers.L1(0.1)),
]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_layers_are_made_again_from_their_configuration(layer):
    written = keras.saving.serialize_keras_object(layer)
    assert written["registered_name"].startswith("fieldfare>")
    again = keras.saving.deserialize_keras_object(written)
    assert again.get_config() == layer.get_config()


def test_a_file_of_keras_holds_a_trained_model(tmp_path):
    ids = keras.Input((3,), dtype="int32")
    network = keras.Model(ids, FieldEmbeddingFM(10, 3, order=3, activation="sigmoid")(ids))
    network.save(tmp_path / "m.keras")
    X = np.arange(9, dtype=np.int32).reshape(3, 3)
    again = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(outputs(again, X), outputs(network, X))


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize(
    "make",
    [
        lambda **kw: FieldEmbeddingFM(10, 4, order=3, **kw),
        lambda **kw: FieldAwareFM(10, 4, n_fields=3, **kw),
        lambda **kw: FieldWeightedFM(10, 4, n_fields=3, **kw),
        lambda **kw: FactorizationMachine(4, **kw),
    ],
)
def test_mixed_precision_is_close(make, policy):
    layer = make(dtype=policy, init_scale=0.5)
    dense = isinstance(layer, FactorizationMachine)
    X: Any = np.arange(12).reshape(4, 3) % 10
    X = np.eye(10, dtype=np.float32)[X].sum(1) if dense else X.astype(np.int32)
    score = layer(X)
    assert keras.backend.standardize_dtype(score.dtype) == policy.removeprefix("mixed_")
    assert {str(w.dtype) for w in layer.weights} == {"float32"}
    want = from_keras(keras.Model(i := keras.Input(X.shape[1:], dtype=X.dtype), layer(i)))
    exact = to_keras(want, dense=dense, link=False)
    if not dense:
        X = {"ids": X, "values": np.ones_like(X, np.float32)}
        if want.uses_fields:
            X["fields"] = np.tile(np.arange(3, dtype=np.int32), (4, 1))
    np.testing.assert_allclose(tf.cast(score, "float32"), outputs(exact, X), atol=0.05)


def test_compiled_training_lowers_the_loss_of_every_layer():
    ids, matrix = keras.Input((3,), dtype="int32"), keras.Input((10,))
    scores = {  # in one network, since each compilation takes seconds
        "ffm": FieldAwareFM(10, 2, n_fields=3, l2_linear=1e-4, l2_factors=1e-4)(ids),
        "fwfm": FieldWeightedFM(10, 2, n_fields=3, dtype="mixed_float16")(ids),
        "hofm": FieldEmbeddingFM(10, 2, order=3, linear_regularizer="l2")(ids),
        "dense": FactorizationMachine(2, dtype="mixed_bfloat16")(matrix),
    }
    network = keras.Model([ids, matrix], scores)
    network.compile(keras.optimizers.Adam(0.1), dict.fromkeys(scores, "mse"), jit_compile=True)
    X = np.random.default_rng(0).integers(0, 10, (32, 3)).astype(np.int32)
    y = np.where((X == 1).any(1), 1.0, -1.0)
    history = network.fit(
        [X, np.eye(10, dtype=np.float32)[X].sum(1)],
        dict.fromkeys(scores, y),
        epochs=3,
        batch_size=32,
        verbose=0,
    ).history
    for name in scores:
        assert history[f"{name}_loss"][2] < history[f"{name}_loss"][0]


def test_the_penalty_is_on_the_weights_of_a_samples_features():
    layer = FieldEmbeddingFM(5, 2, l2_linear=0.5, l2_factors=0.25)
    ids = np.array([[0, 3], [3, -1]], np.int32)
    layer(ids)
    layer.linear.assign(np.arange(5, dtype=np.float32)[:, None])
    layer(ids)
    squares = np.sum(np.array(layer.factors.value) ** 2, axis=(1, 2))
    want = 0.5 * 0.25 * (squares[0] + 2 * squares[3]) / 2 + 0.5 * 0.5 * (0 + 9 + 9) / 2
    assert float(sum(layer.losses)) == pytest.approx(want, rel=1e-5)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: FieldAwareFM(9), "number of fields"),
        (lambda: FieldEmbeddingFM((3, 4), lengths=(1,)), "'lengths'"),
        (lambda: FieldEmbeddingFM((3, 4), n_fields=3), "'n_fields'"),
        (lambda: FactorizationMachine(-1), "'n_factors'"),
        (lambda: FactorizationMachine(order=40), "'order'"),
        (lambda: FieldEmbeddingFM(2**25, 0)(np.zeros((2, 3), np.float32)), "must be integers"),
        (lambda: FieldEmbeddingFM((3, 4))(np.zeros((2, 3), np.int32)), "must have 2 columns"),
    ],
)
def test_wrong_parameters_are_refused(make, words):
    with pytest.raises(ConfigError, match=words):
        make()
