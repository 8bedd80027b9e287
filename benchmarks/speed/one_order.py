"""What it costs that a seed gives the same model twice: epochs in one order, and lock-free ones.

``python -m benchmarks speed/one_order`` trains on the generated click rows, in memory, with
AdaGrad: with ``deterministic=True``, where the updates follow the order of one thread, and with
``deterministic=False`` on all cores. The two take turns, epoch by epoch. The loss of other rows is
measured after the last.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from statistics import median
from typing import Any

from benchmarks.common.clicks import click_rows
from benchmarks.common.report import Report, markdown
from fieldfare.config import ModelConfig, SolverConfig, TrainingConfig
from fieldfare.kernels.machine import available_cores
from fieldfare.models.registry import build
from fieldfare.rows import Rows
from fieldfare.training.loop.evaluation import evaluate_scores, score_subset
from fieldfare.training.loop.session import Session
from fieldfare.training.samples.subset import RowSubset

TITLE, TAKES = "One order of updates", "two minutes"
MODELS = {"fm": 8, "ffm": 4}


def start(model: str, rows: Rows, *, deterministic: bool) -> Session:
    config = ModelConfig(model=model, n_factors=MODELS[model], instance_norm=True)
    new = build(config, n_features=rows.n_features, n_fields=rows.n_fields)
    plan = TrainingConfig(max_iter=1, random_state=0, deterministic=deterministic)
    return Session(new, SolverConfig(), plan)


def loss(session: Session, rows: Rows) -> float:
    subset = RowSubset(rows)
    return evaluate_scores("binary", score_subset(session.model, subset), subset, [])["loss"]


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=5)


def measure(options: Namespace) -> dict[str, Any]:
    rows, others = click_rows(options.rows), click_rows(options.rows // 10, part=2)
    found: dict[str, Any] = {"rows": options.rows, "threads": available_cores(), "models": {}}
    for model in MODELS:
        sessions = {same: start(model, rows, deterministic=same) for same in (True, False)}
        seconds: dict[bool, list[float]] = {True: [], False: []}
        for epoch in range(options.repeats + 1):
            for same, session in sessions.items():
                (spent,) = session.fit(rows).history["seconds"]
                print(f"{model} deterministic={same} epoch {epoch}: {spent:.2f} s", flush=True)
                # In the first, the pages of the table are touched for the first time.
                if epoch:
                    seconds[same].append(spent)
        found["models"][model] = {
            way: {"seconds": seconds[same], "loss": loss(sessions[same], others)}
            for way, same in (("one_order", True), ("lock_free", False))
        }
    return found


def tell(report: Report) -> Iterator[str]:
    figures = report.figures
    yield (
        f"{figures['rows']:,} generated click rows of 39 fields in memory, AdaGrad; medians of the "
        f"epochs after the first. Lock-free on {figures['threads']} threads. The loss is that of "
        "other rows after the last epoch."
    )
    table = []
    for model, ways in figures["models"].items():
        spent = {way: median(one["seconds"]) for way, one in ways.items()}
        table.append(
            [
                model, MODELS[model], spent["one_order"], spent["lock_free"],
                spent["one_order"] / spent["lock_free"], ways["one_order"]["loss"],
                ways["lock_free"]["loss"],
            ]
        )  # fmt: skip
    header = [
        "model", "k", "one order, s", "lock-free, s", "times as long", "loss in one order",
        "loss lock-free",
    ]  # fmt: skip
    yield markdown(header, table)
