"""Time what is waited for before any work is done: imports, ``--help``, a small table trained.

``python -m benchmarks speed/startup`` runs each job in fresh processes, in turns, and reports
medians in milliseconds. Measure an installed package, whose bytecode is compiled: this script
refuses ``PYTHONDONTWRITEBYTECODE``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.common.report import Report, markdown

TITLE, TAKES = "Start-up", "seconds"
N_ROWS = 200
NUMPY, BOTH = "import numpy", "import numpy, fieldfare"


def write_table(path: Path) -> None:
    """Write a table of 200 rows: users, items, a number and a click."""
    lines = ["user,item,price,clicked"]
    lines += [f"u{i % 23},i{i * 7 % 31},{i % 13 / 4},{i * i % 5 % 2}" for i in range(N_ROWS)]
    path.write_text("\n".join(lines) + "\n")


def milliseconds(command: list[str], folder: Path) -> float:
    """Run a command to its end in a fresh process."""
    environment = os.environ | {"FIELDFARE_CACHE": str(folder / "cache")}
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    return 1000 * (time.perf_counter() - start)


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--repeats", type=int, default=9)


def measure(options: Namespace) -> dict[str, Any]:
    if sys.dont_write_bytecode:
        sys.exit("Unset PYTHONDONTWRITEBYTECODE: without bytecode, compiling is what is timed.")
    python, tool = [sys.executable, "-c"], [sys.executable, "-m", "fieldfare"]
    jobs = {
        "python": [*python, "pass"],
        NUMPY: [*python, NUMPY],
        BOTH: [*python, BOTH],
        "fieldfare --help": [*tool, "--help"],
        f"fieldfare train, {N_ROWS} rows": [
            *tool, "train", "small.csv", "--target", "clicked", "-o", "small.ff", "--quiet",
        ],
    }  # fmt: skip
    times: dict[str, list[float]] = {name: [] for name in jobs}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_table(folder / "small.csv")
        for command in jobs.values():
            milliseconds(command, folder)  # compiles bytecode and warms the system's cache
        for _ in range(options.repeats):
            for job, command in jobs.items():
                times[job].append(milliseconds(command, folder))
    return {"ms": times}


def tell(report: Report) -> Iterator[str]:
    medians = {job: median(times) for job, times in report.figures["ms"].items()}
    medians["import fieldfare beyond NumPy"] = medians[BOTH] - medians[NUMPY]
    yield f"Each job in fresh processes, in turns; medians of {report.settings['repeats']}."
    yield markdown(["job", "ms"], [[job, round(ms)] for job, ms in medians.items()])
