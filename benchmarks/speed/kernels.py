"""Rows a second of every training and scoring kernel, and the share of the memory-replay limit.

``python -m benchmarks speed/kernels`` trains on generated rows in memory, one kernel after the
other, in random order as training does. After each pass of a kernel, the replay
(``native/replay.cpp``) touches the same cache lines of a table of the same shape without
arithmetic. The share of the limit is the replay's median time over the kernel's.
"""

from __future__ import annotations

import itertools
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from statistics import median
from typing import Any

import numpy as np

from benchmarks.common.clicks import click_rows
from benchmarks.common.report import Report, markdown
from benchmarks.speed._replay import Replay
from fieldfare.config import ModelConfig, SolverConfig
from fieldfare.kernels.native import TrainingTable
from fieldfare.kinds.models import MODEL_KINDS
from fieldfare.models.registry import build
from fieldfare.rows import Rows
from fieldfare.solvers.gradient import GradientSolver

GRADIENT_SOLVERS = [kind.name for kind in GradientSolver.runs]
WITH_FIELDS = [name for name, kind in MODEL_KINDS.items() if kind.uses_fields]

TITLE, TAKES = "Kernels", "some minutes"
# FFM tables of a million features take gigabytes, and the width changes little: one rank.
FACTORS = {"linear": [1], "fm": [4, 8, 16, 32], "ffm": [4], "fwfm": [8], "hofm": [8]}
# Those that learn on one thread, whatever they are given.
ALONE = ("sgd", "ftrl")
# Share of the replay limit that one thread is to reach.
BARS = {("fm", "adagrad", 8): 0.6, ("fm", "adagrad", 16): 0.6}


@dataclass(frozen=True)
class Kernel:
    """What one figure is about; the solver "score" is prediction."""

    model: str
    solver: str
    k: int
    threads: int


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def trained(
    rows: Rows, model: str, solver: str, k: int, threads: list[int], repeats: int
) -> Iterator[dict[str, Any]]:
    """Yield the figures of one training kernel for each number of threads."""
    settings = SolverConfig(solver=solver, l2_linear=2e-5, l2_factors=2e-5)
    new = build(
        ModelConfig(model=model, n_factors=k, instance_norm=True),
        n_features=rows.n_features,
        n_fields=rows.n_fields,
    )
    table = GradientSolver(new, settings)
    layout = TrainingTable(new.spec(settings), 1).layout
    used = getattr(layout, "used", layout.stride)
    with_fields = model in WITH_FIELDS
    replay = Replay(rows.n_features, layout.stride, used, with_fields=with_fields)
    random = np.random.default_rng(0)
    order = random.permutation(rows.n_rows)
    times: dict[int, list[tuple[float, float]]] = {n: [] for n in threads}
    # A first pass that is not counted: the pages of both tables are then there.
    table.train(rows, order, None, max(threads))
    replay(rows, order, max(threads))
    for _ in range(repeats):
        order = random.permutation(rows.n_rows)
        for n in threads:
            kernel = seconds(partial(table.train, rows, order, None, n))
            times[n].append((kernel, seconds(partial(replay, rows, order, n))))
    for n, pairs in times.items():
        spent, limit = (median(column) for column in zip(*pairs, strict=True))
        share = limit / spent
        bar = BARS.get((model, solver, k)) if n == 1 else None
        yield asdict(Kernel(model, solver, k, n)) | {
            "rows_per_second": rows.n_rows / spent,
            "replay_rows_per_second": rows.n_rows / limit,
            "share_of_limit": share,
            "bytes_per_row": 4 * used * rows.nnz / rows.n_rows,
            "bar": bar,
            "met": None if bar is None else share >= bar,
        }


def scored(
    rows: Rows, model: str, k: int, threads: list[int], repeats: int
) -> Iterator[dict[str, Any]]:
    """Yield the figures of one scoring kernel."""
    new = build(
        ModelConfig(model=model, n_factors=k, instance_norm=True),
        n_features=rows.n_features,
        n_fields=rows.n_fields,
    )
    times: dict[int, list[float]] = {n: [] for n in threads}
    new.score(rows, n_threads=max(threads))
    for _, n in itertools.product(range(repeats), threads):
        times[n].append(seconds(partial(new.score, rows, n_threads=n)))
    for n, spent in times.items():
        yield asdict(Kernel(model, "score", k, n)) | {
            "rows_per_second": rows.n_rows / median(spent)
        }


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--models", nargs="+", choices=MODEL_KINDS, default=list(MODEL_KINDS))
    parser.add_argument(
        "--solvers", nargs="*", choices=GRADIENT_SOLVERS, default=list(GRADIENT_SOLVERS)
    )
    parser.add_argument("--factors", type=int, nargs="+", help="only these ranks")


def measure(options: Namespace) -> dict[str, Any]:
    found: list[dict[str, Any]] = []
    rows = click_rows(options.rows)
    threads, repeats = options.threads, options.repeats
    for model in options.models:
        for k in FACTORS[model]:
            if options.factors and model != "linear" and k not in options.factors:
                continue
            for solver in options.solvers:
                found += trained(
                    rows, model, solver, k, [1] if solver in ALONE else threads, repeats
                )
            found += scored(rows, model, k, threads, repeats)
    return {"kernels": found}


def tell(report: Report) -> Iterator[str]:
    yield (
        f"{report.settings['rows']:,} generated rows in memory, visited in random order; medians "
        f"of {report.settings['repeats']} passes. `score` is prediction. The share is that of the "
        "replay of the same memory accesses without arithmetic, interleaved with the kernel; bytes "
        "are those of the table that a row reads and writes. The bar is 60 % for FM with AdaGrad, "
        "k = 8 and 16, on one thread."
    )
    rows = [
        [
            figure["model"],
            figure["solver"],
            figure["k"],
            figure["threads"],
            round(figure["rows_per_second"] / 1e3),
            None if "share_of_limit" not in figure else f"{figure['share_of_limit']:.0%}",
            None if "bytes_per_row" not in figure else round(figure["bytes_per_row"]),
            {True: "met", False: "missed", None: None}[figure.get("met")],
        ]
        for figure in report.figures["kernels"]
    ]
    headers = [
        "model", "solver", "k", "threads", "krows/s", "of the limit", "bytes a row", "bar",
    ]  # fmt: skip
    yield markdown(headers, rows)
