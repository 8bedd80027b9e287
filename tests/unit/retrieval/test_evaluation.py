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
from fieldfare.retrieval.baselines import (
    applicable,
    ease,
    implicit_als,
    implicit_bpr,
    item_knn,
    matrix_factorization,
    popularity,
    recent_popularity,
)


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
    assert list(found.evaluations) == ["FM", "model", *applicable(Trial.of(*blocks))]
    for name in ("FM", "item-kNN", "EASE", "MF"):
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


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        (lambda: None, "It failed: .* takes 0 positional"),
        (int, "It failed"),
        (lambda users: None, "It returned object"),
        (lambda users: np.zeros((len(users), 2)), r"of shape \(1, 3\).* of shape \(1, 2\)"),
        (lambda users: [["a", "b", "c"]] * len(users), "It returned <U1"),
    ],
)
def test_what_scores_users_is_held_to_it(scores, words) -> None:
    trial = Trial.of({"user": ["a", "b"], "item": ["x", "y"]}, {"user": "ab", "item": "yz"})
    with pytest.raises(ConfigError, match=f"from user numbers to scores of all 3 items.*{words}"):
        evaluate_scores(scores, trial)


def test_baselines_are_named_by_whatever_lists_them(blocks) -> None:
    for names in (np.array(["popularity"]), pd.Index(["popularity"])):
        assert list(compare({}, *blocks, baselines=names).evaluations) == ["popularity"]  # type: ignore[arg-type]


def test_baselines_by_hand() -> None:
    train = Seen.of(np.array([0, 0, 1, 1, 2]), np.array([0, 1, 0, 1, 2]), np.ones(5), (3, 3))
    trial = Trial(train, train, [], [], np.arange(3), np.arange(3))
    users = np.arange(3)
    assert popularity(trial)(users)[0].tolist() == [2, 2, 1]
    similar = item_knn(trial, shrinkage=0)(users)
    np.testing.assert_allclose(similar, [[1, 1, 0], [1, 1, 0], [0, 0, 0]], atol=1e-6)
    factorised = matrix_factorization(trial, 2, unobserved_weight=0.1, l2=1e-3)(users)
    assert (factorised[0] > 0.7).tolist() == [True, True, False]
    by_data = matrix_factorization(trial, 2)(users)
    assert (by_data[0] > 0.5 * by_data.max()).tolist() == [True, True, False]


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


def test_intervals_come_from_samples_of_users_that_all_models_share(blocks) -> None:
    found = compare({"same": popularity}, *blocks, metrics=["ndcg@5", "coverage@5"])
    low, high = found.interval("popularity", "ndcg@5")
    normal = found["popularity"].interval("ndcg@5")
    np.testing.assert_allclose((low, high), normal, atol=0.01)
    assert found.interval("same", "ndcg@5", "popularity") == (0.0, 0.0)
    assert found.interval("EASE", "ndcg@5", "popularity")[0] > 0
    row = found.to_frame().set_index("model").loc["popularity"]
    assert (row["ndcg@5 low"], row["ndcg@5 high"]) == (low, high)
    assert "coverage@5 low" not in row
    assert repr(found).splitlines()[0].split()[0] == "model"
    with pytest.raises(ConfigError, match="There is no model 'pop'"):
        found.interval("pop", "ndcg@5")
    with pytest.raises(ConfigError, match="Did you mean 'EASE'"):
        compare({}, *blocks, baselines=["EAS"])


def test_ease_predicts_each_item_from_the_others(blocks) -> None:
    trial = Trial.of(*blocks)
    x = trial.train.mask(np.arange(trial.train.n_rows)).astype(float)
    weights = np.zeros((trial.n_items, trial.n_items))
    for item in range(trial.n_items):  # ridge regression of one column on the others
        others = np.delete(np.arange(trial.n_items), item)
        gram = x[:, others].T @ x[:, others] + 3.0 * np.eye(len(others))
        weights[others, item] = np.linalg.solve(gram, x[:, others].T @ x[:, item])
    users = np.arange(5)
    np.testing.assert_allclose(ease(trial, 3.0)(users), x[:5] @ weights, atol=1e-5)


def test_popularity_of_late_forgets() -> None:
    train = {"user": list("abcde"), "item": list("xxxyy"), "time": [1, 2, 3, 90, 100]}
    trial = Trial.of(train, {"user": ["f"], "item": ["y"], "time": [101]}, time="time")
    scores = recent_popularity(trial, half_life=10.0)(np.array([0]))[0]
    np.testing.assert_allclose(scores, [sum(0.5 ** (a / 10) for a in (99, 98, 97)), 1.5])
    assert "recent popularity" in applicable(trial)
    with pytest.raises(ConfigError, match="time="):
        recent_popularity(Trial.of(train, {"user": ["f"], "item": ["y"]}))


def test_leaks_between_the_parts_are_reported() -> None:
    train = {"user": ["a", "a", "b"], "item": ["x", "y", "x"], "time": [1, 5, 2]}
    with pytest.warns(DataWarning, match="50% of the test interactions are in the training data"):
        Trial.of(train, {"user": ["a", "b"], "item": ["x", "y"], "time": [6, 7]})
    with pytest.warns(DataWarning, match="50% of the test interactions are earlier, by 'time'"):
        Trial.of(train, {"user": ["b", "c"], "item": ["y", "y"], "time": [4, 7]}, time="time")


def test_models_of_implicit_are_baselines_where_it_is_installed(blocks) -> None:
    pytest.importorskip("implicit", reason="an extra that the tests do not need")
    trial = Trial.of(*blocks)
    for baseline in (implicit_als, implicit_bpr):
        found = evaluate_scores(baseline(trial, factors=8), trial, ["ndcg@5"])
        assert found["ndcg@5"] > 0.7
