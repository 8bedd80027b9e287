"""The kernels of pairs: the oracle against numerical gradients, and native code against it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.oracle.kernels import (
    Trainer,
    pair_loss_and_slope,
    samples,
    score,
)

from fieldfare import _core
from fieldfare.exceptions import DataError
from fieldfare.kernels import native
from fieldfare.kinds.losses import LOSSES_OF_TASK
from fieldfare.kinds.models import MODEL_KINDS
from fieldfare.solvers.gradient import GradientSolver

GRADIENT_SOLVERS = [kind.name for kind in GradientSolver.runs]

LOSSES = LOSSES_OF_TASK["rank"]
TOLERANCE = {"rtol": 2e-4, "atol": 2e-5}


def pairs_of(n_rows, n_pairs=40, seed=2):
    return np.random.default_rng(seed).integers(n_rows, size=(n_pairs, 2))


@pytest.mark.parametrize("apart", [-3.0, -0.2, 0.0, 0.7, 4.0])
@pytest.mark.parametrize("loss", LOSSES)
def test_slope_equals_central_differences(loss, apart):
    h = 1e-6
    high, low = (pair_loss_and_slope(loss, apart + step)[0] for step in (h, -h))
    assert pair_loss_and_slope(loss, apart)[1] == pytest.approx((high - low) / (2 * h), abs=1e-8)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("model", MODEL_KINDS)
def test_a_step_follows_the_numerical_gradient(make_spec, make_parameters, make_rows, model, loss):
    """Of the loss of a pair by all parameters, for a step too small to be of second order."""
    rate, h = 1e-7, 1e-6
    spec = make_spec(
        model=model,
        loss=loss,
        solver="sgd",
        n_factors=2,
        learning_rate=rate,
        l2_linear=0.0,
        l2_factors=0.0,
    )
    better, worse = samples(make_rows("sparse", n_rows=2))
    params = make_parameters(spec)
    trainer = Trainer(params, spec)
    trainer.pair_step((better, worse), 1.0)

    def loss_now():
        apart = score(params, spec, *better)[0] - score(params, spec, *worse)[0]
        return pair_loss_and_slope(loss, apart)[0]

    for name in ("linear", "factors"):
        array = getattr(params, name)
        if array is None:
            continue
        moved = (getattr(trainer.params, name) - array) / -rate
        for at in np.ndindex(array.shape):
            kept = array[at]
            array[at] = kept + h
            high = loss_now()
            array[at] = kept - h
            low = loss_now()
            array[at] = kept
            assert moved[at] == pytest.approx((high - low) / (2 * h), rel=1e-3, abs=1e-6)
    np.testing.assert_array_equal(trainer.params.bias, params.bias)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("solver", GRADIENT_SOLVERS)
@pytest.mark.parametrize("model", MODEL_KINDS)
def test_training(make_solver, make_rows, model, solver, loss, weighted):
    rate = 0.01 if solver == "sgd" else 0.1
    spec, params, native_solver = make_solver(
        model=model, solver=solver, loss=loss, learning_rate=rate
    )
    rows = make_rows("mixed", loss=loss)
    if weighted:
        weight = np.random.default_rng(5).uniform(0.1, 2, len(rows)).astype(np.float32)
        weight[::5] = 0
        rows = rows.with_(weight=weight)
    trainer = Trainer(params, spec)
    for epoch in range(2):
        pairs = pairs_of(len(rows), seed=epoch)
        expected = trainer.pair_epoch(rows, pairs)
        got = native_solver.train_pairs(rows, pairs)
        np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
    model = native_solver.export()
    np.testing.assert_array_equal(model.bias, params.bias.astype(np.float32))
    np.testing.assert_allclose(model.linear, trainer.params.linear, **TOLERANCE)
    if params.factors is not None:
        np.testing.assert_allclose(model.factors, trainer.params.factors, **TOLERANCE)


@pytest.mark.parametrize("k", [1, 4, 8, 12, 16, 31])
@pytest.mark.parametrize("model", ["fm", "ffm"])
def test_any_number_of_factors(make_solver, make_rows, model, k):
    spec, params, solver = make_solver(
        model=model, loss="pairwise", n_factors=k, instance_norm=True, fit_linear=False
    )
    rows = make_rows("mixed", n_rows=10)
    trainer, pairs = Trainer(params, spec), pairs_of(10, 20)
    trainer.pair_epoch(rows, pairs)
    solver.train_pairs(rows, pairs)
    np.testing.assert_allclose(solver.export().factors, trainer.params.factors, **TOLERANCE)


@pytest.mark.parametrize("name", native.instruction_sets())
def test_every_instruction_set(make_solver, make_rows, name):
    before = native.instruction_set()
    try:
        native.use(name)
    except ValueError:
        pytest.skip(f"this processor lacks {name}")
    try:
        spec, params, solver = make_solver(loss="pairwise", n_factors=8)
        rows, trainer = make_rows("mixed"), Trainer(params, spec)
        pairs = pairs_of(len(rows))
        trainer.pair_epoch(rows, pairs)
        solver.train_pairs(rows, pairs)
        np.testing.assert_allclose(solver.export().factors, trainer.params.factors, **TOLERANCE)
    finally:
        native.use(before)


@pytest.mark.parametrize("n_threads", [1, 3])
def test_bad_pairs_are_refused_not_followed(make_solver, make_rows, n_threads):
    _, _, solver = make_solver(loss="pairwise")
    rows = make_rows("dense", n_rows=6)
    how = {"n_threads": n_threads}
    for bad in (-1, 6):
        for side in (0, 1):
            pairs = np.zeros((20, 2), np.int64)
            pairs[15, side] = bad
            with pytest.raises(DataError, match=f"Row {bad} "):
                solver.train_pairs(rows, pairs, **how)
    beyond = replace(rows, indices=rows.indices + np.uint32(1))
    with pytest.raises(DataError, match="cannot be trained on"):
        solver.train_pairs(beyond, np.array([[0, 1]]), **how)


def test_threads_share_the_pairs(make_solver, make_rows):
    _, _, solver = make_solver(loss="pairwise", learning_rate=1e-6)
    _, _, alone = make_solver(loss="pairwise", learning_rate=1e-6)
    rows = make_rows("mixed")
    pairs = pairs_of(len(rows), 400)
    together = solver.train_pairs(rows, pairs, 3)
    np.testing.assert_allclose(together, alone.train_pairs(rows, pairs), rtol=1e-4)


def test_what_does_not_fit_is_refused(make_spec, make_solver, make_rows):
    rows = make_rows("mixed")
    _, _, solver = make_solver(loss="pairwise")
    with pytest.raises(ValueError, match="two columns"):
        solver.train_pairs(rows, np.zeros((3, 3), np.int64))
    with pytest.raises(TypeError):
        solver.train_pairs(rows, np.zeros(4, np.int64))
    with pytest.raises(ValueError, match="one of pairs"):
        solver.train(rows, np.arange(3))
    table = native.TrainingTable(solver._spec, 12)
    logistic = native.core_spec(make_spec(loss="logistic"))
    with pytest.raises(ValueError, match="not one of pairs"):
        _core.train_pairs(
            logistic,
            table.rows,
            table.shared.reshape(1, -1),
            native.core_rows(rows),
            np.zeros((1, 2), np.int64),
            1,
        )
