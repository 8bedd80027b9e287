"""Every way to train leads through a job: the same rules for new and continued training."""

from __future__ import annotations

import copy
import pickle
import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone

from fieldfare.data.loading import Dataset, load
from fieldfare.estimators import BayesianFMClassifier, FMClassifier, FMRegressor
from fieldfare.exceptions import ConfigError, DataError
from fieldfare.models.base import Model
from fieldfare.rows import Rows
from fieldfare.schema.schema import Schema
from fieldfare.training.bayes.functions import sample
from fieldfare.training.crossval import cross_validate
from fieldfare.training.functions import train
from fieldfare.training.loop.callbacks import Callback

QUICK: dict[str, Any] = {"random_state": 0, "n_jobs": 1, "max_iter": 2}


def clicks(n: int = 300, seed: int = 0, n_users: int = 12) -> dict[str, list[Any]]:
    rng = np.random.default_rng(seed)
    user, item = rng.integers(0, n_users, n), rng.integers(0, 9, n)
    return {
        "user": [f"u{i}" for i in user],
        "item": [f"i{i}" for i in item],
        "y": ((user + item) % 2).tolist(),
    }


def features(table: dict[str, list[Any]]) -> list[dict[str, Any]]:
    pairs = zip(table["user"], table["item"], strict=True)
    return [{"user": user, "item": item} for user, item in pairs]


def same(first: Model, second: Model) -> bool:
    pairs = zip(first.arrays().values(), second.arrays().values(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def test_the_functions_and_the_estimators_train_the_same_model() -> None:
    table = clicks()
    by_function = train(table, target="y", **QUICK).model
    by_estimator = FMClassifier(**QUICK).fit(features(table), table["y"]).model_
    assert same(by_function, by_estimator)
    assert by_function.units == by_estimator.units
    assert by_function.trained_by == by_estimator.trained_by


def test_early_stopping_splits_unless_told_not_to() -> None:
    for how in ({}, {"early_stopping": True}):
        found = train(clicks(), target="y", **{**QUICK, "max_iter": 20, **how})
        assert "valid_loss" in found.history.columns
    plain = train(clicks(), target="y", early_stopping=False, **QUICK)
    assert plain.history.columns == ["epoch", "train_loss", "seconds"]


class TestContinuing:
    def test_pairs_count_as_they_do_for_a_new_model(self) -> None:
        table = clicks()
        del table["y"]
        pairs = np.array([[0, 1], [2, 3]] * 20)
        first = train(table, task="rank", pairs=pairs, **QUICK).model
        on = train(table, model=first, pairs=pairs, **QUICK).model
        other = train(table, model=first, pairs=pairs[:, ::-1], **QUICK).model
        assert not same(first, on)
        assert not same(on, other)

    def test_a_generator_is_read_once(self) -> None:
        rows = [
            {**sample, "y": y} for sample, y in zip(features(clicks()), clicks()["y"], strict=True)
        ]
        first = train((row for row in rows), target="y", **QUICK).model
        on = train((row for row in rows), target="y", model=first, **QUICK).model
        assert same(on, train(rows, target="y", model=first, **QUICK).model)

    def test_the_schema_that_the_model_has_may_be_given_again_and_no_other(self) -> None:
        schema = Schema.infer(clicks(), target="y")
        first = train(clicks(), schema=schema, **QUICK).model
        on = train(clicks(), schema=schema, model=first, **QUICK).model
        assert same(on, train(clicks(), model=first, **QUICK).model)
        with pytest.raises(ConfigError, match="Schema of its own"):
            train(clicks(), schema=schema.edit("item", kind="ignore"), model=first, **QUICK)

    def test_new_features_of_a_model_for_recall_keep_their_roles(self) -> None:
        schema = Schema.infer({name: clicks()[name] for name in ("user", "item")})
        schema = schema.edit("user", role="user").edit("item", role="item")
        how: dict[str, Any] = {"negatives": "uniform", **QUICK}
        bare = {name: clicks()[name] for name in ("user", "item")}
        first = train(bare, schema=schema, task="rank", **how).model
        more = {name: clicks(n_users=20)[name] for name in ("user", "item")}
        second = train(more, model=first, **how).model
        assert second.n_features == second.schema.n_features == first.n_features + 8

    def test_a_model_that_no_gradient_has_moved_gets_its_unit_of_rows(self) -> None:
        X, y = features(clicks()), [1.0, 3.0, 4.0] * 100
        fitted = FMRegressor(solver="als", **QUICK).fit(X, y)
        assert fitted.model_.units.row == 1
        expected = train(
            clicks() | {"y": y}, target="y", model=fitted.model_, solver="adagrad", max_iter=1
        ).model.units
        assert expected.row == pytest.approx(2**0.5, abs=1e-3)
        fitted.set_params(solver="adagrad").partial_fit(X, y)
        assert fitted.model_.units == expected
        fitted.partial_fit(X[:1], y[:1])  # the unit stays what it was
        assert fitted.model_.units == expected


def test_pairs_are_for_ranking() -> None:
    with pytest.raises(ConfigError, match="pass task='rank'"):
        train(clicks(), target="y", pairs=np.array([[0, 1]]), **QUICK)


@pytest.mark.parametrize("learn", [train, cross_validate, sample])
def test_unknown_hyperparameters_are_named_alike(learn: Any) -> None:
    with pytest.raises(ConfigError, match=r"'n_factor' of \w+. Did you mean 'n_factors'"):
        learn(clicks(), target="y", n_factor=3)


def test_ids_beyond_the_schema_are_refused_by_estimators_too() -> None:
    data = load(clicks(), target="y")
    ids = data.rows.indices.copy()
    ids[0] = 1000
    rows = Rows(data.rows.indptr, ids, data.rows.values, data.rows.fields, data.rows.target)
    beyond = Dataset(rows, data.schema)
    for learn in (lambda: train(beyond, **QUICK), lambda: FMClassifier(**QUICK).fit(beyond)):
        with pytest.raises(DataError, match="holds a feature id of"):
            learn()


def test_classes_have_no_weights_in_sampling_whichever_way_they_come() -> None:
    data = load(clicks(), target="y")
    weighted = replace(data, rows=data.rows.with_(weight=np.full(len(data), 2, np.float32)))
    for learn in (
        lambda: sample(weighted, n_samples=1, n_warmup=0),
        lambda: BayesianFMClassifier(n_samples=1, n_warmup=0).fit(weighted),
    ):
        with pytest.raises(DataError, match="Sample weights are for regression"):
            learn()


class Watch(Callback):
    """Counts the trainings that are under way, and the most that were at any time."""

    now = most = 0

    def on_train_begin(self, state: Any) -> None:
        Watch.now += 1
        Watch.most = max(Watch.most, Watch.now)

    def on_train_end(self, state: Any) -> None:
        Watch.now -= 1


class TestThreads:
    def test_calls_of_partial_fit_wait_for_each_other(self) -> None:
        rng = np.random.default_rng(0)
        X = rng.random((4000, 10)).astype(np.float32)
        y = (X[:, 0] > 0.5).astype(int)
        model = FMClassifier(random_state=0, n_jobs=1, callbacks=[Watch()])
        model.partial_fit(X, y, classes=[0, 1])
        threads = [threading.Thread(target=model.partial_fit, args=(X, y)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert Watch.most == 1
        assert model.n_iter_ == 7
        one_by_one = FMClassifier(random_state=0, n_jobs=1)
        for _ in range(7):
            one_by_one.partial_fit(X, y, classes=[0, 1])
        assert same(model.model_, one_by_one.model_)

    def test_estimators_can_still_be_copied(self) -> None:
        X, y = features(clicks()), clicks()["y"]
        fitted = FMClassifier(**QUICK).partial_fit(X, y)
        for twin in (copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted))):
            expected = copy.deepcopy(fitted).partial_fit(X, y).model_
            assert same(twin.partial_fit(X, y).model_, expected)
        assert clone(fitted).get_params() == fitted.get_params()
