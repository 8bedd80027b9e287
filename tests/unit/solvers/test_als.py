"""The ALS solver: what it lowers, what it keeps, and what it refuses."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from fieldfare.config import ModelConfig, SolverConfig, TrainingConfig
from fieldfare.data.loading import load
from fieldfare.estimators import (
    FFMRegressor,
    FMClassifier,
    FMRanker,
    FMRegressor,
    HOFMClassifier,
    HOFMRegressor,
)
from fieldfare.exceptions import ConfigError, DataError
from fieldfare.models.base import Model
from fieldfare.models.registry import build
from fieldfare.rows import Rows
from fieldfare.solvers.als import AlsSolver
from fieldfare.solvers.gradient import GradientSolver
from fieldfare.training.loop.session import fit
from fieldfare.training.samples.subset import RowSubset

N, K = 18, 4


def _rows(n: int = 300, *, binary: bool = False, weighted: bool = False) -> Rows:
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 6, (n, 3)) + [0, 6, 12]
    score = np.sin(ids[:, 0] * ids[:, 1]) + 0.1 * rng.normal(size=n)
    return Rows(
        np.arange(0, 3 * n + 1, 3, dtype=np.int64),
        ids.astype(np.uint32).ravel(),
        fields=np.tile(np.arange(3, dtype=np.uint16), n),
        target=(score > 0 if binary else score).astype(np.float32),
        weight=rng.uniform(0.5, 2, n).astype(np.float32) if weighted else None,
    )


def _start(task: str = "regression", **kind: object) -> Model:
    return build(ModelConfig(task=task, n_factors=K, **kind), n_features=N, n_fields=3, seed=7)


def _objective(model: Model, rows: Rows, solver: SolverConfig) -> float:
    s, y = model.score(rows)[:, 0].astype(float), rows.target
    assert y is not None and model.factors is not None
    losses = np.logaddexp(0, s) - y * s if model.config.task == "binary" else (s - y) ** 2 / 2
    weight = 1 if rows.weight is None else rows.weight
    touched = model.factors[rows.indices.astype(int)]
    each = np.repeat(solver.l2_factors, [part.n_factors for part in model.config.factor_blocks])
    penalty = (each * touched**2).sum()
    penalty += solver.l2_linear * (model.linear[rows.indices.astype(int)] ** 2).sum()
    return float((weight * losses).sum() + penalty / 2)


@pytest.mark.parametrize("task", ["regression", "binary"])
@pytest.mark.parametrize("weighted", [False, True])
def test_no_sweep_makes_the_objective_worse(task: str, weighted: bool) -> None:
    rows = _rows(binary=task == "binary", weighted=weighted)
    config = SolverConfig(solver="als", l2_exponent=1.0, l2_linear=0.01, l2_factors=0.02)
    solver = AlsSolver(_start(task), config)
    values = [_objective(_start(task), rows, config)]
    for _ in range(15):
        loss, weight = solver.train(rows, np.arange(len(rows)))
        values.append(_objective(solver.export(), rows, config))
    assert (np.diff(values) < 1e-3).all()
    assert values[-1] < 0.7 * values[0]
    # The loss is that of the scores after the sweep.
    s, y = solver.score(rows)[:, 0], rows.target
    losses = np.logaddexp(0, s) - y * s if task == "binary" else (s - y) ** 2
    w = np.ones(len(rows)) if rows.weight is None else rows.weight
    np.testing.assert_allclose([loss, weight], [(w * losses).sum(), w.sum()], rtol=1e-4)


@pytest.mark.parametrize("task", ["regression", "binary"])
@pytest.mark.parametrize("shared", [False, True])
def test_orders_above_two_are_swept_too(task: str, shared: bool) -> None:
    rows = _rows(binary=task == "binary", weighted=True)
    kind = {"model": "hofm", "order": 3, "init_scale": 0.3, "shared_factors": shared}
    start = build(
        ModelConfig(task=task, n_factors=4 if shared else (2, 3), **kind), n_features=N, seed=7
    )
    penalty = 0.02 if shared else (0.02, 0.05)
    config = SolverConfig(solver="als", l2_exponent=1.0, l2_linear=0.01, l2_factors=penalty)
    solver, values = AlsSolver(start, config), [_objective(start, rows, config)]
    for _ in range(12):
        solver.train(rows, np.arange(len(rows)))
        values.append(_objective(solver.export(), rows, config))
    assert (np.diff(values) < 1e-3).all()
    assert values[-1] < 0.7 * values[0]


def test_it_ends_where_gradients_end() -> None:
    rows, order = _rows(), np.arange(300)
    penalties = {"l2_linear": 0.05, "l2_factors": 0.05, "l2_exponent": 1.0}
    als = AlsSolver(_start(), SolverConfig(solver="als", **penalties))
    sgd = GradientSolver(als.export(), SolverConfig(solver="sgd", learning_rate=0.02, **penalties))
    for _ in range(200):
        als.train(rows, order)
    for _ in range(600):
        sgd.train(rows, order)
    config = SolverConfig(**penalties)
    least, near = (_objective(solver.export(), rows, config) for solver in (als, sgd))
    assert least == pytest.approx(near, rel=0.05)


@pytest.mark.parametrize("options", [{"fit_linear": False}, {"fit_intercept": False},
                                     {"instance_norm": True}, {"model": "linear"}])  # fmt: skip
def test_parts_of_the_model(options: dict[str, object]) -> None:
    rows = _rows()
    weak = SolverConfig(solver="als", l2_linear=0.01, l2_factors=0.01)
    result = fit(_start(**options), weak, rows, config=_quick(5))
    losses = result.history["train_loss"]
    assert losses[-1] <= losses[0]
    s = result.model.score(rows)[:, 0]
    assert np.mean((s - rows.target) ** 2) == pytest.approx(losses[-1], rel=1e-3)
    assert options.get("fit_linear", True) or not result.model.linear.any()
    assert options.get("fit_intercept", True) or not result.model.bias.any()


def _quick(max_iter: int) -> TrainingConfig:
    return TrainingConfig(max_iter=max_iter, random_state=0, n_jobs=1)


def test_class_weights_count_as_sample_weights() -> None:
    rows = _rows(binary=True)
    assert rows.target is not None
    order = np.arange(len(rows))
    of_class = np.array([0.5, 3], np.float32)
    weighted = rows.with_(weight=of_class[rows.target.astype(int)])
    by_class, by_sample = AlsSolver(_start("binary")), AlsSolver(_start("binary"))
    for _ in range(3):
        by_class.train(rows, order, of_class)
        by_sample.train(weighted, order)
    np.testing.assert_array_equal(by_class.state()["factors"], by_sample.state()["factors"])


def test_a_part_of_the_rows_trains_like_these_rows_alone() -> None:
    rows = _rows()
    index = np.arange(0, 300, 3)
    found = [
        fit(_start(), SolverConfig(solver="als"), part, config=_quick(4)).model.factors
        for part in (RowSubset(rows, index), RowSubset(rows.take(index)))
    ]
    np.testing.assert_array_equal(found[0], found[1])


def test_growing_equals_a_table_made_large_at_once() -> None:
    large = AlsSolver(_start(), seed=7)
    small = build(ModelConfig(task="regression", n_factors=K), n_features=N - 5, seed=7)
    grown = AlsSolver(small, seed=7)
    grown.grow(N)
    grown.grow(3)
    for solver in (large, grown):
        solver.train(_rows(), np.arange(300))
    for name, array in grown.state().items():
        np.testing.assert_array_equal(array, large.state()[name])


def test_a_state_that_does_not_fit_is_refused() -> None:
    solver = AlsSolver(_start())
    with pytest.raises(DataError, match="Got nothing"):
        solver.load_state({})
    with pytest.raises(DataError, match="does not fit this solver"):
        solver.load_state(solver.state() | {"linear": np.zeros(3, np.float32)})
    # Any number of scores may be known, but they are a row of numbers.
    for scores in (np.float32(0), np.zeros((2, 3), np.float32), np.zeros(3)):
        with pytest.raises(DataError, match="'scores' must be float32"):
            solver.load_state(solver.state() | {"scores": np.asarray(scores)})


def test_models_that_it_cannot_train_are_refused() -> None:
    with pytest.raises(ConfigError, match="Got model='ffm'"):
        AlsSolver(_start(model="ffm"))
    X = np.eye(6)
    with pytest.raises(ConfigError, match="3 classes"):
        FMClassifier(solver="als").fit(X, [0, 1, 2] * 2)
    with pytest.raises(ConfigError, match="Got model='ffm'"):
        FFMRegressor(solver="als").fit(X, range(6))
    with pytest.raises(ConfigError, match="'rank'"):
        FMRanker(solver="als").fit(X, range(6), qid=[0] * 6)
    with pytest.raises(AttributeError, match="partial_fit") as refused:
        FMRegressor(solver="als").partial_fit(X, range(6))
    assert isinstance(refused.value.__cause__, ConfigError)
    assert "all samples at once" in str(refused.value.__cause__)
    with pytest.raises(ConfigError, match="'solver' parameter"):
        FMRegressor(solver="gd").partial_fit(X, range(6))


def test_rows_on_disk_train_to_the_same_bits(tmp_path) -> None:
    rows = _rows()
    assert rows.target is not None
    lines = [
        " ".join([str(float(y)), *(f"{f}:{j}:1" for f, j in enumerate(ids))])
        for y, ids in zip(rows.target, rows.indices.reshape(-1, 3), strict=True)
    ]
    path = tmp_path / "rows.ffm"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    start = _start()
    found = [
        fit(start, SolverConfig(solver="als"), data, config=_quick(3)).model.factors
        for data in (load(path), rows)
    ]
    np.testing.assert_array_equal(found[0], found[1])


@pytest.mark.parametrize("cls", [FMRegressor, FMClassifier, HOFMRegressor, HOFMClassifier])
def test_estimators_train_go_on_and_pickle(cls: type) -> None:
    rng = np.random.default_rng(0)
    X = [{"user": int(u), "item": int(i)} for u, i in rng.integers(0, 6, (400, 2))]
    y = [int(row["user"] * row["item"] % 3 == 0) for row in X]
    common = {"solver": "als", "n_factors": 4, "random_state": 0, "l2_factors": 0.01}
    common |= {"early_stopping": False}
    whole = cls(max_iter=12, **common).fit(X, y)
    steps = cls(max_iter=6, warm_start=True, **common).fit(X, y)
    steps = pickle.loads(pickle.dumps(steps)).fit(X, y)
    assert whole.score(X, y) > 0.7
    np.testing.assert_allclose(steps.predict(X), whole.predict(X), rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize(("k", "n_features"), [(1, N), (K, 1), (1, 1)])
def test_snapshots_and_the_first_model_stay_as_they_are(k: int, n_features: int) -> None:
    """Where a table has one row or column, its transpose is contiguous too: no reason to alias."""
    rows = _rows()
    if n_features == 1:
        rows = Rows(
            np.arange(len(rows) + 1), np.zeros(len(rows), np.uint32), rows.target, None, rows.target
        )
    config = ModelConfig(task="regression", n_factors=k)
    start = build(config, n_features=n_features, seed=7)
    first = {name: array.copy() for name, array in start.arrays().items()}
    solver = AlsSolver(start)
    solver.train(rows, np.arange(len(rows)))
    snapshot = solver.export()
    taken = {name: array.copy() for name, array in snapshot.arrays().items()}
    solver.train(rows, np.arange(len(rows)))
    for name, array in first.items():
        np.testing.assert_array_equal(start.arrays()[name], array)
        np.testing.assert_array_equal(snapshot.arrays()[name], taken[name])
