"""Time prediction: whole files, one context with many candidates, one sample.

``python -m benchmarks speed/prediction`` generates rows (``benchmarks.common.generate``), and
predicts them with ``fieldfare predict``, a process from start to end, from libffm text and from a
RowStore, with models of a million features. Then, in this process on one thread: 10,000 candidates
of 5 features with a context of 10 (FM, k = 16), and single samples of 10 columns, as a dictionary
and as Rows.
"""

from __future__ import annotations

import sys
import tempfile
import timeit
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.common.clicks import click_rows
from benchmarks.common.process import run
from benchmarks.common.report import WORK, Report, markdown
from fieldfare.config import ModelConfig
from fieldfare.models.base import Model
from fieldfare.models.registry import build
from fieldfare.persist.file import save_model
from fieldfare.rows import Rows
from fieldfare.schema.schema import Column, Schema
from fieldfare.sources.sparse_text import write_text
from fieldfare.store.row_store import RowStore

TITLE, TAKES = "Prediction", "some minutes"
MODELS = [("linear", 1), ("fm", 4), ("fm", 8), ("fm", 16), ("ffm", 4)]
N_CANDIDATES, CANDIDATE_BAR_MS = 10_000, 2.0
SINGLE_BAR_US = 20.0


def new_model(kind: str, k: int, schema: Schema) -> Model:
    """Return a model with random parameters: what they are does not change the time."""
    model = build(
        ModelConfig(model=kind, n_factors=k),
        n_features=schema.n_features,
        n_fields=schema.n_fields,
        schema=schema,
        classes=[0, 1],
    )
    model.linear[:] = np.random.default_rng(0).normal(scale=0.1, size=model.linear.shape)
    return model


def predict_arrays(model: Model, *arrays: Any) -> object:
    """Make Rows of arrays and predict them."""
    return model.predict(Rows(*arrays))


def files(n_rows: int, threads: list[int], repeats: int, work: Path) -> list[dict[str, Any]]:
    """Predict a file with every model, from text and from a store, the variants interleaved."""
    rows = click_rows(n_rows)
    write_text(rows, work / "rows.ffm", "libffm")
    RowStore.build([rows], work / "rows.store")
    fields = np.zeros(rows.n_features, np.uint16)
    assert rows.fields is not None
    fields[rows.indices] = rows.fields
    schema = Schema.indexed(rows.n_features, rows.n_fields, field_of=fields)
    variants = [
        (kind, k, n, source)
        for kind, k in MODELS
        for n in threads
        for source in ("rows.ffm", "rows.store")
    ]
    scored: dict[tuple[str, int, int], float] = {}
    for kind, k in MODELS:
        model = new_model(kind, k, schema)
        save_model(model, work / f"{kind}{k}.ff")
        for n in threads:
            spent = timeit.repeat(partial(model.score, rows, n), number=1, repeat=5)
            scored[kind, k, n] = median(spent)
    times: dict[tuple[str, int, int, str], list[float]] = {variant: [] for variant in variants}
    for _ in range(repeats):
        for kind, k, n, source in variants:
            command = ["predict", str(work / source), "-m", str(work / f"{kind}{k}.ff")]
            command += ["-o", str(work / "predictions.txt"), "--threads", str(n)]
            ended = run(
                [sys.executable, "-m", "fieldfare", *command],
                folder=work,
                environment={"FIELDFARE_CACHE": str(work / "cache")},
            )
            if ended.failure is not None:
                raise RuntimeError(f"fieldfare predict: {ended.failure}")
            times[kind, k, n, source].append(ended.seconds)
    return [
        {
            "model": kind,
            "k": k,
            "threads": n,
            "score_krows_per_second": n_rows / seconds / 1e3,
            "text_krows_per_second": n_rows / median(times[kind, k, n, "rows.ffm"]) / 1e3,
            "store_krows_per_second": n_rows / median(times[kind, k, n, "rows.store"]) / 1e3,
            "text_seconds": median(times[kind, k, n, "rows.ffm"]),
            "store_seconds": median(times[kind, k, n, "rows.store"]),
        }
        for (kind, k, n), seconds in scored.items()
    ]


def candidates(repeats: int) -> dict[str, Any]:
    """Time 10,000 candidates with one context, and the same as joined rows."""
    random = np.random.default_rng(0)
    n_features = 1_000_000
    model = new_model("fm", 16, Schema.indexed(n_features, 0))

    def draw(n_rows: int, length: int) -> Rows:
        ids = random.integers(0, n_features, n_rows * length).astype(np.uint32)
        return Rows(np.arange(0, n_rows * length + 1, length), ids)

    context, items = draw(1, 10), draw(N_CANDIDATES, 5)
    shared = np.tile(context.indices, (N_CANDIDATES, 1))
    ids = np.hstack([shared, items.indices.reshape(N_CANDIDATES, -1)])
    joined = Rows(np.arange(0, ids.size + 1, 15), ids.ravel())
    together = 1e3 * _seconds(lambda: model.score_candidates(context, items, 1), 1, repeats)
    return {
        "candidates_ms": together,
        "joined_rows_ms": 1e3 * _seconds(lambda: model.score(joined, 1), 1, repeats),
        "bar_ms": CANDIDATE_BAR_MS,
        "met": together < CANDIDATE_BAR_MS,
    }


def singles(repeats: int) -> list[dict[str, Any]]:
    """Time one sample of 8 categorical and 2 numeric columns."""
    random = np.random.default_rng(0)
    n_rows = 20_000
    table: dict[str, Any] = {
        f"c{i}": random.integers(0, 10 ** (1 + i % 4), n_rows).astype(str).tolist()
        for i in range(8)
    }
    table["age"] = random.normal(40, 10, n_rows).tolist()
    table["price"] = random.lognormal(size=n_rows).tolist()
    numeric = [Column("age", "numeric"), Column("price", "numeric", transform="quantile")]
    schema = Schema((*(Column(f"c{i}") for i in range(8)), *numeric)).fit(table)
    sample = {name: values[5] for name, values in table.items()}
    row = schema.encode([sample], labelled=False)
    arrays = (row.indptr, row.indices, row.values, row.fields)
    found = []
    for kind, k in (("linear", 1), ("fm", 16), ("ffm", 4)):
        model = new_model(kind, k, schema)
        ways: dict[str, Callable[[], object]] = {
            "dictionary": partial(model.predict_one, sample),
            "Rows at hand": partial(model.predict, row),
            "Rows made of arrays": partial(predict_arrays, model, *arrays),
            "Rows at hand, raw score": partial(model.score, row),
        }
        for name, call in ways.items():
            spent = 1e6 * _seconds(call, 2000, repeats)
            found.append(
                {"model": kind, "k": k, "sample": name, "us": spent, "met": spent < SINGLE_BAR_US}
            )
    return found


def _seconds(call: Callable[[], object], number: int, repeats: int) -> float:
    call()
    return median(timeit.repeat(call, number=number, repeat=5 * repeats)) / number


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])


def measure(options: Namespace) -> dict[str, Any]:
    one, many = singles(options.repeats), candidates(options.repeats)
    WORK.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK) as work:
        whole = files(options.rows, options.threads, options.repeats, Path(work))
    return {"files": whole, "candidates": many, "singles": one}


def tell(report: Report) -> Iterator[str]:
    figures, many = report.figures, report.figures["candidates"]
    verdict = {True: "met", False: "MISSED"}
    yield (
        f"{report.settings['rows']:,} generated rows of 39 fields, a million features. `score` is "
        "`model.score` of Rows in memory; the others are the whole process `fieldfare predict`, "
        "from its start to the predictions on disk. Medians of "
        f"{report.settings['repeats']} runs."
    )
    yield markdown(
        ["model", "k", "threads", "score krows/s", "from text krows/s", "from store krows/s",
         "text s", "store s"],
        [list(row.values()) for row in figures["files"]],
    )  # fmt: skip
    yield (
        f"{N_CANDIDATES:,} candidates of 5 features with a context of 10, FM of k = 16, one "
        f"thread: **{many['candidates_ms']:.2f} ms** from Python (bar: {many['bar_ms']} ms, "
        f"{verdict[many['met']]}); as {N_CANDIDATES:,} rows of 15 features "
        f"{many['joined_rows_ms']:.2f} ms."
    )
    yield (f"One sample of 10 columns, microseconds a call from Python (bar: {SINGLE_BAR_US:.0f}):")
    yield markdown(
        ["model", "k", "sample", "us", "bar"],
        [[r["model"], r["k"], r["sample"], r["us"], verdict[r["met"]]] for r in figures["singles"]],
    )
