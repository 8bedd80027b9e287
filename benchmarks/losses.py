"""Speed of the losses for recall: rows a second beside the pointwise logistic loss.

``python benchmarks/losses.py`` generates interactions of users and items with five columns, the
items after Zipf's law, and trains a factorization machine on them by each loss, on one thread and
on all, with five drawn negatives an interaction. A row is an interaction or a drawn item, whatever
the loss does with it: a pairwise loss visits the interaction once for each of its negatives, and
softmax scores all rows first. WARP visits two rows an interaction at most, after scoring some.

The pointwise figure is that of as many rows that lie ready in memory, shuffled. All take turns.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from _report import RESULTS, markdown, median, write
from fieldfare.config import ModelConfig, SolverConfig, TrainingConfig
from fieldfare.data.schema import Column, Schema
from fieldfare.kernels.machine import available_cores
from fieldfare.models.base import Model
from fieldfare.models.registry import build
from fieldfare.solvers.gradient import Solver
from fieldfare.training.negatives import Negatives
from fieldfare.training.parts import Part

LOSSES = ("logistic", "pairwise", "hinge", "warp", "softmax")
DRAWN, K, ROUNDS = 5, 16, 3


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


def pointwise(rows: Any, model: Model, n_threads: int) -> float:
    """Return rows a second of rows that are there."""
    whole = rows.take(np.random.default_rng(0).permutation(len(rows) * (1 + DRAWN)) % len(rows))
    target = np.random.default_rng(1).integers(0, 2, len(whole)).astype(np.float32)
    whole = whole.with_(target=target)
    solver = Solver(model, SolverConfig(loss="logistic"))
    order = np.arange(len(whole))
    start = time.perf_counter()
    solver.train(whole, order, None, n_threads)
    return len(whole) / (time.perf_counter() - start)


def sampled(rows: Any, model: Model, n_threads: int, loss: str) -> float:
    """Return interactions and drawn items a second, drawing them included."""
    config = TrainingConfig(negatives="uniform", pairs_per_row=DRAWN, random_state=0)
    negatives = Negatives(Part(rows), model, loss, config)
    solver = Solver(model, SolverConfig(loss=loss))
    start = time.perf_counter()
    for block in negatives.blocks(1, shuffle=True):
        negatives.learn(solver, block, n_threads)
    return len(rows) * (1 + DRAWN) / (time.perf_counter() - start)


def main() -> None:
    """Measure all losses in turns and write the report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--interactions", type=int, default=400_000)
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the report")
    arguments = parser.parse_args()
    rows, model = world(interactions(arguments.interactions))
    figures: dict[str, dict[str, float]] = {}
    for n_threads in sorted({1, available_cores()}):
        found: dict[str, list[float]] = {"pointwise": [], **{loss: [] for loss in LOSSES}}
        for _ in range(ROUNDS):
            found["pointwise"].append(pointwise(rows, model, n_threads))
            for loss in LOSSES:
                found[loss].append(sampled(rows, model, n_threads, loss))
        figures[str(n_threads)] = {name: median(one) for name, one in found.items()}
    table = [
        [int(n_threads), loss, speed / 1e6, speed / found["pointwise"]]
        for n_threads, found in figures.items()
        for loss, speed in found.items()
    ]
    text = markdown(["threads", "loss", "M rows/s", "of pointwise"], table)
    about = f"{len(rows):,} interactions, {DRAWN} drawn items each, FM with {K} factors."
    write("losses", "Speed of the losses for recall", [about, text], figures, arguments.out)


if __name__ == "__main__":
    main()
