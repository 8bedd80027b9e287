"""Lists of several channels merged by rules, alone and as models to compare."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fieldfare import Recommender
from fieldfare.estimators import FMRanker
from fieldfare.exceptions import ConfigError
from fieldfare.retrieval import Merged, Trial, compare, evaluate_scores, merge_lists
from fieldfare.retrieval.answers import Recommended
from fieldfare.retrieval.merging import merged_scores

LISTS = {"charts": ["x", "y", "z"], "neighbours": ["z", "w"]}
ROLES = {"user": ["user"], "item": ["item"]}


@pytest.fixture(scope="module")
def blocks() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training and test interactions of two kinds of users, each with items of their own kind."""
    rng = np.random.default_rng(0)
    pairs = [(f"u{u}", f"i{i}") for u in range(40) for i in range(30) if u % 2 == i % 2]
    table = pd.DataFrame(pairs, columns=["user", "item"])
    held = rng.random(len(table)) < 0.3
    return table[~held], table[held]


def scored(ids, scores) -> Recommended:
    return Recommended(np.array(ids), np.array(scores, np.float32))


def test_ranks_count_by_reciprocal_rank_fusion() -> None:
    ids, scores = merge_lists(LISTS, weights={"neighbours": 0.5})
    expected = {"x": 1 / 61, "y": 1 / 62, "z": 1 / 63 + 0.5 / 61, "w": 0.5 / 62}
    assert ids.tolist() == sorted(expected, key=lambda item: -expected[item])
    np.testing.assert_allclose(scores, [expected[item] for item in ids], rtol=1e-6)


def test_scores_count_from_0_to_1_in_each_list() -> None:
    lists = {
        "a": scored(["x", "y", "z"], [300, 200, 100]),
        "b": scored(["y", "w"], [0.2, 0.1]),
        "constant": scored(["w"], [7]),
    }
    ids, scores = merge_lists(lists, rule="scores", weights={"b": 2})
    assert ids.tolist() == ["y", "x", "w", "z"]
    np.testing.assert_allclose(scores, [2.5, 1, 1, 0])


def test_channels_take_turns() -> None:
    assert merge_lists(LISTS, rule="round_robin").ids.tolist() == ["x", "z", "y", "w"]
    other_first = dict(reversed(LISTS.items()))
    assert merge_lists(other_first, 3, rule="round_robin").ids.tolist() == ["z", "x", "w"]


def test_ids_have_one_form_and_count_once_per_list() -> None:
    ids, scores = merge_lists({"a": [17, "17", 3], "b": np.array([17.0])})
    assert ids.tolist() == [17, 3]
    np.testing.assert_allclose(scores, [2 / 61, 1 / 62], rtol=1e-6)


def test_padding_is_no_item_and_channels_of_weight_0_are_left_out() -> None:
    short = scored([4, -1], [1, -np.inf])
    assert merge_lists({"a": short, "b": [5]}, weights={"b": 0}).ids.tolist() == [4]
    assert len(merge_lists({"a": []}).ids) == 0


def test_what_cannot_be_merged_is_refused() -> None:
    with pytest.raises(ConfigError, match="channels is empty"):
        merge_lists({})
    with pytest.raises(ConfigError, match="Did you mean 'charts'"):
        merge_lists(LISTS, weights={"chart": 1})
    with pytest.raises(ConfigError, match=r"must be a number in \[0, inf\)"):
        merge_lists(LISTS, weights={"charts": -1})
    with pytest.raises(ConfigError, match="take turns"):
        merge_lists(LISTS, rule="round_robin", weights={"charts": 2})
    with pytest.raises(ConfigError, match="without any"):
        merge_lists(LISTS, rule="scores")
    with pytest.raises(ConfigError, match="one request at a time"):
        merge_lists({"a": scored([["x"], ["y"]], [[1], [2]])})
    with pytest.raises(ConfigError, match="rule"):
        Merged(LISTS, rule="sum")
    with pytest.raises(ConfigError, match="channels"):
        Merged(["popularity"])


@pytest.mark.parametrize("rule", ["ranks", "scores", "round_robin"])
def test_a_comparison_merges_what_single_requests_would(blocks, rule) -> None:
    trial = Trial.of(*blocks)
    rng = np.random.default_rng(1)
    tables = {name: rng.random((trial.train.n_rows, trial.n_items)) for name in "abc"}
    channels = {name: lambda users, own=own: own[users] for name, own in tables.items()}
    scores_of = merged_scores(Merged(channels, rule, n=4), trial, channels)
    users = np.array([3, 0])
    for user, row in zip(users, scores_of(users), strict=True):
        lists = {}
        for name, own in tables.items():
            scores = np.where(trial.train.mask(np.array([user]))[0], -np.inf, own[user])
            best = np.argsort(-scores)[:4]
            lists[name] = Recommended(best, scores[best])
        ids, points = merge_lists(lists, 12, rule=rule)
        assert set(ids.tolist()) == set(np.flatnonzero(row > -np.inf).tolist())
        np.testing.assert_allclose(row[ids], points, rtol=1e-6)


def test_models_baselines_and_recommenders_are_channels(blocks) -> None:
    train, test = blocks
    ranker = FMRanker(n_factors=4, random_state=0).fit(train, roles=ROLES)
    recommender = Recommender(ranker, train[["item"]].drop_duplicates(), history=train)
    merged = Merged({"FM": ranker, "charts": "popularity"}, weights={"charts": 0.01})
    alone = Merged({"served": recommender})
    models = {"FM": ranker, "served": recommender, "alone": alone, "merged": merged}
    found = compare(models, train, test, metrics=["ndcg@5"], baselines=["popularity"])
    assert found["served"]["ndcg@5"] == found["alone"]["ndcg@5"] == found["FM"]["ndcg@5"]
    assert found["merged"]["ndcg@5"] > 0.95 > found["popularity"]["ndcg@5"]
    with pytest.raises(ConfigError, match="Did you mean 'popularity'"):
        compare({"it": Merged({"charts": "popularty"})}, train, test)


def test_it_says_what_it_merges() -> None:
    assert repr(Merged(LISTS, "scores")) == "Merged(charts, neighbours; rule='scores')"


def test_a_recommender_is_compared_without_what_was_seen_in_training(blocks) -> None:
    train, test = blocks
    ranker = FMRanker(n_factors=4, random_state=0).fit(train, roles=ROLES)
    items = pd.concat(blocks)[["item"]].drop_duplicates()
    bare = Recommender(ranker, items)  # knows no history
    found = compare({"bare": bare, "FM": ranker}, train, test, metrics=["ndcg@5"], baselines=[])
    assert found["bare"]["ndcg@5"] == found["FM"]["ndcg@5"]
    trial = Trial.of(train, test)
    assert evaluate_scores(lambda users: trial.test.mask(users) * 1.0, trial)["ndcg@10"] == 1
