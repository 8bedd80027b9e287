"""Measure a catalogue in use: requests, threads, changes, and vectors without clusters.

``python -m benchmarks speed/living`` takes item vectors of ``speed/retrieval``. A whole request is
compared with the search that it needs, among few users and among many; an index that was changed
ten times with one made afresh; and on hard vectors, normal numbers without any clusters, what an
approximate index turned out to be with what would have been faster.
"""

from __future__ import annotations

import time
import warnings
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.common.report import Picture, Report, markdown
from benchmarks.speed.retrieval import DEPTH, N_QUERIES, RECALL, built, draw, recall
from fieldfare import Column, Recommender, Schema
from fieldfare.config import ModelConfig
from fieldfare.exceptions import SettingWarning
from fieldfare.models.registry import MODEL_CLASSES
from fieldfare.retrieval import Index, build_index

Vectors = NDArray[np.float32]
N_ITEMS, FACTORS, N = 10_000, 64, 10
USERS_ASKED, REPEATS = 200, 5
WORKERS, TURNS, QUERIES_A_TURN = (1, 2, 8), 7, 200
ROUNDS = 10
A_FEW = 300  # queries, where two indexes are compared
TITLE, TAKES = "A catalogue in use", "some minutes"
OVER_MS, THREADS, AS_FRESH = 0.15, 1.6, 1.1


def recommender(n_users: int) -> Recommender:
    """Return a recommender whose users have two columns, and half of whom have a history."""
    rng = np.random.default_rng(0)
    users = pd.DataFrame({"user": np.arange(n_users)})
    users["age"], users["country"] = users["user"] % 8, users["user"] % 40
    items = pd.DataFrame({"item": np.arange(N_ITEMS)})
    items["genre"] = items["item"] % 50
    owners = rng.integers(0, n_users // 2, 5 * n_users)
    seen = pd.DataFrame({"user": owners, "item": rng.integers(0, N_ITEMS, len(owners))})
    columns = [Column(name, role="user") for name in users]
    columns += [Column(name, role="item") for name in items]
    places = np.arange(max(n_users, N_ITEMS))
    whole = users.iloc[places % n_users].reset_index(drop=True)
    whole = whole.join(items.iloc[places % N_ITEMS].reset_index(drop=True)).assign(y=1.0)
    schema = Schema(tuple(columns), target="y").fit(whole)
    config = ModelConfig(model="fm", task="regression", n_factors=FACTORS)
    shape = (schema.n_features, 1)
    model = MODEL_CLASSES["fm"](
        config,
        np.zeros(1, np.float32),
        rng.normal(0, 0.1, shape).astype(np.float32),
        rng.normal(0, 0.3, (*shape, FACTORS)).astype(np.float32),
        schema=schema,
    )
    return Recommender(model, items, users=users, history=seen)


def request_figures(n_users: int) -> dict[str, float]:
    """Time ``recommend(user)`` and the search that it needs, in turns, each for many users.

    Of several tries the best counts, since other load on the machine can only add to it.
    """
    made = recommender(n_users)
    state = made._state
    users = np.random.default_rng(1).integers(0, n_users, USERS_ASKED).tolist()
    queries, _ = state.split.queries(state.tower.queries(users, np.array(users), None))
    taken = np.empty((2, REPEATS, USERS_ASKED))
    for repeat in range(REPEATS):
        for number, user in enumerate(users):
            query = queries[number : number + 1]
            taken[0, repeat, number] = seconds(lambda: made.recommend(user, N))  # noqa: B023
            taken[1, repeat, number] = seconds(lambda: made.index.search(query, N))  # noqa: B023
    request, search = np.median(taken.min(axis=1), axis=1) * 1000
    batch = min(seconds(lambda: made.recommend(users, N)) for _ in range(REPEATS))
    together = min(seconds(lambda: made.index.search(queries, N)) for _ in range(REPEATS))
    return {
        "request_ms": float(request),
        "search_ms": float(search),
        "over_ms": float(request - search),
        "batch_over_ms": (batch - together) / USERS_ASKED * 1000,
    }


def thread_figures(index: Index, queries: Vectors, depth: int) -> dict[str, float]:
    """Measure queries per second of one thread and of several, in turns, each asking for one.

    With `batch`, all queries at once. Medians over the turns.
    """
    speeds: dict[str, list[float]] = {name: [] for name in (*map(str, WORKERS), "batch")}
    asked = [query[None] for query in queries[:QUERIES_A_TURN]]

    def search(query: Vectors) -> Any:
        return index.search(query, depth)

    for _ in range(TURNS):
        for workers in WORKERS:
            with ThreadPoolExecutor(workers) as pool:
                spent = seconds(lambda: list(pool.map(search, asked)))
            speeds[str(workers)].append(len(asked) / spent)
        spent = seconds(lambda: search(queries[:QUERIES_A_TURN]))
        speeds["batch"].append(len(asked) / spent)
    return {name: float(np.median(one)) for name, one in speeds.items()}


def change_ten_times(index: Index, draw: Callable[[int, int], Vectors]) -> tuple[Index, float]:
    """Remove a tenth of the items, change a tenth, and add a tenth, ten times over.

    Parameters
    ----------
    index : Index
    draw : function
        Returns so many vectors from a seed.

    Returns
    -------
    index : Index
        Of as many items as before.
    seconds : float
        What one round took on average.
    """
    rng, tenth = np.random.default_rng(5), len(index) // 10
    nowhere, nothing = np.zeros(0, np.int64), index.vectors[:0]
    spent = 0.0
    for turn in range(ROUNDS):
        fresh, more = draw(tenth, 2 * turn + 10), draw(tenth, 2 * turn + 11)
        gone, other = rng.permutation(np.flatnonzero(index.alive))[: 2 * tenth].reshape(2, -1)
        start = time.perf_counter()
        index = index.change(gone, nothing).change(other, fresh, other).change(nowhere, more)
        spent += time.perf_counter() - start
    return index, spent / ROUNDS


def in_turns(one: Index, other: Index, queries: Vectors, depth: int) -> tuple[float, float]:
    """Return the median milliseconds of a query to each of two indexes, asked in turns."""
    taken = [
        [seconds(lambda: index.search(query[None], depth)) for index in (one, other)]  # noqa: B023
        for query in queries
    ]
    first, second = np.median(taken, axis=0) * 1000
    return float(first), float(second)


def megabytes(index: Index) -> float:
    """Return what the vectors take, and the copies of them in the cells."""
    n_in_cells = 0 if index.neighbours is None else int(index.neighbours.inverted.ntotal)
    return float(index.vectors.nbytes + 4 * n_in_cells * (index.vectors.shape[1] + 1)) / 2**20


def seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def index_figures(n: int) -> dict[str, Any]:
    """Return the figures of easy and of hard vectors of so many items."""
    index, _ = built(draw(n, 1, items=True))
    queries = draw(N_QUERIES, 3, items=False)
    threads = thread_figures(index, queries, DEPTH)
    changed, took = change_ten_times(index, lambda n, seed: draw(n, seed, items=True))
    fresh, _ = built(changed.vectors[changed.alive])
    changed_ms, fresh_ms = in_turns(changed, fresh, queries[:A_FEW], DEPTH)
    change = {
        "seconds": took,
        "recall": recall(changed, queries[:A_FEW]),
        "fresh_recall": recall(fresh, queries[:A_FEW]),
        "ms": changed_ms,
        "fresh_ms": fresh_ms,
        "mb": megabytes(changed),
        "fresh_mb": megabytes(fresh),
    }
    return {"threads": threads, "change": change, "hard": hard_figures(n)}


def hard_figures(n: int) -> dict[str, Any]:
    """Ask for an approximate index of vectors without clusters, all of about the same length."""
    rng = np.random.default_rng(11)
    items = rng.standard_normal((n, FACTORS + 1), np.float32)
    asked = rng.standard_normal((N_QUERIES, FACTORS + 1), np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SettingWarning)  # that it would be slower is the point
        index = build_index(items, "approximate", recall=RECALL, queries=asked)
    assert index.calibration is not None
    speeds = {p.n_probe: p.queries_per_second for p in index.calibration.curve}
    return {
        "chosen": "exact" if index.neighbours is None else "approximate",
        "approximate": speeds[index.calibration.n_probe],
        "exact": index.calibration.exact_queries_per_second,
    }


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--items", type=int, nargs="+", default=[200_000, 1_000_000])
    parser.add_argument("--users", type=int, nargs="+", default=[10_000, 3_000_000])


def measure(options: Namespace) -> dict[str, Any]:
    return {
        "users": {str(n): request_figures(n) for n in options.users},
        "items": {str(n): index_figures(n) for n in options.items},
    }


def tell(report: Report) -> Iterator[str | Picture]:
    users, items = report.figures["users"], report.figures["items"]
    yield (
        f"A whole request `recommend(user)` with a table of users and a history, {N_ITEMS:,} "
        f"items, beside the search alone (the bar is {OVER_MS} ms over it); and what each of "
        f"{USERS_ASKED} users at once takes beside the search:"
    )
    titles = ["users", "request ms", "search ms", "over ms", "over at once ms"]
    yield markdown(titles, [[int(n), *one.values()] for n, one in users.items()])
    yield (
        "Approximate search in queries per second: one at a time from 1, 2 and 8 threads in turns, "
        f"and {QUERIES_A_TURN} at once (the bar is {THREADS} times one thread):"
    )
    titles = ["items", "1 thread", "2 threads", "8 threads", "at once"]
    yield markdown(titles, [[int(n), *one["threads"].values()] for n, one in items.items()])
    yield (
        "After a tenth of the items was removed, another changed and another added, ten times "
        f"(seconds per time), next to an index made afresh (the bar is {AS_FRESH} times its time "
        "and memory):"
    )
    titles = ["items", "seconds", "recall", "fresh recall", "p50 ms", "fresh p50 ms"]
    titles += ["MB", "fresh MB"]
    yield markdown(titles, [[int(n), *one["change"].values()] for n, one in items.items()])
    yield (
        "Hard vectors: what an approximate index that was asked for turned out to be, and the "
        "queries per second of both searches, as it measured them:"
    )
    titles = ["items", "chosen", "approximate", "exact"]
    yield markdown(titles, [[int(n), *one["hard"].values()] for n, one in items.items()])
