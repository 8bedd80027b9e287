"""Recall of MovieLens 100k movies without any interaction, ranked among themselves.

15 % of the movies have no interaction in training: what is known of them is in their columns.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.common.public import add_data
from benchmarks.common.report import Report, markdown
from benchmarks.quality._movielens import ml_100k_tables
from benchmarks.quality._recall import METRICS, NON_SAMPLED, SEEDS, Settings, Tables, fitted, grid
from fieldfare.data.split import split_rows
from fieldfare.estimators import FMRanker
from fieldfare.retrieval import Evaluation, Trial, evaluate_scores
from fieldfare.retrieval.comparison import model_scores

TITLE, TAKES = "Recall of movies without interactions", "five minutes"


def add_options(parser: ArgumentParser) -> None:
    add_data(parser)


def measure(options: Namespace) -> dict[str, Any]:
    table = ml_100k_tables(options.data / "ml-100k")
    train, test = _cold(table, seed=0)
    inner = _cold(train, seed=1)
    options_of = [
        s | {"columns": c}
        for s in grid(
            unobserved_weight=(0.02, 0.05, 0.2), l2=(0.001, 0.01), fit_linear=(True, False)
        )
        for c in (list(table.columns), [c for c in table.columns if c != "item"])
    ]

    def run(settings: Settings, tables: Tables, seed: int = 0) -> Evaluation:
        settings = dict(settings)
        columns = settings.pop("columns")
        ranker = fitted(NON_SAMPLED | settings, tables[0][columns], seed)
        return _cold_score(ranker, tables)

    best = max(range(len(options_of)), key=lambda i: run(options_of[i], inner)["ndcg@10"])
    found = [run(options_of[best], (train, test), seed) for seed in SEEDS]
    trial = Trial.of(train, test)
    luck = np.random.default_rng(0)
    random = evaluate_scores(
        _among(trial, lambda users: luck.random((len(users), trial.n_items))), trial, METRICS[:2]
    )
    of_model = {metric: float(np.mean([one[metric] for one in found])) for metric in METRICS[:2]}
    return {
        "settings": options_of[best],
        "models": {
            "FM, with columns": of_model,
            "random": {metric: random[metric] for metric in METRICS[:2]},
        },
    }


def tell(report: Report) -> Iterator[str]:
    rows = [[name, *one.values()] for name, one in report.figures["models"].items()]
    yield markdown(["model", *METRICS[:2]], rows)


def _cold(table: pd.DataFrame, seed: int) -> Tables:
    items = np.sort(table["item"].unique())
    chosen = items[split_rows(len(items), 0.15, seed)[1]]
    cold = table["item"].isin(chosen)
    return table[~cold], table[cold]


def _among(trial: Trial, scores: Any) -> Any:
    """Rank only the items that no one had in training."""
    warm = trial.counts > 0
    return lambda users: np.where(warm, -np.inf, scores(users))


def _cold_score(ranker: FMRanker, tables: Tables) -> Evaluation:
    trial = Trial.of(*tables)
    scores = model_scores(ranker.model_, trial, *tables)
    return evaluate_scores(_among(trial, scores), trial, METRICS[:2])
