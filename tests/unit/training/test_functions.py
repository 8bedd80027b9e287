"""train, predict and evaluate, as users call them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fieldfare.config import SolverConfig, TrainingConfig
from fieldfare.data.loading import Dataset, load
from fieldfare.exceptions import ConfigError, DataError, ResourceError, TrainingError
from fieldfare.metrics import compute
from fieldfare.schema.schema import Schema
from fieldfare.training.functions import evaluate, predict, train
from fieldfare.training.loop.callbacks import Checkpoint, parameter_arrays
from fieldfare.training.loop.session import Session
from fieldfare.training.prepare import resources

CITIES = ("Berlin", "Paris", "Rome", "Oslo")


def table(n: int = 400, seed: int = 0, cities: tuple[str, ...] = CITIES) -> dict[str, list]:
    random = np.random.default_rng(seed)
    city = random.choice(cities, n)
    age = random.normal(40, 10, n).round(1)
    chance = np.where(city == "Rome", 0.9, 0.2)
    return {
        "city": city.tolist(),
        "age": age.tolist(),
        "clicked": (random.random(n) < chance).astype(int).tolist(),
    }


def same(a, b) -> bool:
    arrays = parameter_arrays(a), parameter_arrays(b)
    return all(np.array_equal(arrays[0][name], arrays[1][name]) for name in arrays[0])


@pytest.mark.parametrize("model", ["linear", "fm", "ffm"])
def test_learns_from_a_table(model) -> None:
    result = train(table(), target="clicked", model=model, random_state=0)
    assert result.model.kind == model
    assert result.model.config.task == "binary"
    fresh = table(2000, seed=1)
    figures = evaluate(result.model, fresh)
    best = compute("auc", fresh["clicked"], np.array(fresh["city"]) == "Rome")["auc"]
    assert figures["auc"] > best - 0.05
    assert figures["loss"] == figures["logloss"]


def test_options_reach_their_place() -> None:
    result = train(table(), target="clicked", n_factors=3, solver="ftrl", max_iter=2,
                   random_state=4)  # fmt: skip
    assert result.model.config.n_factors == 3
    assert len(result.history) == 2
    assert result.model.trained_by.solver.solver == "ftrl"
    assert result.model.provenance["seed"] == 4


@pytest.mark.parametrize(
    ("name", "hint"), [("learning_rat", "learning_rate"), ("n_factor", "n_factors"), ("xyzzy", "")]
)
def test_unknown_parameter(name, hint) -> None:
    with pytest.raises(ConfigError, match=f"There is no parameter '{name}'.*{hint}"):
        train(table(), target="clicked", **{name: 1})


def test_wrong_value_is_refused_before_reading() -> None:
    with pytest.raises(ConfigError, match="max_iter"):
        train("no such file.csv", max_iter=0)


def test_validation_is_read_as_the_training_data_taught() -> None:
    result = train(
        table(),
        valid=table(seed=1, cities=("Rome", "Oslo", "Tokyo")),
        target="clicked",
        random_state=0,
    )
    assert result.history.metric == "valid_logloss"
    assert result.history.stopped in ("early_stopping", "max_iter")


def test_seed_fixes_everything() -> None:
    a, b, c = (train(table(), target="clicked", random_state=s, n_jobs=1).model for s in (1, 1, 2))
    assert same(a, b)
    assert not same(a, c)


@pytest.mark.parametrize(
    ("values", "task", "classes"),
    [
        ([-1, 1], "binary", [-1, 1]),
        ([1, 2], "binary", [1, 2]),
        (["no", "yes"], "binary", ["no", "yes"]),
        (["a", "b", "c"], "multiclass", ["a", "b", "c"]),
    ],
)
def test_targets_of_any_kind(values, task, classes) -> None:
    data = table(300)
    place = {city: i for i, city in enumerate(CITIES)}
    data["clicked"] = [values[place[city] % len(values)] for city in data["city"]]
    model = train(data, target="clicked", random_state=0, learning_rate=0.5).model
    assert (model.config.task, model.classes) == (task, classes)
    labels = predict(model, data, output="label")
    assert set(labels.tolist()) == set(values)
    assert (labels == np.array(data["clicked"])).all()
    proba = predict(model, data, output="proba")
    assert proba.shape == (300, len(values))
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)


def test_regression_and_its_outputs() -> None:
    data = table()
    data["clicked"] = [
        2.0 * age + (city == "Rome") for age, city in zip(data["age"], data["city"], strict=True)
    ]
    model = train(data, target="clicked", model="linear", random_state=0).model
    assert model.config.task == "regression"
    del data["clicked"]
    found = predict(model, data)
    assert found.shape == (400,)
    np.testing.assert_array_equal(found, predict(model, data, output="score"))
    with pytest.raises(ConfigError, match="output"):
        predict(model, data, output="proba")


def test_prediction_of_nothing() -> None:
    model = train(table(), target="clicked").model
    empty = Dataset(load(table(), target="clicked").rows.slice(0, 0), model.schema)
    for output in ("prediction", "score", "label"):
        assert predict(model, empty, output=output).shape == (0,)
    assert predict(model, empty, output="proba").shape == (0, 2)


def test_evaluate_takes_metrics_by_name() -> None:
    model = train(table(), target="clicked").model
    assert list(evaluate(model, table(seed=2), metrics="auc")) == ["loss", "auc"]
    assert list(evaluate(model, table(seed=2), metrics=["f1", "brier"])) == ["loss", "f1", "brier"]


def test_balanced_class_weight_moves_the_start() -> None:
    data = table()
    plain = train(data, target="clicked", max_iter=5, random_state=0).model
    even = train(data, target="clicked", max_iter=5, random_state=0, class_weight="balanced").model
    assert predict(even, data).mean() > predict(plain, data).mean()
    assert abs(predict(even, data).mean() - 0.5) < 0.1


def test_provenance_is_json() -> None:
    result = train(table(), valid=table(seed=1), target="clicked")
    found = json.loads(json.dumps(result.model.provenance))
    assert found["data"]["n_rows"] == 400
    assert found["data"]["n_valid"] == 400
    assert found["history"]["best_epoch"] == result.history.best_epoch
    again = train(table(), target="clicked").model.provenance["data"]["fingerprint"]
    other = train(table(seed=3), target="clicked").model.provenance["data"]["fingerprint"]
    assert found["data"]["fingerprint"] == again != other


def test_one_class_is_refused() -> None:
    data = table()
    data["clicked"] = [1] * 400
    with pytest.raises(TrainingError, match="at least two different targets"):
        train(data, target="clicked")


def test_ffm_without_fields_is_refused() -> None:
    with pytest.raises(ConfigError, match="fields"):
        train(np.eye(4), target=np.array([0, 1, 0, 1]), model="ffm")


def test_model_that_does_not_fit_is_refused_before_it_is_made(monkeypatch) -> None:
    monkeypatch.setattr(resources, "available_memory", lambda: 100)
    with pytest.raises(ResourceError, match="n_factors"):
        train(table(), target="clicked")


def test_going_on_grows_with_new_values() -> None:
    first = train(table(), target="clicked", random_state=0, max_iter=5).model
    more = table(seed=5, cities=("Rome", "Tokyo"))
    second = train(more, model=first, random_state=0, max_iter=5).model
    assert second.n_features == first.n_features + 1
    assert second.schema.n_features == second.n_features
    assert "city=Tokyo" in second.schema.feature_names
    assert first.schema.n_features == first.n_features
    assert evaluate(second, more)["loss"] < evaluate(first, more)["loss"]


def test_going_on_with_numbered_features(rows) -> None:
    first = train(rows(300, n_features=8), random_state=0).model
    second = train(rows(300, n_features=12), model=first, random_state=0).model
    assert (first.n_features, second.n_features, second.schema.n_features) == (8, 12, 12)
    third = train(rows(300, n_features=5), model=second, random_state=0).model
    assert third.n_features == 12


def test_going_on_cannot_change_the_model() -> None:
    first = train(table(), target="clicked").model
    with pytest.raises(ConfigError, match="n_factors=8, which cannot change"):
        train(table(), model=first, n_factors=4)
    assert train(table(), model=first, n_factors=8).model.config == first.config


def test_resume_through_the_front_door(tmp_path) -> None:
    path = tmp_path / "run.ckpt"
    options = {"target": "clicked", "early_stopping": True, "n_jobs": 1, "n_iter_no_change": 9}
    whole = train(table(), max_iter=5, random_state=8, **options)
    train(table(), max_iter=2, random_state=8, callbacks=[Checkpoint(path)], **options)
    resumed = train(table(), max_iter=5, resume=path, **options)
    assert same(whole.model, resumed.model)


def test_session_goes_on_where_it_was(rows) -> None:
    data = rows(600)
    start = train(data, max_iter=1, random_state=0).model
    config = TrainingConfig(max_iter=1, random_state=0, n_jobs=1)
    session = Session(start, SolverConfig(), config)
    for _ in range(3):
        stepped = session.fit(data).model
    at_once = Session(start, SolverConfig(), TrainingConfig(max_iter=3, random_state=0, n_jobs=1))
    assert same(stepped, at_once.fit(data).model)
    assert session.epochs == 3


def test_session_grows_as_if_it_had_been_large_all_along(rows) -> None:
    small, large = rows(300, n_features=8), rows(300, n_features=12)
    config = TrainingConfig(max_iter=1, random_state=0, n_jobs=1)
    session = Session(train(small, random_state=0, max_iter=1).model, SolverConfig(), config)
    with pytest.raises(DataError, match="feature id of 8 or more"):
        session.fit(large)
    session.grow(12, Schema.indexed(12, 3))
    grown = session.fit(large).model
    assert (grown.n_features, grown.schema.n_features) == (12, 12)
    assert session.n_features == 12


def test_session_refuses_new_fields(rows) -> None:
    start = train(rows(100), model="ffm", max_iter=1).model
    with pytest.raises(DataError, match="3 fields"):
        Session(start).fit(rows(100, per_row=4))
