"""Compare fieldfare with its peers: every system in turn, in one run, on the same generated data.

``python benchmarks/compare.py`` (``make bench``) writes the data once, lets every system make its
binary form of them, and then goes several times through all jobs and, within a job, through all
systems. Each run is a process of its own. ``README.md`` says how the seconds are taken, and how to
point to programs that are built elsewhere.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from _bars import bars
from _cells import Cell, Cells
from _process import run
from _report import RESULTS, markdown, write
from peers import installed
from systems import NAMES, Found, find
from systems.base import Data, Job, System

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parent / "build" / "benchmarks"
GENERATOR = HERE / "generate.py"
GROUPS = ("read", "linear", "fm", "ffm", "whole", "disk")
FEW = 10  # slow systems get a row in so many


def jobs(groups: Iterable[str], factors: list[int], threads: list[int]) -> list[Job]:
    """Return the jobs of the groups, in the order in which they run."""
    most = max(threads)
    rank = main_rank(factors)
    found: dict[str, list[Job]] = {
        "read": [Job("read", threads=n) for n in threads],
        "linear": [
            *(Job("loss", "linear", epochs=n, threads=most) for n in (1, 3)),
            *(Job("train", "linear", epochs=3, threads=n) for n in threads),
            Job("pass", "linear"),
        ],
        "fm": [
            *(Job("loss", "fm", k, 5, most, norm) for k in factors for norm in (True, False)),
            *(Job("train", "fm", k, 3, n) for k in factors for n in threads),
            Job("predict", "fm", rank, threads=most),
        ],
        "ffm": [
            Job("loss", "ffm", 4, 2, most),
            *(Job("train", "ffm", 4, 1, n) for n in threads),
            Job("predict", "ffm", 4, threads=most),
        ],
        "whole": [Job("whole", "fm", rank, 5, most)],
        "disk": [Job("disk", "fm", rank, 2)],
    }
    return [job for group in groups for job in found[group]]


def prepare_data(folder: Path, n_rows: int, kinds: tuple[str, ...]) -> Data:
    """Generate what is not there yet."""
    about = folder / "about.json"
    if not about.exists() or not all((folder / f"train.{kind}").exists() for kind in kinds):
        # In a process of its own: the peak memory of a process is never told as less than what the
        # one that starts it holds.
        sizes = ["--rows", str(n_rows), "--test-rows", str(max(n_rows // 5, 1))]
        command = [sys.executable, str(GENERATOR), str(folder), *sizes, "--kinds", *kinds]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return Data(folder, json.loads(about.read_text()))


def first_rows(data: Data, folder: Path) -> Data:
    """Copy the first rows of each part for the slow systems."""
    about = json.loads(json.dumps(data.about))
    folder.mkdir(exist_ok=True)
    for part in ("train", "test"):
        about[part]["rows"] = max(data.about[part]["rows"] // FEW, 1)
        for kind in ("ffm", "svm"):
            source, target = (where / f"{part}.{kind}" for where in (data.folder, folder))
            if not target.exists():
                with source.open("rb") as lines, target.open("wb") as out:
                    out.writelines(islice(lines, about[part]["rows"]))
    return Data(folder, about)


def set_up(found: Found, limit: float) -> None:
    """Let every system make its binary form of the data; one that cannot is left out."""
    for system in list(found.systems):
        for command in system.setting_up():
            done = run(command, folder=system.work, environment=system.environment(), limit=limit)
            if done.failure is not None:
                found.systems.remove(system)
                found.absent[system.name] = done.failure
                break


def rounds(systems: list[System], todo: list[Job], repeats: int) -> Iterator[tuple[Job, System]]:
    """Yield what to run: losses, and systems that take long, in the first round only."""
    ranks = {job.k for job in todo if job.model == "fm"}
    for repeat in range(repeats):
        for job in todo:
            usual = job.model != "fm" or not ranks or job.k == main_rank(ranks)
            for system in systems:
                once = job.kind in ("loss", "disk") or system.once
                wanted = (repeat == 0 or not once) and (usual or not system.once)
                if wanted and system.supports(job):
                    yield job, system


def main_rank(ranks: Iterable[int]) -> int:
    """Return the rank of FM that jobs have which are done with one rank only."""
    return min(ranks, key=lambda k: (abs(k - 8), k))


def measure(found: Found, todo: list[Job], arguments: argparse.Namespace) -> Cells:
    cells: dict[tuple[Job, str], Cell] = {}
    plan = list(rounds(found.systems, todo, arguments.repeats))
    for number, (job, system) in enumerate(plan, 1):
        cell = cells.setdefault((job, system.name), Cell(job, system))
        if cell.failure is not None:
            continue
        system.before(job)
        done = run(
            system.command(job),
            folder=system.work,
            environment=system.environment(),
            limit=arguments.limit,
        )
        cell.add(done, arguments.rows)
        words = f"{job.kind} {job.title}, {job.threads} threads"
        said = cell.failure or f"{done.seconds:.1f} s"
        print(f"[{number}/{len(plan)}] {words}: {system.name}: {said}", flush=True)
    return Cells(cells.values())


TABLES = {
    "read": "Reading text into memory",
    "train": "Training, seconds an epoch",
    "whole": "Whole job, process wall time",
    "pass": "One pass of LR, process wall time",
    "predict": "Prediction of the test rows, from memory to a text file",
    "disk": "Training with little memory, process wall time",
}


def tables(cells: Cells) -> list[str]:
    """Return a table for each kind of job."""
    parts = []
    for kind, title in TABLES.items():
        rows = []
        for cell in (cell for cell in cells if cell.job.kind == kind):
            ratio = cell.ratio(cells.ours(cell.job))
            rows.append(
                [
                    cell.job.title,
                    cell.job.threads,
                    cell.system.name
                    + (" (a tenth of the rows, scaled)" if cell.system.slow else ""),
                    cell.failure or cell.value,
                    None if ratio is None else f"{ratio:.2f}",
                    None if cell.peak_mb is None or kind == "read" else round(cell.peak_mb),
                    cells.loss_of(cell),
                ]
            )
        if rows:
            unit = next(cell.unit for cell in cells if cell.job.kind == kind)
            headers = ["job", "threads", "system", unit, "ours is faster", "peak MB", "logloss"]
            parts += [f"## {title}", markdown(headers, rows)]
    losses = [
        [cell.job.title, cell.system.name, *(cell.losses + [None] * 5)[:5]]
        for cell in cells
        if cell.job.kind == "loss"
    ]
    if losses:
        headers = ["model", "system", *(f"epoch {n}" for n in range(1, 6))]
        parts += ["## Test logloss after each epoch", markdown(headers, losses)]
    return parts


def bar_table(found: list[dict[str, Any]]) -> str:
    words = {True: "met", False: "MISSED", None: "not measured"}
    rows = [[*list(bar.values())[:-1], words[bar["met"]]] for bar in found]
    return markdown(["job", "bar", "ours", "theirs", "found", "met"], rows)


def about_run(data: Data, found: Found, arguments: argparse.Namespace) -> list[str]:
    """Return what the figures are about, and the systems."""
    size = (data.folder / "train.ffm").stat().st_size / 1e6
    test = data.about["test"]
    rows = [
        [system.name, system.version(), system.method + ("; run once" if system.once else "")]
        for system in found.systems
    ]
    rows += [[name, "absent", reason] for name, reason in found.absent.items()]
    return [
        f"{data.n_rows:,} rows, {data.about['fields']} fields, {data.n_features:,} features, "
        f"{size:.0f} MB of libffm text, generator seed {data.about['seed']}, training seed 1. "
        f"Test logloss: {test['constant_logloss']:.4f} for a constant, {test['best_logloss']:.4f} "
        f"for the planted model. Medians of {arguments.repeats} interleaved runs; losses, training "
        "out of core, and systems marked so are run once.",
        markdown(["system", "version", "how its seconds are taken, or why it is absent"], rows),
    ]


def arguments_of() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--systems", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--jobs", nargs="+", choices=GROUPS, default=list(GROUPS))
    parser.add_argument("--factors", type=int, nargs="+", default=[4, 8, 16], help="ranks of FM")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--limit", type=float, default=300, help="seconds for one process")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="for data and work")
    parser.add_argument("--results", type=Path, default=RESULTS)
    return parser.parse_args()


def main() -> None:
    arguments = arguments_of()
    start = time.monotonic()
    peers = installed()
    wabbits = "vowpalwabbit" in peers.versions or "FIELDFARE_BENCH_FWUMIOUS" in os.environ
    kinds = ("ffm", "svm", "vw") if wabbits else ("ffm", "svm")
    folder = arguments.folder.resolve()
    data = prepare_data(folder / f"clicks-{arguments.rows}", arguments.rows, kinds)
    few = first_rows(data, folder / f"clicks-{arguments.rows}-few")
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    try:
        found = find(arguments.systems, work, data, few, peers)
        set_up(found, arguments.limit)
        cells = measure(
            found, jobs(arguments.jobs, arguments.factors, arguments.threads), arguments
        )
        report(cells, found, data, arguments, time.monotonic() - start)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def report(
    cells: Cells, found: Found, data: Data, arguments: argparse.Namespace, seconds: float
) -> None:
    from _plots import comparison_plots

    disk = cells.find("fieldfare", kind="disk")
    # Weights, factors and their AdaGrad state: what training holds besides the rows.
    model_mb = None if disk is None else 2 * 4 * data.n_features * (disk.job.k + 1) / 1e6
    checked = bars(cells, model_mb)
    parts = [
        *about_run(data, found, arguments), "## Bars", bar_table(checked), *tables(cells),
        f"The whole run took {seconds / 60:.0f} minutes.",
    ]  # fmt: skip
    figures = {
        "data": data.about,
        "repeats": arguments.repeats,
        "systems": {system.name: system.version() for system in found.systems},
        "absent": found.absent,
        "cells": [c.to_json(cells.ours(c.job), cells.loss_of(c)) for c in cells],
        "bars": checked,
        "seconds": seconds,
    }
    write("compare", "fieldfare and its peers", parts, figures, arguments.results)
    comparison_plots(cells, arguments.results)


if __name__ == "__main__":
    main()
