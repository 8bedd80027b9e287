"""SGD with adaptive regularisation: what it learns, keeps, and refuses."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import fieldfare
from fieldfare.config import ModelConfig, SolverConfig, TrainingConfig
from fieldfare.estimators import FMClassifier, FMRegressor, HOFMRegressor, LinearRegressor
from fieldfare.exceptions import ConfigError, DataError
from fieldfare.kernels.table import Units
from fieldfare.models.registry import build
from fieldfare.rows import Rows
from fieldfare.solvers.sgda import SgdaSolver
from fieldfare.training.loop.session import fit


def _rows(n: int = 1500, scale: float = 1.0) -> Rows:
    """Pairs of ids with a planted FM and so much noise that penalties are worth having."""
    rng = np.random.default_rng(0)
    u, i = rng.integers(0, 60, n), rng.integers(0, 60, n)
    a, b = rng.normal(size=(60, 2)), rng.normal(size=(60, 2))
    target = (a[u] * b[i]).sum(axis=1) + rng.normal(size=n)
    return Rows(
        np.arange(0, 2 * n + 1, 2),
        np.stack([u, 60 + i], axis=1).ravel().astype(np.uint32),
        fields=np.tile(np.arange(2, dtype=np.uint16), n),
        target=(scale * target).astype(np.float32),
    )


def _solver(scale: float = 1.0, **changes: object) -> SgdaSolver:
    model = build(ModelConfig(task="regression", n_factors=6), n_features=120, seed=1,
                  units=Units(scale))  # fmt: skip
    config = SolverConfig(solver="sgda", learning_rate=0.03, **changes)
    return SgdaSolver(model, config, seed=3)


def test_penalties_are_learned_and_help() -> None:
    rows, held = _rows().slice(0, 1200), _rows().slice(1200, 1500)
    order = np.arange(1200, dtype=np.int64)
    rmse = {}
    for name, rate in (("learned", 0.03), ("fixed", 0.0)):
        solver = _solver(l2_linear=0.0, l2_factors=0.0)
        for _ in range(60):
            if rate == 0:
                solver._penalties[:] = 0
            solver.train(rows, order)
        rmse[name] = np.sqrt(np.mean((solver.score(held)[:, 0] - held.target) ** 2))
        if rate:
            learned = solver.export().provenance["learned_penalties"]
    assert rmse["learned"] < 0.97 * rmse["fixed"]
    assert learned["l2_linear"] >= 0
    assert len(learned["l2_factors"]) == 6
    assert max(learned["l2_factors"]) > 0.01


def test_the_unit_of_the_target_does_not_matter() -> None:
    found = []
    for scale in (1.0, 100.0):
        solver = _solver(scale)
        for _ in range(3):
            solver.train(_rows(scale=scale), np.arange(1500))
        found.append(solver)
    one, two = found
    np.testing.assert_allclose(two.score(_rows()), 100 * one.score(_rows()), rtol=2e-3, atol=0.05)
    a, b = (s.export().provenance["learned_penalties"]["l2_factors"] for s in found)
    np.testing.assert_allclose(a, b, rtol=1e-2)


def test_seeds_states_copies_and_growth() -> None:
    rows, order = _rows(), np.arange(1500)
    one, two = _solver(), _solver()
    for solver in (one, two):
        solver.train(rows, order, n_threads=2)
    third = pickle.loads(pickle.dumps(one))
    fourth = _solver()
    fourth.load_state({name: array.copy() for name, array in one.state().items()})
    for solver in (one, two, third, fourth):
        solver.train(rows, order)
    for other in (two, third, fourth):
        for name, array in one.state().items():
            np.testing.assert_array_equal(array, other.state()[name])
    one.grow(125)
    assert one.n_features == 125
    assert one.export().factors.shape == (125, 1, 6)
    with pytest.raises(DataError, match="does not fit"):
        two.load_state(one.state())


def test_it_is_a_solver_like_the_others(tmp_path) -> None:
    rows = _rows()
    result = fieldfare.train(
        rows, task="regression", solver="sgda", learning_rate=0.03, max_iter=200, n_factors=4,
        early_stopping=True, n_iter_no_change=30, random_state=0,
    )  # fmt: skip
    assert result.history.best["valid_rmse"] < 0.95 * rows.target.std()
    fieldfare.save_model(result.model, tmp_path / "m.ff")
    saved = fieldfare.load_model(tmp_path / "m.ff").provenance["learned_penalties"]
    assert saved == result.model.provenance["learned_penalties"]
    assert saved["l2_factors"] != [1e-4] * 4
    X = [{"a": f"x{i % 7}", "b": f"y{i % 5}"} for i in range(300)]
    y = np.array([i % 7 > i % 5 for i in range(300)])
    settings = {"solver": "sgda", "learning_rate": 0.3, "random_state": 0, "max_iter": 40}
    classifier = FMClassifier(class_weight="balanced", **settings).fit(X, y)
    assert classifier.score(X, y) > 0.9
    linear = LinearRegressor(**{**settings, "learning_rate": 0.05}).fit(X, y.astype(float))
    assert "l2_factors" not in linear.model_.provenance["learned_penalties"]
    warm = FMRegressor(warm_start=True, **settings).set_params(max_iter=2, learning_rate=0.05)
    assert warm.fit(X, y.astype(float)).fit(X, y.astype(float)).n_iter_ == 4
    assert not hasattr(FMRegressor(**settings), "partial_fit")


def test_what_it_cannot_do_is_refused() -> None:
    X, y = [{"a": "x"}, {"a": "y"}, {"a": "z"}] * 9, np.arange(27.0) % 3
    with pytest.raises(ConfigError, match="kinds linear, fm"):
        HOFMRegressor(solver="sgda").fit(X, y)
    with pytest.raises(ConfigError, match="3 classes"):
        FMClassifier(solver="sgda").fit(X, y)
    model = build(ModelConfig(task="regression", n_factors=2), n_features=120)
    config = TrainingConfig(max_iter=1, random_state=0)
    with pytest.raises(DataError, match="fewer than|at least two|needs"):
        fit(model, SolverConfig(solver="sgda"), _rows().slice(0, 1), None, config)
