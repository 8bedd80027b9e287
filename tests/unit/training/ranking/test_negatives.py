"""Drawn negatives: from what they are drawn, and what is learned from them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fieldfare.config import ModelConfig, SolverConfig, TrainingConfig
from fieldfare.models.registry import build
from fieldfare.schema.schema import Schema
from fieldfare.solvers.gradient import GradientSolver
from fieldfare.training.ranking import negatives as drawing
from fieldfare.training.ranking.negatives import Negatives
from fieldfare.training.samples.subset import RowSubset


class World:
    """A table of interactions, what draws from it, and a solver."""

    def __init__(self, loss="auto", solver="sgd", kind="fm", **config):
        rng = np.random.default_rng(0)
        users, items = rng.integers(0, 8, 120), rng.geometric(0.2, 120).clip(max=12)
        table = pd.DataFrame({"user": users, "item": items, "hour_context": users % 3})
        table = table.drop_duplicates(ignore_index=True)
        schema = Schema.infer(table).edit("hour_context", role="context").fit(table)
        self.rows = schema.encode(table)
        chosen = ModelConfig(model=kind, task="rank", n_factors=3)
        sizes = {"n_features": schema.n_features, "n_fields": schema.n_fields, "n_outputs": 1}
        self.model = build(chosen, **sizes, seed=0, schema=schema)
        self.config = TrainingConfig(**{"negatives": "uniform", "random_state": 0} | config)
        self.negatives = Negatives(RowSubset(self.rows), self.model, loss, self.config)
        self.solver = GradientSolver(
            self.model,
            SolverConfig(solver=solver, loss=loss, learning_rate=0.05, l2_linear=0, l2_factors=0),
        )
        (self.block,) = self.negatives.blocks(1, shuffle=False)
        halves = self.negatives._halves
        self.query, self.item = halves.query, halves.item
        self.n_items = halves.shape[1]


@pytest.mark.parametrize("small", [2**26, 0])
@pytest.mark.parametrize("negatives", ["uniform", "popularity", "batch"])
def test_known_items_are_never_drawn_unless_asked(negatives, small, monkeypatch):
    monkeypatch.setattr(drawing, "_SMALL_TABLE", small)
    world = World(negatives=negatives)
    known = set(zip(world.query.tolist(), world.item.tolist(), strict=True))
    drawn, usable = world.negatives.draw(world.query, world.item, 50)
    owners = np.broadcast_to(world.query[:, None], drawn.shape)
    assert usable.mean() > 0.9
    pairs = set(zip(owners[usable].tolist(), drawn[usable].tolist(), strict=True))
    assert not pairs & known
    asked = World(negatives=negatives, known_negatives=True)
    list(asked.negatives.blocks(1, shuffle=False))
    drawn, usable = asked.negatives.draw(asked.query, asked.item, 50)
    assert usable.all()
    assert not (drawn == asked.item[:, None]).any()
    assert set(zip(owners.ravel().tolist(), drawn.ravel().tolist(), strict=True)) & known


def test_items_are_drawn_as_often_as_the_power_of_their_popularity_says():
    for exponent in (0.0, 0.5, 1.0):
        world = World(negatives="popularity", negatives_exponent=exponent)
        counts = np.bincount(world.item, minlength=world.n_items)
        expected = counts**exponent / (counts**exponent).sum()
        got = np.bincount(world.negatives._candidates(200_000, world.item))
        np.testing.assert_allclose(got / got.sum(), expected, atol=0.01)


def test_the_steps_of_softmax_are_those_of_its_gradient(monkeypatch):
    """One small block: the change of the parameters against the gradient by differences."""
    world = World(loss="softmax", pairs_per_row=4)
    block = world.block[:3]
    drawn, usable = world.negatives.draw(world.query[block], world.item[block], 4)
    monkeypatch.setattr(world.negatives, "draw", lambda *_: (drawn, usable))
    start = world.solver.export()
    rate = 1e-4
    world.solver = GradientSolver(
        world.model,
        SolverConfig(solver="sgd", loss="softmax", learning_rate=rate, l2_linear=0, l2_factors=0),
    )
    world.negatives.learn(world.solver, block)
    change = (world.solver.export().factors - start.factors)[:, 0] / rate
    log_q = np.log(world.negatives._chances)

    def loss(factors):
        start.factors[:, 0] = factors
        total = 0.0
        for b, (q, i) in enumerate(zip(world.query[block], world.item[block], strict=True)):
            items = [i, *drawn[b][usable[b]]]
            rows = world.negatives._composed(np.full(len(items), q), np.array(items))
            z = start.score(rows)[:, 0].astype(float) - log_q[items]
            total += np.log(np.exp(z).sum()) - z[0]
        return total

    own, h = start.factors[:, 0].astype(float).copy(), 1e-2
    for j in range(len(own)):
        for d in range(3):
            up, down = own.copy(), own.copy()
            up[j, d] += h
            down[j, d] -= h
            slope = (loss(up) - loss(down)) / (2 * h)
            assert change[j, d] == pytest.approx(-slope, abs=5e-3)


@pytest.mark.parametrize("kind", ["linear", "fm", "ffm", "fwfm", "hofm"])
@pytest.mark.parametrize("loss", ["pairwise", "hinge", "warp", "softmax", "logistic"])
def test_all_models_learn_by_all_losses(kind, loss):
    world = World(loss=loss, solver="adagrad", kind=kind, pairs_per_row=3)
    before = world.solver.export()
    losses = []
    for epoch in range(1, 9):
        for block in world.negatives.blocks(epoch, shuffle=True):
            total, weight = world.negatives.learn(world.solver, block)
            losses.append(total / weight)
    assert np.isfinite(losses).all()
    after = world.solver.export()
    drawn, usable = world.negatives.draw(world.query, world.item, 20)

    def lead(model):
        own = model.score(world.negatives._composed(world.query, world.item))
        queries = np.repeat(world.query, 20)
        other = model.score(world.negatives._composed(queries, drawn.ravel())).reshape(-1, 20)
        return float((own - other)[usable].mean())

    assert lead(after) > lead(before) + 0.05
