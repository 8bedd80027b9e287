"""One FM in place of several recall channels, on Last.fm: against lists merged by rules.

A fifth of each listener's artists is the test, and all other artists are ranked. The rule and the
weights that merge the channels are chosen on validation plays of the first division; the FMs have
the defaults. Then FFM as recall beside FM, learned by the same loss from the same columns, and two
stages beside one, with the time of a request.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np

import fieldfare
from benchmarks.common.public import add_data
from benchmarks.common.report import Excerpt, Panel, Picture, Report, markdown
from benchmarks.quality._lastfm import (
    COLUMNS,
    TEST,
    VALIDATION,
    Plays,
    channels,
    divide,
    read,
    tables,
)
from fieldfare import FMRanker, Recommender, Schema
from fieldfare.metrics.lists import rank_items
from fieldfare.retrieval import Trial, compare, evaluate_scores
from fieldfare.retrieval.comparison import recommended_scores
from fieldfare.retrieval.evaluation import Scores
from fieldfare.retrieval.merging import Rule, fuse

TITLE, TAKES = (
    "One model for several recall channels",
    "five minutes; half an hour on a busy machine",
)
PAGE = "docs/guide/recall-channels.md"
METRICS = ("recall@50", "ndcg@10", "coverage@10")
SWEEPS = 8
LISTED = 200
"""Length of the list of each channel, and of what is recalled for a ranker."""
FMS = {
    "FM, ids": ["user", "artist"],
    "FM, ids, history and tags": ["user", "played", "given", "artist", "tags"],
}
WEIGHTS = {"three": (0.0, 0.1, 0.25, 0.5, 1.0), "four": (0.0, 0.25, 0.5)}
CHOSEN_ON = 300
"""Listeners whose validation plays choose how lists are merged."""
RULES: tuple[Rule, ...] = ("ranks", "scores")
BY_IDS = "factors"
# What the sampled models of the second part have in common; chosen for other data.
SAMPLED: dict[str, Any] = {
    "task": "rank", "negatives": "uniform", "loss": "softmax", "learning_rate": 0.07,
    "l2_linear": 5e-5, "l2_factors": 1.5e-3, "init_scale": 0.014, "max_iter": 4,
    "early_stopping": False, "random_state": 0,
}  # fmt: skip
BESIDE = ["user", "given", "artist", "tags"]
N_TIMED = 200
Figures = dict[str, Any]


def add_options(parser: ArgumentParser) -> None:
    add_data(parser)
    parser.add_argument("--divisions", type=int, default=1, help="random divisions; 1 by default")
    parser.add_argument("--listeners", type=int, help="only so many listeners, to try it out")


def measure(options: Namespace) -> Figures:
    plays, posts = read(options.data / "lastfm-2k")
    if options.listeners is not None:
        plays = plays[plays["user"].isin(plays["user"].unique()[: options.listeners])]
    chosen: Figures = {}
    runs = []
    for seed in range(options.divisions):
        kept, test = divide(plays, TEST, seed)
        if not chosen:
            inner = tables(plays, posts, divide(kept, VALIDATION, seed))
            chosen = _chosen(inner)
        data = tables(plays, posts, (kept, test))
        runs.append(_channels(data, chosen, seed))
        if seed == 0:
            first = data
    return {
        "numbers": {
            "plays": len(plays),
            "listeners": plays["user"].nunique(),
            "artists": plays["artist"].nunique(),
        },
        "chosen": chosen,
        "runs": runs,
        "stages": _stages(first),
    }


def tell(report: Report) -> Iterator[str | Picture | Excerpt]:
    figures = report.figures
    n, chosen = figures["numbers"], figures["chosen"]
    yield (
        f"{n['plays']:,} plays of {n['artists']:,} artists by {n['listeners']:,} listeners; random "
        f"divisions: {len(figures['runs'])}. Chosen to merge three channels: "
        f"{_said(chosen['three'])}; four: {_said(chosen['four'])}."
    )
    means = _means(figures["runs"])
    rows = [[name, *[found[m] for m in METRICS]] for name, found in means.items()]
    yield Excerpt("channels", PAGE, markdown(["recall by", *METRICS], rows))
    yield Picture("recall_channels", [_panel(means)], shown_in="docs/guide")
    header = [
        "model",
        "numbers in a vector",
        "MB of vectors",
        "fit s",
        *METRICS[:2],
        "ms a request",
    ]
    keys = ["length", "megabytes", "seconds", *METRICS[:2], "milliseconds"]
    stages = figures["stages"]
    yield Excerpt(
        "stages",
        PAGE,
        markdown(header, [[name, *map(row.get, keys)] for name, row in stages.items()]),
    )


# -- channels ------------------------------------------------------------------------------------


def _channels(data: Plays, chosen: Figures, seed: int) -> Figures:
    """Return the metrics of channels, of their merged lists and of FMs on one division."""
    trial = Trial.of(data.train, data.held, item="artist")
    fms = {name: _recommender(columns, data, seed) for name, columns in FMS.items()}
    lists = _lists(data, trial, fms["FM, ids"])
    figures = {
        f"{name} alone": _metrics(_of_list(lists[name], trial), trial)
        for name in lists
        if name != BY_IDS
    }
    three = {name: lists[name] for name in lists if name != BY_IDS}
    turns = {"rule": "round_robin", "weights": dict.fromkeys(three, 1.0)}
    figures["the three, in turns"] = _metrics(_fused(three, turns, trial), trial)
    figures["the three, merged"] = _metrics(_fused(three, chosen["three"], trial), trial)
    figures["these and FM of ids, merged"] = _metrics(_fused(lists, chosen["four"], trial), trial)
    for name, recommender in fms.items():
        scores = recommended_scores(recommender, trial, LISTED)
        figures[name] = _metrics(scores, trial)
    return figures


def _chosen(data: Plays) -> Figures:
    """Return the rule and the weights with the best recall@50 on validation plays."""
    some = data.listeners["user"].sample(min(CHOSEN_ON, len(data.listeners)), random_state=0)
    held = data.held[data.held["user"].isin(some)]
    trial = Trial.of(data.train, held, item="artist")
    lists = _lists(data, trial, _recommender(FMS["FM, ids"], data, 0))
    three = {name: lists[name] for name in lists if name != BY_IDS}
    found: Figures = {}
    for label, own in (("three", three), ("four", lists)):
        # The best channel has the weight 1, the others any.
        first = BY_IDS if BY_IDS in own else "neighbours"
        others = [name for name in own if name != first]
        tried = [
            {"rule": rule, "weights": {first: 1.0, **dict(zip(others, weights, strict=True))}}
            for rule in RULES
            for weights in product(WEIGHTS[label], repeat=len(others))
        ]
        recall = [
            evaluate_scores(_fused(own, one, trial), trial, "recall@50")["recall@50"]
            for one in tried
        ]
        best = int(np.argmax(recall))
        found[label] = tried[best] | {"validation": recall[best], "tried": len(tried)}
    return found


def _recommender(columns: list[str], data: Plays, seed: int, ranked_by: Any = None) -> Recommender:
    """Return an FM of some columns that recalls, and perhaps another model that ranks."""
    known = [c for c in columns if c in data.listeners], [c for c in columns if c in data.artists]
    table = data.train.merge(data.listeners[known[0]]).merge(data.artists[known[1]])
    ranker = FMRanker(
        solver="nonsampled",
        schema=Schema(tuple(COLUMNS[name] for name in columns)),
        max_iter=SWEEPS,
        early_stopping=False,  # the history of a listener holds what would be held out
        random_state=seed,
    )
    return Recommender(
        ranker.fit(table),
        data.artists,
        users=data.listeners,
        history=data.train,
        ranker=ranked_by,
        n_candidates=LISTED,
    )


def _lists(data: Plays, trial: Trial, by_ids: Recommender) -> dict[str, Any]:
    """Return the lists of each channel for all tested users, best first, and their scores."""
    own = channels(trial, data.artists)
    own[BY_IDS] = recommended_scores(by_ids, trial, LISTED)
    found = {}
    for name, scores_of in own.items():
        parts = []
        for users in np.array_split(trial.tested, 8):
            scores = np.asarray(scores_of(users))
            items = rank_items(scores, LISTED, trial.train.mask(users))
            parts.append((items, np.take_along_axis(scores, np.maximum(items, 0), axis=1)))
        found[name] = tuple(map(np.concatenate, zip(*parts, strict=True)))
    return found


def _of_list(own: Any, trial: Trial) -> Scores:
    return _fused({"it": own}, {"rule": "ranks", "weights": {"it": 1.0}}, trial)


def _fused(lists: Mapping[str, Any], how: Figures, trial: Trial) -> Scores:
    weights = [how["weights"][name] for name in lists]

    def scores(users: Any) -> Any:
        rows = np.searchsorted(trial.tested, users)
        own = [(items[rows], found[rows]) for items, found in lists.values()]
        return fuse(own, weights, how["rule"], trial.n_items)

    return scores


def _metrics(scores: Scores, trial: Trial) -> Figures:
    found = evaluate_scores(scores, trial, METRICS)
    return {name: found[name] for name in METRICS}


def _means(runs: list[Figures]) -> dict[str, Figures]:
    means = {}
    for name in runs[0]:
        means[name] = {m: float(np.mean([run[name][m] for run in runs])) for m in METRICS}
    return means


def _said(how: Figures) -> str:
    weights = ", ".join(f"{name} {weight:g}" for name, weight in how["weights"].items())
    return f"by {how['rule']} ({weights}; {how['tried']} tried)"


def _panel(means: dict[str, Figures]) -> Panel:
    colours = {"alone": "#9aa5b1", "turns": "#d9822b", "merged": "#d9822b"}

    def draw(axes: Any) -> None:
        names = list(means)[::-1]
        recall = [means[name]["recall@50"] for name in names]
        colour = [colours.get(name.split()[-1], "#2b6cb0") for name in names]
        bars = axes.barh(names, recall, color=colour)
        axes.bar_label(bars, fmt="%.3f", padding=4, fontsize=8)
        axes.set_xlim(0, 1.18 * max(recall))
        axes.set_xlabel("recall@50 of held-out artists")

    return draw


# -- FM and FFM, one stage and two ---------------------------------------------------------------


def _stages(data: Plays) -> Figures:
    """Return vectors, quality and latency of FM and FFM, alone and one behind the other."""
    items = data.artists[["artist", "tags"]]
    users = data.listeners[["user", "given"]]
    table = data.train.merge(users, on="user").merge(items, on="artist")
    schema = Schema(tuple(COLUMNS[name] for name in BESIDE))
    everything = {"users": users, "history": data.train}
    figures: Figures = {}
    models: dict[str, Any] = {}
    for name, settings in (
        ("FM, 32 factors, softmax", SAMPLED | {"model": "fm", "n_factors": 32}),
        ("FFM, 8 factors, softmax", SAMPLED | {"model": "ffm", "n_factors": 8}),
        ("FFM, 16 factors, softmax", SAMPLED | {"model": "ffm", "n_factors": 16}),
    ):
        start = time.perf_counter()
        models[name] = fieldfare.train(table, schema=schema, **settings).model
        seconds = time.perf_counter() - start
        recommender = Recommender(models[name], items, **everything)
        figures[name] = _served(recommender, data) | {"seconds": seconds}
    name, columns = list(FMS.items())[-1]
    start = time.perf_counter()
    one = _recommender(columns, data, 0)
    seconds = time.perf_counter() - start
    figures[f"{name}, all pairs"] = _served(one, data) | {"seconds": seconds}
    both = _recommender(columns, data, 0, models["FFM, 16 factors, softmax"])
    figures[f"the same FM recalls {LISTED}, the last FFM ranks"] = _served(both, data)
    return figures


def _served(recommender: Recommender, data: Plays) -> Figures:
    """Return metrics, size of the vectors, and the median milliseconds of single requests."""
    found = compare(
        {"it": recommender}, data.train, data.held, item="artist", metrics=METRICS, baselines=()
    )["it"]
    times = []
    for user in data.listeners["user"].sample(N_TIMED, random_state=0):
        start = time.perf_counter()
        recommender.recommend(user, n=50)
        times.append(time.perf_counter() - start)
    vectors = recommender.index.vectors
    return {name: found[name] for name in METRICS} | {
        "length": vectors.shape[1],
        "megabytes": vectors.nbytes / 1e6,
        "milliseconds": 1000 * float(np.median(times)),
    }
