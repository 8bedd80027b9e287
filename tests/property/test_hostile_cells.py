"""Hostile cells: each gives the same from a table and from a single sample, or an error of ours."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest

import fieldfare as ff
from fieldfare.exceptions import FieldfareError

N = 60
CELLS: list[Any] = [
    *("\ud800", "", "1_000", "１２", "0x10", "1e5", " 7 ", "NA", "inf", "0001-01-01", "9999-12-31"),
    *(None, pd.NaT, pd.NA, float("nan"), np.datetime64("NaT"), np.float32(3), np.int8(3), True),
    *(b"\xff", [1], {}, {"part": 1}, object(), 1 + 2j, dt.time(3), dt.timedelta(1)),
    *(10**400, 2**63, -(2**63) - 1, 1e300, -0.0, 5e-324),
]


@pytest.fixture(scope="module")
def model() -> ff.Model:
    table = pd.DataFrame(
        {
            "user": [f"u{i % 7}" for i in range(N)],
            "when": pd.date_range("2020-01-01", periods=N, freq="7h"),
            "size": np.random.default_rng(0).normal(size=N),
            "y": [i % 2 for i in range(N)],
        }
    )
    return ff.train(table, target="y", max_iter=1, random_state=0, verbose=0).model


@pytest.mark.filterwarnings("ignore::fieldfare.exceptions.DataWarning")
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"{type(cell).__name__}-{cell!a:.12}")
@pytest.mark.parametrize("column", ["when", "size"])
def test_a_cell_is_the_same_in_a_sample_and_in_a_table(
    model: ff.Model, column: str, cell: Any
) -> None:
    sample = {"user": "u1", "when": dt.datetime(2020, 1, 3), "size": 0.5, column: cell}
    try:
        expected = float(ff.predict(model, [sample])[0])
    except FieldfareError:
        with pytest.raises(FieldfareError):
            model.predict_one(sample)
    else:
        assert model.predict_one(sample) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NaT, ""])
def test_a_frame_without_any_date_is_one_of_missing_dates(model: ff.Model, missing: Any) -> None:
    table = pd.DataFrame({"user": ["u1", "u2"], "when": [missing] * 2, "size": [0.5, 1.5]})
    alone = [model.predict_one(row | {"when": None}) for row in table.to_dict("records")]
    assert ff.predict(model, table) == pytest.approx(alone, abs=1e-6)


@pytest.mark.parametrize("where", ["a name", "a cell"])
def test_text_that_is_not_unicode_is_named(where: str) -> None:
    name, cell = ("a\ud800", "x") if where == "a name" else ("a", "x\ud800")
    with pytest.raises(ff.FieldfareError, match="not Unicode"):
        ff.load_data({name: [cell, "y"], "y": [0, 1]}, target="y")


@pytest.mark.parametrize("how", [{"na_values": ["\ud800"]}, {"numeric": ["\ud800"]}])
def test_hints_that_are_not_unicode_are_refused(how: dict[str, Any]) -> None:
    with pytest.raises(ff.FieldfareError, match="half a character"):
        ff.load_data({"a": ["x", "y"], "y": [0, 1]}, target="y", **how)
