"""Metrics of lists against values worked out by hand, and against loops."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fieldfare.exceptions import ConfigError
from fieldfare.metrics import METRICS, ListMetric, get_list_metric
from fieldfare.metrics.lists import judge, rank_items

OF_HITS = [
    name.removesuffix("@k")
    for name, metric in METRICS.items()
    if isinstance(metric, ListMetric) and metric.needs_hits
]


def measure(name, lists, k):
    return get_list_metric(f"{name}@{k}")(lists)


def one_user(order, relevant, n_items=6):
    wanted = np.zeros((1, n_items), bool)
    wanted[0, relevant] = True
    return judge(np.array([order]), wanted)


def test_values_of_one_list_by_hand():
    lists = one_user([3, 0, 5, 1], [0, 1, 2])
    found = {name: float(measure(name, lists, 3)[0]) for name in OF_HITS}
    best = 1 + 1 / math.log2(3) + 1 / 2
    assert found == pytest.approx(
        {
            "ndcg": 1 / math.log2(3) / best,
            "recall": 1 / 3,
            "capped_recall": 1 / 3,
            "precision": 1 / 3,
            "map": (1 / 2) / 3,
            "hit_rate": 1,
            "mrr": 1 / 2,
        }
    )
    assert measure("capped_recall", lists, 2) == pytest.approx([1 / 2])
    assert measure("map", lists, 4) == pytest.approx([(1 / 2 + 2 / 4) / 3])


def test_a_perfect_list_has_one_everywhere_and_a_useless_one_zero():
    for name in OF_HITS:
        assert measure(name, one_user([0, 1, 2], [0, 1, 2]), 3) == pytest.approx([1.0]), name
        assert measure(name, one_user([3, 4, 5], [0, 1, 2]), 3) == pytest.approx([0.0]), name


def test_lists_shorter_than_k_count_as_if_filled_with_misses():
    assert measure("precision", one_user([0], [0, 1]), 4) == pytest.approx([1 / 4])
    assert 0 < measure("ndcg", one_user([0], [0, 1]), 4)[0] < 1


@pytest.mark.parametrize("n", [1, 3, 7, 20])
def test_ranking_is_that_of_sorting_and_leaves_out_what_is_excluded(n):
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(5, 7))
    excluded = rng.random((5, 7)) < 0.4
    ranked = rank_items(scores, n, excluded)
    for user in range(5):
        left = [i for i in np.argsort(-scores[user]) if not excluded[user, i]][:n]
        assert ranked[user].tolist() == left + [-1] * (min(n, 7) - len(left))


def test_places_without_an_item_are_no_hits():
    lists = judge(np.array([[2, -1]]), np.array([[True, False, True]]))
    assert lists.hits.tolist() == [[True, False]]
    assert lists.n_relevant.tolist() == [2]


def test_coverage_and_novelty_by_hand():
    lists = judge(np.array([[0, 1], [0, -1]]), np.zeros((2, 4), bool), np.array([4, 2, 2, 0]))
    assert measure("coverage", lists, 2) == 0.5
    assert measure("coverage", lists, 1) == 0.25
    assert measure("novelty", lists, 2) == pytest.approx([(1 + 2) / 2, 1])


def test_names_say_metric_length_and_whether_sampled():
    for name, k, sampled in (("ndcg@10", 10, False), ("sampled_hit_rate@5", 5, True)):
        found = get_list_metric(name)
        assert (found.name, found.k, found.sampled) == (name, k, sampled)
    for bad in ("ndgc@10", "ndcg", "ndcg@0", "ndcg@x", "sampled_coverage@10"):
        with pytest.raises(ConfigError, match="metric"):
            get_list_metric(bad)


def test_an_unknown_name_is_answered_with_all_names_and_which_are_never_sampled():
    with pytest.raises(ConfigError, match="mrr, coverage, novelty, popularity; all but"):
        get_list_metric("sampled_novelty@3")
