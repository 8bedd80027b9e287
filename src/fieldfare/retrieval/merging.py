"""Lists of several recall channels merged by a rule: what one model of everything has to beat.

Scores of different channels are not on one scale. So what is added up is the ranks, or the scores
brought between 0 and 1, or nothing: the channels take turns.

References
----------
E. Fox, J. Shaw, Combination of Multiple Searches, TREC 1994 (sums of scores, "CombSUM").
G. Cormack, C. Clarke, S. Buettcher, Reciprocal Rank Fusion Outperforms Condorcet and Individual
Rank Learning Methods, SIGIR 2009.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, final

import numpy as np

from fieldfare._arguments import checked
from fieldfare._typing import AnyArray, Float64Array, Int64Array
from fieldfare._validation import Number, check, closest
from fieldfare.exceptions import ConfigError
from fieldfare.metrics.lists import rank_items
from fieldfare.retrieval.answers import Recommended
from fieldfare.retrieval.evaluation import Scores, Trial
from fieldfare.retrieval.id_map import id_text, listed_of

Rule = Literal["ranks", "scores", "round_robin"]

# Of reciprocal rank fusion: how little the first places count above the next (Cormack et al. 2009).
_DAMPING = 60


@final
class Merged:
    """Several recall channels whose lists are merged by a rule, as one of the models of `compare`.

    Parameters
    ----------
    channels : mapping from name to channel
        Each is anything that `compare` takes as a model, or the name of a baseline.
    rule : {"ranks", "scores", "round_robin"}, default="ranks"
        As for `merge_lists`.
    weights : mapping from name to float in [0, inf), optional
        As for `merge_lists`.
    n : int in [1, inf), default=200
        Length of the list of each channel.

    Raises
    ------
    ConfigError
        If the rule or a weight is not allowed, or there is no channel.

    Examples
    --------
    >>> from fieldfare.retrieval import Merged, compare
    >>> train = {"user": ["a", "a", "b", "b", "c"], "item": ["x", "y", "x", "y", "x"]}
    >>> both = Merged({"neighbours": "item-kNN", "charts": "popularity"}, weights={"charts": 0.2})
    >>> found = compare({"merged": both}, train, {"user": ["c"], "item": ["y"]}, baselines=[])
    >>> found["merged"]["ndcg@10"]
    1.0
    """

    @checked
    def __init__(
        self,
        channels: Mapping[str, Any],
        rule: Rule = "ranks",
        weights: Mapping[str, float] | None = None,
        n: int = 200,
    ) -> None:
        check("n", n, Number(1, integer=True), "Merged")
        self.channels, self.rule, self.n = channels, rule, n
        self.weights = _checked_weights(channels, rule, weights, "Merged")

    def __repr__(self) -> str:
        return f"Merged({', '.join(map(str, self.channels))}; rule={self.rule!r})"


def merged_scores(merged: Merged, trial: Trial, channels: Mapping[str, Scores]) -> Scores:
    """Return the scores of merged lists, given those of the channels, for `evaluate_scores`.

    Parameters
    ----------
    merged : Merged
    trial : Trial
    channels : mapping from name to callable
        From user numbers to the scores of all items, for each channel.

    Returns
    -------
    callable
        The same for the merged lists; -inf for items that no channel lists.
    """

    def scores(users: Int64Array) -> AnyArray:
        seen = trial.train.mask(users)
        lists = []
        for name in merged.channels:
            found = np.asarray(channels[name](users))
            items = rank_items(found, merged.n, seen)
            lists.append((items, np.take_along_axis(found, np.maximum(items, 0), axis=1)))
        return fuse(lists, list(merged.weights.values()), merged.rule, trial.n_items)

    return scores


@checked
def merge_lists(
    channels: Mapping[str, Any],
    n: int = 10,
    *,
    rule: Rule = "ranks",
    weights: Mapping[str, float] | None = None,
) -> Recommended:
    """Merge the lists of several recall channels for one request by a rule, without a model.

    `Recommender.merge` lets a model order the proposals instead.

    Parameters
    ----------
    channels : mapping from name to Recommended or ids
        The list of each channel, best first. Of an item that is twice in a list the first counts.
    n : int in [1, inf), default=10
        Length of the merged list.
    rule : {"ranks", "scores", "round_robin"}, default="ranks"
        With ``ranks``, an item gets weight / (60 + rank) from each channel that lists it (Cormack
        et al. 2009). With ``scores``, it gets the channel's weight times its score, after the
        scores of each list have been shifted and scaled to 0 and 1 (Fox and Shaw 1994). With
        ``round_robin``, the channels take turns in the order of the mapping.
    weights : mapping from name to float in [0, inf), optional
        How much each channel counts, 1 by default; 0 leaves it out. Not for ``round_robin``.

    Returns
    -------
    Recommended
        The scores are what the items got by the rule; with ``round_robin``, minus the turn.

    Raises
    ------
    ConfigError
        If the rule or a weight is not allowed, there is no channel, or a list has no scores that
        the rule could add up.

    Examples
    --------
    >>> lists = {"charts": ["x", "y", "z"], "neighbours": ["z", "w"]}
    >>> merge_lists(lists, 3).ids.tolist()
    ['z', 'x', 'y']
    >>> merge_lists(lists, 3, rule="round_robin").ids.tolist()
    ['x', 'z', 'y']
    """
    check("n", n, Number(1, integer=True), "merge_lists")
    counted = _checked_weights(channels, rule, weights, "merge_lists")
    ids: dict[str | None, Any] = {}
    lists = []
    for name in channels:
        own, scores = _list_of(name, channels[name], rule)
        for key, id_ in own.items():
            ids.setdefault(key, id_)
        place = {key: number for number, key in enumerate(ids)}
        lists.append((np.array([[place[key] for key in own]], np.int64), scores))
    points = fuse(lists, list(counted.values()), rule, len(ids))
    best = rank_items(points, n)[0]
    best = best[best >= 0]
    found = np.array(list(ids.values()))[best] if ids else np.zeros(0, np.int64)
    return Recommended(found, points[0, best].astype(np.float32))


def fuse(
    lists: Sequence[tuple[Int64Array, AnyArray]],
    weights: Sequence[float],
    rule: Rule,
    n_items: int,
) -> Float64Array:
    """Return what each item gets from the lists of all channels.

    Parameters
    ----------
    lists : sequence of (int64 array, float array), of shape (n_requests, n) each
        Items of each request, best first and -1 where there is none, and their scores.
    weights : sequence of float
        One for each channel.
    rule : {"ranks", "scores", "round_robin"}
    n_items : int

    Returns
    -------
    float64 array of shape (n_requests, n_items)
        -inf for items that are in no list.
    """
    total = np.full((len(lists[0][0]), n_items), -np.inf)
    for turn, ((items, scores), weight) in enumerate(zip(lists, weights, strict=True)):
        if weight == 0:
            continue
        rank = np.broadcast_to(np.arange(items.shape[1]), items.shape)
        if rule == "round_robin":
            points = -(rank * len(lists) + turn + 1.0)
        elif rule == "ranks":
            points = weight / (_DAMPING + 1.0 + rank)
        else:
            points = weight * _between_0_and_1(np.where(items < 0, np.nan, scores))
        request, place = np.nonzero(items >= 0)
        item, gained = items[request, place], points[request, place]
        before = total[request, item]
        if rule == "round_robin":
            total[request, item] = np.maximum(before, gained)
        else:
            total[request, item] = np.where(np.isneginf(before), 0, before) + gained
    return total


def _between_0_and_1(scores: AnyArray) -> Float64Array:
    """Return the scores of each row shifted and scaled to 0 and 1; 1 if all are equal."""
    there = ~np.isnan(scores)
    low = np.min(scores, axis=1, where=there, initial=np.inf, keepdims=True)
    span = np.max(scores, axis=1, where=there, initial=-np.inf, keepdims=True) - low
    scaled: Float64Array = np.divide(scores - low, span, out=np.ones(scores.shape), where=span > 0)
    return scaled


def _list_of(name: str, channel: Any, rule: Rule) -> tuple[dict[str | None, Any], AnyArray]:
    """Return the ids of a list by their canonical texts, and their scores of shape (1, n)."""
    has_scores = isinstance(channel, Recommended)
    ids = listed_of(channel.ids if has_scores else channel)
    if any(isinstance(id_, list) for id_ in ids):
        raise ConfigError(
            f"Lists are merged for one request at a time. Channel {name!r} holds lists for "
            "several: recommend for one user, or compare channels with Merged."
        )
    if rule == "scores" and not has_scores:
        raise ConfigError(
            f"rule='scores' adds up scores, but channel {name!r} is a list of ids without any. "
            "Pass a Recommended, with ids and scores, or use rule='ranks'."
        )
    scores = np.asarray(channel.scores, np.float64) if has_scores else np.zeros(len(ids))
    first: dict[str | None, int] = {}
    for number, id_ in enumerate(ids):
        if scores[number] > -np.inf:  # else it fills up a list that was too short
            first.setdefault(id_text(id_), number)
    return {key: ids[number] for key, number in first.items()}, scores[None, list(first.values())]


def _checked_weights(
    channels: Mapping[str, Any], rule: str, weights: Mapping[str, float] | None, caller: str
) -> dict[str, float]:
    """Return the weight of each channel, in the order of the channels."""
    if not channels:
        raise ConfigError("There is nothing to merge: channels is empty. Name at least one.")
    if weights and rule == "round_robin":
        raise ConfigError(
            "With rule='round_robin' the channels take turns and weights mean nothing. Leave them "
            "out, or use rule='ranks' or 'scores'."
        )
    for name, weight in (weights or {}).items():
        if name not in channels:
            raise ConfigError(
                f"There is no channel {name!r} to weight."
                f"{closest(name, channels)} The channels are {', '.join(map(repr, channels))}."
            )
        check(f"weights[{name!r}]", weight, Number(0), caller)
    return {name: float((weights or {}).get(name, 1.0)) for name in channels}
