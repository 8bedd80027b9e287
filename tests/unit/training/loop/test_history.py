"""History prints, converts and finds the best epoch."""

from __future__ import annotations

import json
import math

import pytest

from fieldfare.exceptions import DataError
from fieldfare.training.loop.history import History


@pytest.fixture
def history() -> History:
    found = History("valid_auc", greater_is_better=True)
    for epoch, auc in enumerate([0.6, 0.8, 0.7], start=1):
        found.append({"epoch": epoch, "train_loss": 1 / epoch, "valid_auc": auc, "seconds": 0.5})
    found.stopped = "max_iter"
    return found


def test_best(history) -> None:
    assert (history.best_epoch, history.best_value) == (2, 0.8)
    assert history.best["valid_auc"] == 0.8
    assert history["valid_auc"] == [0.6, 0.8, 0.7]


def test_prints_as_a_table(history) -> None:
    lines = str(history).splitlines()
    assert lines[0].split() == ["epoch", "train_loss", "valid_auc", "seconds"]
    assert lines[2].split() == ["2", "0.50000", "0.80000", "0.50", "best"]
    assert "best" not in lines[1] + lines[3]
    assert lines[-1] == "Stopped: max_iter."
    assert str(History()) == "No epoch has ended."


@pytest.mark.parametrize("metric", ["logloss", "mse"])
def test_shows_the_same_loss_once(metric) -> None:
    found = History(f"valid_{metric}")
    for epoch in (1, 2):
        loss = {"valid_loss": 1 / epoch, f"valid_{metric}": 1 / epoch, "valid_auc": 0.5}
        found.append({"epoch": epoch, "train_loss": 1.0, **loss, "seconds": 0.5})
    heads = str(found).splitlines()[0].split()
    assert heads == ["epoch", "train_loss", f"valid_{metric}", "valid_auc", "seconds"]
    assert found["valid_loss"] == [1.0, 0.5]


def test_shows_a_loss_that_is_no_metric() -> None:
    found = History("valid_rmse")
    found.append({"epoch": 1, "train_loss": 1.0, "valid_loss": 4.0, "valid_rmse": 2.0})
    assert "valid_loss" in str(found)


def test_round_trip(history) -> None:
    assert History.from_json(json.loads(json.dumps(history.to_json()))) == history


def test_null_is_a_number_that_is_not_finite(history) -> None:
    data = history.to_json()
    data["epochs"][1]["valid_auc"] = None
    found = History.from_json(data)
    assert math.isnan(found["valid_auc"][1])
    assert "nan" in str(found)


@pytest.mark.parametrize("data", [None, 7, {}, {"epochs": 3}, {"epochs": [{"epoch": "one"}]}])
def test_anything_else_is_refused(data) -> None:
    with pytest.raises(DataError, match="to_json returns|not the history"):
        History.from_json(data)


def test_without_validation_the_last_epoch_counts() -> None:
    found = History()
    for epoch in (1, 2):
        found.append({"epoch": epoch, "train_loss": float(epoch), "seconds": 0.0})
    assert found.best_epoch == 2


def test_frame(history) -> None:
    pytest.importorskip("pandas")
    frame = history.to_frame()
    assert list(frame.columns) == history.columns
    assert len(frame) == 3


def test_a_value_that_is_not_defined_is_not_the_best() -> None:
    history = History("valid_auc", greater_is_better=True)
    for epoch, value in enumerate([math.nan, 0.6, math.nan, 0.5], 1):
        history.append({"epoch": epoch, "train_loss": 1.0, "valid_auc": value})
    assert (history.best_epoch, history.best_value) == (2, 0.6)
