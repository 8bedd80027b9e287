"""A catalogue in use: single requests, several threads, and changes; see ``retrieval.py``."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fieldfare import Column, Recommender, Schema
from fieldfare.config import ModelConfig
from fieldfare.models.registry import MODEL_CLASSES
from fieldfare.retrieval import Index

Vectors = NDArray[np.float32]
N_ITEMS, FACTORS, N = 10_000, 64, 10
USERS_ASKED, REPEATS = 200, 5
WORKERS, TURNS, QUERIES_A_TURN = (1, 2, 8), 7, 200
ROUNDS = 10


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
    schema = Schema(columns, target="y").fit(whole)
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
    speeds: dict[str, list[float]] = {str(workers): [] for workers in WORKERS} | {"batch": []}
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
