"""Values of new data that were not seen in training."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import fieldfare
from fieldfare.cli import main
from fieldfare.data.loading import load
from fieldfare.data.unseen import Unseen
from fieldfare.exceptions import DataWarning

QUICK = {"max_iter": 2, "random_state": 0, "n_jobs": 1, "early_stopping": False}
N = 600


def table(n: int = N) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    user, item = rng.integers(0, 30, n), rng.integers(0, 20, n)
    liked = ((user % 3 == item % 3) ^ (rng.random(n) < 0.1)).astype(int)
    names = {"user": [f"u{a}" for a in user], "item": [f"i{a}" for a in item]}
    tags = [f"t{a % 4}|t{a % 3}" for a in user]
    return pd.DataFrame(names | {"tags": tags, "liked": liked})


@pytest.fixture(scope="module")
def model() -> fieldfare.FMClassifier:
    data = table()
    return fieldfare.FMClassifier(**QUICK).fit(data.drop(columns="liked"), data.liked)


def shares(schema, data: pd.DataFrame) -> dict[str, float]:
    return Unseen(schema).add(schema.encode(data, labelled=False)).shares()


def test_shares_count_values_and_not_gaps():
    schema = load(table(), target="liked").schema
    new = table().assign(user=["new", "u1", None, "u2"] * (N // 4), tags="t0|other|another")
    assert shares(schema, new) == pytest.approx({"user": 1 / 3, "item": 0, "tags": 2 / 3})


def test_new_values_of_an_extended_schema_are_known():
    schema = load(table(), target="liked").schema.extend(table().assign(user="new"))
    assert shares(schema, table().assign(user="new"))["user"] == 0
    assert shares(schema, table().assign(user="newer"))["user"] == 1


@pytest.mark.parametrize("way", ["estimator", "score", "predict", "evaluate"])
def test_each_way_of_predicting_tells(model, way):
    new = table().assign(user="new")
    X = new.drop(columns="liked")
    ways = {
        "estimator": lambda: model.predict_proba(X),
        "score": lambda: model.score(X, new.liked),
        "predict": lambda: fieldfare.predict(model.model_, X),
        "evaluate": lambda: fieldfare.evaluate(model.model_, new, target="liked"),
    }
    with pytest.warns(DataWarning, match="100% of the values of 'user' were not seen in training"):
        ways[way]()


def test_validation_data_tell_too():
    with pytest.warns(DataWarning, match="'user' were not seen"):
        fieldfare.train(table(), valid=table().assign(user="new"), target="liked", **QUICK)


def test_the_command_line_tells(model, tmp_path, capsys):
    model.save(tmp_path / "m.ff")
    table().assign(item="new").to_csv(tmp_path / "new.csv", index=False)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert main(["predict", str(tmp_path / "new.csv"), "-m", str(tmp_path / "m.ff")]) == 0
    assert "warning: 100% of the values of 'item' were not seen" in capsys.readouterr().err


def test_a_request_or_some_new_values_are_no_news(model):
    new = table().drop(columns="liked")
    model.predict(new.assign(user="new")[:90])
    model.predict(new.assign(user=np.where(np.arange(N) % 3, new.user, "new")))
    assert 0 < model.model_.predict_one({"user": "new", "item": "new", "tags": "new"}) < 1


def test_values_that_were_rare_in_training_may_be_rare_again():
    data = table().assign(key=[f"k{i // 2}" for i in range(N)])
    schema = fieldfare.Schema.infer(data, target="liked").edit("key", min_count=5)
    trained = fieldfare.train(data, schema=schema, target="liked", **QUICK).model
    assert shares(trained.schema, data)["key"] == 1
    fieldfare.predict(trained, data)


def test_numbered_features_count_together():
    trained = fieldfare.train(np.eye(200)[:, :50], target=np.arange(200) % 2, **QUICK).model
    found = Unseen(trained.schema).add(load(np.eye(200), labelled=False).rows).shares()
    assert found == {"all": 0.75}
