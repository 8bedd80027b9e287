"""Lock-free training on many threads: as good as on one, although the threads learn apart."""

from __future__ import annotations

import numpy as np
import pytest

from fieldfare.config import ModelConfig, SolverConfig
from fieldfare.models.registry import build
from fieldfare.rows import Rows
from fieldfare.solvers.gradient import Solver

N_ROWS, N_FIELDS, PER_FIELD = 12_000, 6, 40


def click_rows(seed, *, values, squared):
    """Rows whose features are nearly all frequent, so that nearly all are private to threads."""
    rng = np.random.default_rng(seed)
    chance = 1 / np.arange(1, PER_FIELD + 1)
    ids = rng.choice(PER_FIELD, (N_ROWS, N_FIELDS), p=chance / chance.sum())
    ids += PER_FIELD * np.arange(N_FIELDS)
    effects = np.random.default_rng(7).normal(scale=0.5, size=PER_FIELD * N_FIELDS)
    weights = rng.uniform(0.5, 1.5, ids.shape) if values else np.ones(ids.shape)
    scores = (weights * effects[ids]).sum(axis=1) - 1
    target = scores + rng.normal(scale=0.1, size=N_ROWS)
    if not squared:
        target = rng.random(N_ROWS) < 1 / (1 + np.exp(-scores))
    return Rows(
        np.arange(N_ROWS + 1) * N_FIELDS,
        ids.ravel().astype(np.uint32),
        weights.ravel().astype(np.float32) if values else None,
        np.tile(np.arange(N_FIELDS), N_ROWS).astype(np.uint16),
        target=target.astype(np.float32),
    )


def loss_after(model, solver, learning_rate, loss, instance_norm, values, n_threads):
    """Return the loss on other rows after two epochs."""
    task = "regression" if loss == "squared" else "binary"
    config = ModelConfig(model=model, task=task, n_factors=4, instance_norm=instance_norm)
    fresh = build(config, n_features=PER_FIELD * N_FIELDS, n_fields=N_FIELDS, seed=1)
    trainer = Solver(fresh, SolverConfig(solver=solver, learning_rate=learning_rate))
    squared = loss == "squared"
    rows = click_rows(1, values=values, squared=squared)
    for _ in range(2):
        trainer.train(rows, np.arange(N_ROWS), n_threads=n_threads)
    other = click_rows(2, values=values, squared=squared)
    scores = trainer.score(other)[:, 0]
    if squared:
        return np.mean((scores - other.target) ** 2)
    return np.mean(np.logaddexp(0, scores) - other.target * scores)


@pytest.mark.parametrize(
    ("solver", "learning_rate"), [("adagrad", 0.1), ("rowwise_adagrad", 0.5), ("sgd", 0.05)]
)
@pytest.mark.parametrize(
    ("model", "loss", "instance_norm", "values"),
    [
        ("linear", "logistic", False, False),
        ("fm", "logistic", True, True),
        ("fm", "squared", False, True),
        ("ffm", "logistic", False, False),
        ("fwfm", "squared", True, False),
    ],
)
def test_many_threads_learn_as_well_as_one(
    model, loss, instance_norm, values, solver, learning_rate
):
    """The plain sum of what the threads moved diverges from three or four threads on."""
    options = (model, solver, learning_rate, loss, instance_norm, values)
    alone = loss_after(*options, n_threads=1)
    for n_threads in (2, 8, 16):
        assert loss_after(*options, n_threads=n_threads) < 1.05 * alone + 0.003
