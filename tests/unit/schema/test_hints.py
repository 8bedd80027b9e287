"""Hints: what the user says about columns holds from every way in, and mistakes are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import fieldfare
from fieldfare.data.inspect import inspect
from fieldfare.data.loading import load
from fieldfare.exceptions import ConfigError, SchemaError
from fieldfare.schema.hints import Hints
from fieldfare.schema.schema import Column, Schema
from fieldfare.training.bayes.functions import sample

RNG = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "shop": RNG.choice(RNG.integers(0, 10**9, 90), 200),
        "price": RNG.normal(size=200).round(3),
        "size": RNG.integers(0, 20, 200),
        "y": RNG.integers(0, 2, 200),
    }
)
HINTS: dict[str, Any] = {
    "categorical": ["shop"],
    "numeric": ["size"],
    "ignore": None,
    "bins": {"price": 7},
}


def kinds(schema: Schema) -> dict[str, tuple[str, str, int]]:
    return {c.name: (c.kind, c.transform, c.n_bins) for c in schema.columns}


EXPECTED = {
    "shop": ("categorical", "standardize", 32),
    "price": ("numeric", "quantile", 7),
    "size": ("numeric", "standardize", 32),
}


@pytest.fixture
def path(tmp_path: Path) -> str:
    TABLE.to_csv(tmp_path / "table.csv", index=False)
    return str(tmp_path / "table.csv")


def test_inference_takes_hints() -> None:
    assert kinds(Schema.infer(TABLE, target="y", **HINTS)) == EXPECTED


@pytest.mark.parametrize("form", ["frame", "file"])
def test_functions_take_hints(form: str, path: str) -> None:
    data = TABLE if form == "frame" else path
    assert kinds(load(data, target="y", **HINTS).schema) == EXPECTED
    trained = fieldfare.train(data, target="y", max_iter=1, random_state=0, **HINTS).model
    assert trained.schema is not None
    assert kinds(trained.schema) == EXPECTED
    assert kinds(inspect(data, "y", **HINTS).schema) == EXPECTED
    chain = sample(data, target="y", n_samples=1, n_warmup=1, random_state=0, **HINTS)
    assert chain.posterior is not None
    assert chain.posterior.schema is not None
    assert kinds(chain.posterior.schema) == EXPECTED
    folds = fieldfare.cross_validate(data, target="y", folds=2, max_iter=1, **HINTS)
    assert len(folds.folds) == 2


@pytest.mark.parametrize("name", ["FMClassifier", "FFMRegressor", "BayesianFMRegressor"])
@pytest.mark.parametrize("form", ["frame", "file"])
def test_estimators_take_hints(name: str, form: str, path: str) -> None:
    estimator = getattr(fieldfare, name)(random_state=0, **HINTS)
    short = {"n_samples": 1, "n_warmup": 1} if "Bayesian" in name else {"max_iter": 1}
    estimator.set_params(**short).fit(TABLE if form == "frame" else path, "y")
    assert kinds(estimator.schema_) == EXPECTED


@pytest.mark.parametrize("form", ["frame", "file"])
def test_rankers_take_hints(form: str, path: str) -> None:
    ranker = fieldfare.FMRanker(max_iter=1, random_state=0, **HINTS)
    ranker.fit(TABLE if form == "frame" else path, "y", qid="size")
    assert kinds(ranker.schema_) == EXPECTED


def test_a_ranker_of_files_without_targets_takes_hints(tmp_path: Path) -> None:
    columns = ("user", "item", "item_year", "item_at")
    seen = pd.DataFrame({name: RNG.integers(0, 9, 60) for name in columns})
    seen.to_csv(tmp_path / "seen.csv", index=False)
    hints = {"ignore": ["item_at"], "categorical": ["item_year"]}
    ranker = fieldfare.FMRanker(solver="nonsampled", max_iter=1, **hints)
    ranker.fit(str(tmp_path / "seen.csv"))
    assert ranker.schema_.column("item_at").kind == "ignore"
    assert ranker.schema_.column("item_year").kind == "categorical"


def test_a_number_of_bins_is_for_all_numeric_columns() -> None:
    schema = Schema.infer(TABLE, target="y", categorical="shop", numeric="size", bins=5)
    assert kinds(schema) == {
        "shop": ("categorical", "standardize", 32),
        "price": ("numeric", "quantile", 5),
        "size": ("numeric", "quantile", 5),
    }


def test_hints_edit_a_schema_that_is_not_fitted() -> None:
    schema = Schema([Column("shop", "numeric"), Column("price"), Column("size", role="item")], "y")
    found = load(TABLE, schema=schema, **HINTS).schema
    assert kinds(found) == EXPECTED
    assert found.column("size").role == "item"


def test_hints_about_a_fitted_schema_are_refused() -> None:
    fitted = Schema.infer(TABLE, target="y").fit(TABLE)
    with pytest.raises(SchemaError, match=r"categorical= cannot change a fitted Schema"):
        load(TABLE, schema=fitted, categorical=["size"])


def test_hints_about_numbered_features_are_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.svm").write_text("1 1:1\n0 2:1\n")
    with pytest.raises(SchemaError, match="only be used with a table of named columns"):
        load(str(tmp_path / "rows.svm"), ignore=["1"])
    with pytest.raises(SchemaError, match="only be used with a table of named columns"):
        fieldfare.FMClassifier(bins=8).fit(np.eye(4), [0, 1, 0, 1])
    with pytest.raises(SchemaError, match="encoded already"):
        load(load(TABLE, target="y"), ignore=["shop"])


@pytest.mark.parametrize("role", ["categorical", "numeric", "ignore", "bins", "na_values"])
def test_unknown_columns_are_refused_with_the_nearest(role: str) -> None:
    given = {"bins": {"prize": 4}, "na_values": {"prize": ["-1"]}}.get(role, ["prize"])
    with pytest.raises(SchemaError, match=rf"{role}= names 'prize'.*Did you mean 'price'\?"):
        Schema.infer(TABLE, target="y", **{role: given})


def test_the_target_is_no_feature() -> None:
    with pytest.raises(SchemaError, match="'y', which is the target"):
        Schema.infer(TABLE, target="y", categorical=["y"])


@pytest.mark.parametrize(
    "given",
    [
        {"categorical": ["a"], "numeric": ["a"]},
        {"categorical": ["a"], "ignore": ["b", "a"]},
        {"ignore": ["a"], "bins": {"a": 4}},
        {"categorical": 1.5j},
        {"categorical": {"a": 1}},
        {"numeric": [None]},
        {"bins": 1},
        {"bins": True},
        {"bins": {"a": 2.5}},
        {"na_values": {"a": [True]}},
    ],
)
def test_hints_that_make_no_sense_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        Hints(**given)


def test_a_column_with_bins_may_be_called_numeric() -> None:
    assert Hints(numeric=["a"], bins={"a": 4}).kind_of("a") == "numeric"


def test_a_misspelt_hint_is_refused() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'categorical'"):
        Schema.infer(TABLE, categorial=["shop"])


def test_one_name_is_not_a_sequence_of_letters() -> None:
    assert Hints(categorical="shop").categorical == ("shop",)
    assert Hints(na_values="none").na_values == ("none",)


def test_a_whole_number_is_a_position_unless_a_column_has_that_name() -> None:
    names = list(TABLE)
    given = Hints(ignore=[0], bins={1: 4}, na_values={2: ["-1"]}).located(names)
    assert given == Hints(ignore=names[:1], bins={names[1]: 4}, na_values={names[2]: ["-1"]})
    assert Hints(ignore=[0, 1]).located(["1", "0"]).ignore == ("0", "1")
    schema = Schema.infer(TABLE, target="y", ignore=[0])
    assert schema.column(names[0]).kind == "ignore"
    with pytest.raises(SchemaError, match="names '99', which is not a column"):
        Schema.infer(TABLE, target="y", ignore=[99])
