"""Metrics of order: exact, weighted, with ties counted as half.

They need no probabilities: any score that increases with the probability of class 1 gives the same
value. scikit-learn's take two to three times as long (AUC on a million samples), or know no groups
and no weights of groups (NDCG).
"""

from __future__ import annotations

import math

import numpy as np

from fieldfare._typing import AnyArray, Float64Array
from fieldfare.metrics.registry import metric


def _blocks(*keys: AnyArray) -> AnyArray:
    """Return where each run of equal keys starts; the arrays are sorted by the keys."""
    change = np.ones(len(keys[0]), dtype=bool)
    change[1:] = np.logical_or.reduce([key[1:] != key[:-1] for key in keys])
    return np.flatnonzero(change)


@metric("binary", greater_is_better=True)
def auc(y: Float64Array, pred: Float64Array, weight: Float64Array) -> float:
    """Area under the ROC curve.

    The weight of all pairs of a positive and a negative sample that are in the correct order, plus
    half the weight of those with equal predictions, divided by the weight of all pairs (the
    Mann-Whitney statistic; Hanley and McNeil 1982). NaN if one class has no weight.
    """
    return _mean_area(y, pred, weight, np.zeros(len(y), np.int8), np.argsort(pred))


@metric("binary", greater_is_better=True, grouped=True)
def gauc(y: Float64Array, pred: Float64Array, weight: Float64Array, group: AnyArray) -> float:
    """AUC within each group, averaged by the groups' weights (Zhou et al. 2018, sec. 5.3).

    Groups in which one class has no weight have no AUC and are left out. NaN if no group is left.
    """
    return _mean_area(y, pred, weight, group, np.lexsort((pred, group)))


def _mean_area(
    y: Float64Array, pred: Float64Array, weight: Float64Array, group: AnyArray, order: AnyArray
) -> float:
    """Average the AUC of the groups; ``order`` sorts samples by group, then by prediction."""
    ranked, groups = pred[order], group[order]
    positive = (weight * y)[order]
    negative = (weight * (1 - y))[order]

    ties = _blocks(groups, ranked)
    tied_positive = np.add.reduceat(positive, ties)
    tied_negative = np.add.reduceat(negative, ties)
    # Weight of the negatives ranked below each run of ties, within its group.
    below = np.cumsum(tied_negative) - tied_negative
    members = _blocks(groups[ties])
    sizes = np.diff(np.append(members, len(ties)))
    below -= np.repeat(below[members], sizes)

    wins = np.add.reduceat(tied_positive * (below + tied_negative / 2), members)
    positives = np.add.reduceat(tied_positive, members)
    negatives = np.add.reduceat(tied_negative, members)
    usable = (positives > 0) & (negatives > 0)
    if not usable.any():
        return math.nan
    areas = wins[usable] / (positives[usable] * negatives[usable])
    return float(np.average(areas, weights=(positives + negatives)[usable]))


@metric("rank", "regression", "binary", greater_is_better=True, grouped=True, cut=True)
def ndcg(
    y: Float64Array,
    pred: Float64Array,
    weight: Float64Array,
    group: AnyArray,
    k: int | None = None,
) -> float:
    """Normalised discounted cumulative gain (Jarvelin and Kekalainen 2002), with linear gains.

    The sum of y / log2(1 + place) in the order of the predictions, divided by the largest sum that
    any order gives. ``ndcg@10`` stops after ten places. Samples with equal predictions share the
    mean of their discounts (McSherry and Najork 2008). Averaged over the groups, each with the mean
    weight of its samples. Groups without a relevant sample are left out; NaN if no group is left.
    """
    order = np.lexsort((-pred, group))
    groups = group[order]
    members = _blocks(groups)
    sizes = np.diff(np.append(members, len(groups)))
    place = np.arange(len(groups)) - np.repeat(members, sizes)
    discount = 1 / np.log2(2.0 + place)
    if k is not None:
        discount[place >= k] = 0.0
    ties = _blocks(groups, pred[order])
    tied = np.diff(np.append(ties, len(groups)))
    shared = np.repeat(np.add.reduceat(discount, ties) / tied, tied)
    gain = np.add.reduceat(shared * y[order], members)
    ideal = np.add.reduceat(discount * y[np.lexsort((-y, group))], members)
    mass = np.add.reduceat(weight[order], members) / sizes
    usable = (ideal > 0) & (mass > 0)
    if not usable.any():
        return math.nan
    return float(np.average(gain[usable] / ideal[usable], weights=mass[usable]))
