"""Metrics of lists of recommendations: one value per user.

A list holds the numbers of the items recommended to a user, best first. The relevant items are
those that the user interacted with in the test data. Reported figures are averages over the users
with relevant items; the values per user are kept because confidence intervals and comparisons need
them.

`rank_items` ranks *all* items. Metrics on a few sampled items have names of their own
(``sampled_...``), because they can order models differently (Krichene and Rendle 2020).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from fieldfare._typing import AnyArray, Float64Array, Int64Array
from fieldfare._validation import closest
from fieldfare.exceptions import ConfigError

DEFAULT_METRICS = ("ndcg@10", "recall@10", "precision@10", "map@10", "hit_rate@10", "mrr@10")
SAMPLED = "sampled_"


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
    """

    items: Int64Array
    hits: AnyArray
    n_relevant: Int64Array


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


def judge(items: Int64Array, relevant: AnyArray) -> Lists:
    """Return lists together with which of their items are relevant.

    Parameters
    ----------
    items : int64 array of shape (n_users, n)
        As returned by `rank_items`.
    relevant : bool array of shape (n_users, n_items)

    Returns
    -------
    Lists
    """
    hits = np.take_along_axis(relevant, np.maximum(items, 0), axis=1) & (items >= 0)
    return Lists(items, hits, relevant.sum(axis=1).astype(np.int64))


def recall(lists: Lists, k: int) -> Float64Array:
    """Return the share of the relevant items that are in the first k places."""
    found: Float64Array = lists.hits[:, :k].sum(axis=1) / lists.n_relevant
    return found


def capped_recall(lists: Lists, k: int) -> Float64Array:
    """Return recall@k over the largest possible value, min(n_relevant, k) (Liang et al. 2018)."""
    found: Float64Array = lists.hits[:, :k].sum(axis=1) / np.minimum(lists.n_relevant, k)
    return found


def precision(lists: Lists, k: int) -> Float64Array:
    """Return the number of relevant items in the first k places, divided by k."""
    found: Float64Array = lists.hits[:, :k].sum(axis=1) / k
    return found


def hit_rate(lists: Lists, k: int) -> Float64Array:
    """Return 1 for users with a relevant item in the first k places, else 0."""
    found: Float64Array = np.asarray(lists.hits[:, :k].any(axis=1), np.float64)
    return found


def ndcg(lists: Lists, k: int) -> Float64Array:
    """Return the sum of 1 / log2(1 + place) over relevant items, relative to the largest possible.

    Normalised discounted cumulative gain (Jarvelin and Kekalainen 2002) with gains of 0 and 1.
    """
    hits = lists.hits[:, :k]
    gains = 1 / np.log2(np.arange(2.0, k + 2))
    best = np.concatenate([[0.0], np.cumsum(gains)])[np.minimum(lists.n_relevant, k)]
    found: Float64Array = (hits * gains[: hits.shape[1]]).sum(axis=1) / best
    return found


def average_precision(lists: Lists, k: int) -> Float64Array:
    """Return the sum of precisions at the relevant items, divided by their number."""
    hits = lists.hits[:, :k]
    at = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    found: Float64Array = (at * hits).sum(axis=1) / lists.n_relevant
    return found


def reciprocal_rank(lists: Lists, k: int) -> Float64Array:
    """Return 1 / place of the first relevant item, or 0 if it is not in the first k places."""
    hits = lists.hits[:, :k]
    if not hits.shape[1]:
        return np.zeros(len(hits))
    found: Float64Array = hits.any(axis=1) / (1.0 + np.argmax(hits, axis=1))
    return found


BY_USER: dict[str, Callable[[Lists, int], Float64Array]] = {
    "ndcg": ndcg,
    "recall": recall,
    "capped_recall": capped_recall,
    "precision": precision,
    "map": average_precision,
    "hit_rate": hit_rate,
    "mrr": reciprocal_rank,
}
OF_LISTS = ("coverage", "novelty")


def parse(name: str) -> tuple[str, int, bool]:
    """Split a name such as ``recall@10`` or ``sampled_recall@10`` into metric, k and sampled.

    Returns
    -------
    metric : str
    k : int
    sampled : bool
        Whether the metric is taken on sampled items.

    Raises
    ------
    ConfigError
        If there is no such metric, or k is missing.
    """
    plain = name.removeprefix(SAMPLED)
    head, _, place = plain.partition("@")
    known = (*BY_USER, *OF_LISTS)
    if head not in known or (plain != name and head not in BY_USER):
        raise ConfigError(
            f"There is no recommendation metric {name!r}.{closest(head, known)} The metrics are "
            f"{', '.join(known)}; all but the last two also exist as {SAMPLED}..."
        )
    if not re.fullmatch("[1-9][0-9]{0,8}", place):
        raise ConfigError(
            f"A recommendation metric needs the length of the lists, as in {head}@10. Got {name!r}."
        )
    return head, int(place), plain != name


def coverage(items: Int64Array, k: int, n_items: int) -> float:
    """Return the share of all items that appear in the first k places of any list."""
    listed = items[:, :k]
    return len(np.unique(listed[listed >= 0])) / max(n_items, 1)


def novelty(items: Int64Array, k: int, counts: AnyArray) -> Float64Array:
    """Return the mean self-information of each user's listed items (Zhou et al. 2010), in bits.

    Parameters
    ----------
    items : int64 array of shape (n_users, n)
    k : int
        Number of places to look at.
    counts : array of shape (n_items,)
        How often each item occurs in training. An item that does not occur counts once.

    Returns
    -------
    float64 array of shape (n_users,)
        0 for users without a listed item.
    """
    bits = -np.log2(np.maximum(counts, 1) / max(float(np.sum(counts)), 1.0))
    listed = items[:, :k]
    there = listed >= 0
    total = np.where(there, bits[np.maximum(listed, 0)], 0.0).sum(axis=1)
    found: Float64Array = total / np.maximum(there.sum(axis=1), 1)
    return found


def longest(names: Sequence[str]) -> int:
    """Return the length that lists must have for all of these metrics."""
    return max(parse(name)[1] for name in names)
