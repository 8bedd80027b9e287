"""Settings and schemas that the benchmarks of recall share."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Any

import pandas as pd

from fieldfare.estimators import FMRanker
from fieldfare.schema.schema import Column, Schema

Settings = dict[str, Any]
Tables = tuple[pd.DataFrame, pd.DataFrame]
NON_SAMPLED: Settings = {"solver": "nonsampled", "n_factors": 64, "max_iter": 15}
SAMPLED: Settings = {
    "n_factors": 64, "negatives": "uniform", "learning_rate": 0.07, "l2_linear": 5e-5,
    "init_scale": 0.014,
}  # fmt: skip
ROLES = {
    "user": "user", "age": "user", "gender": "user", "occupation": "user",
    "item": "item", "decade": "item", "genres": "item",
    "artist": "context", "tag": "item",
}  # fmt: skip


def schema_of(columns: Iterable[str]) -> Schema:
    plain = [Column(name, role=ROLES[name]) for name in columns]
    kinds: dict[str, Settings] = {"genres": {"kind": "multi", "separator": "|"}}
    return Schema(tuple(column.change(**kinds.get(column.name, {})) for column in plain))


def grid(**options: tuple[Any, ...]) -> list[Settings]:
    found = []
    for values in product(*options.values()):
        settings = dict(zip(options, values, strict=True))
        if "l2" in settings:
            settings["l2_queries"] = settings["l2_items"] = settings.pop("l2")
        found.append(settings)
    return found


def fitted(settings: Settings, table: pd.DataFrame, seed: int = 0, **more: Any) -> FMRanker:
    ranker = FMRanker(**settings, schema=schema_of(table.columns), random_state=seed)
    return ranker.fit(table, **more)
