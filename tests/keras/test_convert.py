"""Models move to Keras and back with equal scores."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="Keras is not installed")

from tests.keras.models import (  # noqa: E402
    KINDS,
    N_FEATURES,
    N_FIELDS,
    check_there_and_back,
    inputs_of,
    make_model,
    make_rows,
    outputs,
)

import fieldfare  # noqa: E402
from fieldfare.exceptions import ConfigError  # noqa: E402
from fieldfare.keras import (  # noqa: E402
    FactorizationMachine,
    convert,
    from_keras,
    to_inputs,
    to_keras,
)
from fieldfare.kinds.models import InteractionForm  # noqa: E402
from fieldfare.sources.matrix import array_rows  # noqa: E402


@pytest.mark.parametrize(
    ("task", "norm"),
    [("regression", True), ("binary", False), ("multiclass", True), ("rank", False)],
)
@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_equal_there_and_back(kind, task, norm):
    check_there_and_back(kind, task, norm)


@pytest.mark.parametrize("kind", KINDS)
def test_the_length_may_count_unknown_features_and_fields(kind):
    model, rows = make_model(kind, instance_norm=True, norm_unknown=True), make_rows()
    rows.fields[::4] += N_FIELDS
    network = to_keras(model, link=False)
    want = model.score(rows)
    np.testing.assert_allclose(outputs(network, inputs_of(model, rows)), want, atol=1e-5)
    assert from_keras(network, task="binary").config.norm_unknown
    other = model.with_(config=replace(model.config, norm_unknown=False))
    assert np.abs(other.score(rows) - want).max() > 0.01


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("kind", ["linear", "fm", "hofm"])
def test_scores_of_a_matrix_are_equal(kind, norm):
    model = make_model(kind, "multiclass", instance_norm=norm)
    X = np.random.default_rng(2).normal(size=(30, N_FEATURES)).astype(np.float32)
    X[0] = 0
    network = to_keras(model, dense=True, link=False)
    want = model.score(array_rows(X))
    np.testing.assert_allclose(outputs(network, X), want, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(from_keras(network).factors, model.factors)


def test_parts_that_are_off_stay_off():
    model = make_model("fm", fit_intercept=False, fit_linear=False)
    model.bias[:] = 0
    model.linear[:] = 0
    network = to_keras(model)
    assert len(network.weights) == 1
    assert not from_keras(network).config.fit_linear


def test_rows_are_padded():
    rows = fieldfare.Rows(np.array([0, 2, 2, 3]), np.array([7, 2**32 - 2, 1], np.uint32))
    inputs = to_inputs(rows, 3)
    assert inputs["ids"].tolist() == [[7, 2**31 - 1, -1], [-1, -1, -1], [1, -1, -1]]
    assert inputs["values"].tolist() == [[1, 1, 0], [0, 0, 0], [1, 0, 0]]
    assert set(inputs) == {"ids", "values"}


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)]), "Got Dense"),
        (FactorizationMachine, "one built layer"),
        (lambda: 5, "Keras model or layer. Got int"),
        (
            lambda: keras.Sequential([keras.Input((3,)), FactorizationMachine(activation="tanh")]),
            "No task has the activation 'tanh'",
        ),
    ],
)
def test_other_keras_models_are_refused(make, words):
    with pytest.raises(ConfigError, match=words):
        from_keras(make())


def test_a_matrix_does_not_hold_fields():
    with pytest.raises(ConfigError, match="which a matrix does not hold"):
        to_keras(make_model("ffm"), dense=True)


def test_a_kind_without_a_layer_is_refused_by_name(monkeypatch):
    monkeypatch.delitem(convert._LAYERS, InteractionForm.FIELD_AWARE)
    with pytest.raises(ConfigError, match=r"are 'linear', 'fm', 'fwfm', 'hofm'\. Got 'ffm'"):
        to_keras(make_model("ffm"))


def test_a_task_that_the_activation_contradicts_is_refused():
    with pytest.raises(ConfigError, match="must be one of"):
        from_keras(to_keras(make_model("fm", "regression")), task="multiclass")


SECOND = """
import json
import numpy as np
import keras
from jax.experimental.sparse import BCOO
from tests.keras.models import KINDS, check_there_and_back
from fieldfare.keras import FactorizationMachine, KerasFMRegressor
for kind in KINDS:
    check_there_and_back(kind, "binary", norm=kind in ("fm", "ffm"), links=(True,))
X = np.diag([1.0, 0.0, 2.0]).astype(np.float32)
layer = FactorizationMachine(2)
np.testing.assert_allclose(layer(X), layer(BCOO.fromdense(X)), atol=1e-6)
X = [{"user": u, "item": i} for u, i in zip("ab" * 20, "xy" * 20)]
reg = KerasFMRegressor(batch_size=10, learning_rate=0.1, max_iter=10, random_state=0)
reg.fit(X, [1.0, 3.0] * 20)
print(json.dumps([keras.backend.backend(), reg.predict(X[:2]).round().tolist()]))
"""


def test_a_second_backend_gives_the_same_scores_and_trains():
    pytest.importorskip("jax", reason="JAX is not installed")
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    package = os.path.dirname(os.path.dirname(os.path.abspath(fieldfare.__file__)))
    environment = os.environ | {
        "KERAS_BACKEND": "jax",
        "PYTHONPATH": os.pathsep.join([root, package]),
    }
    done = subprocess.run(
        [sys.executable, "-c", SECOND], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == ["jax", [1.0, 3.0]]


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_inputs_of_every_form_on_other_backends(backend):
    pytest.importorskip(backend, reason="this backend of Keras is not installed")
    tests = os.path.join(os.path.dirname(os.path.abspath(__file__)), "test_inputs.py")
    some = "concatenated and EmbeddingFM or list_of_inputs or sparse or share"  # compiling is slow
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", some, tests],
        env=os.environ | {"KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_keras_missing_names_the_extra(monkeypatch):
    for name in [m for m in sys.modules if m.startswith("fieldfare.keras")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(ImportError, match=r"pip install 'fieldfare\[keras\]'"):
        import fieldfare.keras  # noqa: F401


def test_rows_with_unknown_features_score_as_the_model_does():
    model, rows = make_model("fm"), make_rows(seed=5)
    assert rows.n_features > N_FEATURES
    network = to_keras(model, link=False)
    inputs = {n: a for n, a in to_inputs(rows).items() if n != "fields"}
    np.testing.assert_allclose(outputs(network, inputs), model.score(rows), atol=1e-5)
