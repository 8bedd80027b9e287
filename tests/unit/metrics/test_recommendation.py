"""Metrics of lists against values worked out by hand, and against loops."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fieldfare.exceptions import ConfigError
from fieldfare.metrics import recommendation
from fieldfare.metrics.recommendation import BY_USER, judge, parse, rank_items


def one_user(order, relevant, n_items=6):
    wanted = np.zeros((1, n_items), bool)
    wanted[0, relevant] = True
    return judge(np.array([order]), wanted)


def test_values_of_one_list_by_hand():
    lists = one_user([3, 0, 5, 1], [0, 1, 2])
    found = {name: float(metric(lists, 3)[0]) for name, metric in BY_USER.items()}
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
    assert BY_USER["capped_recall"](lists, 2) == pytest.approx([1 / 2])
    assert BY_USER["map"](lists, 4) == pytest.approx([(1 / 2 + 2 / 4) / 3])


def test_a_perfect_list_has_one_everywhere_and_a_useless_one_zero():
    for name, metric in BY_USER.items():
        assert metric(one_user([0, 1, 2], [0, 1, 2]), 3) == pytest.approx([1.0]), name
        assert metric(one_user([3, 4, 5], [0, 1, 2]), 3) == pytest.approx([0.0]), name


def test_lists_shorter_than_k_count_as_if_filled_with_misses():
    assert BY_USER["precision"](one_user([0], [0, 1]), 4) == pytest.approx([1 / 4])
    assert 0 < BY_USER["ndcg"](one_user([0], [0, 1]), 4)[0] < 1


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
    items = np.array([[0, 1], [0, -1]])
    assert recommendation.coverage(items, 2, 4) == 0.5
    assert recommendation.coverage(items, 1, 4) == 0.25
    counts = np.array([4, 2, 2, 0])
    assert recommendation.novelty(items, 2, counts) == pytest.approx([(1 + 2) / 2, 1])


def test_names_say_metric_length_and_whether_sampled():
    assert parse("ndcg@10") == ("ndcg", 10, False)
    assert parse("sampled_hit_rate@5") == ("hit_rate", 5, True)
    for bad in ("ndgc@10", "ndcg", "ndcg@0", "ndcg@x", "sampled_coverage@10"):
        with pytest.raises(ConfigError, match="metric"):
            parse(bad)
