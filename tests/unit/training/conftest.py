"""Small data and a solver whose every step a test can follow."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from fieldfare.config import ModelConfig, SolverConfig, TrainingConfig
from fieldfare.models.base import Model
from fieldfare.models.registry import build
from fieldfare.rows import Rows
from fieldfare.training.loop.callbacks import Callback
from fieldfare.training.loop.run import FitResult, Run
from fieldfare.training.samples.subset import RowSubset


def make_rows(n: int, seed: int = 0, n_features: int = 12, per_row: int = 3) -> Rows:
    """Return random rows with a binary target that depends on the features."""
    random = np.random.default_rng(seed)
    indices = random.integers(0, n_features, n * per_row).astype(np.uint32)
    effect = np.linspace(-2, 2, n_features)[indices].reshape(n, per_row).sum(axis=1)
    target = (random.random(n) < 1 / (1 + np.exp(-effect))).astype(np.float32)
    fields = np.tile(np.arange(per_row, dtype=np.uint16), n)
    indptr = np.arange(0, n * per_row + 1, per_row, dtype=np.int64)
    return Rows(indptr, indices, fields=fields, target=target)


class ScriptedSolver:
    """Scores every row by the next number of a script; counts epochs in the bias."""

    config = SolverConfig()
    needs_all_rows = False

    def __init__(self, model: Model, script: list[float]) -> None:
        self.model, self.script = model, script
        self.visited: list[np.ndarray] = []
        self.epochs = 0

    def train(self, rows, order, class_weight, n_threads):
        if self.epochs == 0 or sum(map(len, self.visited)) >= rows.n_rows:
            self.visited, self.epochs = [], self.epochs + 1
        self.visited.append(order.copy())
        return float(len(order)), float(len(order))

    def score(self, rows, n_threads=None):
        return np.full((rows.n_rows, 1), self.script[self.epochs - 1], np.float32)

    def export(self):
        model = build(self.model.config, n_features=self.model.n_features)
        model.bias[:] = self.epochs
        return model

    def state(self):
        return {"epochs": np.array([self.epochs])}

    def load_state(self, state):
        self.epochs = int(state["epochs"][0])


@pytest.fixture
def rows() -> Callable[..., Rows]:
    return make_rows


@pytest.fixture
def follow() -> Callable[..., tuple[FitResult, ScriptedSolver]]:
    """Run the loop over a regression whose validation RMSE in epoch i is ``script[i - 1]``."""

    def run(
        script: list[float], *, callbacks: tuple[Callback, ...] = (), n: int = 20, **parameters
    ) -> tuple[FitResult, ScriptedSolver]:
        part = RowSubset(make_rows(n).with_(target=np.zeros(n, np.float32)))
        model = build(ModelConfig(model="linear", task="regression"), n_features=12)
        solver = ScriptedSolver(model, script)
        config = TrainingConfig(**{"random_state": 0, "max_iter": len(script)} | parameters)
        return Run(model, solver, part, part, config, callbacks)(), solver

    return run
