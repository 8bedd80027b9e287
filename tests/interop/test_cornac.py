"""Our evaluation of what cornac learned: the figures that cornac and its benchmark report."""

from __future__ import annotations

from pathlib import Path

import cornac
import numpy as np
import pandas
import pytest

from fieldfare.retrieval import Trial, evaluate_scores


def scores_of(model, trial):
    """Return the scores of a model of cornac for the users and items of a trial."""
    users = [model.uid_map[name] for name in trial.users.to_pylist()]
    items = [model.iid_map[name] for name in trial.items.to_pylist()]
    found = model.u_factors @ model.i_factors.T + model.i_biases
    return lambda numbers: found[users][numbers][:, items]


def test_metrics_are_those_of_cornac() -> None:
    rng = np.random.default_rng(0)
    taste = rng.normal(size=(80, 3)) @ rng.normal(size=(3, 50)) + rng.normal(size=50)
    user, item = np.nonzero(taste > np.quantile(taste, 0.75, axis=1, keepdims=True))
    seen = pandas.DataFrame({"user": user.astype(str), "item": item.astype(str)})
    held = rng.random(len(seen)) < 0.3
    train, test = seen[~held], seen[held]
    # cornac leaves out users and items that training lacks.
    test = test[test["user"].isin(train["user"]) & test["item"].isin(train["item"])]
    train_data, test_data = (
        list(part.assign(value=1.0).itertuples(index=False, name=None)) for part in (train, test)
    )
    method = cornac.eval_methods.BaseMethod.from_splits(train_data, test_data)
    model = cornac.models.BPR(k=5, max_iter=20, seed=0, num_threads=1)
    theirs, _ = method.evaluate(
        model,
        [
            cornac.metrics.NDCG(k=5),
            cornac.metrics.Recall(k=5),
            cornac.metrics.Precision(k=5),
            cornac.metrics.HitRatio(k=5),
        ],
        user_based=True,
    )
    trial = Trial.of(train, test)
    ours = evaluate_scores(
        scores_of(model, trial), trial, ["ndcg@5", "recall@5", "precision@5", "hit_rate@5"]
    )
    expected = theirs.metric_avg_results
    assert ours["ndcg@5"] == pytest.approx(expected["NDCG@5"], abs=1e-9)
    assert ours["recall@5"] == pytest.approx(expected["Recall@5"], abs=1e-9)
    assert ours["precision@5"] == pytest.approx(expected["Precision@5"], abs=1e-9)
    assert ours["hit_rate@5"] == pytest.approx(expected["HitRatio@5"], abs=1e-9)


def test_bpr_on_movielens_100k_is_as_published(shared_data: Path) -> None:
    """NDCG@10 .4450, precision@10 .3887, recall@10 .2166 and MAP .1340 on the published split."""
    names = ["user", "item", "rating", "time"]
    ratings = pandas.read_csv(
        shared_data / "ml-100k" / "u.data", sep="\t", header=None, names=names
    )
    ratings["luck"] = np.random.RandomState(42).rand(len(ratings))
    ratings = ratings.sort_values(["item", "luck"])
    count = ratings.groupby("item")["luck"].transform("size")
    first = ratings.groupby("item").cumcount() + 1 <= (0.75 * count).round()
    pairs = ratings[["user", "item"]].astype(str)
    triples = list(pairs[first].assign(value=1.0).itertuples(index=False, name=None))
    data = cornac.data.Dataset.from_uir(triples, seed=42)
    # As published: 200 factors and epochs.
    model = cornac.models.BPR(k=200, max_iter=200, learning_rate=0.01, lambda_reg=0.001, seed=42)
    model.fit(data)
    trial = Trial.of(pairs[first], pairs[~first])
    metrics = ["ndcg@10", "precision@10", "recall@10", "map@10"]
    found = evaluate_scores(scores_of(model, trial), trial, metrics)
    published = [0.4450, 0.3887, 0.2166, 0.1340]
    assert [found[name] for name in metrics] == pytest.approx(published, abs=1e-4)
