"""A model beside a constant and beside its own linear part."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import fieldfare
from fieldfare.exceptions import ModelWarning
from fieldfare.metrics import compute
from fieldfare.training.judging.compare import Losses
from fieldfare.training.loop.comparison import Comparison
from fieldfare.training.loop.history import History
from fieldfare.training.provenance import history_of

QUICK = {"random_state": 0, "n_jobs": 1}


def table(n: int = 1200, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    user, item = rng.integers(0, 12, n), rng.integers(0, 10, n)
    score = np.where(user % 3 == item % 3, 2.0, -2.0) + rng.normal(size=n)
    names = {"user": [f"u{a}" for a in user], "item": [f"i{a}" for a in item]}
    return pd.DataFrame(names | {"score": score, "liked": (score > 0).astype(int)})


def noise(n: int = 1200) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({f"c{j}": rng.integers(0, 300, n).astype(str) for j in range(6)}).assign(
        y=rng.integers(0, 2, n)
    )


def test_the_figures_are_those_of_the_metrics():
    data = table()
    train, valid = data[:900], data[900:]
    found = fieldfare.train(
        train[["user", "item", "liked"]], valid=valid, target="liked", max_iter=9, **QUICK
    )
    compared = found.history.comparison
    constant = np.full(300, train.liked.mean())
    assert (compared.rows, compared.measure, compared.worse_than) == ("validation", "logloss", None)
    assert compared.model == pytest.approx(found.history.best["valid_logloss"], rel=1e-5)
    expected = compute("logloss", valid.liked, constant)["logloss"]
    assert compared.constant == pytest.approx(expected, rel=1e-5)
    assert compared.model < compared.linear


def test_a_regression_is_compared_by_its_root_mean_squared_error():
    data = table().drop(columns="liked")
    result = fieldfare.train(data, target="score", early_stopping=False, max_iter=9, **QUICK)
    compared = result.history.comparison
    assert (compared.rows, compared.measure) == ("training", "rmse")
    assert compared.constant == pytest.approx(data.score.std(ddof=0), rel=1e-5)
    assert compared.model < compared.constant


@pytest.mark.parametrize("task", ["multiclass", "rank", "weighted"])
def test_all_tasks_are_compared(task):
    data, how = table().drop(columns="score"), {"target": "liked"}
    if task == "multiclass":
        data["liked"] = data.liked.map({0: "no", 1: "yes"}).where(data.item != "i0", "perhaps")
    elif task == "rank":
        how |= {"task": "rank", "group": "user"}
    else:
        how |= {"class_weight": "balanced"}
    found = fieldfare.train(data, max_iter=9, **how, **QUICK).history.comparison
    chance = {"multiclass": None, "rank": 0.5, "weighted": np.log(2)}[task]
    assert chance is None or found.constant == pytest.approx(chance, abs=1e-3)
    assert found.model < found.constant
    assert found.worse_than is None


def test_a_model_that_learned_noise_by_heart_is_told():
    data = noise()
    with pytest.warns(ModelWarning, match=r"worse than a constant: validation logloss .*FF930"):
        result = fieldfare.train(
            data[:900], valid=data[900:], target="y", early_stopping=False, **QUICK,
            l2_linear=0, l2_factors=0, max_iter=20, learning_rate=0.2,
        )  # fmt: skip
    assert result.history.comparison.worse_than == "constant"


def test_a_model_that_has_not_learned_its_training_rows_is_told():
    with pytest.warns(ModelWarning, match="has not learned the training rows"):
        fieldfare.train(
            np.random.default_rng(0).normal(size=(300, 5)) * 50,
            target=np.random.default_rng(1).normal(size=300),
            solver="sgd", scale_features=False, learning_rate=0.0001, max_iter=1,
            early_stopping=False, init_scale=1.0, model="fm", **QUICK,
        )  # fmt: skip


def test_ordinary_trainings_are_silent_also_on_noise_that_stops_early():
    with warnings.catch_warnings():
        warnings.simplefilter("error", ModelWarning)
        warnings.simplefilter("ignore", fieldfare.exceptions.ConvergenceWarning)
        for seed in range(5):
            fieldfare.train(table(300, seed).drop(columns="score"), target="liked", **QUICK)
            some = noise(60).assign(y=np.random.default_rng(seed).integers(0, 2, 60))
            last = fieldfare.train(some[:40], valid=some[40:], target="y", **QUICK)
    assert last.history.comparison.worse_than is None


def losses(model: list[float], constant: float = 1.0, cluster: object = None) -> Losses:
    n = len(model)
    return Losses({"model": np.array(model), "constant": np.full(n, constant)}, np.ones(n), cluster)


def test_losing_is_more_than_noise():
    rng = np.random.default_rng(0)
    assert losses([1.2] * 40).loses_to("constant")
    assert not losses([1.2] * 20).loses_to("constant")  # too few
    assert not losses([1.005] * 4000).loses_to("constant")  # by a hair
    assert not losses((1.02 + rng.normal(size=100)).tolist()).loses_to("constant")  # by noise
    assert losses([1.0] * 99 + [1e9]).loses_to("constant")  # one row far off
    assert losses([float("nan")] * 40).loses_to("constant")
    groups = np.repeat(np.arange(5), 100)
    assert not losses([1.2] * 500, cluster=groups).loses_to("constant")


def test_history_and_model_keep_it(tmp_path):
    result = fieldfare.train(table().drop(columns="score"), target="liked", max_iter=9, **QUICK)
    compared = result.history.comparison
    assert f"Compared: {compared}." in str(result.history).splitlines()
    assert "always predicting the rate of the training rows: 0." in str(compared)
    fieldfare.save_model(result.model, tmp_path / "m.ff")
    assert history_of(fieldfare.load_model(tmp_path / "m.ff")).comparison == compared
    old = {name: v for name, v in result.history.to_json().items() if name != "comparison"}
    assert History.from_json(old).comparison is None


@pytest.mark.parametrize("odd", [{"measure": "x"}, {"model": "x"}, {"more": 1}])
def test_odd_comparisons_are_refused(odd):
    saved = Comparison("training", "rmse", 1.0, 2.0).to_json() | odd
    with pytest.raises((KeyError, TypeError, ValueError)):
        Comparison.from_json(saved)


def test_partial_fit_makes_none():
    data = table()
    model = fieldfare.FMClassifier(**QUICK).partial_fit(data[["user", "item"]], data.liked)
    assert model.history_.comparison is None


@pytest.mark.parametrize("task", ["regression", "binary", "ordinal"])
def test_posteriors_are_compared(task):
    data = table().drop(columns="liked" if task == "regression" else "score")
    target = data.columns[-1]
    how = {"target": target, "task": task, "n_warmup": 5, "n_samples": 20, "random_state": 0}
    for valid in (None, data[900:]):
        found = fieldfare.sample(data[:900], valid=valid, **how).posterior.provenance["comparison"]
        assert found.startswith("training" if valid is None else "validation")
