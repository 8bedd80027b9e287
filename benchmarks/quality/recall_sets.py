"""Recall on sets of different shape: by defaults, tuned, with columns, with contexts.

Of each set some users (``--users``), and the items that two of them have. A fifth of the
interactions of each user is the test: the latest where times are known, else drawn ones. All items
are ranked but those that the user was seen with in training; NDCG@10, the mean over users. "Before"
has the fixed defaults of earlier builds. Tuned are the FM and implicit's ALS (where it is
installed), by six trials each, and EASE by two, on a fifth of the training part; the test is only
measured on. Means over three seeds of the start and of what is held out for early stopping. Seconds
are those of the processor, for whole trainings on one thread, the second one on all rows included.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.common.public import add_protocols
from benchmarks.common.report import Excerpt, Report, markdown
from benchmarks.quality._recall import Settings, Tables, fitted
from benchmarks.quality._recall_sets import SETS, Interactions, split
from fieldfare.data.loading import load
from fieldfare.data.split import leave_last_out
from fieldfare.estimators import FMRanker
from fieldfare.retrieval import Trial, compare, evaluate_scores
from fieldfare.retrieval.baselines import ease, implicit_als
from fieldfare.retrieval.comparison import model_scores
from fieldfare.retrieval.evaluation import Scores
from fieldfare.training.ranking.recall import Catalogue, labelled_interactions
from fieldfare.training.samples.subset import RowSubset

TITLE, TAKES = "Recall on sets of different shape", "half an hour"
PAGE = "docs/guide/recall-training.md"
METRIC = "ndcg@10"
SEEDS = range(3)
FM: Settings = {"solver": "nonsampled", "n_jobs": 1}
BEFORE = FM | {"unobserved_weight": 0.2, "l2_queries": 0.02, "l2_items": 0.02}
# Six trials. Of the FM, times the weight that follows from the data.
TRIALS: list[Settings] = [
    {"weight": weight, "fit_linear": linear} for linear in (True, False) for weight in (0.5, 1, 2)
]
ALS_TRIALS: list[Settings] = [
    {"regularization": l2, "alpha": alpha}
    for l2, alpha in ((1.0, 1.0), (10.0, 1.0), (30.0, 1.0), (3.0, 5.0), (30.0, 5.0), (100.0, 5.0))
]
EASE_TRIALS: list[Settings] = [{"l2": 100.0}, {"l2": 500.0}]
SIMPLE = ("item-kNN", "popularity")


def add_options(parser: ArgumentParser) -> None:
    add_protocols(parser, SETS)
    parser.add_argument("--users", type=int, default=1000, help="of each set, at most")
    parser.add_argument(
        "--parts", nargs="*", type=Path, default=[], metavar="REPORT",
        help="earlier reports on sets that are not measured now",
    )  # fmt: skip


def measure(options: Namespace) -> dict[str, Any]:
    found = {
        name: figures
        for path in options.parts
        for name, figures in Report.load(path).figures.items()
    }
    options.parts = list(found)
    found |= {
        name: _measured(SETS[name](options.data).of_users(options.users))
        for name in options.protocols
        if name not in found
    }
    return {name: found[name] for name in SETS if name in found}


def tell(report: Report) -> Iterator[str | Excerpt]:
    found: dict[str, Any] = report.figures
    models = list(dict.fromkeys(name for one in found.values() for name in one["models"]))
    sizes = ("users", "items", "interactions")
    quality = markdown(
        ["NDCG@10", *sizes, *models],
        [
            [name, *(one[size] for size in sizes)]
            + [one["models"].get(model, {}).get("mean") for model in models]
            for name, one in found.items()
        ],
    )
    yield Excerpt("recall-sets", PAGE, quality)
    yield "Standard deviations over the seeds, and the seconds of a training:"
    timed = [
        model
        for model in models
        if any("sd" in one["models"].get(model, {}) for one in found.values())
    ]
    yield markdown(
        ["", *(f"{model}, {what}" for model in timed for what in ("sd", "s"))],
        [
            [name, *(one["models"].get(m, {}).get(key) for m in timed for key in ("sd", "seconds"))]
            for name, one in found.items()
        ],
    )
    for title, key in (
        ("The columns of items besides the ids", "columns"),
        ("Contexts, on one test interaction per user", "contexts"),
    ):
        rows = [
            [name, ", ".join(part["names"]), part["without"]["mean"], part["with"]["mean"]]
            + [part["with"]["seconds"] / part["without"]["seconds"]]
            for name, one in found.items()
            if (part := one[key])
        ]
        yield f"{title}: NDCG@10 by defaults, and how many times as long training takes."
        table = markdown(["", "names", "without", "with", "times as long"], rows)
        yield Excerpt(f"recall-{key}", PAGE, table)
    yield "Chosen on the validation part:"
    yield markdown(
        ["", "FM", "ALS", "EASE"],
        [[name, *map(_words, one["chosen"].values())] for name, one in found.items()],
    )


def _words(settings: Settings) -> str:
    """Return the settings that a trial chose, without those of all trials."""
    chosen = {name: value for name, value in settings.items() if name not in FM}
    return ", ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in chosen.items()
    )


def _measured(given: Interactions) -> dict[str, Any]:
    pairs = given.pairs()
    whole, test = split(pairs, 0, by_time=given.by_time)
    inner = split(whole, 1, by_time=given.by_time)
    ids = ["user", "item"]
    tables, small = (whole[ids], test[ids]), (inner[0][ids], inner[1][ids])
    trial, models = Trial.of(*tables), {}
    for name, settings in (("FM before", BEFORE), ("FM by default", FM)):
        models[name] = _over_seeds(partial(_fm, settings, tables))
    chosen: Settings = {"FM": _best(_trials_of_fm(small), partial(_fm, tables=small, seed=0))}
    models["FM, tuned"] = _over_seeds(partial(_fm, chosen["FM"], tables))
    if find_spec("implicit") is not None:
        models["ALS by default"] = _over_seeds(partial(_als, {}, tables))
        chosen["ALS"] = _best(ALS_TRIALS, partial(_als, tables=small, seed=0))
        models["ALS, tuned"] = _over_seeds(partial(_als, chosen["ALS"], tables))
    chosen["EASE"] = _best(EASE_TRIALS, partial(_ease, tables=small))
    models["EASE"] = _over_seeds(lambda seed: _ease(chosen["EASE"], tables), seeds=(0,))
    simple = compare({}, *tables, metrics=[METRIC], baselines=SIMPLE)
    models |= {name: {"mean": simple[name][METRIC]} for name in SIMPLE}
    return {
        "users": len(trial.users),
        "items": trial.n_items,
        "interactions": len(whole),
        "models": models,
        "columns": _with_columns(given, (whole, test), models["FM by default"]),
        "contexts": _with_contexts(given),
        "chosen": chosen,
    }


def _over_seeds(
    measured: Callable[[int], tuple[float, float]], seeds: Any = SEEDS
) -> dict[str, float]:
    """Return the mean and the deviation of NDCG@10, and the median of the seconds."""
    values, seconds = np.array([measured(seed) for seed in seeds]).T
    found = {"mean": float(values.mean()), "seconds": float(np.median(seconds))}
    return found | ({"sd": float(values.std())} if len(values) > 1 else {})


def _best(trials: list[Settings], measured: Callable[[Settings], tuple[float, float]]) -> Settings:
    return trials[int(np.argmax([measured(settings)[0] for settings in trials]))]


def _fm(settings: Settings, tables: Tables, seed: int) -> tuple[float, float]:
    start = time.process_time()
    ranker = fitted(settings, tables[0], seed)
    seconds = time.process_time() - start
    trial = Trial.of(*tables)
    found = evaluate_scores(model_scores(ranker, trial, *tables), trial, [METRIC])
    return found[METRIC], seconds


def _trials_of_fm(tables: Tables) -> list[Settings]:
    """Return the trials, with weights in place of multiples of what follows from the data."""
    model = fitted(FM | {"max_iter": 1, "early_stopping": False}, tables[0]).model_
    assert model.trained_by is not None
    assert model.trained_by.solver is not None
    weight = model.trained_by.solver.unobserved_weight
    return [
        FM | {name: value for name, value in one.items() if name != "weight"}
        | ({"unobserved_weight": one["weight"] * weight} if one["weight"] != 1 else {})
        for one in TRIALS
    ]  # fmt: skip


def _als(settings: Settings, tables: Tables, seed: int) -> tuple[float, float]:
    trial, start = Trial.of(*tables), time.process_time()
    scores = implicit_als(trial, num_threads=1, random_state=seed, **settings)
    seconds = time.process_time() - start
    return evaluate_scores(scores, trial, [METRIC])[METRIC], seconds


def _ease(settings: Settings, tables: Tables) -> tuple[float, float]:
    trial, start = Trial.of(*tables), time.process_time()
    scores: Scores = ease(trial, **settings)
    seconds = time.process_time() - start
    return evaluate_scores(scores, trial, [METRIC])[METRIC], seconds


def _with_columns(given: Interactions, tables: Tables, alone: Settings) -> Settings | None:
    if not given.columns:
        return None
    names = ["user", "item", *given.columns]
    wide = tables[0][names], tables[1][names]
    return {"names": given.columns, "without": alone, "with": _over_seeds(partial(_fm, FM, wide))}


def _with_contexts(given: Interactions) -> Settings | None:
    """Compare with and without contexts: one interaction of each user, in its context, is found."""
    if not given.contexts:
        return None
    table = given.table.drop_duplicates(["user", "item", *given.contexts], ignore_index=True)
    when = table["time"] if given.by_time else None
    kept, held = leave_last_out(table["user"], when)
    train, test = table.iloc[kept], table.iloc[held]
    known = pd.MultiIndex.from_frame(train[["user", "item"]])
    test = test[~pd.MultiIndex.from_frame(test[["user", "item"]]).isin(known)]
    found: Settings = {"names": given.contexts}
    for name, columns in (("without", []), ("with", given.contexts)):
        own = ["user", "item", *columns]
        parts = train[own].drop_duplicates(), test[own]
        found[name] = _over_seeds(partial(_by_query, parts))
    return found


def _by_query(tables: Tables, seed: int) -> tuple[float, float]:
    start = time.process_time()
    ranker: FMRanker = fitted(FM, tables[0], seed)
    seconds = time.process_time() - start
    train, test = (
        labelled_interactions(RowSubset.of(load(one, schema=ranker.schema_, labelled=False)))
        for one in tables
    )
    model = ranker.model_
    return Catalogue(train, test, model).evaluate(model, [METRIC], 1)[METRIC], seconds
