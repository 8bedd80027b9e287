"""Packages that recommend, run in the environment of the peers on the same interactions."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.common.process import run
from benchmarks.peers.install import NOT_INSTALLED, WORKERS, installed
from benchmarks.quality._recall import Settings, Tables, grid
from fieldfare.retrieval import Evaluation, Trial, evaluate_scores
from fieldfare.retrieval.evaluation import Scores

# Those of cornac are the published ones of the ML-100k protocol; implicit's are chosen.
CORNAC: Settings = {
    "k": 200, "max_iter": 200, "learning_rate": 0.01, "lambda_reg": 0.001, "seed": 42,
}  # fmt: skip
IMPLICIT: Settings = {"factors": 64, "random_state": 0}
IMPLICIT_GRID = {"regularization": (3.0, 10.0, 20.0, 30.0, 60.0), "alpha": (1.0, 2.0, 5.0, 10.0)}


class Peer:
    """A package that learns vectors of users and items, or why it cannot be run.

    Parameters
    ----------
    name : {"implicit", "cornac"}
    python : Path
        One that imports it, or that of ``build/peers``.
    """

    def __init__(self, name: str, python: Path) -> None:
        found = installed()
        self.name, self.python, self.absent = name, python, None
        if python == found.python and name not in found.versions:
            self.absent = found.failures.get(name, NOT_INSTALLED)

    def scores(self, table: pd.DataFrame, trial: Trial, settings: Settings) -> tuple[Scores, float]:
        """Return scores for `evaluate_scores` after learning from a table, and the seconds."""
        users, user_names = pd.factorize(table["user"])
        items, item_names = pd.factorize(table["item"])
        with tempfile.TemporaryDirectory() as work:
            folder = Path(work)
            np.savez(folder / "pairs.npz", users=users, items=items)
            script = WORKERS / f"{self.name}_worker.py"
            command = [str(self.python), str(script), json.dumps(settings)]
            # implicit asks for it: its own threads and those of BLAS would be in each other's way.
            done = run(command, folder=folder, environment={"OPENBLAS_NUM_THREADS": "1"}, limit=900)
            if done.failure:
                raise RuntimeError(f"{self.name}: {done.failure}\n{done.output[-500:]}")
            found = np.load(folder / "vectors.npz")
            of_user, of_item = found["users"], found["items"]
        user_place = pd.Index(user_names).get_indexer(trial.users.to_pylist())
        item_place = pd.Index(item_names).get_indexer(trial.items.to_pylist())

        def scores(numbers: Any) -> Any:
            whole = of_user[user_place[numbers]] @ of_item[item_place].T
            return np.where(item_place >= 0, whole, -np.inf)

        return scores, float(found["seconds"])


def implicit(tables: Tables, inner: Tables, metrics: tuple[str, ...], python: Path) -> Settings:
    """Return the figures of implicit's ALS, with the settings that are best on ``inner``."""
    peer = Peer("implicit", python)
    if peer.absent:
        return {"model": "implicit, ALS", "absent": peer.absent}
    trial = Trial.of(*inner)
    results = []
    for options in grid(**IMPLICIT_GRID):
        scores, _ = peer.scores(inner[0], trial, IMPLICIT | options)
        results.append((evaluate_scores(scores, trial, metrics[:1])[metrics[0]], options))
    chosen = IMPLICIT | max(results, key=lambda one: one[0])[1]
    return {"model": "implicit, ALS", "settings": chosen} | _measured(peer, tables, metrics, chosen)


def cornac(tables: Tables, metrics: tuple[str, ...], python: Path) -> Settings:
    """Return the figures of cornac's BPR with its published settings."""
    peer = Peer("cornac", python)
    if peer.absent:
        return {"model": "cornac, BPR", "absent": peer.absent}
    return {"model": "cornac, BPR", "settings": CORNAC} | _measured(peer, tables, metrics, CORNAC)


def _measured(peer: Peer, tables: Tables, metrics: tuple[str, ...], settings: Settings) -> Settings:
    trial = Trial.of(*tables)
    scores, seconds = peer.scores(tables[0], trial, settings)
    found: Evaluation = evaluate_scores(scores, trial, metrics)
    return {name: found[name] for name in metrics} | {"seconds": seconds}
