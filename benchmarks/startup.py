"""Time what is waited for before any work is done: imports, ``--help``, a small table trained.

``python benchmarks/startup.py`` runs each job in fresh processes, in turns, and reports medians in
milliseconds. Measure an installed package, whose bytecode is compiled: this script refuses
``PYTHONDONTWRITEBYTECODE``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _report import median

N_ROWS = 200


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


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9, help="default: 9")
    repeats = parser.parse_args().repeats
    if sys.dont_write_bytecode:
        sys.exit("Unset PYTHONDONTWRITEBYTECODE: without bytecode, compiling is what is timed.")
    python, tool = [sys.executable, "-c"], [sys.executable, "-m", "fieldfare"]
    jobs = {
        "python": [*python, "pass"],
        "import numpy": [*python, "import numpy"],
        "import numpy, fieldfare": [*python, "import numpy, fieldfare"],
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
        for _ in range(repeats):
            for job, command in jobs.items():
                times[job].append(milliseconds(command, folder))
    print("| job | ms, median |\n|---|---|")
    for job, found in times.items():
        print(f"| {job} | {median(found):.0f} |")
    own = median(times["import numpy, fieldfare"]) - median(times["import numpy"])
    print(f"| import fieldfare beyond NumPy | {own:.0f} |")


if __name__ == "__main__":
    main()
