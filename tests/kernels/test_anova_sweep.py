"""Sweeps over factors of orders above 2 against one parameter at a time in float64."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.kernels.test_coordinate import CASES, K, copy, prior_of, reference, start, table
from tests.oracle.coordinate import Fit, anova

from fieldfare.config import ModelConfig
from fieldfare.kernels.coordinate import Design, Observed, SweepParameters
from fieldfare.models.registry import build
from fieldfare.rows import RelatedRows, Relation, Rows

ORDERS = {
    "own": [[2, 2], [3, 3], [4, 4]],
    "shared": [[2, 3], [2, 3], [2, 3]],
    "high": [[6, 6], [2, 5], [3, 3]],
}


def _start(p: int, orders: str) -> SweepParameters:
    given = start(p)
    assert given.factors is not None
    return replace(given, factors=2 * given.factors, orders=np.array(ORDERS[orders], np.uint32))


def _copy(parameters: SweepParameters) -> SweepParameters:
    return replace(copy(parameters), orders=parameters.orders)


def _reference(rows: Rows, parameters: SweepParameters, prior, weight, precision: float) -> Fit:
    fit = reference(rows, parameters, prior, weight, precision)
    fit.orders = parameters.orders
    return fit


@pytest.mark.parametrize("logistic", [False, True])
@pytest.mark.parametrize("orders", ORDERS)
@pytest.mark.parametrize("case", CASES)
def test_sweeps_match_one_parameter_at_a_time(case: str, orders: str, logistic: bool) -> None:
    rows, p = table(60, *CASES[case][0])
    rng = np.random.default_rng(3)
    weight = rng.uniform(0, 2, len(rows)).astype(np.float32) if case != "gaps" else None
    label = rng.integers(0, 2, len(rows)).astype(np.float32) if logistic else None
    parameters, prior = _start(p, orders), prior_of(p)
    expected = _reference(rows, parameters, prior, weight, 0.7)
    design = Design(rows, None, p)
    np.testing.assert_allclose(design.score(parameters), expected.scores(), rtol=1e-4, atol=1e-4)
    assert rows.target is not None
    target = rows.target.copy()
    observed = Observed(design.score(parameters) - target, target, label, weight, 0.7)
    for _ in range(2):
        design.sweep(parameters, prior, observed)
        expected.sweep(range(p), None if label is None else label.astype(np.float64))
    np.testing.assert_allclose(parameters.linear, expected.linear, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(parameters.factors, expected.factors, rtol=1e-3, atol=1e-3)
    scores = observed.residual + observed.target
    np.testing.assert_allclose(scores, design.score(parameters), rtol=1e-3, atol=1e-3)


def test_scores_are_those_of_the_model() -> None:
    rows, p = table(50, *CASES["all"][0])
    config = ModelConfig(model="hofm", task="regression", order=4, n_factors=(2, 1, 3))
    model = build(config, n_features=p, n_fields=5, seed=1)
    assert model.factors is not None
    orders = np.array([[2, 2]] * 2 + [[3, 3]] + [[4, 4]] * 3, np.uint32)
    factors = np.ascontiguousarray(model.factors[:, 0].T)
    found = Design(rows, None, p).score(
        SweepParameters(model.bias, model.linear[:, 0].copy(), factors, orders)
    )
    np.testing.assert_allclose(found, model.score(rows)[:, 0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("key", [None, 7])
def test_any_number_of_threads_gives_the_same_bits(key: int | None) -> None:
    rows, p = table(2000, *CASES["all"][0])
    assert rows.target is not None
    found = []
    for n_threads in (1, 2, 5):
        parameters = _start(p, "own")
        design = Design(rows, None, p)
        observed = Observed(design.score(parameters, n_threads) - rows.target, rows.target.copy())
        design.sweep(parameters, prior_of(p), observed, key=key, n_threads=n_threads)
        found.append(parameters.factors)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_side_tables_are_visited_as_if_joined() -> None:
    rng = np.random.default_rng(0)
    n, p = 200, 18
    ids = np.stack([np.arange(6), 6 + np.arange(6) % 3], axis=1).astype(np.uint32).ravel()
    sides = [Rows(np.arange(7) * 2, ids + np.uint32(first)) for first in (0, 9)]
    codes = [rng.integers(0, 6, n).astype(np.uint32) for _ in sides]
    target = rng.normal(size=n).astype(np.float32)
    rows = RelatedRows(
        Rows(np.zeros(n + 1, np.int64), np.zeros(0, np.uint32), target=target),
        tuple(Relation(of, side) for of, side in zip(codes, sides, strict=True)),
    )
    found = []
    for given in (rows, rows.join()):
        parameters, design = _start(p, "own"), Design(given, None, p)
        observed = Observed(design.score(parameters) - rows.target, rows.target.copy())
        for _ in range(2):
            design.sweep(parameters, prior_of(p), observed)
        found.append(design.score(parameters))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-3, atol=1e-3)


def test_draws_have_the_conditional_mean_and_deviation() -> None:
    rows, p = table(40, "one_hot", "one_hot", "numbers")
    assert rows.target is not None
    parameters, prior, design = _start(p, "own"), prior_of(p), Design(rows, None, p)
    # The first factor of order 3, and its first feature: all before it stays as it is.
    f, drawn = 1, []
    still = replace(
        parameters,
        bias=None,
        linear=None,
        factors=parameters.factors[f : f + 1].copy(),
        orders=parameters.orders[f : f + 1],
    )
    own = replace(prior, precision=prior.precision[[0, 1]], mean=prior.mean[[0, 1]])
    for key in range(2000):
        one = replace(still, factors=still.factors.copy())
        observed = Observed(design.score(one) - rows.target, rows.target.copy())
        design.sweep(one, own, observed, key=key)
        drawn.append(one.factors[0, 0])
    exact = _reference(rows, replace(still, bias=np.zeros(1, np.float32),
                                     linear=np.zeros(p, np.float32)), own, None, 1.0)  # fmt: skip
    x = exact.X[:, 0]
    h = x * anova(exact.X[:, 1:] * exact.factors[0, 1:], 2)[2]
    precision = (h * h).sum() + exact.precision[1, 0]
    e = exact.scores() - exact.y
    mean = exact.factors[0, 0] * (h * h).sum() - (h * e).sum()
    mean = (mean + exact.precision[1, 0] * exact.mean[1, 0]) / precision
    assert np.mean(drawn) == pytest.approx(mean, abs=4 / np.sqrt(2000 * precision))
    assert np.std(drawn) == pytest.approx(1 / np.sqrt(precision), rel=0.08)


@pytest.mark.parametrize("orders", [[[2, 2]], [[1, 2]] * K, [[3, 2]] * K, [[2, 17]] * K])
def test_orders_that_make_no_sense_are_refused(orders: list[list[int]]) -> None:
    rows, p = table(20, "one_hot", "one_hot")
    wrong = replace(start(p), orders=np.array(orders, np.uint32))
    with pytest.raises(ValueError, match="order"):
        Design(rows, None, p).score(wrong)
