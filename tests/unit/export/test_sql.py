"""SQL views, created and queried in DuckDB, score as the model does."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from tests.unit.export.made import ROWS, TOLERANCE, make_model
from tests.unit.export.tables import ONE_VALUED, SEVERAL, odd_table, train_on

from fieldfare.exceptions import ConfigError
from fieldfare.export import export, sql
from fieldfare.models.base import Model
from fieldfare.schema.schema import Column
from fieldfare.training.functions import predict, train


def answer(path: Path, name: str, samples: pd.DataFrame) -> pd.DataFrame:
    with duckdb.connect() as database:
        quoted = '"' + name.replace('"', '""') + '"'
        database.sql(f"CREATE TABLE {quoted} AS SELECT * FROM samples")
        database.execute(path.read_text("utf-8"))
        return database.sql(f"SELECT * FROM {path.stem}_scores").df()


@pytest.mark.parametrize("instance_norm", [False, True])
@pytest.mark.parametrize("task", ["binary", "regression"])
@pytest.mark.parametrize("kind", ["linear", "fm"])
def test_a_table_of_samples(tmp_path: Path, kind: str, task: str, instance_norm: bool) -> None:
    columns = (*ONE_VALUED, Column("words", "ignore"))
    model = train_on(columns, model=kind, task=task, instance_norm=instance_norm)
    table = odd_table().drop(columns=["tags", "words"]).assign(**{'the "row"': range(60)})
    export(model, tmp_path / "m.sql", table='my "table"')
    found = answer(tmp_path / "m.sql", 'my "table"', table).sort_values('the "row"')
    assert list(found) == [*table, "score", "prediction"]
    rows = model.schema.encode(odd_table(), labelled=False)
    np.testing.assert_allclose(found.score, model.score(rows)[:, 0], atol=TOLERANCE, rtol=0)
    np.testing.assert_allclose(found.prediction, model.predict(rows), atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize(
    "norm", [{}, {"instance_norm": True}, {"instance_norm": True, "norm_unknown": True}]
)
@pytest.mark.parametrize("kind", ["linear", "fm"])
def test_a_table_of_entries(tmp_path: Path, kind: str, norm: dict[str, bool]) -> None:
    model = make_model(kind, **norm)
    lengths = np.diff(ROWS.indptr)
    sample = np.repeat(np.arange(len(ROWS)), lengths)
    table = pd.DataFrame({"sample": sample, "feature": ROWS.indices, "value": ROWS.values})
    export(model, tmp_path / "m.sql", table="entries")
    found = answer(tmp_path / "m.sql", "entries", table).sort_values("sample")
    expected = model.score(ROWS)[lengths > 0, 0]
    np.testing.assert_allclose(found.score, expected, atol=TOLERANCE, rtol=0)
    assert [stop - start for start, stop in pairwise(ROWS.indptr)].count(0) == 40 - len(found)


@pytest.mark.parametrize(
    ("kind", "task", "words"),
    [
        ("ffm", "binary", "linear models and FM"),
        ("fm", "multiclass", "a multiclass model of kind 'fm'"),
    ],
)
def test_other_models_are_refused(tmp_path: Path, kind: str, task: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        export(make_model(kind, task), tmp_path / "m.sql")
    assert list(tmp_path.iterdir()) == []


def test_columns_of_several_values_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="column 'tags' holds several"):
        export(train_on(SEVERAL, model="fm", task="binary"), tmp_path / "m.sql")


def test_hashed_columns_are_refused(tmp_path: Path) -> None:
    model = train_on((Column("city", hash_buckets=8),), model="fm", task="binary")
    with pytest.raises(ConfigError, match="column 'city': its values are hashed.*onnx or c"):
        export(model, tmp_path / "m.sql")


def test_large_models_are_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(sql, "MAX_NUMBERS", 10)
    with pytest.raises(ConfigError, match=r"at most 10 weights.*has 121"):
        export(make_model("fm"), tmp_path / "m.sql")


@pytest.mark.parametrize(
    "names",
    [["a", "A"], ["SCORE", "z"], ["Prediction", "z"], ["ß", "SS"], ["a\0", "z"], ["y", "Y"]],
)
def test_names_that_meet_in_sql_are_refused(tmp_path: Path, names: list[str]) -> None:
    model = _of_names(names, target="y" if "Y" not in names else "t")
    if names == ["y", "Y"]:
        model = _of_names(["Y"], target="y")
    with pytest.raises(ConfigError, match=r"SQL|an output has that name"):
        export(model, tmp_path / "m.sql")
    assert not (tmp_path / "m.sql").exists()


def test_the_scored_table_may_not_be_one_that_the_script_creates(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="M_Features"):
        export(_of_names(["a"]), tmp_path / "m.sql", table="M_Features")


@pytest.mark.parametrize("stem", ["select", "1", "it's", 'q"', "a b", "ü日", "x;--", "N_FACTORS"])
def test_hostile_names_run(tmp_path: Path, stem: str) -> None:
    names = ['"', "select", "it's", "a b", "ü日", "x;--", "s.x", "%s", "linear", "w0", "f0"]
    model = _of_names(names)
    path = tmp_path / f"{stem}.sql"
    export(model, path, table=f"{stem} table")
    samples = _table_of(names)
    with duckdb.connect() as database:
        quoted = '"' + f"{stem} table".replace('"', '""') + '"'
        database.sql(f"CREATE TABLE {quoted} AS SELECT * FROM samples")
        database.execute(path.read_text("utf-8"))
        view = '"' + f"{stem}_scores".replace('"', '""') + '"'
        found = database.sql(f"SELECT prediction FROM {view}").df()["prediction"]
    rows = model.schema.encode(samples, labelled=False)
    np.testing.assert_allclose(sorted(found), sorted(model.predict(rows)), atol=TOLERANCE, rtol=0)


def _table_of(names: list[str]) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({name: rng.choice(["u", "v", "w"], 50) for name in names})


def _of_names(names: list[str], target: str = "y") -> Model:
    table = _table_of(names).assign(**{target: [0, 1] * 25})
    return train(
        table, target=target, n_factors=2, max_iter=1, random_state=0, early_stopping=False
    ).model


def test_parts_of_dates_are_columns_of_the_scored_table(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    samples = pd.DataFrame({
        "when": pd.date_range("2023-01-01", periods=400, freq="7h").astype(str),
        "user": rng.integers(0, 9, 400).astype(str),
        "price": np.exp(3 * rng.normal(size=400)),
        "clicked": rng.integers(0, 2, 400),
    })  # fmt: skip
    model = train(
        samples, target="clicked", model="fm", n_factors=2, max_iter=2, random_state=0
    ).model
    parts = model.schema.derive(samples).to_pandas().assign(place=range(400))
    assert {"when.hour", "when.weekday", "when.month", "when.age"} <= set(parts)
    export(model, tmp_path / "m.sql")
    found = answer(tmp_path / "m.sql", "samples", parts).sort_values("place")
    np.testing.assert_allclose(found.prediction, predict(model, samples), atol=1e-6, rtol=0)
