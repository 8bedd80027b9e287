"""What the benchmarks of recall share: settings, schemas, the choice among settings.

All items are ranked for every user, none sampled. Settings are chosen on a validation part of the
training data; the test part is only measured on.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from fieldfare.estimators import FMRanker
from fieldfare.retrieval import Evaluation, compare
from fieldfare.schema.schema import Column, Schema

Settings = dict[str, Any]
Tables = tuple[pd.DataFrame, pd.DataFrame]
METRICS = ("ndcg@10", "recall@10", "precision@10", "map@10", "hit_rate@10", "coverage@10")
SEEDS = range(5)
NON_SAMPLED: Settings = {"solver": "nonsampled", "n_factors": 64, "max_iter": 15}
SAMPLED: Settings = {
    "n_factors": 64, "negatives": "uniform", "learning_rate": 0.07, "l2_linear": 5e-5,
    "init_scale": 0.014,
}  # fmt: skip
ROLES = {
    "user": "user", "age": "user", "gender": "user", "occupation": "user",
    "item": "item", "decade": "item", "genres": "item",
    "artist": "context", "tag": "item", "tags": "item", "kinds": "item",
    "hour": "context", "weekday": "context", "daytime": "context",
}  # fmt: skip
SEVERAL = ("genres", "tags", "kinds")


def schema_of(columns: Iterable[str]) -> Schema:
    plain = [Column(name, role=ROLES[name]) for name in columns]
    several: Settings = {"kind": "multi", "separator": "|"}
    return Schema(tuple(c.change(**several) if c.name in SEVERAL else c for c in plain))


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


def best_of(
    options: list[Settings], common: Settings, metric: str, parts: list[Tables]
) -> Settings:
    """Return the settings with the best mean over the validation parts."""
    found = []
    for chosen in options:
        settings = common | chosen
        found.append(
            sum(evaluation(fitted(settings, part[0]), part, (metric,))[metric] for part in parts)
        )
    return common | options[int(np.argmax(found))]


def evaluation(ranker: FMRanker, tables: Tables, metrics: tuple[str, ...] = METRICS) -> Evaluation:
    return compare({"it": ranker}, *tables, metrics=metrics, baselines=())["it"]


def means(found: Evaluation) -> Settings:
    """Return all metrics by name."""
    return {name: found[name] for name in found.metrics}
