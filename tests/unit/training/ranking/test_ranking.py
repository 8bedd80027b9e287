"""The ranking task through the functions: every kind of model, cross-validation, resuming."""

from __future__ import annotations

import numpy as np
import pytest

from fieldfare import Callback, Checkpoint, cross_validate, evaluate, train
from fieldfare.config import TrainingConfig
from fieldfare.data.loading import load
from fieldfare.exceptions import ConfigError, DataError, TrainingError
from fieldfare.kinds.models import MODEL_KINDS
from fieldfare.training.prepare.held_out import hold_out
from fieldfare.training.samples.subset import RowSubset


@pytest.fixture(scope="module")
def table():
    """Rows of 50 groups, not sorted by them; a linear order with noise."""
    random = np.random.default_rng(0)
    n = 1000
    item = random.integers(0, 12, n)
    return {
        "item": [f"i{i:02}" for i in item],
        "place": [f"p{p}" for p in random.integers(0, 3, n)],
        "grade": np.clip((item + random.normal(0, 1, n)) // 3, 0, None),
        "query": random.integers(0, 50, n),
    }


ROLES = {"target": "grade", "group": "query", "task": "rank", "random_state": 0, "n_jobs": 1}


@pytest.mark.parametrize("loss", ["pairwise", "hinge"])
@pytest.mark.parametrize("model", MODEL_KINDS)
def test_every_kind_of_model_learns_the_order(table, model, loss):
    result = train(table, model=model, loss=loss, max_iter=8, **ROLES)
    found = evaluate(result.model, table)
    assert found["ndcg"] > 0.95
    assert found["loss"] < 0.5
    losses = [epoch["train_loss"] for epoch in result.history.epochs]
    assert losses[-1] < losses[0]


def test_groups_are_never_split(table):
    result = cross_validate(table, folds=3, max_iter=3, **ROLES)
    assert result.names == ["loss", "ndcg", "ndcg@10", "epochs"]
    assert result.mean["ndcg"] > 0.9
    data = load(table, target="grade", group="query")
    config = TrainingConfig(validation_fraction=0.2, random_state=0)
    parts = hold_out(RowSubset.of(data), "rank", config, data.schema, for_recall=False)
    assert parts is not None
    kept, held = parts
    assert not set(kept.group) & set(held.group)
    assert len(set(held.group)) == 10
    assert kept.n_rows + held.n_rows == 1000


def test_a_resumed_run_equals_the_whole_one(table, tmp_path):
    path = tmp_path / "run.ckpt"
    train(table, max_iter=2, callbacks=[Checkpoint(path)], **ROLES)
    resumed = train(table, max_iter=4, resume=path, **ROLES).model
    whole = train(table, max_iter=4, **ROLES).model
    np.testing.assert_array_equal(resumed.linear, whole.linear)
    np.testing.assert_array_equal(resumed.factors, whole.factors)


def test_deterministic_training_does_not_depend_on_the_number_of_threads(table):
    settings = ROLES | {"max_iter": 2, "deterministic": True}
    one, two = (train(table, **settings | {"n_jobs": n}).model for n in (1, 2))
    np.testing.assert_array_equal(one.linear, two.linear)
    np.testing.assert_array_equal(one.factors, two.factors)


def test_a_store_on_disk_trains_to_the_same_bits(table, tmp_path):
    from fieldfare import RowStore

    data = load(table, target="grade", group="query")
    store = RowStore.build([data.rows], tmp_path / "s", schema=data.schema)
    settings = {"task": "rank", "max_iter": 2, "random_state": 0, "n_jobs": 1}
    a, b = (train(source, **settings).model for source in (data, store))
    np.testing.assert_array_equal(a.factors, b.factors)


def test_relevances_must_be_numbers_in_groups(table):
    with pytest.raises(DataError, match="needs the group"):
        train({k: v for k, v in table.items() if k != "query"}, target="grade", task="rank")
    words = table | {"grade": ["good" if g > 1 else "bad" for g in table["grade"]]}
    with pytest.raises(TrainingError, match="'rank' needs numbers"):
        train(words, **ROLES)
    with pytest.raises(ConfigError, match="'rank'"):
        train(table, class_weight="balanced", **ROLES)
    with pytest.raises(ConfigError, match="task 'binary' must be 'auto' or 'logistic'"):
        train(table | {"grade": np.arange(1000) % 2}, target="grade", loss="hinge")


class _OneEpoch(Callback):
    def on_epoch_end(self, state):
        return True


def test_a_run_is_not_resumed_with_other_pairs(table, tmp_path):
    pairs = np.random.default_rng(0).integers(0, 1000, (300, 2))
    settings = {"task": "rank", "random_state": 0, "n_jobs": 1, "max_iter": 3}
    data = load(table, target="grade")
    path = tmp_path / "checkpoint"
    train(data, pairs=pairs, callbacks=[Checkpoint(path), _OneEpoch()], **settings)
    resumed = train(data, pairs=pairs, resume=path, **settings).model
    np.testing.assert_array_equal(
        resumed.factors, train(data, pairs=pairs, **settings).model.factors
    )
    for other in (pairs[:, ::-1], pairs[:-1]):
        with pytest.raises(TrainingError, match="other pairs"):
            train(data, pairs=other, resume=path, **settings)


def test_pairs_of_different_lengths_are_refused(table):
    with pytest.raises(DataError, match="pairs must hold row numbers.*different lengths"):
        train(table, target="grade", task="rank", pairs=[[1, 2], [3]])
