"""Recall of all items on MovieLens 100k, by the protocol of the Microsoft Recommenders benchmark.

Every rating is an interaction; of each movie's a random quarter is the test (their split, seed 42);
lists of ten movies; mean over 943 users. Published there: BPR .4450 NDCG@10, LightGCN .4164, SAR
.3938, BiVAE .4687. implicit's ALS and cornac's BPR are measured in the same run, where they are
installed.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.common.public import add_data
from benchmarks.common.report import Excerpt, Report, markdown
from benchmarks.peers.install import add_peers
from benchmarks.quality._movielens import ml_100k_tables, stratified_by_item
from benchmarks.quality._recall import (
    METRICS,
    NON_SAMPLED,
    SAMPLED,
    SEEDS,
    Settings,
    Tables,
    best_of,
    evaluation,
    fitted,
    grid,
    means,
)
from benchmarks.quality._recall_peers import cornac, implicit
from fieldfare.retrieval import compare

TITLE, TAKES = "Recall on MovieLens 100k", "ten minutes"
GRID = {
    "unobserved_weight": (0.1, 0.2, 0.3),
    "l2": (0.01, 0.02, 0.03),
    "fit_linear": (True, False),
}


def add_options(parser: ArgumentParser) -> None:
    add_data(parser)
    add_peers(parser, "implicit and cornac")


def measure(options: Namespace) -> dict[str, Settings]:
    train, test = stratified_by_item(ml_100k_tables(options.data / "ml-100k"), seed=42)
    # A tenth only: what is best depends on how many interactions there are to learn from.
    inner = [stratified_by_item(train, seed, share=0.9) for seed in range(2)]
    figures: Settings = {}
    rows = []
    for name, columns in (("ids", ["user", "item"]), ("with columns", list(train.columns))):
        chosen = best_of(
            grid(**GRID), NON_SAMPLED, "ndcg@10", [_only(one, columns) for one in inner]
        )
        pair = train[columns], test[columns]
        defaults = {"solver": NON_SAMPLED["solver"]}
        rows.append(_over_seeds(f"FM, {name}, by defaults", defaults, pair, SEEDS[:3]))
        rows.append(_over_seeds(f"FM, {name}", chosen, pair))
        figures[f"FM, {name}"] = rows[-1] | {"settings": chosen}
    for loss in ("pairwise", "softmax", "warp"):
        chosen = _sampled_settings(loss, _only(inner[0], ["user", "item"]))
        pair = _only((train, test), ["user", "item"])
        rows.append(_over_seeds(f"FM, ids, {loss}", chosen, pair, SEEDS[:1]))
        figures[f"FM, ids, {loss}"] = rows[-1] | {"settings": chosen}
    ids = _only((train, test), ["user", "item"])
    simple = compare({}, *ids, metrics=METRICS)
    rows += [{"model": name} | means(simple[name]) for name in simple.evaluations]
    rows.append(cornac(ids, METRICS, options.peers))
    inner_ids = _only(inner[0], ["user", "item"])
    rows.append(implicit(ids, inner_ids, METRICS, options.peers))
    return {row["model"]: row for row in rows} | figures


def tell(report: Report) -> Iterator[str | Excerpt]:
    rows = report.figures.values()
    quality = markdown(
        ["model", *METRICS], [[row.get(key) for key in ("model", *METRICS)] for row in rows]
    )
    yield Excerpt("ml-100k", "docs/guide/recall-training.md", quality)
    keys = ["model", "sd", "seconds", "absent"]
    yield markdown(["model", "NDCG@10 sd", "fit s", ""], [list(map(row.get, keys)) for row in rows])


def _only(tables: Tables, columns: list[str]) -> Tables:
    return tables[0][columns], tables[1][columns]


def _over_seeds(label: str, settings: Settings, tables: Tables, seeds: Any = SEEDS) -> Settings:
    """Return the means over the seeds, the deviation of NDCG@10, and the seconds of a fit."""
    found, seconds = [], []
    for seed in seeds:
        start = time.perf_counter()
        ranker = fitted(settings, tables[0], seed)
        seconds.append(time.perf_counter() - start)
        found.append(means(evaluation(ranker, tables)))
    averages = {name: float(np.mean([one[name] for one in found])) for name in METRICS}
    spread = float(np.std([one["ndcg@10"] for one in found]))
    return {"model": label, **averages, "sd": spread, "seconds": float(np.median(seconds))}


def _sampled_settings(loss: str, inner: Tables) -> Settings:
    """Return the penalty and the number of epochs that are best on the validation part."""
    results = []
    for l2 in (5e-4, 1.5e-3):
        settings = SAMPLED | {"loss": loss, "l2_factors": l2, "max_iter": 40}
        ranker = fitted(settings, inner[0], eval_set=(inner[1], None, None))
        best = ranker.history_.best
        results.append((best["valid_ndcg@10"], best["epoch"], l2))
    _, epochs, l2 = max(results)
    return SAMPLED | {"loss": loss, "l2_factors": l2, "max_iter": epochs}
