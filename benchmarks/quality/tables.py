"""Defaults alone on the collection of data sets: our models beside others, on three shared splits.

``python -m benchmarks quality/tables`` fits our estimators to DataFrames as users have them, with
nothing but their defaults (``random_state=0`` and one thread), and no validation data; beside them
are the constant predictor, scikit-learn's ridge or logistic regression on one-hot columns and
standardised numbers, LightGBM, myFM and modern-fm (``python -m benchmarks.peers.install --only
scikit-learn lightgbm myfm modern-fm``), and xLearn, where FIELDFARE_BENCH_XLEARN names the folder
of its programs. Others are told what columns mean by a person: codes, dates, texts.

A split's training and validation rows are learned from, its test rows predicted: log loss of
classes, RMSE of numbers. Sets are cut to ``--rows``. ``--before REPORT`` shows an earlier state of
ours above this one, and ``--keep REPORT`` takes the figures of the sets and systems that are not
measured now from an earlier report on as many rows, so that a table can be made in parts.
"""

from __future__ import annotations

import os
import tempfile
import time
import warnings
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import fieldfare
from benchmarks.common.public import SHARED
from benchmarks.common.report import Report, markdown
from benchmarks.common.tables import SPLITS, TABLES, MissingDataError, Table, load, split
from benchmarks.peers.install import add_peers
from benchmarks.quality import _rivals
from benchmarks.quality._one_hot import Array, encode
from benchmarks.quality._rivals import Found, Split

TITLE, TAKES = "Defaults on tables of all kinds", "about 20 minutes"
OURS = ("LR", "FM", "FFM", "FwFM", "HOFM")
PREFIX = {"LR": "Linear"}
PACKAGES = ("lightgbm", "myfm", "modern-fm")
NAMES = (*_rivals.IN_PROCESS, *PACKAGES, *_rivals.XLEARN_KINDS)
# How much worse than the constant, and than linear regression on one-hot columns, ours may be.
TOLERATED_CONSTANT, TOLERATED_LINEAR = 0.002, 0.01
CATEGORICAL = ("clicks", "categories", "codes", "ratings")


def ours(name: str, table: Table, train: pd.DataFrame, test: pd.DataFrame, classes: Array) -> Found:
    """Fit one of our estimators to a DataFrame, and predict."""
    suffix = "Regressor" if table.task == "regression" else "Classifier"
    model = getattr(fieldfare, PREFIX.get(name, name) + suffix)(random_state=0, n_jobs=1)
    start = time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(train, table.target)
            seconds = time.process_time() - start
            rows = test.drop(columns=table.target)
            if table.task == "regression":
                return Found(model.predict(rows), seconds)
            chances = model.predict_proba(rows)
    except (fieldfare.FieldfareError, ValueError, TypeError) as error:
        return Found(None, failure=f"{type(error).__name__}: {error}".splitlines()[0])
    chances = chances[:, np.argsort(np.searchsorted(classes, model.classes_))]
    return Found(chances[:, 1] if table.task == "binary" else chances, seconds)


def scores(task: str, y: Array, found: Found) -> dict[str, Any]:
    """Return the figures of some predictions."""
    if found.predictions is None:
        return {"failure": found.failure}
    from sklearn.metrics import log_loss, roc_auc_score

    from fieldfare.metrics.classification import ece

    p = np.asarray(found.predictions, np.float64)
    if not np.isfinite(p).all():
        return {"failure": "predictions that are not finite"}
    figures = {"seconds": found.seconds}
    if task == "regression":
        return figures | {"loss": float(np.sqrt(np.mean((p - y) ** 2)))}
    labels = np.arange(2 if p.ndim == 1 else p.shape[1])
    guess = (p >= 0.5).astype(int) if p.ndim == 1 else p.argmax(axis=1)
    p = np.clip(p, 1e-7, 1 - 1e-7)
    figures |= {
        "loss": float(log_loss(y, p if p.ndim == 1 else p / p.sum(axis=1)[:, None], labels=labels)),
        "accuracy": float(np.mean(guess == y)),
        "ece": ece(y.astype(np.float64), p, np.ones(len(y))),
    }
    if task == "binary":
        figures["auc"] = float(roc_auc_score(y, p))
    return figures


class Case:
    """A table, its splits, and the figures of all systems on them."""

    def __init__(self, table: Table, frame: pd.DataFrame) -> None:
        self.table = table
        self.runs: list[dict[str, Any]] = []
        self.classes = np.unique(frame[table.target])
        self.parts = [self._parts(frame, number) for number in range(SPLITS)]

    def _parts(self, frame: pd.DataFrame, number: int) -> tuple[pd.DataFrame, pd.DataFrame]:
        parts = split(self.table, frame, number)
        train = pd.concat([parts.train, parts.valid], ignore_index=True)
        known = parts.test[self.table.target].isin(train[self.table.target])
        test = parts.test if self.table.task == "regression" else parts.test[known]
        return train, test.reset_index(drop=True)

    def target(self, frame: pd.DataFrame) -> Array:
        y = frame[self.table.target].to_numpy()
        numbers = y if self.table.task == "regression" else np.searchsorted(self.classes, y)
        return np.asarray(numbers, np.float64)

    def add(self, system: str, number: int, found: Found) -> None:
        y = self.target(self.parts[number][1])
        figures = scores(self.table.task, y, found)
        self.runs.append({"table": self.table.name, "system": system, "split": number} | figures)

    def measure_ours(self, names: list[str]) -> None:
        for number, (train, test) in enumerate(self.parts):
            for name in names:
                self.add(name, number, ours(name, self.table, train, test, self.classes))

    def measure_others(self, names: list[str], options: Namespace) -> None:
        splits = [
            Split(
                self.table.task, encode(self.table, train, test), self.target(train),
                self.target(test), bool(self.table.texts),
            )
            for train, test in self.parts
        ]  # fmt: skip
        programs = os.environ.get("FIELDFARE_BENCH_XLEARN")
        with tempfile.TemporaryDirectory() as work:
            for number, one in enumerate(splits):
                for name in names:
                    if name in _rivals.IN_PROCESS:
                        self.add(name, number, _rivals.IN_PROCESS[name](one))
                    elif name in _rivals.XLEARN_KINDS and programs is not None:
                        found = _rivals.xlearn(name, one, Path(programs), Path(work))
                        self.add(name, number, found)
            wanted = [name for name in names if name in PACKAGES]
            if wanted and options.peers.exists():
                results = _rivals.packages(wanted, splits, options.peers, Path(work))
                for name, of_splits in results.items():
                    for number, found in enumerate(of_splits):
                        self.add(name, number, found)


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, default=SHARED, help="folder of the data sets")
    parser.add_argument("--tables", nargs="+", choices=list(TABLES), default=list(TABLES),
                        metavar="NAME", help="by default the whole collection")  # fmt: skip
    parser.add_argument("--systems", nargs="+", choices=(*OURS, *NAMES), default=(*OURS, *NAMES),
                        metavar="NAME", help=f"some of {', '.join((*OURS, *NAMES))}")  # fmt: skip
    parser.add_argument("--rows", type=int, default=5_000, help="at most, of each set")
    parser.add_argument("--before", type=Path, help="report of an earlier state of ours")
    parser.add_argument("--keep", type=Path, help="report with what is not measured now")
    add_peers(parser, ", ".join(PACKAGES))


def measure(options: Namespace) -> dict[str, Any]:
    kept = Report.load(options.keep) if options.keep else None
    if kept is not None and kept.settings["rows"] != options.rows:
        raise SystemExit(f"{options.keep} is on {kept.settings['rows']} rows: give --rows as many.")
    before = Report.load(options.before).figures["runs"] if options.before else []
    runs = [] if kept is None else [run for run in kept.figures["runs"] if _stays(run, options)]
    others = [name for name in options.systems if name in NAMES]
    sizes = {} if kept is None else dict(kept.figures["sizes"])
    for name in options.tables:
        start = time.monotonic()
        try:
            frame = load(name, options.rows, options.data)
        except MissingDataError as error:
            print(f"{name}: left out. {error}", flush=True)
            continue
        case = Case(TABLES[name], frame)
        sizes[name] = [len(frame), frame.shape[1] - 1]
        case.measure_ours([system for system in options.systems if system in OURS])
        if others:
            case.measure_others(others, options)
        runs += case.runs
        print(f"{name}: {time.monotonic() - start:.0f} s", flush=True)
    return {
        "sizes": {name: sizes[name] for name in TABLES if name in sizes},
        "runs": runs,
        "before": [run for run in before if run["system"] in OURS and run["table"] in sizes],
    }


def _stays(run: dict[str, Any], options: Namespace) -> bool:
    return run["table"] not in options.tables or run["system"] not in options.systems


def means(runs: list[dict[str, Any]], figure: str) -> dict[tuple[str, str], float | None]:
    """Return the mean of a figure over the splits, by table and system; None if one failed."""
    found: dict[tuple[str, str], list[float | None]] = {}
    for run in runs:
        found.setdefault((run["table"], run["system"]), []).append(run.get(figure))
    return {
        key: None if None in values else float(np.mean([v for v in values if v is not None]))
        for key, values in found.items()
    }


def tell(report: Report) -> Iterator[str]:
    figures, runs = report.figures, report.figures["runs"]
    yield (
        f"Means of {SPLITS} splits; at most {report.settings['rows']:,} rows of each set, of which "
        "80 % are learned from. Seconds are the processor's, of fitting (myFM, modern-fm and "
        "LightGBM: with prediction), one thread. *Apart*: nothing is chosen on this set."
    )
    yield "## Against the constant and one-hot linear regression"
    yield verdicts(runs, figures["before"])
    yield "## Log loss (RMSE of numbers)"
    yield losses(figures["sizes"], runs, figures["before"])
    for title, figure in (
        ("Calibration error", "ece"), ("AUC", "auc"), ("Accuracy", "accuracy"),
        ("Seconds", "seconds"),
    ):  # fmt: skip
        yield f"## {title}"
        yield by_system(runs, figure)
    failures = sorted({(r["table"], r["system"], r["failure"]) for r in runs if "failure" in r})
    if failures:
        yield "## What failed"
        yield markdown(("set", "system", "reason"), failures)


def systems_of(runs: list[dict[str, Any]]) -> list[str]:
    present = {run["system"] for run in runs}
    return [name for name in (*OURS, *NAMES) if name in present]


def losses(
    sizes: dict[str, list[int]], runs: list[dict[str, Any]], before: list[dict[str, Any]]
) -> str:
    """Return a row of each set; where there was an earlier state, its losses of ours are first."""
    now, then = means(runs, "loss"), means(before, "loss")
    systems = systems_of(runs)
    rows: list[list[Any]] = []
    for name, (n_rows, n_columns) in sizes.items():
        table = TABLES[name]
        title = f"{name}{' (*apart*)' if table.apart else ''}"
        about = [title, ", ".join(table.kinds), n_rows, n_columns]
        if any(key[0] == name for key in then):
            rows.append([f"{title}, before", "", "", "", *(then.get((name, s)) for s in systems)])
        rows.append([*about, *(now.get((name, system)) for system in systems)])
    return markdown(("set", "what it is", "rows", "columns", *systems), rows)


def by_system(runs: list[dict[str, Any]], figure: str) -> str:
    found, systems = means(runs, figure), systems_of(runs)
    rows = [[name, *(found.get((name, system)) for system in systems)] for name in TABLES]
    return markdown(("set", *systems), [row for row in rows if any(c is not None for c in row[1:])])


def verdicts(runs: list[dict[str, Any]], before: list[dict[str, Any]]) -> str:
    """Count where ours are worse than what nobody may lose to, and by how much in the mean."""
    reference = means(runs, "loss")
    rows = []
    for state, own in (("before", means(before, "loss")), ("", reference)):
        for system in OURS:
            of = {table: loss for (table, name), loss in own.items() if name == system}
            if of:
                rows.append([f"{system} {state}".strip(), *_verdict(of, reference)])
    headers = (
        "system", "sets", "failed",
        f"worse than the constant by over {TOLERATED_CONSTANT:.1%}", "which",
        f"behind one-hot linear by over {TOLERATED_LINEAR:.0%}, sets of categories", "which",
        "median loss, one-hot linear being 1",
    )  # fmt: skip
    return markdown(headers, rows)


def _verdict(
    own: dict[str, float | None], reference: dict[tuple[str, str], float | None]
) -> list[Any]:
    worse, behind, ratios = [], [], []
    for table, loss in own.items():
        constant, linear = (reference.get((table, name)) for name in _rivals.IN_PROCESS)
        if loss is None or constant is None or linear is None:
            continue
        if loss > constant * (1 + TOLERATED_CONSTANT):
            worse.append(table)
        ratios.append(loss / linear)
        if loss > linear * (1 + TOLERATED_LINEAR) and set(CATEGORICAL) & set(TABLES[table].kinds):
            behind.append(table)
    failed = sum(loss is None for loss in own.values())
    middle = float(np.median(ratios)) if ratios else None
    return [len(own), failed, len(worse), ", ".join(worse), len(behind), ", ".join(behind), middle]
