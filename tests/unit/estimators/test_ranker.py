"""FMRanker: groups in every form, what it learns, and what it refuses."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from fieldfare import FMRanker, Schema, evaluate, explain, load_model, predict, train
from fieldfare.estimators import FMRegressor
from fieldfare.exceptions import ConfigError, DataError, ModelFileError, TrainingError

SETTINGS = {"n_factors": 4, "max_iter": 15, "random_state": 0, "n_jobs": 1}


@pytest.fixture(scope="module")
def searches() -> pd.DataFrame:
    """What is relevant depends on query and item together; large offsets between queries."""
    random = np.random.default_rng(0)
    topics, kinds = random.normal(size=(2, 6, 2))
    n = 1200
    table = pd.DataFrame(
        {
            "query": random.integers(0, 60, n),
            "topic": random.integers(0, 6, n),
            "kind": random.integers(0, 6, n),
        }
    )
    table["topic"] = table["query"] % 6
    taste = (topics[table["topic"]] * kinds[table["kind"]]).sum(axis=1)
    table["grade"] = np.digitize(taste + random.normal(0, 0.2, n), [-1, 0, 1])
    return table.astype({"topic": str, "kind": str}).sort_values("query", kind="stable")


def parts(table):
    return table[["topic", "kind"]], table["grade"], table["query"]


@pytest.mark.parametrize("loss", ["auto", "pairwise", "hinge"])
def test_order_is_learned(searches, loss):
    X, y, qid = parts(searches)
    ranker = FMRanker(loss=loss, **SETTINGS).fit(X, y, qid=qid)
    assert ranker.score(X, y, qid=qid) > 0.95
    assert ranker.model_.bias[0] == 0
    assert ranker.model_.config.task == "rank"
    linear = FMRanker(loss=loss, n_factors=1, init_scale=0.0, random_state=0, n_jobs=1)
    assert linear.fit(X, y, qid=qid).score(X, y, qid=qid) < 0.9


def test_forms_of_groups_agree(searches, tmp_path):
    X, y, qid = parts(searches)
    scores = FMRanker(**SETTINGS).fit(X, y, qid=qid).predict(X)
    sizes = searches.groupby("query").size()
    named = [f"q{q}" for q in qid]
    schema = Schema.infer(searches, target="grade", group="query").edit("query", kind="ignore")
    path = tmp_path / "searches.csv"
    searches.to_csv(path, index=False)
    for ranker in (
        FMRanker(**SETTINGS).fit(X, y, group=sizes.to_numpy()),
        FMRanker(**SETTINGS).fit(X, y, qid=named),
    ):
        np.testing.assert_array_equal(ranker.predict(X), scores)
        known = ranker.score(X, y, qid=qid)
    for ranker in (
        FMRanker(schema=schema, **SETTINGS).fit(path, "grade"),
        FMRanker(schema=schema, **SETTINGS).fit(path, "grade", qid="query"),
        FMRanker(schema=schema, **SETTINGS).fit(searches, "grade", group="query"),
    ):
        np.testing.assert_array_equal(ranker.predict(path), scores)
        assert ranker.score(path) == pytest.approx(known)


def test_a_named_column_may_be_both_group_and_feature(searches):
    X = searches.rename(columns={"query": "query_id"})
    ranker = FMRanker(**SETTINGS).fit(X, "grade", qid="query_id")
    assert "query_id=3" in list(ranker.schema_.feature_names)
    assert ranker.score(X, "grade", qid="query_id") > 0.95


def test_arrays(searches):
    X = np.column_stack([pd.get_dummies(searches[c]) for c in ("topic", "kind")]).astype(float)
    y, qid = searches["grade"].to_numpy(), searches["query"].to_numpy()
    ranker = FMRanker(**SETTINGS).fit(X, y, qid=qid)
    assert ranker.score(X, y, qid=qid) > 0.95


def test_validation_decides_when_to_stop(searches):
    train, valid = searches[searches["query"] < 45], searches[searches["query"] >= 45]
    ranker = FMRanker(**SETTINGS).fit(*parts(train)[:2], qid=parts(train)[2], eval_set=parts(valid))
    assert ranker.history_.metric == "valid_ndcg"
    best = ranker.history_.best
    X, y, qid = parts(valid)
    assert ranker.score(X, y, qid=qid) == pytest.approx(best["valid_ndcg"])
    at_two = (
        clone(ranker)
        .set_params(eval_metric="ndcg@2")
        .fit(*parts(train)[:2], qid=parts(train)[2], eval_set=parts(valid))
    )
    assert at_two.history_.metric == "valid_ndcg@2"
    alone = clone(ranker).set_params(early_stopping=True).fit(X, y, qid=qid)
    assert "valid_ndcg" in alone.history_.best


def test_weights_of_zero_take_samples_out(searches):
    X, y, qid = parts(searches)
    spoilt = pd.concat([X, X[:200]]), np.append(y, 9 - y[:200]), np.append(qid, qid[:200])
    weight = np.append(np.ones(len(X)), np.zeros(200))
    ranker = FMRanker(**SETTINGS).fit(*spoilt[:2], qid=spoilt[2], sample_weight=weight)
    assert ranker.score(X, y, qid=qid) > 0.95


def test_the_model_is_saved_explained_and_goes_on(searches, tmp_path):
    X, y, qid = parts(searches)
    ranker = FMRanker(warm_start=True, early_stopping=False, **SETTINGS).fit(X, y, qid=qid)
    ranker.save(tmp_path / "ranker.ff")
    again = FMRanker.load(tmp_path / "ranker.ff")
    np.testing.assert_array_equal(again.predict(X), ranker.predict(X))
    model = load_model(tmp_path / "ranker.ff")
    assert model.classes is None
    np.testing.assert_array_equal(predict(model, X), ranker.predict(X))
    found = explain(model, X[:1])
    total = found.bias + found.linear.sum() + found.pair_terms.sum()
    assert total == pytest.approx(float(ranker.predict(X[:1])[0]), abs=1e-5)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(ranker)).predict(X), ranker.predict(X))
    ranker.fit(X, y, qid=qid)
    assert ranker.n_iter_ == 30
    figures = evaluate(model, searches, target="grade", group="query")
    assert list(figures) == ["loss", "ndcg", "ndcg@10"]
    with pytest.raises(ModelFileError, match="for rank"):
        FMRegressor.load(tmp_path / "ranker.ff")


def test_one_seed_gives_one_model(searches):
    X, y, qid = parts(searches)
    a, b = (FMRanker(pairs_per_row=2, **SETTINGS).fit(X, y, qid=qid).predict(X) for _ in range(2))
    np.testing.assert_array_equal(a, b)


def test_given_pairs_take_the_place_of_grades_and_groups(searches):
    X, y, qid = parts(searches)
    grade = y.to_numpy()
    pairs = np.array(
        [
            (i, j)
            for i in range(len(X))
            for j in range(max(0, i - 12), i + 12)
            if j < len(X) and qid.iloc[i] == qid.iloc[j] and grade[i] > grade[j]
        ]
    )
    ranker = FMRanker(**SETTINGS).fit(X, pairs=pairs)
    assert ranker.score(X, y, qid=qid) > 0.95
    stopped = clone(ranker).fit(X, pairs=pairs, eval_set=(X, y, qid))
    assert stopped.history_.metric == "valid_ndcg"
    model = train(X, pairs=pairs, task="rank", **SETTINGS).model
    np.testing.assert_array_equal(predict(model, X), ranker.predict(X))
    for bad in (pairs[:, 0], pairs.astype(float), pairs + len(X), pairs - 1 - pairs.max()):
        with pytest.raises(DataError, match="pairs must hold row numbers"):
            ranker.fit(X, pairs=bad)
    with pytest.raises(TrainingError, match="compares rows"):
        ranker.fit(X, pairs=pairs[:0])


def test_what_cannot_be_ranked_is_refused(searches):
    X, y, qid = parts(searches)
    ranker = FMRanker(**SETTINGS)
    with pytest.raises(DataError, match="needs the group"):
        ranker.fit(X, y)
    with pytest.raises(DataError, match="Got both"):
        ranker.fit(X, y, qid=qid, group=[len(y)])
    with pytest.raises(DataError, match="add up to the number of samples"):
        ranker.fit(X, y, group=[3, 4])
    with pytest.raises(DataError, match="add up to the number of samples"):
        ranker.fit(X, y, group=[2**62, 2**62])  # whose sum is no int64
    with pytest.raises(DataError, match="one group for each"):
        ranker.fit(X, y, qid=[3, 4])
    with pytest.raises(DataError, match="whole numbers"):
        ranker.fit(X, y, group=[0.5, 4])
    with pytest.raises(DataError, match="one type"):
        ranker.fit(X, y, qid=np.array([None, "a", *range(len(y) - 2)], dtype=object))
    with pytest.raises(DataError, match=r"\(X, y, qid\)"):
        ranker.fit(X, y, qid=qid, eval_set=(X, y))
    with pytest.raises(TrainingError, match="compares rows of a group"):
        ranker.fit(X, np.ones(len(y)), qid=qid)
    with pytest.raises(TrainingError, match="validation"):
        ranker.fit(X, y, qid=qid, eval_set=(X, np.ones(len(y)), qid))
    with pytest.raises(ConfigError, match="needs drawn negatives"):
        FMRanker(loss="logistic").fit(X, y, qid=qid)
