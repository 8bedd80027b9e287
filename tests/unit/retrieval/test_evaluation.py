"""Evaluation on all items, baselines, and the table that compares them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fieldfare.estimators import FFMRegressor, FMRanker
from fieldfare.exceptions import ConfigError, DataError, DataWarning
from fieldfare.kernels.recall import Seen
from fieldfare.retrieval import Evaluation, Trial, compare, evaluate_scores
from fieldfare.retrieval.answers import Recommended
from fieldfare.retrieval.baselines import item_knn, matrix_factorization, popularity


@pytest.fixture(scope="module")
def blocks() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training and test interactions of two kinds of users, each with items of their own kind."""
    rng = np.random.default_rng(0)
    interactions = [(u, i) for u in range(40) for i in range(30) if u % 2 == i % 2]
    table = pd.DataFrame(interactions, columns=["user", "item"])
    table["user_kind"] = (table["user"] % 2).astype(str)
    held = rng.random(len(table)) < 0.3
    return table[~held], table[held]


def test_the_table_compares_models_and_baselines(blocks) -> None:
    train, test = blocks
    ranker = FMRanker(solver="nonsampled", n_factors=4, random_state=0).fit(train)
    metrics = ("ndcg@5", "coverage@5", "novelty@5")
    found = compare({"FM": ranker, "model": ranker.model_}, train, test, metrics=metrics)
    assert list(found.evaluations) == ["FM", "model", "popularity", "item-kNN", "MF"]
    for name in ("FM", "item-kNN", "MF"):
        assert found[name]["ndcg@5"] > 0.95
    assert found["popularity"]["ndcg@5"] < 0.8
    assert found["FM"]["coverage@5"] > found["popularity"]["coverage@5"]
    assert found["FM"]["ndcg@5"] == found["model"]["ndcg@5"]
    low, high = found["FM"].interval("ndcg@5")
    assert low <= found["FM"]["ndcg@5"] <= high
    with pytest.raises(ConfigError, match="Got 'coverage@5'"):
        found["FM"].interval("coverage@5")
    assert "popularity" in str(found)
    assert "ndcg@5" in str(found["FM"])
    assert found.to_frame()["model"].tolist() == list(found.evaluations)


def test_models_whose_scores_do_not_separate_are_scored_pair_by_pair(blocks) -> None:
    train, test = blocks
    labelled = pd.concat([train.assign(y=1.0), train.assign(item=(train["item"] + 1) % 30, y=0.0)])
    ffm = FFMRegressor(n_factors=2, max_iter=30, random_state=0).fit(labelled, "y")
    found = compare({"FFM": ffm}, train, test, metrics=["ndcg@5"], baselines=["popularity"])
    assert found["FFM"]["ndcg@5"] > found["popularity"]["ndcg@5"]


def test_seen_items_are_never_recommended_and_users_without_a_test_do_not_count() -> None:
    train = {"user": ["a", "a", "b"], "item": ["x", "y", "z"]}
    test = {"user": ["a"], "item": ["z"]}
    trial = Trial.of(train, test)
    found = evaluate_scores(lambda users: np.array([[3, 2, 1.0]] * len(users)), trial, ["mrr@3"])
    assert found["mrr@3"] == 1
    assert len(found.by_user["mrr@3"]) == 1
    with pytest.raises(DataError, match="no interaction"):
        Trial.of(train, {"user": [], "item": []})


def test_sampled_metrics_have_their_own_names_and_warn(blocks) -> None:
    trial = Trial.of(*blocks)
    scores = popularity(trial)
    with pytest.warns(DataWarning, match="drawn items"):
        found = evaluate_scores(scores, trial, ["ndcg@5", "sampled_ndcg@5"], n_sampled=5)
    assert found["sampled_ndcg@5"] > found["ndcg@5"]
    with pytest.raises(ConfigError, match="metric"):
        evaluate_scores(scores, trial, ["auc@5"])


def test_baselines_by_hand() -> None:
    train = Seen.of(np.array([0, 0, 1, 1, 2]), np.array([0, 1, 0, 1, 2]), np.ones(5), (3, 3))
    trial = Trial(train, train, [], [], np.arange(3), np.arange(3))
    users = np.arange(3)
    assert popularity(trial)(users)[0].tolist() == [2, 2, 1]
    similar = item_knn(trial, shrinkage=0)(users)
    np.testing.assert_allclose(similar, [[1, 1, 0], [1, 1, 0], [0, 0, 0]], atol=1e-6)
    factorised = matrix_factorization(trial, 2, unobserved_weight=0.1, l2=1e-3)(users)
    assert (factorised[0] > 0.7).tolist() == [True, True, False]


def test_recommendations_and_evaluations_are_frames_and_html() -> None:
    lists = Recommended(
        np.array([["x", "<y>"], ["z", ""]]), np.array([[2.5, 1], [3, -np.inf]], np.float32)
    )
    assert lists.to_frame().to_dict("list") == {
        "request": [0, 0, 1], "rank": [1, 2, 1], "id": ["x", "<y>", "z"], "score": [2.5, 1.0, 3.0],
    }  # fmt: skip
    one = Recommended(np.array([7]), np.array([2], np.float32))
    assert one.to_frame().to_numpy().tolist() == [[0, 1, 7, 2]]
    none = Recommended(np.zeros(0, np.int64), np.zeros(0, np.float32))
    assert list(none.to_frame().columns) == ["request", "rank", "id", "score"]
    assert "&lt;y&gt;" in lists._repr_html_() and "<y>" not in lists._repr_html_()
    found = Evaluation({"ndcg@10": np.array([0.25, 0.75])}, {"coverage@10": 0.5})
    assert "<td" in found._repr_html_() and "0.5000" in found._repr_html_()
