"""The benchmark of recall on sets of different shape, on the one that needs no download."""

import json
import sys

import numpy as np
import pandas as pd
import pytest

from benchmarks.__main__ import main
from benchmarks.quality import recall_sets
from benchmarks.quality._recall_sets import Interactions, purchases, split


def test_the_test_part_is_the_latest_fifth_of_each_user():
    table = pd.DataFrame(
        {"user": list("abc" * 20), "item": np.arange(60) % 20, "time": np.arange(60)}
    )
    train, test = split(table.astype({"item": str}), seed=0, by_time=True)
    assert len(train) == 48
    assert test["time"].min() > train["time"].max()
    drawn = split(table.astype({"item": str}), seed=0, by_time=False)
    assert len(drawn[0]) + len(drawn[1]) <= 60
    assert drawn[1]["time"].min() < 40


def test_nothing_is_tested_that_training_does_not_have():
    train, test = split(purchases(60, 90), seed=0, by_time=False)
    assert set(test["item"]) <= set(train["item"])
    assert set(test["user"]) <= set(train["user"])


def test_a_part_has_so_many_users_and_the_items_that_they_share():
    part = Interactions(purchases(60, 90)).of_users(30).table
    assert part["user"].nunique() <= 30
    assert part.groupby("item")["user"].nunique().min() >= 2


@pytest.mark.filterwarnings("ignore::fieldfare.exceptions.ConvergenceWarning")
def test_a_table_is_made_in_parts(tmp_path, monkeypatch):
    monkeypatch.setitem(recall_sets.FM, "n_factors", 2)
    monkeypatch.setattr(recall_sets, "SEEDS", range(2))
    monkeypatch.setattr(recall_sets, "TRIALS", recall_sets.TRIALS[:2])
    how = ["--users", "60", "--results", str(tmp_path)]
    assert main(["quality/recall_sets", *how, "--protocols", "generated", "--name", "one"]) == 0
    found = json.loads((tmp_path / "one.json").read_text())["figures"]["generated"]
    assert {"FM before", "FM by default", "FM, tuned", "EASE", "popularity"} <= set(found["models"])
    assert all(0 < one["mean"] < 1 for one in found["models"].values())
    assert found["columns"]["names"] == ["kinds"]
    monkeypatch.setattr(recall_sets, "_measured", lambda given: sys.exit("measured again"))
    again = ["--protocols", "generated", "--parts", str(tmp_path / "one.json"), "--name", "two"]
    assert main(["quality/recall_sets", *how, *again]) == 0
    assert "| generated |" in (tmp_path / "two.md").read_text()
