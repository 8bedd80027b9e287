"""Baselines that any recommender should beat. Each returns scores for `evaluate_scores`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fieldfare._typing import AnyArray, Int64Array
from fieldfare.kernels.initial import InitialFactors
from fieldfare.kernels.recall import RecallSettings, Seen, Side
from fieldfare.retrieval.evaluation import Scores, Trial
from fieldfare.rows import Rows

# Users in a dense block of users by items.
_BLOCK = 1024


def popularity(trial: Trial) -> Scores:
    """Return the same scores for all users: how often each item occurs in training."""
    counts = trial.counts.astype(np.float64)
    return lambda users: np.broadcast_to(counts, (len(users), len(counts)))


def item_knn(trial: Trial, n_neighbors: int = 100, shrinkage: float = 10.0) -> Scores:
    """Return scores that sum the similarities of an item to the items the user has seen.

    The similarity of two items is the cosine |A and B| / (sqrt(|A| |B|) + shrinkage), where A and B
    are the sets of users who have seen them (Sarwar et al. 2001). Only the nearest neighbours of
    each item count. Memory grows with the square of the number of items.

    Parameters
    ----------
    trial : Trial
    n_neighbors : int, default=100
        Neighbours kept per item.
    shrinkage : float, default=10.0
        Lowers the similarity of rare items; not negative.
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
        smallest_kept = np.partition(similar, n - n_neighbors, axis=0)[n - n_neighbors]
        similar[similar < smallest_kept] = 0
    return lambda users: _dense(trial.train, users) @ similar


def matrix_factorization(
    trial: Trial,
    n_factors: int = 64,
    *,
    unobserved_weight: float = 0.2,
    l2: float = 0.02,
    n_sweeps: int = 15,
) -> Scores:
    """Return the scores of plain matrix factorisation, learned from all pairs of users and items.

    This is an FM of the two ids without linear weights, trained by the non-sampled solver: implicit
    alternating least squares (Hu et al. 2008) with penalties scaled by frequency (Rendle et al.
    2022).

    Parameters
    ----------
    trial : Trial
    n_factors : int, default=64
        Length of the vectors.
    unobserved_weight : float, default=0.2
        Weight of a pair that does not occur, relative to one that does.
    l2 : float, default=0.02
        Strength of the penalty on the vectors.
    n_sweeps : int, default=15
        How often users and items are solved in turn.
    """
    sides = (
        Side(_ids(trial.train.n_rows), trial.train, items=False),
        Side(_ids(trial.n_items), trial.train.turned(), items=True),
    )
    settings = RecallSettings(n_factors, unobserved_weight, fit_linear=False)
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
    """Return n rows whose only feature is their own number."""
    return Rows(np.arange(n + 1, dtype=np.int64), np.arange(n, dtype=np.uint32))


def _dense(seen: Seen, users: Int64Array) -> AnyArray:
    """Return the seen items of some users as ones, float32 of shape (n_users, n_items)."""
    x = np.zeros((len(users), seen.n_partners), np.float32)
    for place, user in enumerate(users):
        x[place, seen.index[seen.indptr[user] : seen.indptr[user + 1]]] = 1
    return x
