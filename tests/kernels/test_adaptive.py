"""SGD with adaptive regularisation: its gradient numerically, its kernel against NumPy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.kernels.test_coordinate import dense, table
from tests.oracle.adaptive import Adaptive

from fieldfare.config import ModelConfig, SolverConfig
from fieldfare.exceptions import DataError
from fieldfare.kernels.adaptive import adaptive_epoch, step_sizes
from fieldfare.kernels.table import NO_UNITS, Spec, Units
from fieldfare.rows import Rows

K = 3
SOLVER = SolverConfig("sgda", learning_rate=0.05, l2_linear=0.1, l2_factors=0.2)


def problem(
    loss: str, *, weighted: bool = False, solver: SolverConfig = SOLVER, units: Units = NO_UNITS
) -> tuple[Adaptive, Rows, Spec]:
    rows, p = table(60, "one_hot", "gaps", "sets", "numbers")
    rng = np.random.default_rng(4)
    if loss == "logistic":
        rows = rows.with_(target=rng.integers(0, 2, 60).astype(np.float32))
    if weighted:
        rows = rows.with_(weight=rng.uniform(0.5, 2, 60).astype(np.float32))
    task = "binary" if loss == "logistic" else "regression"
    spec = Spec(ModelConfig(task=task, n_factors=K), solver, units=units)
    return (
        Adaptive(
            dense(rows, p).astype(np.float64),
            rows.target.astype(np.float64),
            np.ones(60) if rows.weight is None else rows.weight.astype(np.float64),
            0.3,
            rng.normal(size=p).astype(np.float32).astype(np.float64),
            (0.4 * rng.normal(size=(p, K))).astype(np.float32).astype(np.float64),
            np.array([0.1, 0.2, 0.05, 0.3]),
            step_sizes(spec),
            loss == "logistic",
            rng.uniform(0.1, 2, p).astype(np.float32).astype(np.float64),
        ),
        rows,
        spec,
    )


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_the_gradient_of_the_penalties_is_right_numerically(loss: str) -> None:
    own, _, _ = problem(loss, weighted=True)
    for row, held_out in ((0, 1), (5, 5), (17, 40)):
        found = own.penalty_gradient(row, held_out)
        for place in range(1 + K):
            step = np.zeros(1 + K)
            step[place] = 1e-5
            high = own.held_out_loss(row, held_out, own.penalties + step)
            low = own.held_out_loss(row, held_out, own.penalties - step)
            assert found[place] == pytest.approx((high - low) / 2e-5, rel=1e-5, abs=1e-10)


@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize("weighted", [False, True])
def test_an_epoch_matches_float64(loss: str, weighted: bool) -> None:
    own, rows, spec = problem(
        loss,
        weighted=weighted,
        solver=replace(SOLVER, learning_rate=0.1),
        units=Units(1.7, 2.3),
    )
    train, held_out = np.arange(50), np.arange(50, 60)
    bias = np.array([own.bias], np.float32)
    linear, factors = own.linear.astype(np.float32), own.factors.astype(np.float32)
    penalties = own.penalties.copy()
    expected = 0.0
    for row in train:
        before = own.score(own.X[row], own.bias, own.linear, own.factors)
        factor = 1 if loss == "logistic" else 2
        expected += factor * own.weight[row] * own.loss(before, own.y[row])
        own.epoch([row], [held_out[row % 10]])
    found = adaptive_epoch(
        spec,
        rows,
        (train, held_out),
        bias,
        linear,
        factors,
        penalties,
        times=own.times.astype(np.float32),
        weight=rows.weight,
    )
    assert found == pytest.approx(expected, rel=1e-4)
    assert (np.abs(penalties - [0.1, 0.2, 0.05, 0.3]) > 1e-5).all()
    np.testing.assert_allclose(bias[0], own.bias, rtol=1e-4)
    np.testing.assert_allclose(linear, own.linear, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(factors, own.factors, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(penalties, own.penalties, rtol=1e-4, atol=1e-6)


def test_parts_can_be_left_out_and_rows_normalised() -> None:
    own, rows, spec = problem("squared")
    orders = (np.arange(50), np.arange(50, 60))
    linear = own.linear.astype(np.float32)
    penalties = own.penalties[:1].copy()
    adaptive_epoch(spec, rows, orders, None, linear, None, penalties)
    assert (linear != own.linear.astype(np.float32)).any()
    X = own.X / np.linalg.norm(own.X, axis=1, keepdims=True)
    own = replace(own, X=X, times=None)
    bias, factors = np.array([own.bias], np.float32), own.factors.astype(np.float32)
    linear, penalties = own.linear.astype(np.float32), own.penalties.copy()
    normed = replace(spec, model=replace(spec.model, instance_norm=True))
    adaptive_epoch(normed, rows, orders, bias, linear, factors, penalties)
    own.epoch(*orders)
    np.testing.assert_allclose(factors, own.factors, rtol=1e-4, atol=1e-5)


def test_what_does_not_fit_is_refused() -> None:
    own, rows, spec = problem("squared")
    linear, penalties = own.linear.astype(np.float32), np.zeros(1)
    for bad in (np.array([60]), np.array([-1])):
        for orders in ((bad, np.arange(2)), (np.arange(2), bad)):
            with pytest.raises(DataError, match="outside the 60 rows"):
                adaptive_epoch(spec, rows, orders, None, linear, None, penalties)
    one = (np.arange(1), np.arange(1))
    with pytest.raises(DataError, match="feature id of 2 or more"):
        adaptive_epoch(spec, rows, one, None, linear[:2].copy(), None, penalties)
    with pytest.raises(ValueError, match="penalty"):
        adaptive_epoch(spec, rows, one, None, linear, None, np.zeros(2))
    with pytest.raises(ValueError, match="targets"):
        adaptive_epoch(spec, rows.with_(target=None), one, None, linear, None, penalties)
