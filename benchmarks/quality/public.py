"""Test quality on public data sets, by protocols others have published figures for.

``python -m benchmarks quality/public`` needs the data sets in ``../shared/data`` (or ``--data
FOLDER``), which may not be redistributed. The settings are the constants below. The test part is
never looked at for training or stopping.

Protocols
---------
frappe
    The split of He and Chua 2017; early stopping on the validation part by AUC; test AUC, logloss.
ml-100k
    Mean RMSE over the folds u1 to u5, from user and item only, and with the columns of both.
ml-1m
    A random tenth for testing (seed 2024); user and item only.
xlearn-demos
    The small files of xLearn's demonstrations: train, then evaluate on the test file. Those of
    titanic and house_price hold zeros for labels, and higgs is one file: five-fold
    cross-validation on the training file, as the demonstrations do; seconds are of all folds.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.common.public import add_protocols
from benchmarks.common.report import Report, markdown
from benchmarks.quality._movielens import SEED, ml_100k_columns
from fieldfare.data.loading import load
from fieldfare.training.crossval import cross_validate
from fieldfare.training.functions import evaluate, train

TITLE, TAKES = "Quality on public data", "minutes"
Settings = dict[str, Any]

FRAPPE: dict[str, Settings] = {
    "linear": {},
    "fm": {"l2_factors": 1e-3, "init_scale": 0.3},
    "ffm": {"l2_factors": 3e-4},
    "fwfm": {},
    "hofm": {"order": 3, "l2_factors": 3e-4, "init_scale": 0.3},
}
FRAPPE_COMMON: Settings = {
    "task": "binary", "eval_metric": "auc", "n_iter_no_change": 3, "max_iter": 60, "n_factors": 10,
    "learning_rate": 0.6,
}  # fmt: skip
ML_100K: Settings = {
    "n_factors": 16, "learning_rate": 0.14, "init_scale": 0.14, "l2_linear": 0.0025,
    "l2_factors": 0.05,
}  # fmt: skip
ML_100K_COLUMNS: Settings = {
    "n_factors": 16, "learning_rate": 0.3, "init_scale": 0.3, "l2_linear": 5e-4, "l2_factors": 0.01,
}  # fmt: skip
ML_1M: Settings = {
    "n_factors": 16, "learning_rate": 0.14, "init_scale": 0.14, "l2_linear": 0.0025,
    "l2_factors": 0.025,
}  # fmt: skip
# The number of epochs is chosen on a tenth of the training part, never on the test part.
# Where the second file is None there is no test file, or all its labels are placeholders: those
# sets are cross-validated on the training file.
FOLDS = 5
XLEARN_DEMOS: dict[str, tuple[str, str | None, Settings]] = {
    "criteo_ctr": ("small_train.txt", "small_test.txt", {"model": "ffm", "max_iter": 5}),
    "mushroom": ("agaricus_train.txt.gz", "agaricus_test.txt", {"model": "fm", "max_iter": 10}),
    "titanic": ("titanic_train.txt", None, {"model": "fm", "max_iter": 10}),
    "house_price": (
        "house_price_train.txt.gz",
        None,
        {"model": "linear", "task": "regression", "max_iter": 20},
    ),
    "higgs": ("higgs-test.csv.gz", None, {"model": "fm", "max_iter": 10}),
}
RATINGS: Settings = {"model": "fm", "task": "regression", "early_stopping": True, "max_iter": 60}
TARGETS = {
    "frappe, FM": ("auc", 0.965),
    "frappe, FFM": ("auc", 0.975),
    "frappe, FwFM": ("auc", 0.976),
    "frappe, HOFM": ("auc", 0.973),
    "ml-100k, user and item": ("rmse", 0.935),
    "ml-100k, with columns": ("rmse", 0.925),
    "ml-1m, user and item": ("rmse", 0.870),
}
Figures = dict[str, dict[str, Any]]


def frappe(data: Path, n_jobs: int, seed: int) -> Figures:
    folder = data / "frappe"
    parts = [folder / f"frappe_x1.{part}.ffm.gz" for part in ("train", "valid", "test")]
    training = load(parts[0])
    found: Figures = {}
    for model, settings in FRAPPE.items():
        result = train(
            training, valid=parts[1], model=model, n_jobs=n_jobs, random_state=seed,
            **FRAPPE_COMMON | settings,
        )  # fmt: skip
        figures = evaluate(result.model, parts[2], metrics=["auc", "logloss"])
        name = {"linear": "LR", "fwfm": "FwFM", "hofm": "HOFM"}.get(model, model.upper())
        found[f"frappe, {name}"] = _row(figures, result)
    return found


def ml_100k(data: Path, n_jobs: int, seed: int) -> Figures:
    folder = data / "ml-100k"
    users, items = ml_100k_columns(folder)
    found: Figures = {}
    for name, settings in (("user and item", ML_100K), ("with columns", ML_100K_COLUMNS)):
        folds = []
        for fold in range(1, 6):
            parts = [_ratings(folder / f"u{fold}.{part}.gz") for part in ("base", "test")]
            if name == "with columns":
                parts = [part.merge(users, "left").merge(items, "left") for part in parts]
            folds.append(_rate(parts[0], parts[1], settings, n_jobs, seed))
        figures = {
            key: float(np.mean([fold[key] for fold in folds])) for key in ("rmse", "seconds")
        }
        found[f"ml-100k, {name}"] = figures | {"folds": [fold["rmse"] for fold in folds]}
    return found


def ml_1m(data: Path, n_jobs: int, seed: int) -> Figures:
    ratings = pd.read_csv(data / "ml-1m" / "ratings.csv.gz", dtype={"user": str, "item": str})
    order = np.random.default_rng(SEED).permutation(len(ratings))
    test, rest = np.split(order, [len(ratings) // 10])
    parts = [ratings.iloc[np.sort(rows)].reset_index(drop=True) for rows in (rest, test)]
    return {"ml-1m, user and item": _rate(parts[0], parts[1], ML_1M, n_jobs, seed)}


def xlearn_demos(data: Path, n_jobs: int, seed: int) -> Figures:
    folder = data / "xlearn-demos"
    found: Figures = {}
    for name, (training, test, settings) in XLEARN_DEMOS.items():
        title = f"xlearn demo {name}, {settings['model']}"
        given = settings | {"n_jobs": n_jobs, "random_state": seed, "early_stopping": False}
        rows = load(folder / training)
        if test is None:
            start = time.perf_counter()
            result = cross_validate(rows, folds=FOLDS, **given)
            seconds = time.perf_counter() - start
            found[f"{title} ({FOLDS}-fold cross-validation)"] = result.mean | {"seconds": seconds}
        else:
            trained = train(rows, **given)
            found[title] = _row(evaluate(trained.model, folder / test), trained)
    return found


def _rate(
    training: pd.DataFrame, test: pd.DataFrame, settings: Settings, n_jobs: int, seed: int
) -> dict[str, Any]:
    result = train(
        training, target="rating", n_jobs=n_jobs, random_state=seed, **RATINGS | settings
    )
    return _row(evaluate(result.model, test, metrics=["rmse"]), result)


def _row(figures: dict[str, float], result: Any) -> dict[str, Any]:
    history = result.history
    seconds = float(sum(history["seconds"]))
    return dict(figures) | {"best_epoch": history.best_epoch, "seconds": seconds}


def _ratings(path: Path) -> pd.DataFrame:
    names = ["user", "item", "rating"]
    kinds = {"user": str, "item": str, "rating": "float32"}
    return pd.read_csv(path, sep="\t", header=None, names=names, usecols=range(3), dtype=kinds)


PROTOCOLS: dict[str, Callable[[Path, int, int], Figures]] = {
    "frappe": frappe,
    "ml-100k": ml_100k,
    "ml-1m": ml_1m,
    "xlearn-demos": xlearn_demos,
}


def add_options(parser: ArgumentParser) -> None:
    add_protocols(parser, PROTOCOLS)
    parser.add_argument("--threads", type=int, default=1, help="1 (default) is reproducible")
    parser.add_argument("--seed", type=int, default=1)


def measure(options: Namespace) -> Figures:
    figures: Figures = {}
    for name in options.protocols:
        figures |= PROTOCOLS[name](options.data, options.threads, options.seed)
    return figures


def tell(report: Report) -> Iterator[str]:
    metrics = ("auc", "logloss", "rmse", "seconds")
    rows = []
    for name, found in report.figures.items():
        metric, bound = TARGETS.get(name, (None, None))
        aim = "" if metric is None else f"{metric} {'>=' if metric == 'auc' else '<='} {bound}"
        rows.append([name, *(found.get(metric) for metric in metrics), aim])
    yield markdown(["data, model", "AUC", "logloss", "RMSE", "training s", "aim"], rows)
