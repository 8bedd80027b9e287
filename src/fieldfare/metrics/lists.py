"""Lists of recommendations: ranking the items of each user, and saying which are relevant."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fieldfare._typing import AnyArray, Int64Array


class Lists(NamedTuple):
    """Recommendations to some users.

    Parameters
    ----------
    items : int64 array of shape (n_users, n)
        Numbers of the items, best first; -1 where there is none.
    hits : bool array of shape (n_users, n)
        Whether each item is relevant.
    n_relevant : int64 array of shape (n_users,)
        Number of relevant items of each user, listed or not.
    counts : int64 array of shape (n_items,)
        How often each item occurs in training.
    """

    items: Int64Array
    hits: AnyArray
    n_relevant: Int64Array
    counts: Int64Array


def rank_items(scores: AnyArray, n: int, excluded: AnyArray | None = None) -> Int64Array:
    """Return the numbers of the best items of each user.

    Parameters
    ----------
    scores : float array of shape (n_users, n_items)
    n : int
        Length of the lists; at most ``n_items`` are returned.
    excluded : bool array of shape (n_users, n_items) or None
        Items not to list, such as those already seen in training.

    Returns
    -------
    int64 array of shape (n_users, min(n, n_items))
        Best first, and the lowest-numbered first among equal scores; -1 where no item is left.
    """
    scores = np.array(scores, np.float64)
    if excluded is not None:
        scores[excluded] = -np.inf
    n = min(n, scores.shape[1])
    if n < scores.shape[1]:
        # Sorted by number, so that the stable sort below orders equal scores by item.
        top = np.sort(np.argpartition(-scores, n, axis=1)[:, :n], axis=1)
    else:
        top = np.broadcast_to(np.arange(n), scores.shape)
    reached = np.take_along_axis(scores, top, axis=1)
    order = np.argsort(-reached, axis=1, kind="stable")
    ranked: Int64Array = np.take_along_axis(top, order, axis=1).astype(np.int64)
    ranked[np.isneginf(np.take_along_axis(reached, order, axis=1))] = -1
    return ranked


def judge(items: Int64Array, relevant: AnyArray, counts: AnyArray | None = None) -> Lists:
    """Return lists together with which of their items are relevant.

    Parameters
    ----------
    items : int64 array of shape (n_users, n)
        As returned by `rank_items`.
    relevant : bool array of shape (n_users, n_items)
    counts : array of shape (n_items,), optional
        How often each item occurs in training, which novelty needs; zeros by default.

    Returns
    -------
    Lists
    """
    hits = np.take_along_axis(relevant, np.maximum(items, 0), axis=1) & (items >= 0)
    known = np.zeros(relevant.shape[1], np.int64) if counts is None else np.asarray(counts)
    return Lists(items, hits, relevant.sum(axis=1).astype(np.int64), known)
