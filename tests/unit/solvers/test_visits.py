"""Penalties that depend on how often a feature occurs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fieldfare import FMClassifier, FMRegressor, Rows, train
from fieldfare.config import ModelConfig, SolverConfig, TrainingConfig
from fieldfare.models.registry import build
from fieldfare.solvers.gradient import GradientSolver
from fieldfare.solvers.sgda import SgdaSolver
from fieldfare.training.loop.callbacks import Checkpoint
from fieldfare.training.loop.session import Session, fit
from fieldfare.training.samples.subset import RowSubset

BY_VISITS: dict[str, Any] = {"l2_linear": 0.1, "l2_factors": 0.2, "l2_exponent": 0.5}


@pytest.fixture
def clicks() -> Rows:
    rng = np.random.default_rng(0)
    ids = np.concatenate([rng.geometric(0.3, 300).clip(1, 9) - 1, rng.integers(9, 20, 300)])
    order = np.arange(600).reshape(2, 300).T.reshape(-1)
    return Rows(
        np.arange(0, 601, 2, dtype=np.int64),
        ids[order].astype(np.uint32),
        target=rng.integers(0, 2, 300).astype(np.float32),
    )


def penalties(session: Session) -> Any:
    solver = session._solver
    if isinstance(solver, SgdaSolver):
        return solver._times()
    assert isinstance(solver, GradientSolver)
    return solver._table.penalties


def new_session(n_features: int = 20, **solver: Any) -> Session:
    model = build(ModelConfig(n_factors=2), n_features=n_features)
    config = TrainingConfig(max_iter=1, random_state=0, n_jobs=1)
    return Session(model, SolverConfig(**BY_VISITS | solver), config)


def counts(rows: Rows) -> Any:
    return np.maximum(rows.counts(20), 1)


def test_a_penalty_is_divided_by_the_root_of_the_visits(clicks: Rows) -> None:
    session = new_session()
    session.fit(clicks)
    np.testing.assert_allclose(penalties(session), counts(clicks) ** -0.5, rtol=1e-6)
    half = RowSubset(clicks, index=np.arange(150))
    session = new_session()
    session.fit(half)
    seen = counts(clicks.slice(0, 150))
    np.testing.assert_allclose(penalties(session), seen**-0.5, rtol=1e-6)


def test_rows_of_weight_zero_are_not_visits(clicks: Rows) -> None:
    weight = np.ones(300, np.float32)
    weight[150:] = 0
    session = new_session()
    session.fit(clicks.with_(weight=weight))
    seen = counts(clicks.slice(0, 150))
    np.testing.assert_allclose(penalties(session), seen**-0.5, rtol=1e-6)


@pytest.mark.parametrize("solver", ["als", "sgda"])
@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
def test_rows_of_weight_zero_count_as_absent(clicks: Rows, solver: str, exponent: float) -> None:
    """Also among all rows at once: they are no visits, and neither train nor hold out penalties."""
    weight = np.ones(300, np.float32)
    weight[150:] = 0
    weight[::7] = 0
    present = clicks.take(np.flatnonzero(weight))
    found = []
    for rows in (clicks.with_(weight=weight), present):
        config = SolverConfig(solver=solver, **BY_VISITS | {"l2_exponent": exponent})
        model = build(ModelConfig(n_factors=2), n_features=20)
        training = TrainingConfig(max_iter=3, random_state=0)
        found.append(fit(model, config, rows, config=training).model)
    for name, array in found[0].arrays().items():
        np.testing.assert_array_equal(array, found[1].arrays()[name])


def test_rows_of_weight_zero_count_as_absent_where_features_are_centred() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 3)), rng.normal(size=200)
    how: dict[str, Any] = {"early_stopping": False, "shuffle": False, "max_iter": 3}
    model = FMRegressor(scale_features=True, l2_linear=1.0, random_state=0, **how)
    weight = np.repeat([1.0, 0.0], 100)
    weighed = model.fit(X, y, sample_weight=weight).predict(X)
    np.testing.assert_allclose(model.fit(X[:100], y[:100]).predict(X), weighed, rtol=1e-4)


def test_without_an_exponent_nothing_is_counted(clicks: Rows) -> None:
    session = new_session(l2_exponent=1.0)
    session.fit(clicks)
    assert (penalties(session) == 1).all()
    assert "visits" not in session._solver.state()


@pytest.mark.parametrize("solver", ["adagrad", "sgda"])
def test_training_again_counts_anew_and_more_rows_add_up(clicks: Rows, solver: str) -> None:
    session = new_session(solver=solver)
    first, second = clicks.slice(0, 200), clicks.slice(200, 300)
    session.fit(first)
    session.fit(first)
    np.testing.assert_allclose(penalties(session), counts(first) ** -0.5, rtol=1e-6)
    session.fit(second, more=True)
    np.testing.assert_allclose(penalties(session), counts(clicks) ** -0.5, rtol=1e-6)


def test_partial_fit_knows_how_often_features_occurred_so_far() -> None:
    first = {"u": ["a"] * 30 + ["b"] * 10}
    second = {"u": ["a"] * 6 + ["c"] * 4}
    clf = FMClassifier(random_state=0, n_jobs=1, **BY_VISITS)
    clf.partial_fit(first, [0, 1] * 20, classes=[0, 1])
    clf.partial_fit(second, [0, 1] * 5)
    session = clf._session
    assert session is not None
    names = [clf.schema_.feature_name(i) for i in range(session.n_features)]
    found = dict(zip(names, penalties(session), strict=True))
    expected = {"u=a": 36, "u=b": 10, "u=c": 4}
    for name, visits in expected.items():
        assert found[name] == pytest.approx(visits**-0.5)


def test_a_shifted_feature_is_in_every_row() -> None:
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(1e6, 1, 200) * rng.integers(0, 2, 200), rng.normal(size=200)])
    y = rng.integers(0, 2, 200)
    clf = FMClassifier(random_state=0, n_jobs=1, scale_features=True, **BY_VISITS)
    clf.partial_fit(X, y)
    inner = clf._session._solver._inner
    assert (clf.model_.scaling.shift != 0).any()
    shifted = clf.model_.scaling.centred
    assert inner._visits[shifted].tolist() == [200] * len(shifted)


@pytest.mark.parametrize("solver", ["adagrad", "rowwise_adagrad", "sgd", "ftrl", "als", "sgda"])
def test_the_exponent_matters_to_each_solver(clicks: Rows, solver: str) -> None:
    def trained(exponent: float) -> Any:
        model = build(ModelConfig(n_factors=2), n_features=20)
        own = {"l2_exponent": exponent, "learning_rate": 0.05}
        config = SolverConfig(solver=solver, **BY_VISITS | own)
        return fit(model, config, clicks, config=TrainingConfig(max_iter=2, random_state=0)).model

    usual = SolverConfig(solver=solver).l2_exponent
    size = [float(np.abs(trained(usual + more).linear).sum()) for more in (-0.0, 0.5, 1)]
    assert size[0] > size[1] > size[2]


@pytest.mark.parametrize("solver", ["adagrad", "sgd", "ftrl", "als", "sgda"])
@pytest.mark.parametrize("exponent", [0, 1, 2])
def test_the_exponent_may_be_a_whole_number(clicks: Rows, solver: str, exponent: int) -> None:
    def trained(exponent: float) -> Any:
        config = SolverConfig(solver=solver, l2_exponent=exponent, learning_rate=0.01)
        model = build(ModelConfig(n_factors=2), n_features=20)
        return fit(model, config, clicks, config=TrainingConfig(max_iter=1, random_state=0)).model

    np.testing.assert_array_equal(trained(exponent).linear, trained(float(exponent)).linear)


@pytest.mark.parametrize("solver", ["sgd", "adagrad", "als"])
def test_one_exponent_means_the_same_to_solvers_that_visit_rows(solver: str) -> None:
    """Of one feature that n rows have, the optimum is that of one penalty, l2 times n^exponent."""
    n = 400
    rows = Rows(
        np.arange(n + 1, dtype=np.int64), np.zeros(n, np.uint32), target=np.ones(n, np.float32)
    )
    kind = ModelConfig(model="linear", task="regression", fit_intercept=False)
    config = SolverConfig(solver=solver, l2_linear=20.0, l2_exponent=0.5, learning_rate=0.01)
    epochs = 60 if solver == "adagrad" else 8
    training = TrainingConfig(max_iter=epochs, random_state=0)
    model = fit(build(kind, n_features=1), config, rows, config=training).model
    assert model.linear[0, 0] == pytest.approx(n / (n + 20 * n**0.5), rel=0.02)


@pytest.mark.parametrize("solver", ["adagrad", "ftrl", "sgda"])
def test_a_resumed_run_has_the_same_bits(clicks: Rows, solver: str, tmp_path: Path) -> None:
    def run(max_iter: int, **how: Any) -> Any:
        model = build(ModelConfig(n_factors=2), n_features=20)
        training = TrainingConfig(max_iter=max_iter, random_state=0, n_jobs=1)
        config = SolverConfig(solver=solver, **BY_VISITS)
        return fit(model, config, clicks, config=training, **how)

    whole = run(4).model
    run(2, callbacks=[Checkpoint(tmp_path / "c")])
    resumed = run(4, resume=tmp_path / "c").model
    for name, array in whole.arrays().items():
        np.testing.assert_array_equal(array, resumed.arrays()[name])


def test_the_penalty_of_fields_draws_their_weights_to_one() -> None:
    rng = np.random.default_rng(0)
    table = {"a": rng.integers(0, 5, 400).astype(str), "b": rng.integers(0, 5, 400).astype(str)}
    y = (rng.random(400) < 0.5).astype(int)
    for solver in ("adagrad", "sgd", "ftrl"):
        apart = [
            float(
                np.abs(
                    train(
                        {**table, "y": y},
                        target="y",
                        model="fwfm",
                        solver=solver,
                        init_scale=0.5,
                        l2_fields=l2,
                        max_iter=3,
                        random_state=0,
                        n_jobs=1,
                    ).model.pair_weights
                    - 1
                ).max()
            )
            for l2 in (0.0, 0.1, 1e3 if solver == "ftrl" else 1.0)
        ]
        assert apart[0] > apart[1] > apart[2]


def test_ftrl_keeps_its_start_whatever_the_visits(clicks: Rows) -> None:
    model = build(ModelConfig(n_factors=2), n_features=20, seed=3)
    solver = GradientSolver(model, SolverConfig(solver="ftrl", **BY_VISITS))
    solver.learn_visits(counts(clicks))
    pull = solver._spec.rates("factors").l2 * solver._table.penalties[:, None, None, None]
    rates = solver._spec.rates("factors")
    (z,) = solver._table.factor_blocks(0)
    (v,) = solver._table.factor_blocks()
    np.testing.assert_allclose(-z / (rates.beta / rates.learning_rate + pull), v, rtol=1e-5)
    assert np.array_equal(solver.export().factors, model.factors)


@pytest.mark.parametrize("solver", ["adagrad", "ftrl", "sgda"])
@pytest.mark.parametrize("exponent", [0, 2])
def test_an_exponent_may_be_an_integer(clicks: Rows, solver: str, exponent: int) -> None:
    def trained(power: float) -> Any:
        model = build(ModelConfig(n_factors=2), n_features=20, seed=3)
        config = SolverConfig(solver=solver, l2_linear=0.1, l2_exponent=power)
        settings = TrainingConfig(max_iter=1, random_state=0)
        return fit(model, config, clicks, clicks, settings).model.linear

    np.testing.assert_array_equal(trained(exponent), trained(float(exponent)))
