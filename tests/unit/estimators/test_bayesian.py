"""Bayesian estimators: parameters, uncertainty, kept samples, and going on."""

from __future__ import annotations

import inspect
import pickle
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from fieldfare.config import GibbsConfig, ModelConfig, TrainingConfig
from fieldfare.estimators import (
    BayesianFMClassifier,
    BayesianFMOrdinalRegressor,
    BayesianFMRegressor,
)
from fieldfare.exceptions import ConfigError, DataError, ModelFileError
from fieldfare.kinds.solvers import Defaults
from fieldfare.persist.file import load_model
from fieldfare.schema.hints import HINTS
from fieldfare.schema.schema import Schema
from fieldfare.solvers.gibbs import GibbsSampler
from fieldfare.training.bayes.chain import feature_groups

ALL = [BayesianFMRegressor, BayesianFMClassifier, BayesianFMOrdinalRegressor]
OWN = {"warm_start", "schema", "groups", *HINTS}
QUICK: dict[str, Any] = {"n_factors": 2, "n_warmup": 5, "n_samples": 15, "random_state": 0}
TARGETS = {BayesianFMClassifier: lambda y: y > 0, BayesianFMOrdinalRegressor: np.sign}


@pytest.fixture(scope="module")
def data() -> tuple[list[dict[str, str]], np.ndarray]:
    rng = np.random.default_rng(0)
    users, items = rng.normal(size=(8, 2)), rng.normal(size=(6, 2))
    u, i = rng.integers(0, 8, 600), rng.integers(0, 6, 600)
    X = [{"user": f"u{a}", "item": f"i{b}"} for a, b in zip(u, i, strict=True)]
    return X, (users[u] * items[i]).sum(axis=1) + 0.3 * rng.normal(size=600)


def target(cls: type, y: np.ndarray) -> np.ndarray:
    return TARGETS.get(cls, np.array)(y)


@pytest.mark.parametrize("cls", ALL)
def test_parameters_and_defaults_are_those_of_config(cls: type) -> None:
    groups = (ModelConfig, GibbsConfig, TrainingConfig)
    declared = {item.name: item.default for group in groups for item in fields(group)}
    declared["n_factors"] = Defaults().n_factors
    signature = inspect.signature(cls).parameters
    for name, parameter in signature.items():
        assert name in OWN or parameter.default == declared[name]
        assert f"\n{name} : " in inspect.cleandoc(cls.__doc__ or "")
    assert {item.name for item in fields(GibbsConfig)} <= set(signature)


@pytest.mark.parametrize("cls", ALL)
def test_rows_predicted_on_the_way_are_predicted_alike_afterwards(cls: type, data) -> None:
    X, y = data[0], target(cls, data[1])
    fitted = cls(**QUICK).fit(X[:500], y[:500], eval_set=(X[500:], y[500:]))
    if cls is BayesianFMClassifier:
        later = fitted.predict_proba(X[500:])[:, 1]
        assert fitted.trace_["valid_auc"][-1] > 0.9
    else:
        later, std = fitted.predict(X[500:], return_std=True)
        np.testing.assert_allclose(fitted.eval_std_, std, rtol=1e-4, atol=1e-5)
        rmse = np.sqrt(np.mean((later - y[500:]) ** 2))
        assert fitted.trace_["valid_rmse"][-1] == pytest.approx(rmse, rel=1e-4)
    np.testing.assert_allclose(fitted.eval_prediction_, later, rtol=1e-4, atol=1e-5)
    assert fitted.score(X[500:], y[500:]) > 0.5
    assert len(fitted.trace_) == fitted.n_iter_ == 20
    assert len(fitted.posterior_) == 15
    assert fitted.posterior_.nbytes > 0
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict(X), fitted.predict(X))


def test_intervals_cover(data) -> None:
    X, y = data
    fitted = BayesianFMRegressor(**QUICK).fit(X[:400], y[:400])
    inside = {}
    for noise in (True, False):
        low, high = fitted.predict_interval(X[400:], 0.8, noise=noise).T
        assert (low < high).all()
        inside[noise] = np.mean((low < y[400:]) & (y[400:] < high))
    assert 0.7 < inside[True] < 0.9
    assert inside[False] < 0.5
    with pytest.raises(ConfigError, match="'coverage'"):
        fitted.predict_interval(X, 1.5)


def test_few_or_no_samples_can_be_kept(data) -> None:
    X, y = data
    some = BayesianFMRegressor(n_keep_samples=4, **QUICK).fit(X, y)
    assert len(some.posterior_) == 4
    X, new, y, of_new = X[:400], X[400:], y[:400], y[400:]
    none = BayesianFMRegressor(n_keep_samples=0, **QUICK).fit(X, y, eval_set=(new, of_new))
    whole = BayesianFMRegressor(**QUICK).fit(X, y, eval_set=(new, of_new))
    np.testing.assert_array_equal(none.eval_prediction_, whole.eval_prediction_)
    with pytest.raises(DataError, match="n_keep_samples is 0"):
        none.predict(X)


def test_classes(data) -> None:
    X, y = data
    names = np.where(y > 0, "yes", "no")
    fitted = BayesianFMClassifier(**QUICK).fit(X, names)
    assert set(fitted.predict(X)) == {"yes", "no"}
    assert fitted.score(X, names) > 0.8
    np.testing.assert_allclose(fitted.predict_proba(X).sum(axis=1), 1)
    with pytest.raises(DataError, match="Only binary classification"):
        BayesianFMClassifier(**QUICK).fit(X, np.digitize(y, [-1, 1]))
    ordinal = BayesianFMOrdinalRegressor(**QUICK).fit(X, np.digitize(y, [-1, 1]) * 10)
    assert ordinal.classes_.tolist() == [0, 10, 20]
    np.testing.assert_allclose(ordinal.predict_proba(X).sum(axis=1), 1)
    with pytest.raises(DataError, match="y holds the class 7"):
        ordinal._read(X[:2], np.array([7.0, 10.0]), None)
    with pytest.raises(DataError, match="Got 1:"):
        BayesianFMOrdinalRegressor(**QUICK).fit(X, np.ones(600))


@pytest.mark.parametrize("cls", ALL)
def test_warm_start_goes_on_with_the_chain(cls: type, data) -> None:
    X, y = data[0], target(cls, data[1])
    warm = cls(warm_start=True, **QUICK).fit(X, y)
    assert pickle.loads(pickle.dumps(warm)).fit(X, y).n_iter_ == 35
    before = warm.trace_["bias"][-1]
    warm.fit(X, y)
    assert len(warm.trace_) == 15
    assert cls is BayesianFMOrdinalRegressor or warm.trace_["bias"][0] != before


def test_ctrl_c_leaves_the_samples_there_are(data, monkeypatch) -> None:
    X, y = data
    sweep = GibbsSampler.sweep

    def interrupted(self: GibbsSampler, n_threads: int = 1) -> None:
        if self.sweeps == 12:
            raise KeyboardInterrupt
        sweep(self, n_threads)

    monkeypatch.setattr(GibbsSampler, "sweep", interrupted)
    fitted = BayesianFMRegressor(**QUICK).fit(X, y)
    assert len(fitted.posterior_) == 7
    assert fitted.predict(X).shape == (600,)


def test_groups() -> None:
    schema = Schema.indexed(5, 2, field_of=np.array([0, 0, 1, 1, 1], np.uint16))
    assert feature_groups(None, schema).tolist() == [0, 0, 1, 1, 1]
    assert feature_groups("all", schema).tolist() == [0] * 5
    assert feature_groups(list("abcab"), schema).tolist() == [0, 1, 2, 0, 1]
    assert feature_groups(None, Schema.indexed(3, 0)).tolist() == [0] * 3
    for bad in ("one", [1, 2]):
        with pytest.raises(ConfigError, match="'groups'"):
            feature_groups(bad, schema)


@pytest.mark.parametrize("cls", ALL)
def test_a_file_predicts_what_was_saved(cls: type, data, tmp_path) -> None:
    X, y = data[0], target(cls, data[1])
    fitted = cls(**QUICK, n_keep_samples=7).fit(X[:400], y[:400], eval_set=(X[400:], y[400:]))
    fitted.save(tmp_path / "m.ff")
    again = cls.load(tmp_path / "m.ff")
    assert again.n_factors == 2
    assert again.n_iter_ == 20
    assert len(again.posterior_) == 7
    np.testing.assert_array_equal(again.predict(X), fitted.predict(X))
    assert again.score(X, y) == fitted.score(X, y)
    np.testing.assert_array_equal(again.trace_["bias"], fitted.trace_["bias"])
    if cls is BayesianFMRegressor:
        np.testing.assert_array_equal(again.predict_interval(X), fitted.predict_interval(X))
    else:
        np.testing.assert_array_equal(again.classes_, fitted.classes_)
        np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))
    other = next(one for one in ALL if one is not cls)
    with pytest.raises(ModelFileError, match="is not for"):
        other.load(tmp_path / "m.ff")
    with pytest.raises(ModelFileError, match="load_posterior"):
        load_model(tmp_path / "m.ff")


def test_nothing_kept_is_nothing_to_save(data, tmp_path) -> None:
    fitted = BayesianFMRegressor(n_keep_samples=0, **QUICK).fit(*data)
    with pytest.raises(DataError, match="n_keep_samples is 0"):
        fitted.save(tmp_path / "m.ff")


def test_progress_is_shown_on_request(data, capsys) -> None:
    BayesianFMRegressor(verbose=1, **QUICK).fit(*data)
    assert capsys.readouterr().err.count("sweep") == 20
