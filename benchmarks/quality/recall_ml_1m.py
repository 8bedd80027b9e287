"""Recall of all items on MovieLens 1M: one random movie of each user is the test.

implicit's ALS is measured in the same run, where it is installed.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

import pandas as pd

from benchmarks.common.public import add_data
from benchmarks.common.report import Report, markdown
from benchmarks.peers.install import add_peers
from benchmarks.quality._recall import NON_SAMPLED, Settings, best_of, fitted, grid
from benchmarks.quality._recall_peers import implicit
from fieldfare.data.split import leave_last_out
from fieldfare.retrieval import Comparison, compare

TITLE, TAKES = "Recall on MovieLens 1M", "ten minutes"
METRICS = ("hit_rate@10", "hit_rate@5", "hit_rate@20", "ndcg@10")


def add_options(parser: ArgumentParser) -> None:
    add_data(parser)
    add_peers(parser, "implicit")


def measure(options: Namespace) -> dict[str, Settings]:
    ratings = pd.read_csv(options.data / "ml-1m" / "ratings.csv.gz", dtype=str)[["user", "item"]]
    kept, held = leave_last_out(ratings["user"].to_numpy(), seed=0)
    train, test = ratings.iloc[kept], ratings.iloc[held]
    kept, held = leave_last_out(train["user"].to_numpy(), seed=1)
    inner = train.iloc[kept], train.iloc[held]
    choices = grid(unobserved_weight=(0.3, 0.5), l2=(0.003, 0.005), fit_linear=(False,))
    chosen = best_of(choices, NON_SAMPLED, "hit_rate@10", [inner])
    start = time.perf_counter()
    ranker = fitted(chosen, train)
    seconds = time.perf_counter() - start
    found: Comparison = compare({"FM, ids": ranker}, train, test, metrics=METRICS)
    rows: list[Settings] = [
        {"model": name} | {metric: one[metric] for metric in METRICS}
        for name, one in found.evaluations.items()
    ]
    rows[0] |= {"seconds": seconds, "settings": chosen}
    rows.append(implicit((train, test), inner, METRICS, options.peers))
    return {row["model"]: row for row in rows}


def tell(report: Report) -> Iterator[str]:
    header = ["model", *METRICS, "fit s", ""]
    keys = ["model", *METRICS, "seconds", "absent"]
    yield markdown(header, [[row.get(key) for key in keys] for row in report.figures.values()])
