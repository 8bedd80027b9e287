"""Baselines: what any recommender should beat. Each gives scores as `evaluation.Scores` does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fieldfare._typing import AnyArray, Int64Array
from fieldfare.kernels.initial import InitialFactors
from fieldfare.kernels.recall import Seen, Settings, Side
from fieldfare.retrieval.evaluation import Scores, Trial
from fieldfare.rows import Rows

_BLOCK = 1024


def popularity(trial: Trial) -> Scores:
    """Return scores that are the same for all users: how often an item occurs in training."""
    counts = trial.counts.astype(np.float64)
    return lambda users: np.broadcast_to(counts, (len(users), len(counts)))


def item_knn(trial: Trial, n_neighbors: int = 100, shrinkage: float = 10.0) -> Scores:
    """Return scores that sum the similarities of an item to those the user had.

    The similarity is the cosine, |A and B| / (sqrt(|A| |B|) + shrinkage), of the sets of users that
    had each item (Sarwar et al. 2001); each item keeps its nearest ones. It takes memory for a
    matrix of items by items.
    """
    n = trial.n_items
    together = np.zeros((n, n), np.float32)
    for start in range(0, trial.train.n_rows, _BLOCK):
        x = _dense(trial.train, np.arange(start, min(start + _BLOCK, trial.train.n_rows)))
        together += x.T @ x
    norm = np.sqrt(np.diag(together))
    similar = together / (norm[:, np.newaxis] * norm + np.float32(shrinkage))
    np.fill_diagonal(similar, 0)
    if n_neighbors < n:
        least = np.partition(similar, n - n_neighbors, axis=0)[n - n_neighbors]
        similar[similar < least] = 0
    return lambda users: _dense(trial.train, users) @ similar


def matrix_factorization(
    trial: Trial,
    n_factors: int = 64,
    *,
    unobserved_weight: float = 0.2,
    l2: float = 0.02,
    n_sweeps: int = 15,
) -> Scores:
    """Return the scores of plain matrix factorisation, from all pairs of users and items.

    An FM of the two ids without linear weights, by the non-sampled solver: implicit alternating
    least squares (Hu et al. 2008) with penalties scaled by frequency (Rendle et al. 2022).
    """
    sides = (
        Side(_ids(trial.train.n_rows), trial.train, items=False),
        Side(_ids(trial.n_items), trial.train.turned(), items=True),
    )
    settings = Settings(n_factors, unobserved_weight, fit_linear=False)
    packed, vectors, penalty = [], [], []
    for seed, side in enumerate(sides):
        shape, parts = (len(side.features), n_factors), ((n_factors, 0.1 / n_factors**0.5),)
        start = InitialFactors(shape, seed, parts).draw()
        packed.append(side.pack(start, None))
        vectors.append(side.vectors(packed[-1], n_factors))
        penalty.append((l2 * side.mass(unobserved_weight)).astype(np.float32))
    for _ in range(n_sweeps):
        for own, other in ((0, 1), (1, 0)):
            sides[own].solve(packed[own], vectors[own], vectors[other], penalty[own], settings)
    return lambda users: vectors[0][users] @ vectors[1].T


BASELINES: dict[str, Callable[[Trial], Scores]] = {
    "popularity": popularity,
    "item-kNN": item_knn,
    "MF": matrix_factorization,
}


def _ids(n: int) -> Rows:
    return Rows(np.arange(n + 1, dtype=np.int64), np.arange(n, dtype=np.uint32))


def _dense(seen: Seen, users: Int64Array) -> AnyArray:
    x = np.zeros((len(users), seen.n_partners), np.float32)
    for place, user in enumerate(users):
        x[place, seen.index[seen.indptr[user] : seen.indptr[user + 1]]] = 1
    return x
