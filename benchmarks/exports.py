"""Compare exports of every kind of model: score differences, file sizes, latencies.

``python benchmarks/exports.py`` needs Frappe's log (``../shared/data/frappe/frappe.csv.gz`` or
``--data FOLDER``), onnxruntime, duckdb and a C compiler. Each line of the log is a positive; each
gets a negative with another item, drawn at random. Models are trained on what is left after 10,000
rows were set aside. Those are scored by every export, and once more with a tenth of the cells
emptied and a tenth replaced by a value that no model knows.

Latencies are of this one process and one thread: one sample, and a batch of 1,000, of rows already
encoded (``features``), or from the raw columns to the score (``columns``). Those of C are measured
without Python: a loop over the samples in C.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import subprocess
import tempfile
import timeit
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import onnxruntime
import pandas as pd

from _report import markdown, median, write
from fieldfare.data.schema import Column, Schema
from fieldfare.export import Exported, export
from fieldfare.models.base import Model
from fieldfare.rows import Rows
from fieldfare.training.workflow import predict, train

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
SEED = 2024
N_TEST, N_BATCH = 10_000, 1_000
COLUMNS = ("user", "item", "daytime", "weekday", "isweekend", "homework", "cost", "weather",
           "country", "city")  # fmt: skip
MODELS: dict[str, dict[str, Any]] = {
    "linear": {},
    "fm": {"n_factors": 8},
    "ffm": {"n_factors": 4},
    "fwfm": {"n_factors": 8},
    "hofm": {"n_factors": 8, "order": 3},
}
COMMON: dict[str, Any] = {"learning_rate": 0.1, "l2_factors": 1e-4, "max_iter": 8, "task": "binary"}
EXPORTS: list[tuple[str, str, dict[str, Any]]] = [
    ("onnx, features", "onnx", {}),
    ("onnx, features, fp16", "onnx", {"quantize": "fp16"}),
    ("onnx, features, int8", "onnx", {"quantize": "int8"}),
    ("onnx, columns", "onnx", {"inputs": "columns"}),
    ("c", "h", {}),
    ("c, fp16", "h", {"quantize": "fp16"}),
    ("c, int8", "h", {"quantize": "int8"}),
    ("sql (duckdb)", "sql", {}),
    ("json", "json", {}),
    ("npz", "npz", {}),
    ("npz, int8", "npz", {"quantize": "int8"}),
]
DRIVER = """\
#include "model.h"
void score_rows(const int64_t *indptr, const uint32_t *ids, const uint16_t *fields, size_t n,
                float *out) {
  for (size_t i = 0; i < n; ++i) {
    const int64_t start = indptr[i];
    model_score(ids + start, NULL, fields + start, (size_t)(indptr[i + 1] - start), out + i);
  }
}
"""


@dataclass(frozen=True)
class Part:
    """Samples, as a table of texts and encoded."""

    table: pd.DataFrame
    rows: Rows


Scorer = Callable[[Part], Any]


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


def onnx_scorer(path: Path, model: Model, columns: bool) -> Scorer:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def feeds(part: Part) -> dict[str, Any]:
        if columns:
            return {name: part.table[name].to_numpy(object) for name in COLUMNS}
        rows = part.rows
        values = np.ones(len(rows.indices), np.float32)
        found = {"indices": rows.indices.astype(np.int64), "values": values, "offsets": rows.indptr}
        if model.uses_fields:
            assert rows.fields is not None
            found["fields"] = rows.fields.astype(np.int64)
        return found

    return lambda part: partial(session.run, ["score"], feeds(part))


def c_scorer(path: Path) -> Scorer:
    folder = path.parent
    (folder / "driver.c").write_text(DRIVER)
    library = folder / f"{path.stat().st_mtime_ns}.so"
    flags = ["-std=c99", "-O2", "-shared", "-fPIC", "-lm"]
    subprocess.run(["cc", str(folder / "driver.c"), "-o", str(library), *flags], check=True)
    function = ctypes.CDLL(str(library)).score_rows

    def prepare(part: Part) -> Callable[[], Any]:
        rows = part.rows
        assert rows.fields is not None
        out = np.empty(len(rows), np.float32)
        arrays = (rows.indptr, rows.indices, rows.fields)
        pointers = [ctypes.c_void_p(array.ctypes.data) for array in arrays]
        n, result = ctypes.c_size_t(len(rows)), ctypes.c_void_p(out.ctypes.data)

        def call() -> list[Any]:
            function(*pointers, n, result)
            return [out]

        return call

    return prepare


def sql_scorer(path: Path) -> Scorer:
    def prepare(part: Part) -> Callable[[], Any]:
        database = duckdb.connect()
        database.sql("SET threads = 1")
        database.register("samples", part.table.assign(place=np.arange(len(part.table))))
        database.execute(path.read_text())
        query = f"SELECT * FROM {path.stem}_scores ORDER BY place"
        return lambda: [database.sql(query).fetchnumpy()["score"]]

    return prepare


def array_scorer(path: Path, model: Model) -> Scorer:
    """Read the arrays back and score with our own kernels: what the file holds."""
    if path.suffix == ".json":
        found = json.loads(path.read_text())["parameters"]
        arrays = {name: np.array(value, np.float32) for name, value in found.items()}
    else:
        with np.load(path) as file:
            arrays = {name: file[name].astype(np.float32) for name in model.arrays()}
            if "factors_scale" in file:
                arrays["factors"] *= file["factors_scale"].reshape(
                    -1, *[1] * (arrays["factors"].ndim - 1)
                )
    again = type(model)(model.config, **arrays)  # type: ignore[arg-type]
    return lambda part: lambda: [again.score(part.rows, 1)[:, 0]]


def scorer_of(label: str, path: Path, model: Model) -> Scorer:
    if path.suffix == ".onnx":
        return onnx_scorer(path, model, "columns" in label)
    if path.suffix == ".h":
        return c_scorer(path)
    return sql_scorer(path) if path.suffix == ".sql" else array_scorer(path, model)


def difference(scorer: Scorer, model: Model, part: Part) -> float:
    return float(np.abs(scorer(part)()[0] - model.score(part.rows, 1)[:, 0]).max())


def microseconds(call: Callable[[], Any], seconds: float = 0.15) -> float:
    call()
    once = timeit.timeit(call, number=1)
    number = max(1, int(seconds / 5 / max(once, 1e-7)))
    return 1e6 * median(timeit.repeat(call, number=number, repeat=5)) / number


def parts_of(model: Model, table: pd.DataFrame) -> Part:
    return Part(table, model.schema.encode(table, labelled=False))


def measure(kind: str, work: Path, tables: tuple[pd.DataFrame, ...]) -> list[dict[str, Any]]:
    training, test, odd = tables
    schema = Schema(tuple(Column(name, min_count=2) for name in COLUMNS), "used")
    model = train(
        training, target="used", schema=schema, model=kind, random_state=SEED, n_jobs=1, **COMMON,
        **MODELS[kind],
    ).model  # fmt: skip
    whole, strange = parts_of(model, test[list(COLUMNS)]), parts_of(model, odd[list(COLUMNS)])
    batch, one = (parts_of(model, test[list(COLUMNS)][:n]) for n in (N_BATCH, 1))
    sample = test[list(COLUMNS)].iloc[0].to_dict()
    found: list[dict[str, Any]] = [
        {
            "model": kind,
            "export": "ours, features",
            "bytes": model.nbytes,
            "one_us": microseconds(partial(model.score, one.rows, 1)),
            "batch_us": microseconds(partial(model.score, batch.rows, 1)),
        },
        {
            "model": kind,
            "export": "ours, columns",
            "one_us": microseconds(partial(model.predict_one, sample)),
            "batch_us": microseconds(partial(predict, model, batch.table, n_jobs=1)),
        },
    ]
    for label, suffix, options in EXPORTS:
        if (suffix == "sql" and kind not in ("linear", "fm")) or (
            kind == "linear" and "int8" in label
        ):
            continue
        path = work / f"model.{suffix}"
        data = test if "quantize" in options else None
        done: Exported = export(model, path, data=data, **options)
        scorer = scorer_of(label, path, model)
        entry: dict[str, Any] = {"model": kind, "export": label, "bytes": done.n_bytes}
        entry["difference"] = difference(scorer, model, whole)
        entry["odd_difference"] = difference(scorer, model, strange)
        if suffix not in ("json", "npz"):
            entry["batch_us"] = microseconds(scorer(batch))
            entry["one_us"] = (
                entry["batch_us"] / N_BATCH if suffix == "h" else microseconds(scorer(one))
            )
        if done.loss is not None:
            entry |= {"before": done.loss.before, "after": done.loss.after}
        found.append(entry)
    return found


def report(figures: list[dict[str, Any]]) -> None:
    def scientific(value: float | None) -> str:
        return "" if value is None else f"{value:.1e}"

    rows = [
        [
            row["model"],
            row["export"],
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
    parts = [
        f"Frappe, {N_TEST:,} test rows; *odd*: the same with a tenth of the cells empty and a "
        "tenth unknown. Largest difference of a raw score from `model.score`. One thread; kB of "
        "ours: the parameters in memory. One sample of C: a thousandth of the batch.",
        markdown(
            ["model", "export", "difference", "odd", "kB", "one sample us", "batch of 1,000 us"],
            rows,
        ),
        "Log loss on the test rows, as trained and as stored:",
        markdown(["model", "export", "before", "after"], losses),
    ]
    write("exports", "Exports", parts, {"exports": figures})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=SHARED)
    arguments = parser.parse_args()
    tables = frappe(arguments.data)
    figures: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as work:
        for kind in MODELS:
            figures += measure(kind, Path(work), tables)
    report(figures)


if __name__ == "__main__":
    main()
