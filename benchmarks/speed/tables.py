"""Rows a second from tables to Rows: CSV, Parquet, Arrow and pandas; with and without fitting.

``python -m benchmarks speed/tables`` makes a table of 13 numbers and 26 categories with up to
300,000 values, as display advertising logs have them, and loads it in every form in turn, on one
processor and on all.
"""

from __future__ import annotations

import os
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from benchmarks.common.report import Report, markdown
from fieldfare.data.loading import Dataset, load

TITLE, TAKES = "Tables to Rows", "two minutes"
N_NUMBERS, CARDINALITIES = 13, (30, 100, 1_000, 10_000, 100_000, 300_000)
N_CATEGORIES = 26


def make(n_rows: int, seed: int) -> pa.Table:
    """Draw counts, every third column of them with gaps, and hexadecimal words after Zipf's law."""
    random = np.random.default_rng(seed)
    columns: dict[str, Any] = {"target": random.integers(0, 2, n_rows)}
    for j in range(N_NUMBERS):
        counts = np.floor(random.lognormal(2, 2, n_rows)).astype(np.int64)
        columns[f"count{j}"] = pa.array(counts, mask=random.random(n_rows) < 0.1 * (j % 3))
    for j in range(N_CATEGORIES):
        n_values = CARDINALITIES[j % len(CARDINALITIES)]
        drawn = np.minimum(random.zipf(1.2, n_rows) - 1, n_values - 1)
        words = pa.array([f"{word:08x}" for word in random.integers(0, 2**32, n_values)])
        columns[f"category{j}"] = words.take(pa.array(drawn))
    return pa.table(columns)


def sources(table: pa.Table, folder: Path) -> dict[str, Any]:
    """Return the table in every form."""
    plain = pyarrow.csv.WriteOptions(quoting_style="none")
    pyarrow.csv.write_csv(table, folder / "table.csv", plain)
    pyarrow.parquet.write_table(table, folder / "table.parquet")
    return {
        "CSV": folder / "table.csv",
        "Parquet": folder / "table.parquet",
        "Arrow": table,
        "pandas": table.to_pandas(),
    }


def seconds(work: Callable[[], Dataset]) -> tuple[float, float]:
    """Return the seconds of the clock and of all processors together."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


def timed(forms: dict[str, Any], repeats: int) -> dict[tuple[str, str], list[list[float]]]:
    """Load every form in turn, fitting a Schema or with one fitted before."""
    fitted = load(forms["Arrow"], target="target", cache=False).schema
    jobs: dict[str, dict[str, Any]] = {
        "fitted and encoded": {"target": "target"}, "encoded": {"schema": fitted},
    }  # fmt: skip
    found: dict[tuple[str, str], list[list[float]]] = {}
    for _ in range(repeats):
        for form, source in forms.items():
            for job, options in jobs.items():
                taken = seconds(lambda s=source, o=options: load(s, cache=False, **o))  # type: ignore[misc]
                found.setdefault((form, job), []).append(list(taken))
    return found


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--repeats", type=int, default=5)


def measure(options: Namespace) -> dict[str, Any]:
    processors = sorted(os.sched_getaffinity(0))
    found = []
    with tempfile.TemporaryDirectory() as folder:
        forms = sources(make(options.rows, seed=1), Path(folder))
        for n in sorted({1, len(processors)}):
            os.sched_setaffinity(0, processors[:n])
            for (form, job), taken in timed(forms, options.repeats).items():
                wall, processor = (median(run[i] for run in taken) for i in (0, 1))
                found.append(
                    {
                        "processors": n, "from": form, "job": job, "seconds": wall,
                        "processor_seconds": processor,
                    }
                )  # fmt: skip
    return {"runs": found}


def tell(report: Report) -> Iterator[str]:
    n_rows = report.settings["rows"]
    yield (
        f"{n_rows:,} rows of {N_NUMBERS} numbers and {N_CATEGORIES} categories with up to "
        f"{CARDINALITIES[-1]:,} values; medians of {report.settings['repeats']} runs, every form "
        "in turn."
    )
    headers = [
        "processors", "from", "", "seconds", "thousand rows a second",
        "thousand rows a processor's second",
    ]  # fmt: skip
    rows = [
        [
            run["processors"], run["from"], run["job"], run["seconds"],
            f"{n_rows / run['seconds'] / 1000:.0f}",
            f"{n_rows / run['processor_seconds'] / 1000:.0f}",
        ]
        for run in report.figures["runs"]
    ]  # fmt: skip
    yield markdown(headers, rows)
