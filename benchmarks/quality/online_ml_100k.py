"""Daily training on MovieLens 100k in the order of time, by progressive validation.

``python -m benchmarks quality/online_ml_100k`` needs MovieLens 100k in ``../shared/data`` or
``--data FOLDER``. The first half of the ratings trains a machine; the rest comes in parts, each of
which is predicted and then learned from. The error of a part is that of the ratings before they
were learned from; those of users and films that are new count as well.
"""

from __future__ import annotations

import time
import warnings
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common.public import add_data
from benchmarks.common.report import Report, markdown
from fieldfare.exceptions import FieldfareWarning
from fieldfare.models.base import Model
from fieldfare.training.functions import predict, train

TITLE, TAKES = "Daily training on MovieLens 100k", "two minutes"
Table = dict[str, Any]
Update = Callable[[Model, Table, Table], Model]
FIRST: dict[str, Any] = {"model": "fm", "n_factors": 8, "max_iter": 10}
NEXT: dict[str, Any] = {"max_iter": 2}
COMMON: dict[str, Any] = {
    "target": "rating", "task": "regression", "early_stopping": False, "random_state": 0,
}  # fmt: skip


def _fresh(model: Model, part: Table) -> Model:
    return train(part, model=model.with_(progress=None), **_own(NEXT)).model


def _kept(model: Model, part: Table) -> Model:
    return train(part, model=model, keep_state=True, **_own(NEXT)).model


def _own(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in COMMON.items() if name != "task"} | settings


WAYS: dict[str, Update] = {
    "never updated": lambda model, _, __: model,
    "trained further, fresh state": lambda model, part, _: _fresh(model, part),
    "trained further, state kept": lambda model, part, _: _kept(model, part),
    "trained anew on everything": lambda _, __, so_far: train(so_far, **COMMON, **FIRST).model,
}


def _read(folder: Path) -> Table:
    user, item, rating, when = np.loadtxt(folder / "ml-100k" / "u.data", np.int64, unpack=True)
    order = np.argsort(when, kind="stable")
    return {
        "user": user[order].astype(str),
        "item": item[order].astype(str),
        "rating": rating[order].astype(float),
    }


def _rows(table: Table, low: int, high: int) -> Table:
    return {name: values[low:high] for name, values in table.items()}


def add_options(parser: ArgumentParser) -> None:
    """Declare the options."""
    add_data(parser)
    parser.add_argument("--parts", type=int, default=25, help="parts of the second half")


def measure(options: Namespace) -> list[dict[str, Any]]:
    """Return the error of each way, and its seconds."""
    table = _read(options.data)
    n = len(table["rating"])
    cuts = np.linspace(n // 2, n, options.parts + 1).astype(int)
    figures = []
    for name, update in WAYS.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FieldfareWarning)
            model = train(_rows(table, 0, cuts[0]), keep_state=True, **COMMON, **FIRST).model
            errors, begin = [], time.perf_counter()
            for low, high in pairwise(cuts):
                part = _rows(table, low, high)
                errors.append((predict(model, part) - part["rating"]) ** 2)
                model = update(model, part, _rows(table, 0, high))
        halves = len(errors) // 2
        figures.append(
            {
                "way": name,
                "rmse": _rmse(errors),
                "first": _rmse(errors[:halves]),
                "second": _rmse(errors[halves:]),
                "seconds": time.perf_counter() - begin,
            }
        )
    return figures


def _rmse(errors: list[Any]) -> float:
    return float(np.sqrt(np.mean(np.concatenate(errors))))


def tell(report: Report) -> Iterator[str]:
    """Yield the report as Markdown."""
    yield (
        "Root mean squared error of ratings before they were learned from (progressive "
        "validation), "
        "and the seconds of all updates and predictions."
    )
    heads = ["the model is", "all parts", "first half", "second half", "seconds"]
    names = ("way", "rmse", "first", "second", "seconds")
    yield markdown(heads, [[row[name] for name in names] for row in report.figures])
