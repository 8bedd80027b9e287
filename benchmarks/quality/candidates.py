"""Candidates for the defaults on the collection of data sets, judged by validation loss.

``python -m benchmarks quality/candidates`` trains each candidate on the training part of every set
on which defaults may be chosen (``python -m benchmarks.common.tables`` lists them), and evaluates
it on the validation part; test parts and sets kept apart are not used. A candidate is a set of
settings that differ from the defaults, among them how training ends; solvers other than AdaGrad
have defaults of their own. What columns mean is told to all alike, so that candidates do not depend
on the rules of inference.

Where `quality/defaults` asks how fast a setting gets to its best loss on large data, this asks how
good the model is that a user gets. The excess of a set is the loss above that of its best
candidate, divided by the loss of the constant predictor; all sets count alike.
"""

from __future__ import annotations

import time
import warnings
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common.public import SHARED
from benchmarks.common.report import Report, markdown
from benchmarks.common.tables import SPLITS, TABLES, MissingDataError, Table, load, names, split
from fieldfare.data.loading import Dataset
from fieldfare.data.loading import load as read
from fieldfare.exceptions import FieldfareError
from fieldfare.kinds.solvers import ADAGRAD, SOLVER_KINDS
from fieldfare.schema.schema import Schema
from fieldfare.training.functions import evaluate, train

TITLE, TAKES = "Candidates for the defaults on tables of all kinds", "about 20 minutes"
Settings = dict[str, Any]
METRIC = {"regression": "rmse", "binary": "logloss", "multiclass": "logloss"}
FAILED = 2.0  # losses of the constant predictor, in place of the loss of a model that diverged
CHOOSING = names(apart=False)


def penalties(exponent: float, linear: float, factors: float) -> Settings:
    """Return the settings of L2 penalties."""
    return {"l2_exponent": exponent, "l2_linear": linear, "l2_factors": factors}


CANDIDATES: dict[str, Settings] = {
    "the defaults": {},
    "all epochs on all rows": {"early_stopping": False},
    "no second training": {"refit": False},
    "a tenth held out": {"validation_fraction": 0.1},
    "a fifth held out": {"validation_fraction": 0.2},
    "patience 5": {"n_iter_no_change": 5},
    "50 epochs at most": {"max_iter": 50},
    "learning_rate 0.1": {"learning_rate": 0.1},
    "learning_rate 0.2": {"learning_rate": 0.2},
    "learning_rate 0.3": {"learning_rate": 0.3},
    "init_scale 0.03": {"init_scale": 0.03},
    "n_factors 4": {"n_factors": 4},
    "n_factors 16": {"n_factors": 16},
    "instance_norm": {"instance_norm": True},
    "penalties at each visit, 1e-5 and 1e-4": penalties(1, 1e-5, 1e-4),
    "penalties at each visit, 1e-5 and 1e-3": penalties(1, 1e-5, 1e-3),
    "penalties at each visit, both 1e-3": penalties(1, 1e-3, 1e-3),
    "penalties by the root of the visits, both 0.003": penalties(0.5, 3e-3, 3e-3),
    "penalties by the root of the visits, 0.001 and 0.01": penalties(0.5, 1e-3, 1e-2),
    "penalties by the root of the visits, both 0.03": penalties(0.5, 0.03, 0.03),
    "penalties once, both 0.1": penalties(0, 0.1, 0.1),
    "penalties once, both 1": penalties(0, 1.0, 1.0),
    **{name: {"solver": name} for name in ("rowwise_adagrad", "ftrl", "sgd", "sgda", "als")},
    **{
        f"sgd, learning_rate {rate:g}": {"solver": "sgd", "learning_rate": rate}
        for rate in (0.01, 0.05, 0.1)
    },
    **{
        f"sgda, learning_rate {rate:g}": {"solver": "sgda", "learning_rate": rate}
        for rate in (0.01, 0.05, 0.1)
    },
    **{
        f"ftrl, learning_rate {rate:g}": {"solver": "ftrl", "learning_rate": rate}
        for rate in (0.1, 0.4)
    },
    **{
        f"als, both penalties {l2:g} once": {"solver": "als", **penalties(0, l2, l2)}
        for l2 in (1.0, 3.0, 10.0, 50.0)
    },
    **{
        f"als, both penalties {l2:g} at each visit": {"solver": "als", **penalties(1, l2, l2)}
        for l2 in (0.01, 0.1, 0.3, 1.0)
    },
}


@dataclass(frozen=True)
class Problem:
    """A set, encoded: rows to train on and to judge by, and the loss of the constant predictor."""

    table: Table
    training: Dataset
    validation: Dataset
    constant: float


def problem(table: Table, data: Path, rows: int, number: int) -> Problem:
    """Read a set and encode one of its splits."""
    parts = split(table, load(table.name, rows, data), number)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        schema = Schema.infer(parts.train, target=table.target, categorical=list(table.codes))
    for name in table.texts:
        schema = schema.edit(name, kind="text")
    target = table.target
    training = read(parts.train, schema=schema, target=target)
    validation = read(parts.valid, schema=training.schema, target=target)
    y = parts.valid[target]
    if table.task == "regression":
        constant = float(np.sqrt(np.mean((y - parts.train[target].mean()) ** 2)))
    else:
        shares = parts.train[target].value_counts(normalize=True)
        constant = float(-np.log(y.map(shares).astype(float)).mean())
    return Problem(table, training, validation, constant)


def run(problem: Problem, model: str, candidate: Settings, seed: int) -> dict[str, Any]:
    """Train with some settings and return the validation loss."""
    task = problem.table.task
    settings: Settings = {"model": model, "task": task, "random_state": seed, "n_jobs": 1}
    start = time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = train(problem.training, **(settings | candidate))
            seconds = time.process_time() - start
            metric = METRIC[task]
            loss = evaluate(result.model, problem.validation, metrics=[metric])[metric]
    except FieldfareError as error:
        return {"failure": f"{type(error).__name__}: {error}".splitlines()[0]}
    if not np.isfinite(loss):
        return {"failure": "a loss that is not finite"}
    return {"loss": float(loss), "seconds": seconds, "epochs": result.history.best_epoch}


def fits(candidate: Settings, model: str, task: str) -> bool:
    """Whether a candidate is tried with a model and a task: other solvers are with FM alone."""
    solver = SOLVER_KINDS[candidate.get("solver", ADAGRAD.name)]
    return solver is ADAGRAD or (model == "fm" and task in solver.tasks)


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, default=SHARED, help="folder of the data sets")
    parser.add_argument("--tables", nargs="+", choices=CHOOSING, default=CHOOSING, metavar="NAME",
                        help="by default all on which defaults may be chosen")  # fmt: skip
    parser.add_argument("--models", nargs="+", default=["linear", "fm", "ffm", "fwfm"],
                        choices=["linear", "fm", "ffm", "fwfm", "hofm"])  # fmt: skip
    parser.add_argument("--candidates", nargs="+", choices=list(CANDIDATES), metavar="NAME",
                        default=list(CANDIDATES))  # fmt: skip
    parser.add_argument("--rows", type=int, default=20_000, help="at most, of each set")
    parser.add_argument("--splits", type=int, default=SPLITS, choices=range(1, SPLITS + 1),
                        help="how many of the fixed splits")  # fmt: skip


def measure(options: Namespace) -> dict[str, Any]:
    runs: list[dict[str, Any]] = []
    for name in options.tables:
        start = time.monotonic()
        try:
            for number in range(options.splits):
                one = problem(TABLES[name], options.data, options.rows, number)
                runs += measure_split(one, number, options)
        except MissingDataError as error:
            print(f"{name}: left out. {error}", flush=True)
            continue
        print(f"{name}: {time.monotonic() - start:.0f} s", flush=True)
    return {"runs": runs}


def measure_split(problem: Problem, number: int, options: Namespace) -> list[dict[str, Any]]:
    """Train all candidates of all models."""
    runs = []
    for model in options.models:
        for title in options.candidates:
            candidate = CANDIDATES[title]
            if fits(candidate, model, problem.table.task):
                key = {"table": problem.table.name, "model": model, "candidate": title}
                figures = run(problem, model, candidate, seed=number)
                runs.append(key | {"constant": problem.constant} | figures)
    return runs


def tell(report: Report) -> Iterator[str]:
    settings, figures = report.settings, report.figures
    yield (
        f"Validation losses as shares of the constant predictor's; at most {settings['rows']:,} "
        f"rows of each set, means of {settings['splits']} split(s), one thread. The excess is over "
        "the best candidate of each set and model. A "
        f"model that failed counts as {FAILED:g}."
    )
    for model in settings["models"]:
        yield f"## {model.upper()}"
        yield summary(figures, model)
        yield by_table(figures, model)
    failures = sorted(
        tuple(run[key] for key in ("table", "model", "candidate", "failure"))
        for run in figures["runs"]
        if "failure" in run
    )
    if failures:
        yield "## What failed"
        yield markdown(("set", "model", "candidate", "reason"), dict.fromkeys(failures))


def shares(figures: dict[str, Any], model: str) -> dict[tuple[str, str], float]:
    """Return the mean loss as a share of the constant's, by candidate and set."""
    found: dict[tuple[str, str], list[float]] = {}
    for one in figures["runs"]:
        if one["model"] == model:
            share = one["loss"] / one["constant"] if "loss" in one else FAILED
            found.setdefault((one["candidate"], one["table"]), []).append(share)
    return {key: float(np.mean(values)) for key, values in found.items()}


def summary(figures: dict[str, Any], model: str) -> str:
    """Return a row of each candidate: its excess over the best, and where it is worst."""
    found = shares(figures, model)
    least = {t: min(v for (_, s), v in found.items() if s == t) for _, t in found}
    rows = []
    for candidate in dict.fromkeys(candidate for candidate, _ in found):
        own = {table: share for (title, table), share in found.items() if title == candidate}
        excess = {table: share - least[table] for table, share in own.items()}
        worst = max(excess, key=lambda table: excess[table])
        seconds = [
            one.get("seconds", 0.0) for one in figures["runs"]
            if one["model"] == model and one["candidate"] == candidate
        ]  # fmt: skip
        rows.append([
            candidate, len(own), f"{np.mean(list(excess.values())):.2%}",
            f"{np.median(list(excess.values())):.2%}", f"{worst}: {excess[worst]:.1%}",
            sum(share > 1.002 for share in own.values()), float(sum(seconds)),
        ])  # fmt: skip
    headers = (
        "candidate", "sets", "mean excess", "median", "worst", "worse than the constant", "seconds",
    )  # fmt: skip
    return markdown(headers, rows)


def by_table(figures: dict[str, Any], model: str) -> str:
    found = shares(figures, model)
    tables = list(dict.fromkeys(table for _, table in found))
    rows = [
        [candidate, *(found.get((candidate, table)) for table in tables)]
        for candidate in dict.fromkeys(candidate for candidate, _ in found)
    ]
    return markdown(("candidate", *tables), rows)
