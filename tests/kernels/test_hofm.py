"""Higher-order kernels: against sums over all subsets, and against the models they contain."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples
from tests.instruction_sets import each_in_use
from tests.oracle.kernels import Trainer, samples, score, score_rows

from fieldfare.config import ModelConfig, SolverConfig
from fieldfare.exceptions import ConfigError
from fieldfare.models.hofm import anova_kernels
from fieldfare.models.registry import build
from fieldfare.rows import Rows
from fieldfare.solvers.gradient import GradientSolver

GRADIENT_SOLVERS = [kind.name for kind in GradientSolver.runs]

# (order, factors of each order, shared): parts of unlike length and padding, and every code path.
SHAPES: list[dict[str, Any]] = [
    {"order": 2, "n_factors": 5},
    {"order": 3, "n_factors": (10, 3)},
    {"order": 4, "n_factors": (1, 8, 13)},
    {"order": 6, "n_factors": 2},
    {"order": 3, "n_factors": 9, "shared_factors": True},
    {"order": 5, "n_factors": 4, "shared_factors": True},
]
IDS = ["-".join(map(str, shape.values())) for shape in SHAPES]
CLOSE = {"rtol": 2e-4, "atol": 2e-5}


def by_subsets(p: np.ndarray, t: int) -> np.ndarray:
    """Sum over the subsets one by one."""
    total = np.zeros(p.shape[1])
    for subset in combinations(range(len(p)), t):
        total += np.prod([p[i] for i in subset], axis=0)
    return total


@pytest.mark.parametrize("n", [0, 1, 3, 7])
def test_the_recurrence_equals_sums_over_all_subsets(n):
    p = np.random.default_rng(n).normal(size=(n, 4))
    found = anova_kernels(p, 5)
    for t in range(6):
        np.testing.assert_allclose(found[t], by_subsets(p, t), atol=1e-12)


def test_order_three_in_closed_form(make_spec, make_parameters, make_rows):
    """Newton's identities give the kernel of order 3 from sums of powers."""
    spec = make_spec(model="hofm", order=3, n_factors=(2, 4))
    params = make_parameters(spec)
    for ids, fields, x in samples(make_rows("mixed")):
        p = x[:, None] * params.factors[ids, 0]
        s1, s2, s3 = (np.sum(p**power, axis=0) for power in (1, 2, 3))
        pairs, triples = (s1**2 - s2) / 2, (s1**3 - 3 * s1 * s2 + 2 * s3) / 6
        expected = params.bias + x @ params.linear[ids] + pairs[:2].sum() + triples[2:].sum()
        np.testing.assert_allclose(score(params, spec, ids, fields, x), expected, atol=1e-10)


@pytest.mark.parametrize("shape", SHAPES, ids=IDS)
@pytest.mark.parametrize("loss", ["logistic", "softmax"])
def test_scores(make_solver, make_rows, shape, loss):
    spec, params, solver = make_solver(model="hofm", loss=loss, **shape)
    for kind in ("dense", "sparse", "empty", "single", "repeated", "ones"):
        rows = make_rows(kind, n_rows=4)
        expected = score_rows(params, spec, rows)
        for scorer in (solver, solver.export()):
            np.testing.assert_allclose(scorer.score(rows), expected, **CLOSE, err_msg=kind)


@pytest.mark.parametrize("shape", SHAPES, ids=IDS)
@pytest.mark.parametrize("solver", GRADIENT_SOLVERS)
def test_training(make_solver, make_rows, shape, solver):
    spec, params, trainer = make_solver(model="hofm", solver=solver, **shape)
    reference, rows = Trainer(params, spec), make_rows("mixed", n_rows=10)
    order = np.random.default_rng(0).permutation(len(rows))
    for _ in range(2):
        np.testing.assert_allclose(
            trainer.train(rows, order), reference.epoch(rows, order), rtol=1e-4, atol=1e-5
        )
    found = trainer.export()
    np.testing.assert_allclose(found.factors, reference.params.factors, **CLOSE)
    np.testing.assert_allclose(found.linear, reference.params.linear, **CLOSE)


@pytest.mark.parametrize("solver", GRADIENT_SOLVERS)
def test_orders_have_their_own_penalties(make_solver, make_rows, solver):
    penalties = {"l2_factors": (0.5, 0.0), "l1_factors": (0.0, 4.0)}
    spec, params, trainer = make_solver(model="hofm", solver=solver, n_factors=(3, 2), **penalties)
    reference, rows = Trainer(params, spec), make_rows("mixed", n_rows=10)
    order = np.arange(len(rows))
    reference.epoch(rows, order)
    trainer.train(rows, order)
    np.testing.assert_allclose(trainer.export().factors, reference.params.factors, **CLOSE)


@pytest.mark.parametrize("solver", GRADIENT_SOLVERS)
def test_order_two_is_a_factorization_machine(make_solver, make_rows, solver):
    rows, found = make_rows("sparse"), []
    for model in ("fm", "hofm"):
        _, _, trainer = make_solver(model=model, solver=solver, n_factors=6, order=2)
        before = trainer.score(rows)
        trainer.train(rows, np.arange(len(rows)))
        found.append((before, trainer.score(rows), trainer.export().factors))
    for fm, hofm in zip(*found, strict=True):
        np.testing.assert_allclose(hofm, fm, rtol=1e-4, atol=1e-6)


def test_vanishing_factors_leave_lower_orders(make_solver, make_rows):
    _, _, solver = make_solver(model="hofm", order=3, n_factors=(6, 5))
    model, rows = solver.export(), make_rows("mixed")
    model.factors[..., 6:] = 0
    config = ModelConfig(model="fm", n_factors=6)
    pairs = build(config, n_features=model.n_features)
    pairs.bias, pairs.linear, pairs.factors = model.bias, model.linear, model.factors[..., :6]
    np.testing.assert_allclose(model.score(rows), pairs.score(rows), **CLOSE)


def test_shared_factors_are_equal_factors_of_their_own(make_solver, make_rows):
    _, _, shared = make_solver(model="hofm", order=4, n_factors=3, shared_factors=True)
    one, rows = shared.export(), make_rows("mixed")
    model = build(ModelConfig(model="hofm", order=4, n_factors=3), n_features=one.n_features)
    model.bias, model.linear = one.bias, one.linear
    model.factors = np.tile(one.factors, 3)
    np.testing.assert_allclose(model.score(rows), one.score(rows), **CLOSE)


@pytest.mark.parametrize("n", [3, 200])
def test_dominant_entries_do_not_drown_the_others(make_spec, n):
    """Gradients by sums and products alone keep their digits where differences would cancel."""
    config = ModelConfig(model="hofm", order=3, n_factors=1, fit_linear=False, fit_intercept=False)
    model = build(config, n_features=n)
    model.factors[:] = 0.01
    model.factors[0] = 1e4
    target = np.ones(1, np.float32)
    rows = Rows(np.array([0, n]), np.arange(n, dtype=np.uint32), target=target)
    from fieldfare.solvers.gradient import GradientSolver

    rate = 1e-12
    solver = GradientSolver(model, SolverConfig(solver="sgd", learning_rate=rate, l2_factors=0.0))
    slope = 1 / (1 + np.exp(-np.float64(model.score(rows)[0, 0]))) - 1
    solver.train(rows, np.arange(1))
    # The derivative of the pair term in v_0 is the sum of the others: no digit of 1e4 in it.
    moved = np.float64(solver.export().factors[0, 0, 0]) - 1e4
    assert abs(moved - -rate * slope * 0.01 * (n - 1)) < 1e-6


@examples(30)
@given(
    shape=st.sampled_from(SHAPES),
    n=st.integers(0, 9),
    seed=st.integers(0, 2**31),
    split=st.integers(0, 9),
)
def test_the_order_of_entries_and_empty_entries_do_not_matter(shape, n, seed, split):
    random = np.random.default_rng(seed)
    model = build(ModelConfig(model="hofm", init_scale=0.5, **shape), n_features=20, seed=seed)
    ids = random.choice(20, n, replace=False).astype(np.uint32)
    x = random.normal(size=n).astype(np.float32)
    order = random.permutation(n)
    at = min(split, n)
    variants = [
        (ids, x),
        (ids[order], x[order]),
        (np.insert(ids, at, 19), np.insert(x, at, np.float32(0))),
    ]
    scores = [
        model.score(Rows(np.array([0, len(i)]), i.astype(np.uint32), v.astype(np.float32)))[0, 0]
        for i, v in variants
    ]
    np.testing.assert_allclose(scores, scores[0], rtol=1e-4, atol=1e-4)


@examples(30)
@given(shape=st.sampled_from(SHAPES), scale=st.floats(0.1, 3), seed=st.integers(0, 2**31))
def test_each_order_is_homogeneous(shape, scale, seed):
    """Scaling a sample by c scales the interactions of order t by c^t."""
    random = np.random.default_rng(seed)
    model = build(ModelConfig(model="hofm", init_scale=0.5, **shape), n_features=8, seed=seed)
    ids, x = np.arange(8), random.normal(size=8)
    higher = model.higher_terms(ids, x)
    scaled = model.higher_terms(ids, scale * x)
    powers = scale ** np.arange(3, shape["order"] + 1)
    np.testing.assert_allclose(scaled, higher * powers, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES, ids=IDS)
def test_instruction_sets_agree(make_solver, make_rows, shape):
    found = []
    for _ in each_in_use():
        _, _, trainer = make_solver(model="hofm", **shape)
        rows = make_rows("mixed")
        trainer.train(rows, np.arange(len(rows)))
        found.append(trainer.export())
    for other in found[1:]:
        np.testing.assert_allclose(other.factors, found[0].factors, **CLOSE)


@pytest.mark.parametrize(
    ("settings_", "words"),
    [
        ({"model": "fm", "n_factors": (3, 4)}, "give one number"),
        ({"model": "hofm", "n_factors": (3, 4), "shared_factors": True}, "give one number"),
        ({"model": "hofm", "n_factors": (3, 4), "order": 4}, "3 in all"),
        ({"model": "hofm", "n_factors": (3,)}, "2 in all"),
        ({"model": "hofm", "n_factors": (3, 0)}, "each an integer"),
        ({"model": "hofm", "order": 1}, "'order'"),
    ],
)
def test_orders_and_numbers_of_factors_must_agree(settings_, words):
    with pytest.raises(ConfigError, match=words):
        ModelConfig(**settings_)


@pytest.mark.parametrize(
    ("model", "order", "l2"), [("hofm", 3, (0.1,)), ("hofm", 4, (0.1, 0.1)), ("fm", 3, (0.1, 0.1))]
)
def test_penalties_must_fit_the_orders(model, order, l2):
    made = build(ModelConfig(model=model, order=order), n_features=3)
    with pytest.raises(ConfigError, match="'l2_factors'"):
        made.spec(SolverConfig(l2_factors=l2))


def test_lists_are_taken_as_tuples():
    assert ModelConfig(model="hofm", n_factors=[3, 4]) == ModelConfig(
        model="hofm", n_factors=(3, 4)
    )
    assert replace(SolverConfig(), l2_factors=[0.1]).l2_factors == (0.1,)
