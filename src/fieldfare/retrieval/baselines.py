"""Baselines that any recommender should beat. Each returns scores for `evaluate_scores`."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np

from fieldfare._optional import require
from fieldfare._typing import AnyArray, Float32Array, Int64Array
from fieldfare.config import SolverConfig
from fieldfare.exceptions import ConfigError
from fieldfare.kernels.initial import InitialFactors
from fieldfare.kernels.recall import RecallSettings, Seen, Side
from fieldfare.kinds.solvers import NONSAMPLED
from fieldfare.retrieval.evaluation import Scores, Trial
from fieldfare.rows import Rows
from fieldfare.solvers.nonsampled import weighed_by_data
from fieldfare.sources.matrix import csr
from fieldfare.training.prepare.resources import check_memory

# Users in a dense block of users by items.
_BLOCK = 1024
# EASE inverts a matrix of items by items: half a minute for so many.
_MOST_ITEMS = 10_000


def popularity(trial: Trial) -> Scores:
    """Return the same scores for all users: how often each item occurs in training."""
    counts = trial.counts.astype(np.float64)
    return lambda users: np.broadcast_to(counts, (len(users), len(counts)))


def recent_popularity(trial: Trial, half_life: float | None = None) -> Scores:
    """Return the same scores for all users: how often each item occurs, late rows counting more.

    Parameters
    ----------
    trial : Trial
        With times.
    half_life : float or None
        After so much time an interaction counts half, in the unit of the times; by default a
        twentieth of the time that the training data span.

    Raises
    ------
    ConfigError
        If the trial has no times.
    """
    if trial.when is None:
        raise ConfigError(
            "'recent popularity' needs to know when interactions happened: name the column, as in "
            "time='timestamp'."
        )
    items, times = trial.when
    age = times.max(initial=0) - times
    half_life = half_life or max(float(np.ptp(times)) / 20, 1e-12)
    counts = np.bincount(items, 0.5 ** (age / half_life), trial.n_items)
    return lambda users: np.broadcast_to(counts, (len(users), len(counts)))


def ease(trial: Trial, l2: float = 500.0) -> Scores:
    """Return the scores of EASE: each item is predicted from all the others by ridge regression.

    In closed form, B = I - P / diag(P) with P the inverse of X'X + l2 I (Steck 2019, equation 8).
    Memory grows with the square of the number of items, and time with its cube.

    Parameters
    ----------
    trial : Trial
    l2 : float > 0, default=500.0
        Strength of the penalty.

    Raises
    ------
    ResourceError
        If it would not fit into memory.
    """
    n = trial.n_items
    check_memory(12 * n**2, f"EASE on {n} items", "Leave it out of the baselines.")
    gram = _together(trial).astype(np.float64)
    gram[np.diag_indices(n)] += l2
    inverse = np.linalg.inv(gram)
    weights = (-inverse / np.diag(inverse)).astype(np.float32)
    np.fill_diagonal(weights, 0)
    return lambda users: _dense(trial.train, users) @ weights


def implicit_als(trial: Trial, **settings: Any) -> Scores:
    """Return the scores of the package implicit's ``AlternatingLeastSquares``.

    Parameters
    ----------
    trial : Trial
    **settings
        Of implicit; by default 64 factors, and its own.

    Raises
    ------
    MissingDependencyError
        If implicit is not installed.
    """
    return _of_implicit("implicit.cpu.als", "AlternatingLeastSquares", trial, settings)


def implicit_bpr(trial: Trial, **settings: Any) -> Scores:
    """Return the scores of the package implicit's ``BayesianPersonalizedRanking``.

    Parameters and exceptions are those of `implicit_als`.
    """
    return _of_implicit("implicit.cpu.bpr", "BayesianPersonalizedRanking", trial, settings)


def _of_implicit(module: str, name: str, trial: Trial, settings: dict[str, Any]) -> Scores:
    implicit = require(module, "peers")
    model = getattr(implicit, name)(**{"factors": 64, "random_state": 0} | settings)
    seen = trial.train
    values = np.ones(len(seen.index), np.float32)
    pairs = csr(values, seen.index, seen.indptr, (seen.n_rows, seen.n_partners))
    model.fit(pairs, show_progress=False)
    return lambda users: model.user_factors[users] @ model.item_factors.T


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
    n, together = trial.n_items, _together(trial)
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
    unobserved_weight: float | Literal["auto"] = "auto",
    l2: float | Literal["auto"] = "auto",
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
    unobserved_weight : float > 0 or "auto", default="auto"
        Weight of a pair that does not occur, relative to one that does; "auto" follows from the
        data as in `FMRanker`.
    l2 : float >= 0 or "auto", default="auto"
        Strength of the penalty on the vectors; likewise.
    n_sweeps : int, default=15
        How often users and items are solved in turn.
    """
    seen = trial.train
    sides = (
        Side(_ids(seen.n_rows), seen, items=False),
        Side(_ids(trial.n_items), seen.turned(), items=True),
    )
    strengths: dict[str, Any] = {"l2_queries": l2, "l2_items": l2}
    weight: Any = unobserved_weight
    given = SolverConfig(NONSAMPLED.name, unobserved_weight=weight, **strengths)
    packed, vectors = [], []
    for seed, side in enumerate(sides):
        shape, parts = (len(side.features), n_factors), ((n_factors, 0.1 / n_factors**0.5),)
        start = InitialFactors(shape, seed, parts).draw()
        packed.append(side.pack(start, None))
        vectors.append(side.vectors(packed[-1], n_factors))
    for sweep in range(n_sweeps):
        how = weighed_by_data(given, seen, seen.n_rows, sweep)
        settings = RecallSettings(n_factors, how.unobserved_weight, fit_linear=False)
        for own, other, strength in ((0, 1, how.l2_queries), (1, 0, how.l2_items)):
            penalty = (strength * sides[own].mass(how.unobserved_weight)).astype(np.float32)
            sides[own].solve(packed[own], vectors[own], vectors[other], penalty, settings)
    return lambda users: vectors[0][users] @ vectors[1].T


BASELINES: dict[str, Callable[[Trial], Scores]] = {
    "popularity": popularity,
    "recent popularity": recent_popularity,
    "item-kNN": item_knn,
    "EASE": ease,
    "MF": matrix_factorization,
    "implicit ALS": implicit_als,
    "implicit BPR": implicit_bpr,
}


def applicable(trial: Trial) -> list[str]:
    """Return the baselines that can be had on a trial, in a time that one waits for."""
    lacking = set()
    if trial.when is None:
        lacking.add("recent popularity")
    if trial.n_items > _MOST_ITEMS:
        lacking.add("EASE")
    if find_spec("implicit") is None:
        lacking |= {"implicit ALS", "implicit BPR"}
    return [name for name in BASELINES if name not in lacking]


def _together(trial: Trial) -> Float32Array:
    """Return how many users have seen both of two items, float32 of shape (n_items, n_items)."""
    n = trial.n_items
    together = np.zeros((n, n), np.float32)
    for start in range(0, trial.train.n_rows, _BLOCK):
        x = _dense(trial.train, np.arange(start, min(start + _BLOCK, trial.train.n_rows)))
        together += x.T @ x
    return together


def _ids(n: int) -> Rows:
    """Return n rows whose only feature is their own number."""
    return Rows(np.arange(n + 1, dtype=np.int64), np.arange(n, dtype=np.uint32))


def _dense(seen: Seen, users: Int64Array) -> AnyArray:
    """Return the seen items of some users as ones, float32 of shape (n_users, n_items)."""
    x = np.zeros((len(users), seen.n_partners), np.float32)
    for place, user in enumerate(users):
        x[place, seen.index[seen.indptr[user] : seen.indptr[user + 1]]] = 1
    return x
