"""Rows that occur more than once, in one data set or in two."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import fieldfare
from fieldfare.data import repeats
from fieldfare.data.inspect import inspect
from fieldfare.data.loading import load
from fieldfare.data.repeats import duplicates, row_keys, share_known
from fieldfare.exceptions import DataWarning


def table(n: int = 1000, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    columns = {name: rng.integers(0, 50, n).astype(str) for name in ("a", "b", "c")}
    return pd.DataFrame(columns | {"x": rng.normal(size=n), "y": rng.integers(0, 2, n)})


def share(known: pd.DataFrame, other: pd.DataFrame) -> float:
    data = load(known, target="y")
    return share_known(data.rows, load(other, target="y", schema=data.schema).rows)


def test_keys_see_features_values_and_targets():
    rows = load(table(), target="y").rows
    assert len(np.unique(row_keys(rows))) == rows.n_rows
    flipped = rows.with_(target=1 - rows.target)
    assert (row_keys(rows) == row_keys(flipped)).all()
    assert (row_keys(rows, targets=True) != row_keys(flipped, targets=True)).all()
    assert duplicates(fieldfare.Rows.concatenate([rows, flipped.slice(0, 5)])) == (5, 5)


def test_the_share_is_of_the_other_rows():
    data = table()
    assert share(data, data) == 1
    assert share(data, pd.concat([data[:200], table(200, seed=1)])) == 0.5
    assert share(data, table(seed=1)) == 0
    assert share(data, data.assign(y=1 - data.y)) == 0


def test_few_valued_rows_repeat_by_themselves():
    few = table()[["a", "y"]]
    assert share(few, few[:500]) == 0


def test_of_many_rows_it_is_an_estimate(monkeypatch):
    monkeypatch.setattr(repeats, "_KNOWN_ENTRIES", 1000)
    data = table(4000)
    assert share(data, data) == pytest.approx(1, abs=0.1)
    assert share(data, table(seed=1)) == 0


def test_validation_rows_that_are_trained_on_are_told():
    data, quick = table(), {"max_iter": 1, "early_stopping": False, "random_state": 0}
    with pytest.warns(DataWarning, match="100% of the validation rows stand among the training"):
        fieldfare.train(data, valid=data[:300], target="y", **quick)
    X = data.drop(columns="y")
    with pytest.warns(DataWarning, match="100% of the validation rows"):
        fieldfare.FMClassifier(**quick).fit(X, data.y, eval_set=(X, data.y))
    fieldfare.train(data[:700], valid=data[700:], target="y", **quick)


def test_inspect_compares_two_sources():
    data = table()
    found = inspect(data, "y", against=data[:100]).findings
    assert "100% of the rows of the second source stand in the first." in found
