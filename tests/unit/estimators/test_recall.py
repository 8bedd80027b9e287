"""FMRanker for recall: interactions in, an ordinary model out."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fieldfare.estimators import FMClassifier, FMRanker
from fieldfare.exceptions import ConfigError, DataError, DataWarning, SchemaError, TrainingError
from fieldfare.kinds.solvers import ADAGRAD, NONSAMPLED
from fieldfare.models.catalogue import catalogue_scores
from fieldfare.persist.file import load_model
from fieldfare.retrieval import Recommender
from fieldfare.schema.schema import Schema
from fieldfare.training.functions import train as train_model


def interactions(n_users: int = 40) -> pd.DataFrame:
    """Users of two kinds, with items of their kind and some noise."""
    rng = np.random.default_rng(0)
    users = rng.integers(0, n_users, 900)
    items = 2 * rng.integers(0, 15, 900) + users % 2
    items = np.where(rng.random(900) < 0.05, rng.integers(0, 30, 900), items)
    table = pd.DataFrame({"user_id": users, "item_id": items}).drop_duplicates(ignore_index=True)
    table["item_shelf"] = "s" + (table["item_id"] % 2).astype(str)
    return table


def kinds_found(ranker: FMRanker, table: pd.DataFrame) -> float:
    """How often an item of the user's kind scores above one of the other kind."""
    pairs = [
        {"user_id": u, "item_id": i, "item_shelf": f"s{i % 2}"} for u in range(20) for i in (2, 3)
    ]
    scores = ranker.predict(pd.DataFrame(pairs)).reshape(20, 2)
    return float(np.mean((scores[:, 1] > scores[:, 0]) == (np.arange(20) % 2 == 1)))


def test_the_length_of_the_vectors_is_the_same_for_all_who_train_for_recall() -> None:
    table, recall = interactions(), NONSAMPLED.defaults.n_factors
    assert recall > ADAGRAD.defaults.n_factors
    how = {"solver": "nonsampled", "max_iter": 1, "random_state": 0, "early_stopping": False}
    ranker = FMRanker(**how).fit(table)
    assert ranker.n_factors == "auto"
    for model in (ranker.model_, train_model(table, task="rank", **how).model):
        assert model.config.n_factors == recall
    assert FMRanker(n_factors=4, **how).fit(table).model_.config.n_factors == 4
    drawn = how | {"solver": "adagrad"}
    ranker = FMRanker(negatives="uniform", **drawn).fit(table)
    assert ranker.model_.config.n_factors == ADAGRAD.defaults.n_factors


HOW = [
    {"solver": "nonsampled"},
    {"negatives": "uniform"},
    {"negatives": "popularity", "loss": "hinge"},
    {"negatives": "batch", "loss": "softmax"},
    {"negatives": "uniform", "loss": "warp"},
    {"negatives": "uniform", "loss": "logistic"},
]


@pytest.mark.parametrize("how", HOW, ids=lambda how: "-".join(how.values()))
def test_users_get_items_of_their_kind(how: dict[str, str]) -> None:
    table = interactions()
    ranker = FMRanker(n_factors=4, max_iter=8, random_state=0, n_jobs=1, **how).fit(table)
    assert kinds_found(ranker, table) > 0.9
    assert np.isfinite([epoch["train_loss"] for epoch in ranker.history_.epochs]).all()
    again = FMRanker(n_factors=4, max_iter=8, random_state=0, n_jobs=1, **how).fit(table)
    assert np.array_equal(again.factors_, ranker.factors_)


def test_the_model_is_an_ordinary_one(tmp_path: Path) -> None:
    table = interactions()
    ranker = FMRanker(n_factors=4, solver="nonsampled", random_state=0).fit(table)
    ranker.save(tmp_path / "m.ff")
    model = load_model(tmp_path / "m.ff")
    rows = model.schema.encode(table, labelled=False)
    assert np.array_equal(model.predict(rows), ranker.predict(table))
    assert np.array_equal(pickle.loads(pickle.dumps(ranker)).predict(table), ranker.predict(table))
    users = model.schema.encode(table[:5], labelled=False, columns=["user_id"])
    items = model.schema.encode(table[:9], labelled=False, columns=["item_id", "item_shelf"])
    exact = np.array([model.score_candidates(users.slice(u, u + 1), items)[:, 0] for u in range(5)])
    np.testing.assert_allclose(catalogue_scores(model, users, items), exact, atol=1e-5)


def test_the_number_of_threads_changes_nothing() -> None:
    table = interactions()
    one, three = (
        FMRanker(n_factors=4, solver="nonsampled", max_iter=3, random_state=0, n_jobs=n).fit(table)
        for n in (1, 3)
    )
    assert np.array_equal(one.factors_, three.factors_)


def test_targets_and_weights_say_what_is_an_interaction() -> None:
    table = interactions()
    odd = table["item_id"] % 2 == 1
    labelled = table.assign(liked=(~odd).astype(int))
    how = {"n_factors": 4, "solver": "nonsampled", "random_state": 0}
    by_name = FMRanker(**how).fit(labelled, "liked")
    by_weight = FMRanker(**how).fit(table, sample_weight=(~odd).astype(float))
    for ranker in (by_name, by_weight):
        scores = ranker.predict(table)
        assert scores[~odd].min() > scores[odd].max()
    np.testing.assert_allclose(by_name.factors_, by_weight.factors_, atol=1e-6)
    with pytest.raises(TrainingError, match="interactions"):
        FMRanker(**how).fit(labelled.assign(liked=0), "liked")


@pytest.mark.parametrize("how", HOW[:2], ids=["nonsampled", "negatives"])
def test_early_stopping_watches_all_items(how: dict[str, str]) -> None:
    table = interactions()
    ranker = FMRanker(n_factors=4, max_iter=30, early_stopping=True, random_state=0, **how)
    ranker.fit(table)
    assert ranker.history_.metric == "valid_ndcg@10"
    assert {"valid_ndcg@10", "valid_recall@10"} <= set(ranker.history_.epochs[0])
    assert ranker.history_.stopped == "early_stopping"
    given = FMRanker(n_factors=4, eval_metric="recall@5", random_state=0, **how)
    given.fit(table[100:], eval_set=(table[:100], None, None))
    assert given.history_.metric == "valid_recall@5"
    with pytest.raises(ConfigError, match="recall"):
        FMRanker(eval_metric="sampled_ndcg@5", early_stopping=True, **how).fit(table)


def test_files_and_the_function_train_alike(tmp_path: Path) -> None:
    table = interactions()
    path = tmp_path / "seen.csv"
    table.to_csv(path, index=False)
    how = {"n_factors": 4, "solver": "nonsampled", "max_iter": 3, "random_state": 0}
    expected = FMRanker(**how).fit(table)
    np.testing.assert_allclose(FMRanker(**how).fit(path).factors_, expected.factors_, atol=1e-6)
    model = train_model(path, task="rank", **how).model
    np.testing.assert_allclose(model.factors[:, 0], expected.factors_, atol=1e-6)


def test_new_users_and_items_are_folded_in_and_nothing_else_moves() -> None:
    table = interactions()
    is_new = (table["user_id"] < 6) | (table["item_id"] < 4)
    ranker = FMRanker(n_factors=4, solver="nonsampled", max_iter=10, random_state=0)
    ranker.fit(table[~is_new])
    before = ranker.factors_.copy()
    ranker.fold_in(table[is_new], known=table[~is_new])
    assert np.array_equal(ranker.factors_[: len(before)], before)
    assert len(ranker.factors_) == len(before) + 6 + 4
    assert kinds_found(ranker, table) > 0.9
    pairwise = FMRanker(negatives="uniform", max_iter=1).fit(table[~is_new])
    with pytest.raises(ConfigError, match="nonsampled"):
        pairwise.fold_in(table[is_new], known=table[~is_new])


def test_what_means_nothing_is_refused() -> None:
    table = interactions()
    shelf = table.rename(columns={"item_shelf": "shelf"})
    schema = Schema.infer(shelf)
    with pytest.raises(SchemaError, match="role"):
        FMRanker(solver="nonsampled", schema=schema).fit(shelf)
    schema = schema.edit("shelf", role="item")
    FMRanker(solver="nonsampled", schema=schema, max_iter=1).fit(shelf)
    with pytest.raises(DataError, match="qid"):
        FMRanker(solver="nonsampled").fit(table, qid="user_id")
    with pytest.raises(ConfigError, match="without negatives"):
        FMRanker(solver="nonsampled", negatives="uniform").fit(table)
    with pytest.raises(ConfigError, match="needs drawn negatives"):
        FMRanker(loss="warp").fit(table, np.arange(len(table)), qid=np.zeros(len(table)))
    with pytest.raises(ConfigError, match="instance_norm"):
        FMRanker(solver="nonsampled", instance_norm=True).fit(table)
    with pytest.raises(ConfigError, match="rank"):
        FMClassifier(solver="nonsampled").fit(table, table["item_id"] % 2)
    with pytest.raises(ConfigError, match="rank"):
        train_model(table.assign(y=table["item_id"] % 2), target="y", negatives="uniform")
    with pytest.raises(TrainingError, match="two items"):
        FMRanker(negatives="uniform").fit(table[table["item_id"] == 2])


def test_three_tables_make_a_model_for_recall() -> None:
    table = interactions()
    items = table[["item_id", "item_shelf"]].drop_duplicates()
    users = pd.DataFrame({"user_id": range(40), "even": [str(u % 2) for u in range(40)]})
    main = table[["user_id", "item_id"]].assign(hour=lambda t: t.user_id % 3, noise=1.5)
    roles = {"user": ["user_id"], "item": ["item_id"], "context": ["hour"]}
    ranker = FMRanker(n_factors=4, random_state=0, n_jobs=1)
    ranker.fit(main, roles=roles, users=users, items=items)
    assert ranker.get_params()["solver"] == "auto"
    assert ranker.model_.trained_by.solver.solver == "nonsampled"
    said = {column.name: column.role for column in ranker.schema_.columns}
    assert said == {"user_id": "user", "even": "user", "item_id": "item", "item_shelf": "item",
                    "hour": "context"}  # fmt: skip
    recommended = Recommender(ranker, items, users=users).recommend(3, 5, contexts={"hour": 0})
    assert (recommended.ids % 2 == 1).all()


def test_a_table_of_ratings_is_enough(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    table = interactions()[["user_id", "item_id"]]
    table["rating"] = np.where(table["item_id"] % 2 == table["user_id"] % 2, 5, 2)
    table["timestamp"] = np.arange(len(table))
    how = {"n_factors": 4, "random_state": 0, "n_jobs": 1}
    ranker = FMRanker(**how).fit(table)
    told = capsys.readouterr().err
    assert "user 'user_id', item 'item_id', rating 'rating', time 'timestamp'" in told
    table.to_csv(tmp_path / "ratings.csv", index=False)
    of_file = FMRanker(**how).fit(tmp_path / "ratings.csv")
    np.testing.assert_array_equal(of_file.factors_, ranker.factors_)
    good = FMRanker(**how).fit(table, min_rating=4)
    liked = FMRanker(**how).fit(table.assign(rating=(table["rating"] >= 4).astype(int)))
    np.testing.assert_array_equal(good.factors_, liked.factors_)
    late = FMRanker(**how).fit(table, time="timestamp")
    assert late.model_.trained_by.training.validation == "time"
    assert late.get_params()["validation"] == "random"


def test_weights_count_without_ratings() -> None:
    table = interactions()[["user_id", "item_id"]].assign(w=lambda t: 1 + t["user_id"] % 3)
    roles = {"user": "user_id", "item": "item_id"}
    how = {"n_factors": 4, "max_iter": 8, "random_state": 0, "n_jobs": 1}
    weighted = FMRanker(**how).fit(table, roles=roles, sample_weight="w")
    plain = FMRanker(**how).fit(table, roles=roles)
    by_array = FMRanker(**how).fit(table, roles=roles, sample_weight=table["w"].to_numpy())
    assert not np.array_equal(weighted.factors_, plain.factors_)
    np.testing.assert_array_equal(weighted.factors_, by_array.factors_)


def test_held_out_interactions_that_training_has_too_are_reported() -> None:
    table = interactions()[["user_id", "item_id"]]
    table["timestamp"] = np.arange(len(table))
    again = pd.concat([table, table.sample(60, random_state=0).assign(timestamp=10**6)])
    ranker = FMRanker(n_factors=4, max_iter=8, random_state=0, n_jobs=1)
    with pytest.warns(DataWarning, match="of the interactions that are held out for validation"):
        ranker.fit(again, time="timestamp")
    ranker.fit(table, time="timestamp")  # where each is once, there is nothing to report


def test_what_does_not_go_with_interactions_is_refused() -> None:
    table, roles = interactions(), {"user": "user_id", "item": "item_id"}
    with pytest.raises(DataError, match="leave out qid"):
        FMRanker().fit(table, roles=roles, qid="user_id")
    with pytest.raises(ConfigError, match="Leave out solver"):
        FMRanker(solver="sgd").fit(table, roles=roles)
    with pytest.raises(ConfigError, match="Leave out schema"):
        FMRanker(schema=Schema.infer(table)).fit(table, roles=roles)
    with pytest.raises(DataError, match="name"):
        FMRanker().fit(table, np.ones(len(table)), roles=roles)
    with pytest.raises(DataError, match="needs ratings"):
        FMRanker().fit(table, roles=roles, min_rating=3)
