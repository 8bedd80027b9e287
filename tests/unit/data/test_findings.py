"""Warnings before a training: columns that help no prediction, or help too much."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import fieldfare
from fieldfare.data.findings import constant_columns, identifiers, warn_of_findings
from fieldfare.data.inspect import inspect
from fieldfare.data.loading import load
from fieldfare.exceptions import DataWarning

N = 2000
QUICK = {"max_iter": 2, "random_state": 0, "n_jobs": 1, "early_stopping": False}


def table(n: int = N) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    user, item = rng.integers(0, 30, n), rng.integers(0, 20, n)
    liked = ((user % 3 == item % 3) ^ (rng.random(n) < 0.1)).astype(int)
    names = {"user": [f"u{a}" for a in user], "item": [f"i{a}" for a in item]}
    return pd.DataFrame(names | {"price": rng.normal(size=n), "liked": liked})


def said(data: pd.DataFrame, target: str = "liked") -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_of_findings(load(data, target=target))
    return [str(warning.message) for warning in caught]


def test_ordinary_tables_give_no_warning():
    assert said(table()) == []
    assert said(table().assign(price=lambda f: f.price.where(f.price > 0))) == []


@pytest.mark.parametrize("value", ["same", 7, 1.5, 1e9, True])
def test_a_constant_column_is_told_whatever_it_holds(value):
    assert any("'c' has one value only" in text for text in said(table().assign(c=value)))


def test_a_column_with_gaps_is_not_constant():
    gaps = np.where(np.arange(N) % 2, 1.5, np.nan)
    assert not said(table().assign(c=gaps))
    assert not said(table().assign(c=pd.Series(["x", None] * (N // 2))))


def test_a_number_of_deviation_one_is_not_constant():
    signs = np.where(np.arange(N) % 2, 1.0, -1.0) + 1e-9
    data = load(table().assign(c=signs), target="liked", numeric=["c"])
    assert not constant_columns(data)


def test_several_columns_are_one_sentence():
    many = table().assign(**{f"c{i}": "x" for i in range(8)})
    assert said(many) == [
        "Columns 'c0', 'c1', 'c2', 'c3', 'c4' and 3 more have one value only: ignore= leaves such "
        "columns out. [FF910]"
    ]


def test_a_value_of_its_own_in_nearly_each_row_is_told():
    keys = [f"k{i}x" for i in range(N)]
    assert "'key' has a different value in (nearly) each row" in said(table().assign(key=keys))[0]
    keys[1::25] = keys[::25]
    assert "'key'" in said(table().assign(key=keys))[0]
    keys[1::5] = keys[::5]
    assert not said(table().assign(key=keys))


def test_of_few_rows_nothing_is_said():
    few = table(90).assign(c="same", key=[f"k{i}x" for i in range(90)], copy=lambda f: f.liked)
    assert said(few) == []
    found = " ".join(inspect(few, "liked").findings)
    assert "'c' has one value" in found


@pytest.mark.parametrize("form", ["class", "number", "date"])
def test_a_column_that_alone_tells_the_target_is_told(form):
    data = table()
    if form == "class":
        data = data.assign(seen=np.where(data.liked == 1, "yes", "no"))
    elif form == "number":
        data = data.assign(seen=data.liked * 5 + data.price / 9)
    else:
        days = np.where(data.liked == 1, "2020-01-01", "2021-01-01")
        data = data.assign(seen=pd.to_datetime(days))
    assert any("alone all but determines" in text and "'seen" in text for text in said(data))


def test_a_good_predictor_is_no_leak():
    rng = np.random.default_rng(1)
    data = table()
    noisy = np.where(rng.random(N) < 0.03, 1 - data.liked, data.liked)
    assert not said(data.assign(noisy=np.where(noisy, "yes", "no")))
    stars = data.assign(y=data.price * 3 + rng.normal(size=N) * 0.4).drop(columns="liked")
    assert not said(stars, "y")
    copied = stars.assign(copy=stars.y * 2)
    assert any("'copy'" in text for text in said(copied, "y"))


def test_each_way_in_tells_and_further_samples_do_not():
    data = table().assign(c="same")
    X, y = data.drop(columns="liked"), data.liked
    with pytest.warns(DataWarning, match="'c' has one value"):
        model = fieldfare.train(data, target="liked", **QUICK).model
    with pytest.warns(DataWarning, match="'c' has one value"):
        fieldfare.FMClassifier(**QUICK).fit(X, y)
    with pytest.warns(DataWarning, match="'c' has one value") as caught:
        fieldfare.cross_validate(data, target="liked", folds=2, **QUICK)
    assert len(caught) == 1
    with pytest.warns(DataWarning, match="'c' has one value"):
        fieldfare.sample(data, target="liked", n_warmup=2, n_samples=4, random_state=0)
    fieldfare.train(data, target="liked", model=model, **QUICK)
    fieldfare.FMClassifier(random_state=0, n_jobs=1).partial_fit(X, y).partial_fit(X, y)


def test_inspect_finds_what_training_warns_of():
    data = table().assign(c="same", key=[f"k{i}x" for i in range(N)], seen=lambda f: f.liked)
    found = inspect(data, "liked").findings
    assert len(said(data)) == 3
    assert set(said(data)) <= {f"{text} [FF910]" for text in found}
    assert len(identifiers(load(data, target="liked").schema)) == 1
