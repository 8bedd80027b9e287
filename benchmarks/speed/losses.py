"""Speed of the losses for recall beside the pointwise logistic loss on rows that lie ready.

``python -m benchmarks speed/losses`` generates interactions of users and items with five columns,
the items after Zipf's law, and trains a factorization machine on them by each loss, on one thread
and on all, with five drawn negatives an interaction.

What a loss does for an interaction and its five drawn items differs: the logistic loss visits six
rows, a pairwise one the two rows of each of five pairs, ten in all; softmax scores the six before
it learns from the ten; WARP scores as many as it needs and learns from two at most. So speed is
told in *visits*, rows that are scored or learned from, for a second of everything and for a second
of the kernels alone, that is without drawing the items and putting their rows together.

The pointwise figure is that of as many rows in memory, shuffled. All take turns.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from statistics import median
from typing import Any, cast

import numpy as np
import pandas as pd

from benchmarks.common.report import Report, markdown
from fieldfare.config import ModelConfig, SolverConfig, TrainingConfig
from fieldfare.kernels.machine import available_cores
from fieldfare.models.base import Model
from fieldfare.models.registry import build
from fieldfare.schema.schema import Column, Schema
from fieldfare.solvers.gradient import GradientSolver
from fieldfare.training.ranking.negatives import Negatives
from fieldfare.training.samples.subset import RowSubset

TITLE, TAKES = "Speed of the losses for recall", "a minute"
LOSSES = ("logistic", "pairwise", "hinge", "warp", "softmax")
DRAWN, K, ROUNDS = 5, 16, 3
Figures = dict[str, float]


def interactions(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    user, item = rng.integers(0, n // 20, n), np.minimum(rng.zipf(1.3, n), 20_000) - 1
    columns = {"user": user, "age": user % 7, "item": item, "genre": item % 40}
    table = pd.DataFrame(columns | {"hour": rng.integers(0, 4, n)})
    return table.drop_duplicates(ignore_index=True)


def world(table: pd.DataFrame) -> tuple[Any, Model]:
    """Return the rows of the interactions and a model of them."""
    roles = {"user": "user", "age": "user", "item": "item", "genre": "item", "hour": "context"}
    schema = Schema(tuple(Column(name, role=role) for name, role in roles.items())).fit(table)
    config = ModelConfig(model="fm", task="rank", n_factors=K)
    model = build(
        config,
        n_features=schema.n_features,
        n_fields=schema.n_fields,
        n_outputs=1,
        seed=0,
        schema=schema,
    )
    return schema.encode(table), model


class Watched:
    """A solver that counts the rows it visits and the seconds that this takes."""

    def __init__(self, model: Model, loss: str) -> None:
        self._solver = GradientSolver(model, SolverConfig(loss=loss))
        self.visits, self.seconds = 0, 0.0

    def train(self, rows: Any, order: Any, *more: Any, **options: Any) -> Any:
        return self._timed(len(order), self._solver.train, rows, order, *more, **options)

    def train_pairs(self, rows: Any, pairs: Any, *more: Any, **options: Any) -> Any:
        return self._timed(pairs.size, self._solver.train_pairs, rows, pairs, *more, **options)

    def score(self, rows: Any, *more: Any) -> Any:
        return self._timed(len(rows), self._solver.score, rows, *more)

    def _timed(self, n: int, call: Any, *arguments: Any, **options: Any) -> Any:
        start = time.perf_counter()
        found = call(*arguments, **options)
        self.seconds += time.perf_counter() - start
        self.visits += n
        return found


def pointwise(rows: Any, model: Model, n_threads: int) -> Figures:
    """Learn from rows that are there."""
    whole = rows.take(np.random.default_rng(0).permutation(len(rows) * (1 + DRAWN)) % len(rows))
    target = np.random.default_rng(1).integers(0, 2, len(whole)).astype(np.float32)
    whole = whole.with_(target=target)
    solver = Watched(model, "logistic")
    order = np.arange(len(whole))
    start = time.perf_counter()
    solver.train(whole, order, None, n_threads)
    return figures_of(len(rows), solver, time.perf_counter() - start)


def sampled(rows: Any, model: Model, n_threads: int, loss: str) -> Figures:
    """Learn from interactions and drawn items, drawing them included."""
    config = TrainingConfig(negatives="uniform", pairs_per_row=DRAWN, random_state=0)
    negatives = Negatives(RowSubset(rows), model, loss, config)
    solver = Watched(model, loss)
    start = time.perf_counter()
    for block in negatives.blocks(1, shuffle=True):
        negatives.learn(cast(GradientSolver, solver), block, n_threads)
    return figures_of(len(rows), solver, time.perf_counter() - start)


def figures_of(n: int, solver: Watched, seconds: float) -> Figures:
    return {
        "interactions_s": n / seconds,
        "visits": solver.visits / n,
        "visits_s": solver.visits / seconds,
        "kernel_share": solver.seconds / seconds,
        "kernel_visits_s": solver.visits / solver.seconds,
    }


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--interactions", type=int, default=400_000)


def measure(options: Namespace) -> dict[str, Any]:
    rows, model = world(interactions(options.interactions))
    figures: dict[str, dict[str, Figures]] = {}
    for n_threads in sorted({1, available_cores()}):
        runs_of: dict[str, list[Figures]] = {"pointwise": [], **{loss: [] for loss in LOSSES}}
        for _ in range(ROUNDS):
            runs_of["pointwise"].append(pointwise(rows, model, n_threads))
            for loss in LOSSES:
                runs_of[loss].append(sampled(rows, model, n_threads, loss))
        figures[str(n_threads)] = {
            name: {key: median(run[key] for run in runs) for key in runs[0]}
            for name, runs in runs_of.items()
        }
    return {"interactions": len(rows), "drawn": DRAWN, "k": K, "threads": figures}


def tell(report: Report) -> Iterator[str]:
    figures = report.figures
    yield (
        f"{figures['interactions']:,} interactions, {figures['drawn']} drawn items each, FM with "
        f"{figures['k']} factors."
    )
    table = [
        [
            int(n_threads), loss, one["interactions_s"] / 1e6, one["visits"], one["visits_s"] / 1e6,
            one["visits_s"] / found["pointwise"]["visits_s"], one["kernel_share"],
            one["kernel_visits_s"] / found["pointwise"]["kernel_visits_s"],
        ]
        for n_threads, found in figures["threads"].items()
        for loss, one in found.items()
    ]  # fmt: skip
    header = [
        "threads", "loss", "M interactions/s", "visits each", "M visits/s", "of pointwise",
        "time in kernels", "visits/s of kernels, of pointwise",
    ]  # fmt: skip
    yield markdown(header, table)
