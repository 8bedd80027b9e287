"""The non-sampled solver in the loop: state, growth, and what it is not for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fieldfare.config import ModelConfig, SolverConfig
from fieldfare.exceptions import ConfigError, DataError
from fieldfare.kernels.recall import Seen
from fieldfare.models.registry import build
from fieldfare.schema.schema import Schema
from fieldfare.solvers.nonsampled import NonSampledSolver, strength, weighed_by_data
from fieldfare.training.crossval import cross_validate
from fieldfare.training.functions import train
from fieldfare.training.loop.callbacks import Checkpoint


def seen() -> dict[str, list[str]]:
    pairs = [(u, i) for u in range(12) for i in range(10) if u % 3 == i % 3]
    return {"user": [f"u{u}" for u, _ in pairs], "item": [f"i{i}" for _, i in pairs]}


@pytest.mark.parametrize("how", [{"solver": "nonsampled"}, {"negatives": "uniform"}])
def test_a_resumed_run_equals_the_whole_one(how: dict[str, str], tmp_path: Path) -> None:
    common = dict(task="rank", n_factors=3, random_state=0, n_jobs=1, **how)
    whole = train(seen(), max_iter=5, **common).model
    train(seen(), max_iter=2, callbacks=[Checkpoint(tmp_path / "c")], **common)
    resumed = train(seen(), max_iter=5, resume=tmp_path / "c", **common).model
    np.testing.assert_array_equal(whole.factors, resumed.factors)
    np.testing.assert_array_equal(whole.linear, resumed.linear)


def test_training_goes_on_with_new_users() -> None:
    weak = {"unobserved_weight": 0.2, "l2_queries": 0.02, "l2_items": 0.02}
    first = train(seen(), task="rank", solver="nonsampled", max_iter=3, random_state=0, **weak)
    assert first.history.epochs[-1]["train_loss"] < 0.01
    more = {"user": ["new", *seen()["user"]], "item": ["i0", *seen()["item"]]}
    second = train(more, model=first.model, solver="nonsampled", max_iter=1, random_state=0)
    assert second.model.n_features == first.model.n_features + 1


def make(**config: object) -> NonSampledSolver:
    schema = Schema.infer(seen()).fit(seen())
    kind = ModelConfig(**{"model": "fm", "task": "rank", "n_factors": 2} | config)
    sizes = {"n_features": schema.n_features, "n_fields": 2, "n_outputs": 1}
    model = build(kind, **sizes, seed=0, schema=schema)
    return NonSampledSolver(model, SolverConfig(solver="nonsampled"))


def test_a_state_of_another_size_is_refused() -> None:
    solver = make()
    state = {name: array.copy() for name, array in solver.state().items()}
    solver.grow(solver.n_features + 2)
    with pytest.raises(DataError, match="does not fit"):
        solver.load_state(state)


def test_what_it_is_not_for_is_refused() -> None:
    for config in ({"task": "binary"}, {"model": "ffm"}, {"instance_norm": True}):
        with pytest.raises(ConfigError, match="nonsampled"):
            make(**config)
    with pytest.raises(ConfigError, match="leave out pairs"):
        train(seen(), task="rank", negatives="uniform", pairs=[[0, 1]])
    with pytest.raises(ConfigError, match="compare"):
        cross_validate(seen(), task="rank", solver="nonsampled")


def expected_l2(n: int, users: int, items: int, weight: float) -> float:
    return 0.5 * n**0.5 * (users**0.5 + items**0.5) / (n + weight * users * items)


@pytest.mark.parametrize("n_sweeps", [1, 2, 5, 6, 9])
def test_what_is_derived_from_the_data_is_in_the_model(n_sweeps: int) -> None:
    how = {"task": "rank", "solver": "nonsampled", "max_iter": n_sweeps, "early_stopping": False}
    solver = train(seen(), **how).model.trained_by.solver
    n, users, items = len(seen()["user"]), len(set(seen()["user"])), len(set(seen()["item"]))
    weight = min(1.0, 3 * (n / (users * items)) ** 0.5)
    assert solver.unobserved_weight == pytest.approx(weight)
    # As strong as in the last sweep.
    l2 = max(1, 3 * 0.8 ** (n_sweeps - 1)) * expected_l2(n, users, items, weight)
    assert solver.l2_queries == solver.l2_items == pytest.approx(l2)


def test_a_sweep_by_auto_is_one_by_the_numbers_that_it_records() -> None:
    how = {"task": "rank", "solver": "nonsampled", "n_factors": 3, "random_state": 0, "n_jobs": 1}
    auto = train(seen(), max_iter=1, **how).model
    used = auto.trained_by.solver
    names = ("unobserved_weight", "l2_queries", "l2_items")
    given = train(seen(), max_iter=1, **how, **{n: getattr(used, n) for n in names}).model
    np.testing.assert_array_equal(auto.factors, given.factors)
    np.testing.assert_array_equal(auto.linear, given.linear)


def test_penalties_fall_from_three_times_to_once() -> None:
    found = [strength(sweep) for sweep in range(20)]
    assert found[0] == 3
    assert found == sorted(found, reverse=True)
    assert found[4] > found[5] == found[19] == 1


def test_penalties_of_a_trained_model_do_not_start_anew() -> None:
    first = train(seen(), task="rank", solver="nonsampled", max_iter=1, random_state=0)
    second = train(seen(), model=first.model, solver="nonsampled", max_iter=1, random_state=0)
    before, after = (found.model.trained_by.solver.l2_items for found in (first, second))
    assert after == pytest.approx(before / 3)


def test_numbers_of_the_user_stay_from_sweep_to_sweep() -> None:
    given = {"l2_queries": 0.1, "l2_items": 0.2}
    for n_sweeps in (1, 8):
        how = {"task": "rank", "solver": "nonsampled", "max_iter": n_sweeps}
        solver = train(seen(), **how, **given).model.trained_by.solver
        assert (solver.l2_queries, solver.l2_items) == (0.1, 0.2)


def test_with_little_to_learn_it_stays_with_popularity() -> None:
    """Interactions by popularity alone: validation stops where factors would learn noise."""
    rng = np.random.default_rng(0)
    popular = rng.permutation(1 / np.arange(1, 201.0))
    user, item = rng.integers(0, 400, 3_000), rng.choice(200, 3_000, p=popular / popular.sum())
    pairs = np.unique(np.stack([user, item], axis=1), axis=0)
    table = {"user": pairs[:, 0].astype(str), "item": pairs[:, 1].astype(str)}
    found = train(table, task="rank", solver="nonsampled", random_state=0)
    assert found.history.stopped == "early_stopping"
    schema, items = found.model.schema, np.arange(200).astype(str)
    popular_first = np.argsort(-np.bincount(pairs[:, 1], minlength=200), kind="stable")[:10]
    for one in range(0, 400, 20):
        rows = schema.encode({"user": [str(one)] * 200, "item": items}, labelled=False)
        best = np.argsort(-found.model.score(rows)[:, 0])[:10]
        assert len(set(best) & set(popular_first)) >= 9


def test_contexts_weigh_what_users_have_not_seen_less() -> None:
    once = Seen.of(np.arange(4), np.array([0, 1, 2, 0]), np.ones(4, np.float32), (4, 3))
    auto = SolverConfig(solver="nonsampled")
    alone, shared = (weighed_by_data(auto, once, n_users=n, sweep=9) for n in (4, 2))
    dense = min(1.0, 3 * (4 / 6) ** 0.5)
    assert shared.unobserved_weight == pytest.approx(dense / 2)
    assert shared.unobserved_weight < alone.unobserved_weight


def in_contexts(n_contexts: int, n_users: int = 12) -> dict[str, list[str]]:
    """Each interaction in so many contexts, but for users in twice as many who come later."""
    rows = [
        (f"u{u}", f"i{i}", f"c{c}")
        for u in range(n_users)
        for i in range(10)
        if u % 3 == i % 3
        for c in range(n_contexts * (1 + u % 2))
    ]
    return dict(zip(("user", "item", "context"), map(list, zip(*rows, strict=True)), strict=True))


def test_contexts_share_the_weight_of_a_pair() -> None:
    """All in several contexts weigh as much as without: the same penalties, and w is divided."""
    how = {"task": "rank", "solver": "nonsampled", "max_iter": 2, "early_stopping": False}
    alone = train(seen(), **how).model.trained_by.solver
    table = in_contexts(3)
    schema = Schema.infer(table).edit("context", role="context")
    shared = train(table, schema=schema, **how).model.trained_by.solver
    assert shared.unobserved_weight == pytest.approx(alone.unobserved_weight / 4.5)
    assert shared.l2_queries == pytest.approx(alone.l2_queries)
    assert shared.l2_items == pytest.approx(alone.l2_items)


def test_users_learn_the_same_in_however_many_contexts() -> None:
    """Contexts that say nothing change no scores, though some users have twice as many."""
    how = {"task": "rank", "solver": "nonsampled", "max_iter": 9, "early_stopping": False}
    numbers = {"n_factors": 3, "random_state": 0, "l2_queries": 0.02, "l2_items": 0.02}
    scores = []
    for n_contexts in (1, 4):
        table = in_contexts(n_contexts)
        schema = Schema.infer(table).edit("context", role="context")
        model = train(table, schema=schema, **how, **numbers).model
        pairs = {
            "user": [f"u{u}" for u in range(12) for _ in range(10)],
            "item": [f"i{i}" for _ in range(12) for i in range(10)],
            "context": ["c0"] * 120,
        }
        rows = model.schema.encode(pairs, labelled=False)
        found = model.score(rows)[:, 0].reshape(12, 10)
        scores.append(found - found.mean(axis=1, keepdims=True))
    np.testing.assert_allclose(scores[0], scores[1], atol=0.02)
    assert np.ptp(scores[0]) > 0.5


def test_given_numbers_stay() -> None:
    once = Seen.of(np.arange(3), np.arange(3), np.ones(3, np.float32), (3, 3))
    given = {"unobserved_weight": 0.5, "l2_queries": 0.1, "l2_items": 0.2}
    config = SolverConfig(solver="nonsampled", **given)
    assert weighed_by_data(config, once, n_users=3, sweep=0) == config
