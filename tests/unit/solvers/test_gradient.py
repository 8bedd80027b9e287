"""The solver's table: export, state and growth."""

from __future__ import annotations

import numpy as np
import pytest

from fieldfare.config import ModelConfig, SolverConfig
from fieldfare.exceptions import DataError
from fieldfare.kernels.table import Units
from fieldfare.kinds.models import MODEL_KINDS
from fieldfare.models.registry import build
from fieldfare.rows import Rows
from fieldfare.solvers.gradient import GradientSolver

GRADIENT_SOLVERS = [kind.name for kind in GradientSolver.runs]
WITH_FIELDS = [name for name, kind in MODEL_KINDS.items() if kind.uses_fields]

N, F, K = 12, 3, 8


def _rows(n: int = 50, n_features: int = N) -> Rows:
    random = np.random.default_rng(0)
    return Rows(
        np.arange(0, F * n + 1, F, dtype=np.int64),
        random.integers(0, n_features, F * n).astype(np.uint32),
        fields=np.tile(np.arange(F, dtype=np.uint16), n),
        target=random.integers(0, 2, n).astype(np.float32),
    )


def _solver(model: str, solver: str, n_features: int = N, *, linear: bool = True) -> GradientSolver:
    config = ModelConfig(model=model, n_factors=K, fit_linear=linear)
    start = build(config, n_features=n_features, n_fields=F if model in WITH_FIELDS else 0, seed=7)
    return GradientSolver(start, SolverConfig(solver=solver), seed=7)


@pytest.mark.parametrize("solver", GRADIENT_SOLVERS)
@pytest.mark.parametrize("model", MODEL_KINDS)
@pytest.mark.parametrize("linear", [True, False])
def test_an_exported_model_does_not_change_when_training_goes_on(
    model: str, solver: str, linear: bool
) -> None:
    trainer = _solver(model, solver, linear=linear)
    rows = _rows()
    exported = trainer.export()
    before = [exported.bias.copy(), exported.linear.copy()]
    before += [] if exported.factors is None else [exported.factors.copy()]
    trainer.train(rows, np.arange(len(rows)))
    after = [exported.bias, exported.linear]
    after += [] if exported.factors is None else [exported.factors]
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("solver", GRADIENT_SOLVERS)
@pytest.mark.parametrize("model", MODEL_KINDS)
def test_a_grown_table_equals_one_made_large_at_once(model: str, solver: str) -> None:
    grown, large = _solver(model, solver, N), _solver(model, solver, N + 5)
    grown.grow(N + 5)
    rows = _rows(n_features=N + 5)
    for trainer in (grown, large):
        trainer.train(rows, np.arange(len(rows)))
    for name, array in grown.state().items():
        np.testing.assert_array_equal(array, large.state()[name])


def test_growing_keeps_what_was_learned_and_never_shrinks() -> None:
    trainer = _solver("fm", "adagrad")
    trainer.train(_rows(), np.arange(50))
    learned = trainer.export()
    trainer.grow(N - 3)
    assert trainer.n_features == N
    trainer.grow(N + 3)
    assert learned.factors is not None
    grown = trainer.export().factors
    assert grown is not None
    np.testing.assert_array_equal(grown[:N], learned.factors)


@pytest.mark.parametrize("solver", GRADIENT_SOLVERS)
@pytest.mark.parametrize("model", MODEL_KINDS)
def test_units_of_targets_and_rows_do_not_change_what_is_learned(model: str, solver: str) -> None:
    unit = 1024.0  # a power of two four times over, so that scaling is exact
    config = ModelConfig(model=model, task="regression", n_factors=K)
    penalties = SolverConfig(
        solver=solver, learning_rate=0.05, l2_linear=0.01, l2_factors=0.01, l1_linear=0.01
    )
    scores = []
    for scale in (1.0, unit):
        units = Units(scale, 1 / scale)
        start = build(config, n_features=N, n_fields=F, seed=7, units=units)
        trainer = GradientSolver(start, penalties, seed=7)
        rows = _rows()
        assert rows.target is not None
        values = np.full(rows.nnz, 1 / scale, np.float32)
        rows = rows.with_(target=rows.target * np.float32(scale), values=values)
        for _ in range(3):
            trainer.train(rows, np.arange(len(rows)))
        assert trainer.export().units == units
        scores.append(trainer.score(rows) / scale)
    np.testing.assert_allclose(scores[1], scores[0], rtol=1e-4, atol=1e-5)


def test_state_continues_exactly_and_is_refused_where_it_does_not_fit() -> None:
    first, second = _solver("ffm", "ftrl"), _solver("ffm", "ftrl")
    rows, order = _rows(), np.arange(50)
    first.train(rows, order)
    second.load_state({name: array.copy() for name, array in first.state().items()})
    for trainer in (first, second):
        trainer.train(rows, order)
    for name, array in first.state().items():
        np.testing.assert_array_equal(array, second.state()[name])
    with pytest.raises(DataError, match="does not fit this solver"):
        _solver("ffm", "sgd").load_state(first.state())
    with pytest.raises(DataError, match="Got nothing"):
        second.load_state({})


@pytest.mark.parametrize("solver", GRADIENT_SOLVERS)
@pytest.mark.parametrize("model", MODEL_KINDS)
@pytest.mark.parametrize("n_features", [N, 40_000])  # beyond a huge page, the table is mapped
def test_a_finished_solver_hands_over_the_model_that_it_would_have_copied(
    model: str, solver: str, n_features: int
) -> None:
    trainer = _solver(model, solver, n_features)
    trainer.train(_rows(), np.arange(50))
    copied, handed_over = trainer.export(), trainer.finish()
    for name, array in copied.arrays().items():
        np.testing.assert_array_equal(array, handed_over.arrays()[name])


@pytest.mark.parametrize("model", MODEL_KINDS)
def test_factors_drawn_into_the_table_are_those_of_the_model(model: str) -> None:
    start = build(ModelConfig(model=model, n_factors=K), n_features=N, n_fields=F, seed=7)
    assert (start.undrawn is not None) == start.has_factors
    for name, array in GradientSolver(start, seed=7).export().arrays().items():
        np.testing.assert_array_equal(array, start.arrays()[name])
    assert start.undrawn is None  # they are drawn now


@pytest.mark.parametrize("n_threads", [1, 2])
def test_weights_next_to_zero_become_zero_while_training_only(n_threads: int) -> None:
    trainer = _solver("fm", "adagrad")
    model = trainer.export()
    assert model.factors is not None
    model.factors[:] = 1e-40  # below the normal range of float32, where processors are slow
    rows = _rows(400)
    trainer = GradientSolver(model, SolverConfig(l2_factors=0.1), seed=7)
    trainer.train(rows, np.arange(len(rows)), None, n_threads)
    learned = trainer.export().factors
    assert learned is not None
    assert not np.any((learned != 0) & (np.abs(learned) < np.finfo(np.float32).tiny))
    assert np.float32(1e-38) * np.float32(0.1) > 0
