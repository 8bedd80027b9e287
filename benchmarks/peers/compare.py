"""Compare fieldfare with its peers: every system in turn, in one run, on the same generated data.

``python -m benchmarks peers/compare`` (``make bench``) writes the data once, lets every system make
its binary form of them, and then goes several times through all jobs and, within a job, through all
systems. Each run is a process of its own. ``README.md`` says how the seconds are taken, and how to
point to programs that are built elsewhere.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.common.process import run
from benchmarks.common.report import ROOT, WORK, Picture, Report, markdown
from benchmarks.peers._bars import bars
from benchmarks.peers._cells import OURS, Cell, Cells
from benchmarks.peers._views import pictures, tables
from benchmarks.peers.install import installed
from benchmarks.peers.systems import NAMES, Found, find
from benchmarks.peers.systems.base import Data, Job, System

TITLE, TAKES = "fieldfare and its peers", "about 25 minutes"
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
        command = [sys.executable, "-m", "benchmarks.common.generate", str(folder), *sizes]
        command += ["--kinds", *kinds]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
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


def run_all(found: Found, todo: list[Job], options: Namespace) -> Cells:
    cells: dict[tuple[Job, str], Cell] = {}
    plan = list(rounds(found.systems, todo, options.repeats))
    for number, (job, system) in enumerate(plan, 1):
        cell = cells.setdefault((job, system.name), Cell(job, system))
        if cell.failure is not None:
            continue
        system.before(job)
        done = run(
            system.command(job),
            folder=system.work,
            environment=system.environment(),
            limit=options.limit,
        )
        cell.add(done, options.rows)
        words = f"{job.kind} {job.title}, {job.threads} threads"
        said = cell.failure or f"{done.seconds:.1f} s"
        print(f"[{number}/{len(plan)}] {words}: {system.name}: {said}", flush=True)
    return Cells(cells.values())


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--systems", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--jobs", nargs="+", choices=GROUPS, default=list(GROUPS))
    parser.add_argument("--factors", type=int, nargs="+", default=[4, 8, 16], help="ranks of FM")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--limit", type=float, default=300, help="seconds for one process")
    parser.add_argument("--folder", type=Path, default=WORK, help="for data and work")


def measure(options: Namespace) -> dict[str, Any]:
    peers = installed()
    wabbits = "vowpalwabbit" in peers.versions or "FIELDFARE_BENCH_FWUMIOUS" in os.environ
    kinds = ("ffm", "svm", "vw") if wabbits else ("ffm", "svm")
    folder = options.folder.resolve()
    data = prepare_data(folder / f"clicks-{options.rows}", options.rows, kinds)
    few = first_rows(data, folder / f"clicks-{options.rows}-few")
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    try:
        found = find(options.systems, work, data, few, peers)
        set_up(found, options.limit)
        cells = run_all(found, jobs(options.jobs, options.factors, options.threads), options)
        return figures_of(cells, found, data)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def figures_of(cells: Cells, found: Found, data: Data) -> dict[str, Any]:
    disk = cells.find(OURS, kind="disk")
    # Weights, factors and their AdaGrad state: what training holds besides the rows.
    model_mb = None if disk is None else 2 * 4 * data.n_features * (disk.job.k + 1) / 1e6
    return {
        "data": data.about | {"text_mb": (data.folder / "train.ffm").stat().st_size / 1e6},
        "systems": {
            system.name: {
                "version": system.version(),
                "method": system.method + ("; run once" if system.once else ""),
            }
            for system in found.systems
        },
        "absent": found.absent,
        "cells": [c.to_json(cells.ours(c.job), cells.loss_of(c)) for c in cells],
        "bars": bars(cells, model_mb),
    }


def tell(report: Report) -> Iterator[str | Picture]:
    figures = report.figures
    data, test = figures["data"], figures["data"]["test"]
    yield (
        f"{data['train']['rows']:,} rows, {data['fields']} fields, {data['features']:,} features, "
        f"{data['text_mb']:.0f} MB of libffm text, generator seed {data['seed']}, training seed 1. "
        f"Test logloss: {test['constant_logloss']:.4f} for a constant, {test['best_logloss']:.4f} "
        f"for the planted model. Medians of {report.settings['repeats']} interleaved runs; losses, "
        "training out of core, and systems marked so are run once."
    )
    rows = [[name, one["version"], one["method"]] for name, one in figures["systems"].items()]
    rows += [[name, "absent", reason] for name, reason in figures["absent"].items()]
    yield markdown(["system", "version", "how its seconds are taken, or why it is absent"], rows)
    yield "## Bars"
    words = {True: "met", False: "MISSED", None: "not measured"}
    yield markdown(
        ["job", "bar", "ours", "theirs", "found", "met"],
        [[*list(bar.values())[:-1], words[bar["met"]]] for bar in figures["bars"]],
    )
    yield from tables(figures)
    if report.seconds is not None:
        yield f"The whole run took {report.seconds / 60:.0f} minutes."
    yield from pictures(figures)
