"""What a trained model holds in typed fields, and that nothing depends on its provenance."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fieldfare.config import SolverConfig, TrainingConfig
from fieldfare.estimators import BayesianFMRegressor, FMClassifier, FMRanker, FMRegressor
from fieldfare.kinds.solvers import Defaults
from fieldfare.models.base import Model
from fieldfare.persist.file import load_model, save_model
from fieldfare.settings import Settings
from fieldfare.training.functions import predict, train


@pytest.fixture
def stars() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    user, item = rng.integers(0, 12, 300), rng.integers(0, 9, 300)
    return pd.DataFrame(
        {
            "user": [f"u{i}" for i in user],
            "item": [f"i{i}" for i in item],
            "stars": 1000.0 * ((user * item) % 5) + 300,
        }
    )


def without_provenance(model: Model) -> Model:
    return model.with_(provenance={})


def same(first: Model, second: Model) -> bool:
    pairs = zip(first.arrays().values(), second.arrays().values(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def test_the_settings_of_the_training_are_in_the_model(stars: pd.DataFrame) -> None:
    model = train(stars, target="stars", solver="sgd", learning_rate=0.01, max_iter=2).model
    assert model.trained_by == Settings(
        TrainingConfig(max_iter=2), SolverConfig(solver="sgd", learning_rate=0.01)
    )
    assert model.units.target > 100
    assert model.units.row == 1.414


def test_a_generator_is_kept_as_the_seed_that_it_gave(stars: pd.DataFrame) -> None:
    generator = np.random.default_rng(0)
    model = train(stars, target="stars", max_iter=1, random_state=generator).model
    assert model.trained_by is not None
    assert model.trained_by.training.random_state == model.provenance["seed"]


@pytest.mark.parametrize("solver", ["adagrad", "als"])
def test_continuing_does_not_depend_on_the_provenance(
    stars: pd.DataFrame, solver: str, tmp_path: Path
) -> None:
    common: dict[str, Any] = {"target": "stars", "random_state": 0, "n_jobs": 1, "max_iter": 2}
    first = train(stars, solver=solver, **common).model
    save_model(without_provenance(first), tmp_path / "m.ff")
    again = train(stars, model=first, **common).model
    bare = train(stars, model=load_model(tmp_path / "m.ff"), **common).model
    assert same(again, bare)
    assert again.units == bare.units
    assert np.array_equal(predict(again, stars), predict(bare, stars))


def settled(fitted: Any) -> dict[str, Any]:
    """The parameters of an estimator, with what "auto" meant for its solver."""
    recorded = fitted.model_.trained_by.flat()
    names = {item.name for item in fields(Defaults)} & set(recorded)
    return fitted.get_params() | {name: recorded[name] for name in names}


def test_estimators_do_not_depend_on_the_provenance(stars: pd.DataFrame, tmp_path: Path) -> None:
    X, y = stars[["user", "item"]], stars["stars"]
    fitted = FMRegressor(n_factors=3, learning_rate=0.1, random_state=0, n_jobs=1).fit(X, y)
    fitted.save(tmp_path / "with.ff")
    save_model(without_provenance(fitted.model_), tmp_path / "without.ff")
    loaded = [FMRegressor.load(tmp_path / name) for name in ("with.ff", "without.ff")]
    assert loaded[0].get_params() == loaded[1].get_params() == settled(fitted)
    first, second = (estimator.partial_fit(X, y).model_ for estimator in loaded)
    assert same(first, second)


@pytest.mark.parametrize("history", ["mine", {"metric": None}, [1, 2], None])
def test_whatever_the_provenance_holds_an_estimator_loads(
    stars: pd.DataFrame, tmp_path: Path, history: Any
) -> None:
    fitted = FMRegressor(max_iter=1, random_state=0).fit(stars[["user", "item"]], stars["stars"])
    save_model(fitted.model_.with_(provenance={"history": history}), tmp_path / "m.ff")
    loaded = FMRegressor.load(tmp_path / "m.ff")
    assert (len(loaded.history_), loaded.n_iter_) == (0, 0)
    assert same(loaded.model_, fitted.model_)


def test_folding_in_does_not_depend_on_the_provenance(stars: pd.DataFrame) -> None:
    from fieldfare.schema.schema import Schema

    X = stars[["user", "item"]]
    schema = Schema.infer(X).edit("user", role="user").edit("item", role="item")
    ranker = FMRanker(solver="nonsampled", schema=schema, max_iter=2, random_state=0).fit(X)
    ranker.model_ = without_provenance(ranker.model_)
    new = pd.DataFrame({"user": ["new"] * 3, "item": ["i1", "i2", "i3"]})
    assert ranker.fold_in(new, known=X).model_.n_features == ranker.schema_.n_features


def test_a_loaded_estimator_has_the_settings_it_was_saved_with(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"u": rng.integers(0, 30, 600).astype(str)})
    y = rng.integers(0, 2, 600)
    fitted = FMClassifier(
        n_factors=4,
        learning_rate=0.05,
        l2_factors=0.01,
        class_weight={0: 1.0, 1: 3.0},
        early_stopping=True,
        eval_metric="auc",
        max_iter=3,
        n_jobs=1,
        random_state=0,
    ).fit(X, y)
    fitted.save(tmp_path / "m.ff")
    loaded = FMClassifier.load(tmp_path / "m.ff")
    assert loaded.get_params() == settled(fitted)
    assert list(loaded.class_weight) == [0, 1]


@pytest.mark.parametrize("how", [{}, {"random_state": 3, "n_warmup": 2, "n_keep_samples": 2}])
def test_a_loaded_bayesian_estimator_has_its_settings(how: dict[str, Any], tmp_path: Path) -> None:
    X = [{"user": f"u{i % 7}"} for i in range(70)]
    fitted = BayesianFMRegressor(n_factors=2, n_samples=3, **how).fit(X, np.arange(70) % 5)
    fitted.save(tmp_path / "p.ff")
    assert BayesianFMRegressor.load(tmp_path / "p.ff").get_params() == fitted.get_params()


def test_models_are_not_changed_by_with(stars: pd.DataFrame) -> None:
    model = train(stars, target="stars", max_iter=1).model
    other = model.with_(provenance={"seed": 1}, bias=np.zeros(1, np.float32))
    assert other.provenance == {"seed": 1}
    assert model.provenance["library"]
    assert model.bias[0] != 0
    assert other.linear is model.linear
    with pytest.raises(TypeError):
        model.with_(colour="red")
