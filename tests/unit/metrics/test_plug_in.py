"""A metric is one function in one file: decorated, it is known wherever metrics have names."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import fieldfare
from fieldfare.cli import main
from fieldfare.cli._clicks import generate
from fieldfare.estimators import FMRanker
from fieldfare.metrics import METRICS, list_metric, metric
from fieldfare.retrieval.evaluation import Trial, evaluate_scores


@pytest.fixture(autouse=True)
def scratch():
    """Two metrics that come and go with the test: one of samples, one of lists."""
    before = dict(METRICS)

    @metric("binary", greater_is_better=True, needs_probability=True)
    def separation(y, pred, weight):
        means = [np.average(pred[y == c], weights=weight[y == c]) for c in (0, 1)]
        return float(means[1] - means[0])

    @list_metric("last_hit")
    def last_hit(lists, k):
        return np.asarray(lists.hits[:, k - 1], np.float64)

    yield
    METRICS.clear()
    METRICS.update(before)


@pytest.fixture
def clicks(tmp_path):
    table = generate(600, seed=1)
    table.write_csv(tmp_path / "train.csv", 0, 400)
    table.write_csv(tmp_path / "valid.csv", 400, 600)
    return tmp_path / "train.csv", tmp_path / "valid.csv"


def test_training_watches_it_and_evaluation_reports_it(clicks):
    done = fieldfare.train(
        clicks[0], target="clicked", valid=clicks[1], eval_metric="separation", max_iter=3,
        random_state=0,
    )  # fmt: skip
    watched = done.history["valid_separation"]
    assert done.history.best_value == max(watched)
    found = fieldfare.evaluate(done.model, clicks[1], metrics="separation")
    assert found["separation"] == pytest.approx(max(watched))


def test_the_command_line_knows_it(clicks, tmp_path, capsys):
    model = str(tmp_path / "m.ff")
    train = ["train", str(clicks[0]), "--target", "clicked", "--epochs", "3", "-o", model, "-q"]
    assert main(train) == 0
    evaluate = ["evaluate", str(clicks[1]), "-m", model, "--json", "--metric"]
    capsys.readouterr()
    assert main([*evaluate, "separation"]) == 0
    assert 0 < json.loads(capsys.readouterr().out)["separation"] < 1
    assert main([*evaluate, "seperation"]) == 1
    message = capsys.readouterr().err
    assert "Did you mean 'separation'" in message
    assert "r2, separation." in message


def test_recommendations_are_measured_by_it_sampled_too():
    trial = Trial.of({"user": ["a"], "item": ["x"]}, {"user": ["a", "a"], "item": ["y", "z"]})
    order = {name: place for place, name in enumerate("yxz")}
    scores = np.array([[-float(order[name]) for name in trial.items.to_pylist()]])
    found = evaluate_scores(lambda users: scores[users], trial, ["last_hit@1", "last_hit@2"])
    assert found["last_hit@1"] == found["last_hit@2"] == 1
    with pytest.warns(fieldfare.FieldfareWarning, match="Sampled"):
        assert evaluate_scores(lambda users: scores[users], trial, ["sampled_last_hit@1"])


def test_recall_training_watches_it():
    seen = {"user": [f"u{i % 8}" for i in range(64)], "item": [f"i{i * i % 11}" for i in range(64)]}
    table = pd.DataFrame(seen)
    ranker = FMRanker(
        solver="nonsampled", n_factors=2, max_iter=2, eval_metric="last_hit@2", random_state=0
    ).fit(table[:48], eval_set=(table[48:], None, None))
    assert ranker.history_.metric == "valid_last_hit@2"
