"""Metrics of lists of recommendations: one value per user, or one for all lists together.

A list holds the numbers of the items recommended to a user, best first. The relevant items are
those that the user interacted with in the test data. Reported figures are averages over the users
with relevant items; the values per user are kept because confidence intervals and comparisons need
them.

Lists are of *all* items. Metrics on a few sampled items have names of their own (``sampled_...``),
because they can order models differently (Krichene and Rendle 2020).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fieldfare._typing import Float64Array
from fieldfare.exceptions import ConfigError
from fieldfare.metrics.lists import Lists
from fieldfare.metrics.registry import get_list_metric, list_metric

DEFAULT_METRICS = ("ndcg@10", "recall@10", "precision@10", "map@10", "hit_rate@10", "mrr@10")


@list_metric("recall")
def recall(lists: Lists, k: int) -> Float64Array:
    """Return the share of the relevant items that are in the first k places."""
    found: Float64Array = lists.hits[:, :k].sum(axis=1) / lists.n_relevant
    return found


@list_metric("capped_recall")
def capped_recall(lists: Lists, k: int) -> Float64Array:
    """Return recall@k over the largest possible value, min(n_relevant, k) (Liang et al. 2018)."""
    found: Float64Array = lists.hits[:, :k].sum(axis=1) / np.minimum(lists.n_relevant, k)
    return found


@list_metric("precision")
def precision(lists: Lists, k: int) -> Float64Array:
    """Return the number of relevant items in the first k places, divided by k."""
    found: Float64Array = lists.hits[:, :k].sum(axis=1) / k
    return found


@list_metric("hit_rate")
def hit_rate(lists: Lists, k: int) -> Float64Array:
    """Return 1 for users with a relevant item in the first k places, else 0."""
    found: Float64Array = np.asarray(lists.hits[:, :k].any(axis=1), np.float64)
    return found


@list_metric("ndcg")
def ndcg(lists: Lists, k: int) -> Float64Array:
    """Return the sum of 1 / log2(1 + place) over relevant items, relative to the largest possible.

    Normalised discounted cumulative gain (Jarvelin and Kekalainen 2002) with gains of 0 and 1.
    """
    hits = lists.hits[:, :k]
    gains = 1 / np.log2(np.arange(2.0, k + 2))
    best = np.concatenate([[0.0], np.cumsum(gains)])[np.minimum(lists.n_relevant, k)]
    found: Float64Array = (hits * gains[: hits.shape[1]]).sum(axis=1) / best
    return found


@list_metric("map")
def average_precision(lists: Lists, k: int) -> Float64Array:
    """Return the sum of precisions at the relevant items, divided by their number."""
    hits = lists.hits[:, :k]
    at = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    found: Float64Array = (at * hits).sum(axis=1) / lists.n_relevant
    return found


@list_metric("mrr")
def reciprocal_rank(lists: Lists, k: int) -> Float64Array:
    """Return 1 / place of the first relevant item, or 0 if it is not in the first k places."""
    hits = lists.hits[:, :k]
    if not hits.shape[1]:
        return np.zeros(len(hits))
    found: Float64Array = hits.any(axis=1) / (1.0 + np.argmax(hits, axis=1))
    return found


@list_metric("coverage", needs_hits=False)
def coverage(lists: Lists, k: int) -> float:
    """Return the share of all items that appear in the first k places of any list."""
    listed = lists.items[:, :k]
    return len(np.unique(listed[listed >= 0])) / max(len(lists.counts), 1)


@list_metric("novelty", needs_hits=False)
def novelty(lists: Lists, k: int) -> Float64Array:
    """Return the mean self-information of each user's listed items (Zhou et al. 2010), in bits.

    An item that does not occur in training counts as if it occurred once. 0 for users without a
    listed item.
    """
    counts = lists.counts
    bits = -np.log2(np.maximum(counts, 1) / max(float(np.sum(counts)), 1.0))
    listed = lists.items[:, :k]
    there = listed >= 0
    total = np.where(there, bits[np.maximum(listed, 0)], 0.0).sum(axis=1)
    found: Float64Array = total / np.maximum(there.sum(axis=1), 1)
    return found


@list_metric("popularity", needs_hits=False)
def popularity(lists: Lists, k: int) -> Float64Array:
    """Return how often each user's listed items occur in training, relative to the average item.

    The average recommendation popularity (Yin et al. 2012) in units of the mean of all items: 1
    means no bias, 10 items that are ten times as popular. 0 for users without a listed item.
    """
    share = lists.counts / max(float(np.mean(lists.counts)), 1e-12)
    listed = lists.items[:, :k]
    there = listed >= 0
    total = np.where(there, share[np.maximum(listed, 0)], 0.0).sum(axis=1)
    found: Float64Array = total / np.maximum(there.sum(axis=1), 1)
    return found


def longest(names: Sequence[str]) -> int:
    """Return the length that lists must have for all of these metrics, at least one.

    Raises
    ------
    ConfigError
        If there are none.
    """
    if not len(names):
        raise ConfigError("metrics must name at least one metric, such as 'ndcg@10'. Got none.")
    return max(get_list_metric(name).k for name in names)
