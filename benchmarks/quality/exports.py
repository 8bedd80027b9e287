"""Compare exports of every kind of model: score differences, file sizes, latencies.

``python -m benchmarks quality/exports`` needs Frappe's log (``../shared/data/frappe/frappe.csv.gz``
or ``--data FOLDER``), onnxruntime, TensorFlow, duckdb and a C compiler, and takes some minutes.
Each line of the log is a positive; each gets a negative with another item, drawn at random. Models
are trained on what is left after 10,000 rows were set aside; the one of several classes tells the
time of day. The 10,000 are scored by every export, and once more with a tenth of the cells emptied
and a tenth replaced by a value that no model knows.

Latencies are of this one process and one thread: one sample, and a batch of 1,000, of rows already
encoded (``features``), or from the raw columns to the score (``columns``). Those of C are measured
without Python: a loop over the samples in C.
"""

from __future__ import annotations

import os
import tempfile
import timeit
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.common.public import add_data
from benchmarks.common.report import Report, markdown
from benchmarks.quality._scorers import Call, Part, Scorer, scorer_of
from fieldfare.export import Exported, export
from fieldfare.models.base import Model
from fieldfare.schema.schema import Column, Schema
from fieldfare.training.functions import predict, train

TITLE, TAKES = "Exports", "two minutes"
SEED = 2024
N_TEST, N_BATCH = 10_000, 1_000
COLUMNS = ("user", "item", "daytime", "weekday", "isweekend", "homework", "cost", "weather",
           "country", "city")  # fmt: skip
CLICK, CLASS = "used", "daytime"
MODELS: dict[str, dict[str, Any]] = {
    "linear": {},
    "fm": {"n_factors": 8},
    "ffm": {"n_factors": 4},
    "fwfm": {"n_factors": 8},
    "hofm": {"n_factors": 8, "order": 3},
    "multiclass fm": {"n_factors": 8, "model": "fm", "task": "multiclass"},
}
COMMON: dict[str, Any] = {
    "learning_rate": 0.3, "init_scale": 0.3, "l2_linear": 1e-6, "l2_factors": 1e-5, "max_iter": 8,
    "task": "binary",
}  # fmt: skip


@dataclass(frozen=True)
class Form:
    """One way to export: a format with its options, what runs it, and the kinds that it knows."""

    label: str
    to: str
    name: str
    runs_in: str = ""  # nothing: the file is parameters, which our own kernels score
    options: tuple[tuple[str, Any], ...] = ()
    kinds: tuple[str, ...] = tuple(MODELS)


FACTORED = tuple(kind for kind in MODELS if kind != "linear")
RAW = (("link", False),)
FORMS = [
    Form("onnx, features", "onnx", "model.onnx", "onnxruntime"),
    Form("onnx, features, fp16", "onnx", "model.onnx", "onnxruntime", (("quantize", "fp16"),)),
    Form(
        "onnx, features, int8", "onnx", "model.onnx", "onnxruntime", (("quantize", "int8"),),
        FACTORED,
    ),
    Form("onnx, columns", "onnx", "model.onnx", "onnxruntime", (("inputs", "columns"),)),
    Form("savedmodel", "savedmodel", "model.saved", "TensorFlow", RAW),
    Form("frozen", "frozen", "model.pb", "TensorFlow", RAW),
    Form("keras", "keras", "model.keras", "TensorFlow", RAW),
    Form("c", "c", "model.h", "C"),
    Form("c, fp16", "c", "model.h", "C", (("quantize", "fp16"),)),
    Form("c, int8", "c", "model.h", "C", (("quantize", "int8"),), FACTORED),
    Form("sql, columns", "sql", "model.sql", "DuckDB", (), ("linear", "fm")),
    Form("json", "json", "model.json"),
    Form("npz", "npz", "model.npz"),
    Form("npz, fp16", "npz", "model.npz", "", (("quantize", "fp16"),)),
    Form("npz, int8", "npz", "model.npz", "", (("quantize", "int8"),), FACTORED),
    Form("xlearn", "xlearn-text", "model.txt", "", (), ("linear", "fm", "ffm")),
    Form("libffm, pairs", "libffm-text", "model.txt", "", (("drop_linear", True),), ("ffm",)),
]  # fmt: skip


def frappe(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return training rows, test rows, and these with missing and unknown values."""
    random = np.random.default_rng(SEED)
    log = pd.read_csv(folder / "frappe" / "frappe.csv.gz", sep="\t", dtype=str)
    log = log[list(COLUMNS)].fillna("")
    negative = log.assign(item=random.choice(log["item"].unique(), len(log)), used=0)
    table = pd.concat([log.assign(used=1), negative])
    table = table.iloc[random.permutation(len(table))].reset_index(drop=True)
    test, training = table[:N_TEST], table[N_TEST:]
    odd = test.copy()
    for name in COLUMNS:
        chance = random.random(N_TEST)
        odd[name] = odd[name].mask(chance < 0.1, "").mask(chance > 0.9, "never seen")
    return training, test, odd


def difference(scorer: Scorer, model: Model, part: Part) -> float:
    """Return the largest difference of a raw score from the model's."""
    expected = model.score(part.rows, 1)
    return float(np.abs(np.reshape(scorer(part)(), expected.shape) - expected).max())


def microseconds(call: Callable[[], Any], seconds: float = 0.15) -> float:
    call()
    once = timeit.timeit(call, number=1)
    number = max(1, int(seconds / 5 / max(once, 1e-7)))
    return 1e6 * median(timeit.repeat(call, number=number, repeat=5)) / number


def trained(kind: str, training: pd.DataFrame) -> tuple[Model, list[str]]:
    """Return a model, and the columns that it reads."""
    settings = COMMON | {"model": kind} | MODELS[kind]
    target = CLASS if settings["task"] == "multiclass" else CLICK
    columns = [name for name in COLUMNS if name != target]
    schema = Schema(tuple(Column(name, min_count=2) for name in columns), target)
    table = training[[*columns, target]]
    fitted = train(table, target=target, schema=schema, random_state=SEED, n_jobs=1, **settings)
    return fitted.model, columns


def pairs_alone(model: Model) -> Model:
    """Return the model without bias and linear weights, which libffm has no place for."""
    arrays: dict[str, Any] = model.arrays()
    arrays |= {name: np.zeros_like(arrays[name]) for name in ("bias", "linear")}
    return type(model)(model.config, **arrays, schema=model.schema, classes=model.classes)


def figures_of(kind: str, work: Path, tables: tuple[pd.DataFrame, ...]) -> list[dict[str, Any]]:
    """Return the figures of one kind of model: our own predictor first, then every export."""
    training, test, odd = tables
    model, columns = trained(kind, training)

    def part_of(table: pd.DataFrame) -> Part:
        table = table[columns]
        assert model.schema is not None
        return Part(table, model.schema.encode(table, labelled=False))

    whole, strange, batch, one = map(part_of, (test, odd, test[:N_BATCH], test[:1]))
    sample = one.table.iloc[0].to_dict()

    def ours(label: str, one_call: Call, batch_call: Call, **more: Any) -> dict[str, Any]:
        figures = {"one_us": microseconds(one_call), "batch_us": microseconds(batch_call)}
        return {"model": kind, "export": label, "runs_in": "fieldfare"} | more | figures

    found = [
        ours("ours, features", partial(model.score, one.rows, 1),
             partial(model.score, batch.rows, 1), bytes=model.nbytes),
        ours("ours, columns", partial(model.predict_one, sample),
             partial(predict, model, batch.table, n_jobs=1)),
    ]  # fmt: skip
    for form in FORMS:
        if kind in form.kinds:
            path = work / form.name
            data = test if "quantize" in dict(form.options) else None
            done: Exported = export(model, path, form.to, data=data, **dict(form.options))
            scorer = scorer_of(path, form.to, model, columns="columns" in form.label)
            reference = pairs_alone(model) if form.to == "libffm-text" else model
            entry: dict[str, Any] = {"model": kind, "export": form.label, "bytes": done.n_bytes}
            entry["difference"] = difference(scorer, reference, whole)
            entry["odd_difference"] = difference(scorer, reference, strange)
            if form.runs_in:
                entry["runs_in"] = form.runs_in
                entry["batch_us"] = microseconds(scorer(batch))
                in_c = form.runs_in == "C"
                entry["one_us"] = entry["batch_us"] / N_BATCH if in_c else microseconds(scorer(one))
            if done.loss is not None:
                entry |= {"before": done.loss.before, "after": done.loss.after}
            found.append(entry)
    return found


def one_thread() -> None:
    """Keep TensorFlow, which is not loaded yet, to one thread."""
    os.environ |= {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def add_options(parser: ArgumentParser) -> None:
    add_data(parser)
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))


def measure(options: Namespace) -> dict[str, Any]:
    one_thread()
    tables = frappe(options.data)
    figures: list[dict[str, Any]] = []
    for kind in options.models:
        with tempfile.TemporaryDirectory() as work:
            figures += figures_of(kind, Path(work), tables)
    return {"exports": figures}


def tell(report: Report) -> Iterator[str]:
    def scientific(value: float | None) -> str:
        return "" if value is None else f"{value:.1e}"

    figures = report.figures["exports"]
    rows = [
        [
            row["model"],
            row["export"],
            row.get("runs_in"),
            scientific(row.get("difference")),
            scientific(row.get("odd_difference")),
            f"{row['bytes'] / 1e3:,.0f}" if "bytes" in row else "",
            row.get("one_us"),
            row.get("batch_us"),
        ]
        for row in figures
    ]
    losses = [
        [row["model"], row["export"], row["before"], row["after"]]
        for row in figures
        if "after" in row
    ]
    headers = ["model", "export", "runs in", "difference", "odd", "kB"]
    yield (
        f"Frappe, {N_TEST:,} test rows; *odd*: the same with a tenth of the cells empty and a "
        "tenth unknown. Largest difference of a raw score from `model.score`. One thread; kB of "
        "ours: the parameters in memory. One sample of C: a thousandth of the batch. What names "
        "nothing that runs it was read back and scored by our own kernels. libffm has neither bias "
        "nor linear weights: compared with the pairs alone."
    )
    yield markdown([*headers, "one sample us", "batch of 1,000 us"], rows)
    yield "Log loss on the test rows, as trained and as stored:"
    yield markdown(["model", "export", "before", "after"], losses)
