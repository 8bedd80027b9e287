"""Seconds of a Gibbs sweep: fieldfare beside myFM and libFM, in one run; seconds of a whole run.

``python -m benchmarks peers/learners`` measures on MovieLens 1M (user and film only,
``ml-1m/ratings.csv.gz`` in ``../shared/data`` or ``--data FOLDER``) and on generated ratings with
side tables, which fieldfare and myFM are given as such. myFM is imported by the Python that
``benchmarks.peers.install`` set up, or by ``--peers PYTHON``; libFM is the program that
``FIELDFARE_BENCH_LIBFM`` names, and reads joined text. What is not there is left out.

Every sweep is timed by the system's own clock or callback; libFM's by what more sweeps take, with
the prediction of one row that it makes after each. Our machine of order 3, with as many factors of
order 3 as of order 2, sweeps over the first of the generated ratings. A whole run of ours is from
the file of ratings of MovieLens 1M to the test error of a random 80/10/10 split.
"""

from __future__ import annotations

import os
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.common.process import run
from benchmarks.common.public import SHARED
from benchmarks.common.report import Report, markdown
from benchmarks.peers.install import WORKERS, add_peers
from fieldfare.config import ModelConfig
from fieldfare.estimators import BayesianFMRegressor
from fieldfare.models.registry import build
from fieldfare.rows import RelatedRows, Relation, Rows
from fieldfare.solvers.gibbs import GibbsSampler
from fieldfare.sources.sparse_text import write_text

TITLE, TAKES = "Gibbs sweeps", "some minutes"
K, SEED = 8, 2024
WORKER = WORKERS / "myfm_sweeps.py"
N_USERS, N_FILMS = 100_000, 20_000
# Of a whole run: enough for the error of the best peer, 0.8435 (myFM, variational, in 31 s).
WARMUP, SAMPLES = 10, 40


def movielens(folder: Path) -> RelatedRows:
    """Return the training rows of a random 80/10/10 split, as two side tables of ids."""
    path = folder / "ml-1m" / "ratings.csv.gz"
    table = np.loadtxt(path, delimiter=",", skiprows=1, usecols=(0, 1, 2))
    users, u = np.unique(table[:, 0], return_inverse=True)
    films, f = np.unique(table[:, 1], return_inverse=True)
    kept = np.random.default_rng(SEED).permutation(len(u))[: int(0.8 * len(u))]
    ids = np.arange(len(users) + len(films), dtype=np.uint32)
    sides = [ids[: len(users)], ids[len(users) :]]
    return rated(
        [Rows(np.arange(len(own) + 1), own) for own in sides],
        [u[kept].astype(np.uint32), f[kept].astype(np.uint32)],
        table[kept, 2],
    )


def generated(n_rows: int) -> RelatedRows:
    """Return ratings of users (age, gender, town, 3 interests) and films (genre, 2 tags)."""
    rng = np.random.default_rng(SEED)
    sides, first = [], 0
    for n, kinds in (
        (N_USERS, ((7, 1), (2, 1), (500, 1), (50, 3))),
        (N_FILMS, ((20, 1), (200, 2))),
    ):
        columns = [first + np.arange(n)[:, np.newaxis]]
        first += n
        for size, each in kinds:
            # Different values in a row: the first, and others at distinct distances from it.
            steps = np.cumsum(rng.integers(1, size // each + 1, (n, each)), axis=1)
            columns.append(first + (rng.integers(0, size, (n, 1)) + steps) % size)
            first += size
        cells = np.concatenate(columns, axis=1).astype(np.uint32)
        sides.append(Rows(np.arange(n + 1) * cells.shape[1], cells.ravel()))
    codes = [
        np.minimum(rng.exponential(n / 5, n_rows), n - 1).astype(np.uint32)
        for n in (N_USERS, N_FILMS)
    ]
    vectors = [rng.normal(size=(n, 4)) for n in (N_USERS, N_FILMS)]
    target = (vectors[0][codes[0]] * vectors[1][codes[1]]).sum(axis=1) / 2
    return rated(sides, codes, target + rng.normal(size=n_rows))


def rated(sides: list[Rows], codes: list[Any], target: Any) -> RelatedRows:
    """Return rows that have nothing of their own but the target."""
    relations = tuple(Relation(of, side) for of, side in zip(codes, sides, strict=True))
    own = Rows(
        np.zeros(len(target) + 1, np.int64),
        np.zeros(0, np.uint32),
        target=np.asarray(target, np.float32),
    )
    return RelatedRows(own, relations)


def ours(rows: RelatedRows, n_sweeps: int, n_threads: int, kind: str = "fm") -> dict[str, Any]:
    """Return the seconds of our sweeps."""
    config = ModelConfig(model=kind, task="regression", n_factors=K, order=3)
    model = build(config, n_features=rows.n_features, seed=1)
    assert rows.target is not None
    model.bias[:] = rows.target.mean()
    start = time.perf_counter()
    sampler = GibbsSampler(model, rows, np.zeros(rows.n_features, np.uint32), seed=1)
    prepared, seconds = time.perf_counter() - start, []
    for _ in range(n_sweeps):
        start = time.perf_counter()
        sampler.sweep(n_threads)
        seconds.append(time.perf_counter() - start)
    return {"seconds": median(seconds), "prepared": prepared}


def myfm(python: Path, rows: RelatedRows, n_sweeps: int, folder: Path) -> dict[str, Any]:
    """Return the seconds of myFM's sweeps, on the same side tables."""
    arrays: dict[str, Any] = {"target": rows.target, "k": K, "sweeps": n_sweeps}
    for number, relation in enumerate(rows.relations):
        side, first = relation.rows, int(relation.rows.indices.min())
        arrays |= {
            f"codes{number}": relation.codes,
            f"indptr{number}": side.indptr,
            f"indices{number}": side.indices - np.uint32(first),
        }
    np.savez(folder / "rows.npz", **arrays)
    done = run([str(python), str(WORKER), "rows.npz"], folder=folder, limit=900)
    if done.failure:
        return {"failure": done.failure}
    found = np.loadtxt(folder / "seconds.txt")
    return {"seconds": median(found[1:].tolist()), "prepared": float(found[0])}


def libfm(rows: Rows, n_sweeps: int, folder: Path) -> dict[str, Any]:
    """Return the seconds of libFM's sweeps, on joined text."""
    write_text(rows, folder / "train.svm", "libsvm")
    write_text(rows.slice(0, 1), folder / "test.svm", "libsvm")
    taken = {}
    for sweeps in (1, 1 + n_sweeps):
        command = [os.environ["FIELDFARE_BENCH_LIBFM"], "-task", "r", "-method", "mcmc"]
        command += ["-train", "train.svm", "-test", "test.svm", "-dim", f"1,1,{K}", "-seed", "1"]
        done = run([*command, "-iter", str(sweeps)], folder=folder, limit=900)
        if done.failure:
            return {"failure": done.failure}
        taken[sweeps] = done.seconds
    return {"seconds": (taken[1 + n_sweeps] - taken[1]) / n_sweeps}


def whole_run(folder: Path, n_threads: int) -> dict[str, Any]:
    """Return the seconds from file to test error, of user and film alone, and the error."""
    start = time.perf_counter()
    path = folder / "ml-1m" / "ratings.csv.gz"
    table = pd.read_csv(path, usecols=range(3), dtype={"user": "category", "item": "category"})
    order = np.random.default_rng(SEED).permutation(len(table))
    train, _, test = (
        table.iloc[rows]
        for rows in np.split(order, (np.array([0.8, 0.9]) * len(table)).astype(int))
    )
    read = time.perf_counter() - start
    model = BayesianFMRegressor(
        n_factors=K, n_warmup=WARMUP, n_samples=SAMPLES, n_keep_samples=0, random_state=1,
        n_jobs=n_threads,
    )  # fmt: skip
    model.fit(train, "rating", eval_set=(test, "rating"))
    seconds = time.perf_counter() - start
    rmse = float(model.trace_["valid_rmse"][-1])
    return {"threads": n_threads, "seconds": seconds, "reading": read, "rmse": rmse}


def figures_of(name: str, rows: RelatedRows, options: Namespace) -> list[dict[str, Any]]:
    """Measure all systems on some rows."""
    found = []
    n = options.sweeps
    # myFM and libFM sweep on one thread each.
    for n_threads in options.threads:
        system = {"system": f"fieldfare, {n_threads} thread(s)", "rows": rows.n_rows}
        found.append(system | ours(rows, 3 * n, n_threads))
    if name == "generated":
        some = rows.slice(0, options.joined_rows)
        for n_threads in options.threads:
            system = {"system": f"fieldfare, order 3, {n_threads} thread(s)", "rows": some.n_rows}
            found.append(system | ours(some, n, n_threads, "hofm"))
    with tempfile.TemporaryDirectory() as work:
        if options.peers.exists():
            found.append(
                {"system": "myFM", "rows": rows.n_rows} | myfm(options.peers, rows, n, Path(work))
            )
        if "FIELDFARE_BENCH_LIBFM" in os.environ:
            joined = rows.slice(0, options.joined_rows).join()
            system = {"system": "libFM, joined text", "rows": joined.n_rows}
            found.append(system | libfm(joined, n, Path(work)))
    return [{"data": name} | one for one in found]


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, default=SHARED, help="has ml-1m/ratings.csv.gz")
    add_peers(parser, "myfm")
    parser.add_argument("--rows", type=int, default=5_000_000, help="generated ratings")
    parser.add_argument(
        "--joined-rows", type=int, default=1_000_000,
        help="generated ratings for what visits each entry: libFM and our machine of order 3",
    )  # fmt: skip
    parser.add_argument("--sweeps", type=int, default=4, help="of the peers; ours make three times")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--only", choices=("movielens", "generated"), help="measure one of the two")


def measure(options: Namespace) -> dict[str, Any]:
    figures, runs = [], []
    if options.data.is_dir() and options.only != "generated":
        runs = [whole_run(options.data, n_threads) for n_threads in options.threads]
        figures += figures_of("MovieLens 1M", movielens(options.data), options)
    if options.only != "movielens":
        figures += figures_of("generated", generated(options.rows), options)
    return {"sweeps": figures, "whole": runs}


def tell(report: Report) -> Iterator[str]:
    table = [
        (
            one["data"],
            one["system"],
            one["rows"],
            one.get("failure") or one["seconds"],
            one["seconds"] / one["rows"] * 1e6 if "seconds" in one else None,
        )
        for one in report.figures["sweeps"]
    ]
    headers = ("data", "system", "rows", "seconds a sweep", "of a million rows")
    yield markdown(headers, table)
    runs = report.figures["whole"]
    if runs:
        yield f"MovieLens 1M, {WARMUP} sweeps of warm-up and {SAMPLES} samples:"
        cells = [(run["threads"], run["seconds"], run["reading"], run["rmse"]) for run in runs]
        yield markdown(
            ("threads", "seconds of a whole run", "of which reading", "test RMSE"), cells
        )
