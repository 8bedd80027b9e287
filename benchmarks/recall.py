"""Quality of candidate retrieval: all items ranked for every user, none sampled.

``python benchmarks/recall.py`` needs the data sets in ``../shared/data`` (or ``--data FOLDER``),
which may not be redistributed. Settings are chosen on a validation part of the training data; the
test part is only measured on. Each protocol has a report of its own, ``recall-PROTOCOL``.

Protocols
---------
ml-100k
    That of the Microsoft Recommenders benchmark: every rating is an interaction; of each movie's a
    random quarter is the test (their split, seed 42); lists of ten movies; mean over 943 users.
    Published there: BPR .4450 NDCG@10, LightGCN .4164, SAR .3938, BiVAE .4687.
ml-100k-cold
    15 % of the movies have no interaction in training, and are ranked among themselves.
ml-1m
    One random movie of each user is the test.
lastfm-tags
    Tags for a user and an artist (Rendle and Schmidt-Thieme 2010): one post of each user is the
    test; F1 of the mean precision and recall. On all posts, and on the core in which users, artists
    and tags have ten posts or more.

Packages that recommend are measured in the same run where ``peers.py`` has installed them, or with
a Python that imports them (``--peers``).
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import _recall_peers
from _protocols import read_arguments
from _recall import NON_SAMPLED, SAMPLED, Settings, Tables, fitted, grid
from _report import RESULTS, markdown, write
from _tags import lastfm_tags
from fieldfare.data.split import leave_last_out, split_rows
from fieldfare.estimators import FMRanker
from fieldfare.retrieval import Comparison, Evaluation, Trial, compare, evaluate_scores
from fieldfare.retrieval.comparison import model_scores
from quality import ml_100k_columns

METRICS = ("ndcg@10", "recall@10", "precision@10", "map@10", "hit_rate@10", "coverage@10")
SEEDS = range(5)

GRID = {
    "unobserved_weight": (0.1, 0.2, 0.3),
    "l2": (0.01, 0.02, 0.03),
    "fit_linear": (True, False),
}


def best_of(
    options: list[Settings], common: Settings, metric: str, parts: list[Tables]
) -> Settings:
    """Return the settings with the best mean over the validation parts."""
    found = []
    for chosen in options:
        settings = common | chosen
        found.append(
            sum(measure(fitted(settings, part[0]), part, (metric,))[metric] for part in parts)
        )
    return common | options[int(np.argmax(found))]


def measure(ranker: FMRanker, tables: Tables, metrics: tuple[str, ...] = METRICS) -> Evaluation:
    return compare({"it": ranker}, *tables, metrics=metrics, baselines=())["it"]


# -- MovieLens 100k -------------------------------------------------------------------------------


def ml_100k_tables(folder: Path) -> pd.DataFrame:
    names = ["user", "item", "rating", "time"]
    ratings = pd.read_csv(folder / "u.data", sep="\t", header=None, names=names)
    users, items = ml_100k_columns(folder)
    ages = pd.read_csv(folder / "u.user", sep="|", header=None)[1]
    users["age"] = pd.cut(ages, [0, 18, 25, 35, 45, 50, 56, 100]).astype(str)
    items["decade"] = items["year"].str[:-1]
    pairs = ratings[["user", "item"]].astype(str)
    whole = pairs.merge(users.drop(columns="zip"), on="user", how="left")
    return whole.merge(items.drop(columns="year"), on="item", how="left")


def stratified_by_item(table: pd.DataFrame, seed: int, share: float = 0.75) -> Tables:
    """The split of the benchmark: the first three quarters of each item in a random order."""
    rng = np.random.RandomState(seed)
    order = table.assign(luck=rng.rand(len(table)), number=table["item"].astype(int))
    order = order.sort_values(["number", "luck"])
    count = order.groupby("item")["luck"].transform("size")
    place = order.groupby("item").cumcount() + 1
    first = place <= (share * count).round()
    kept = order.drop(columns=["luck", "number"])
    return kept[first], kept[~first]


def ml_100k(arguments: argparse.Namespace) -> tuple[list[str], Settings]:
    train, test = stratified_by_item(ml_100k_tables(arguments.data / "ml-100k"), seed=42)
    # A tenth only: what is best depends on how many interactions there are to learn from.
    inner = [stratified_by_item(train, seed, share=0.9) for seed in range(2)]
    figures: Settings = {}
    rows = []
    for name, columns in (("ids", ["user", "item"]), ("with columns", list(train.columns))):
        chosen = best_of(
            grid(**GRID), NON_SAMPLED, "ndcg@10", [_only(one, columns) for one in inner]
        )
        rows.append(_over_seeds(f"FM, {name}", chosen, (train[columns], test[columns])))
        figures[f"FM, {name}"] = rows[-1] | {"settings": chosen}
    for loss in ("pairwise", "softmax", "warp"):
        chosen = _sampled_settings(loss, _only(inner[0], ["user", "item"]))
        pair = _only((train, test), ["user", "item"])
        rows.append(_over_seeds(f"FM, ids, {loss}", chosen, pair, SEEDS[:1]))
        figures[f"FM, ids, {loss}"] = rows[-1] | {"settings": chosen}
    ids = _only((train, test), ["user", "item"])
    simple = compare({}, *ids, metrics=METRICS)
    rows += [{"model": name} | _means(simple[name]) for name in simple.evaluations]
    rows.append(_recall_peers.cornac(ids, METRICS, arguments.peers))
    inner_ids = _only(inner[0], ["user", "item"])
    rows.append(_recall_peers.implicit(ids, inner_ids, METRICS, arguments.peers))
    header = ["model", *METRICS, "NDCG@10 sd", "fit s", ""]
    keys = ["model", *METRICS, "sd", "seconds", "absent"]
    table = markdown(header, [[row.get(key) for key in keys] for row in rows])
    return ["## MovieLens 100k", table], {"ml-100k": {row["model"]: row for row in rows} | figures}


def _only(tables: Tables, columns: list[str]) -> Tables:
    return tables[0][columns], tables[1][columns]


def _means(found: Evaluation) -> Settings:
    return {name: found[name] for name in found.metrics}


def _over_seeds(label: str, settings: Settings, tables: Tables, seeds: Any = SEEDS) -> Settings:
    """Return the means over the seeds, the deviation of NDCG@10, and the seconds of a fit."""
    found, seconds = [], []
    for seed in seeds:
        start = time.perf_counter()
        ranker = fitted(settings, tables[0], seed)
        seconds.append(time.perf_counter() - start)
        found.append(_means(measure(ranker, tables)))
    means = {name: float(np.mean([one[name] for one in found])) for name in METRICS}
    spread = float(np.std([one["ndcg@10"] for one in found]))
    return {"model": label, **means, "sd": spread, "seconds": float(np.median(seconds))}


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


# -- items without interactions -------------------------------------------------------------------


def ml_100k_cold(arguments: argparse.Namespace) -> tuple[list[str], Settings]:
    table = ml_100k_tables(arguments.data / "ml-100k")
    train, test = _cold(table, seed=0)
    inner = _cold(train, seed=1)
    options = [
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

    best = max(range(len(options)), key=lambda i: run(options[i], inner)["ndcg@10"])
    found = [run(options[best], (train, test), seed) for seed in SEEDS]
    trial = Trial.of(train, test)
    luck = np.random.default_rng(0)
    random = evaluate_scores(
        _among(trial, lambda users: luck.random((len(users), trial.n_items))), trial, METRICS[:2]
    )
    rows: list[list[Any]] = [
        ["FM, with columns", *(float(np.mean([one[m] for one in found])) for m in METRICS[:2])],
        ["random", random["ndcg@10"], random["recall@10"]],
    ]
    text = markdown(["model", *METRICS[:2]], rows)
    return ["## MovieLens 100k, items without interactions", text], {
        "ml-100k-cold": {str(r[0]): r[1] for r in rows} | {"settings": str(options[best])}
    }


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


# -- MovieLens 1M ---------------------------------------------------------------------------------


def ml_1m(arguments: argparse.Namespace) -> tuple[list[str], Settings]:
    ratings = pd.read_csv(arguments.data / "ml-1m" / "ratings.csv.gz", dtype=str)[["user", "item"]]
    kept, held = leave_last_out(ratings["user"].to_numpy(), seed=0)
    train, test = ratings.iloc[kept], ratings.iloc[held]
    kept, held = leave_last_out(train["user"].to_numpy(), seed=1)
    inner = train.iloc[kept], train.iloc[held]
    options = grid(unobserved_weight=(0.3, 0.5), l2=(0.003, 0.005), fit_linear=(False,))
    chosen = best_of(options, NON_SAMPLED, "hit_rate@10", [inner])
    metrics = ("hit_rate@10", "hit_rate@5", "hit_rate@20", "ndcg@10")
    start = time.perf_counter()
    ranker = fitted(chosen, train)
    seconds = time.perf_counter() - start
    found: Comparison = compare({"FM, ids": ranker}, train, test, metrics=metrics)
    rows: list[Settings] = [
        {"model": name} | {metric: one[metric] for metric in metrics}
        for name, one in found.evaluations.items()
    ]
    rows[0] |= {"seconds": seconds, "settings": chosen}
    rows.append(_recall_peers.implicit((train, test), inner, metrics, arguments.peers))
    keys = ["model", *metrics, "seconds", "absent"]
    text = markdown(
        ["model", *metrics, "fit s", ""], [[row.get(key) for key in keys] for row in rows]
    )
    return ["## MovieLens 1M, one random movie of each user", text], {
        "ml-1m": {row["model"]: row for row in rows}
    }


PROTOCOLS = {
    "ml-100k": ml_100k,
    "ml-100k-cold": ml_100k_cold,
    "ml-1m": ml_1m,
    "lastfm-tags": lastfm_tags,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the reports")
    parser.add_argument(
        "--peers", type=Path, metavar="PYTHON", help="one that imports implicit and cornac"
    )
    arguments = read_arguments(parser, PROTOCOLS)
    for name in arguments.protocols:
        text, found = PROTOCOLS[name](arguments)
        title = "Quality of candidate retrieval"
        write(f"recall-{name}", title, text, found, arguments.out)


if __name__ == "__main__":
    main()
