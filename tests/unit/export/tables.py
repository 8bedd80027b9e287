"""Tables for the exports that read columns: every kind of column, missing and unknown values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from fieldfare.models.base import Model
from fieldfare.schema.schema import Column, Schema
from fieldfare.training.functions import train

ONE_VALUED = (
    Column("city"),
    Column("code", field="place"),
    Column("flag", field="place"),
    Column("age", "numeric"),
    Column("price", "numeric", transform="log2"),
    Column("bid", "numeric", transform="quantile", n_bins=5),
    Column("raw", "numeric", transform="none", na_values=(-7,)),
)
SEVERAL = (Column("tags", "multi", separator="|"), Column("words", "multi"))


def make_table(n_rows: int, *, seed: int = 0) -> pd.DataFrame:
    """Return a table with some missing values."""
    random = np.random.default_rng(seed)

    def gaps(values: Any) -> Any:
        return np.where(random.random(n_rows) < 0.1, np.nan, values)

    return pd.DataFrame(
        {
            "city": random.choice(["Berlin", "O'Hare", "São Paulo", "nan"], n_rows),
            "code": gaps(random.choice([1.0, 2.0, 7.0], n_rows)),
            "flag": random.choice([True, False], n_rows),
            "age": gaps(random.normal(40, 10, n_rows)),
            "price": gaps(random.choice([1, -1], n_rows) * random.lognormal(1, 2, n_rows)),
            "bid": gaps(random.lognormal(1, 2, n_rows)),
            "raw": random.choice([0.0, 1.0, 2.5], n_rows),
            "tags": [
                "|".join(random.choice(list("abc5"), n)) for n in random.integers(0, 4, n_rows)
            ],
            "words": [list(random.choice(list("uvw"), n)) for n in random.integers(0, 3, n_rows)],
        }
    )


def odd_table() -> pd.DataFrame:
    """Return a table that also has unknown values, extreme numbers and strange spellings."""
    table = make_table(60, seed=1)
    table.loc[:20, "city"] = "Nowhere"
    table.loc[10:15, "city"] = None
    table.loc[16:18, "city"] = ""
    table.loc[21:23, "city"] = ["NA", " ?", "\\N "]
    table.loc[:5, "code"] = 99.0
    table.loc[20:21, "age"] = [1e6, -1e6]
    table.loc[20:21, "raw"] = -7.0
    table.loc[:5, "price"] = [2.0, -1e30, 0.0, 1e30, -0.5, 2.0000001]
    table.loc[5:10, "tags"] = ["zz|a", "a| b |NA", " - |?", "5.0|a", "a||b", "|"]
    table.at[5, "words"] = ["u", "unheard"]
    return table


def train_on(columns: tuple[Column, ...], **parameters: Any) -> Model:
    """Return a model trained for a moment on some of the columns."""
    table = make_table(300)[[column.name for column in columns]]
    random = np.random.default_rng(5)
    table["y"] = random.integers(0, 3 if parameters.get("task") == "multiclass" else 2, len(table))
    settings = {"max_iter": 2, "random_state": 0, "n_jobs": 1} | parameters
    if parameters.get("model") != "linear":
        settings = {"n_factors": 2} | settings
    return train(table, target="y", schema=Schema(columns, "y"), **settings).model


def column_feeds(table: pd.DataFrame, model: Model) -> dict[str, np.ndarray]:
    """Return the columns of a table as the inputs of a graph that reads columns."""
    arrays = {}
    for column in model.schema.columns:
        values = table[column.name]
        if column.kind == "numeric":
            arrays[column.name] = values.to_numpy(np.float64)
        elif column.kind == "multi" and column.separator is None:
            longest = max([1, *map(len, values)])
            filled = [[*cell, *[""] * (longest - len(cell))] for cell in values]
            arrays[column.name] = np.array(filled, object)
        else:
            cells = ["" if pd.isna(cell) else str(cell) for cell in values]
            arrays[column.name] = np.array(cells, object)
    return arrays
