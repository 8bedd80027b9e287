"""Validation of recall with contexts: by user, whatever the context."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fieldfare.config import TrainingConfig
from fieldfare.data.loading import load
from fieldfare.schema.schema import Schema
from fieldfare.training.functions import train
from fieldfare.training.ranking.recall import (
    Catalogue,
    labelled_interactions,
    split_interactions,
)
from fieldfare.training.samples.subset import RowSubset


def test_a_share_of_each_user_is_held_out_though_contexts_occur_once() -> None:
    table = pd.DataFrame(
        {
            "user": np.repeat([f"u{u}" for u in range(6)], 10),
            "hour": [f"h{n}" for n in range(60)],
            "item": [f"i{n % 10}" for n in range(60)],
        }
    )
    schema = Schema.infer(table).edit("hour", role="context", kind="categorical")
    data = load(table, schema=schema, labelled=False)
    subset = labelled_interactions(RowSubset.of(data))
    config = TrainingConfig(validation_fraction=0.2, random_state=0)
    held = split_interactions(subset, data.schema, config)[1]
    users = table["user"].to_numpy()[held.order]
    assert pd.Series(users).value_counts().tolist() == [2] * 6


def test_a_user_and_an_item_are_held_out_in_all_contexts_and_sought_in_one() -> None:
    pairs = [(u, i) for u in range(6) for i in range(10)]
    rows = [(f"u{u}", f"i{i}", f"h{h}") for u, i in pairs for h in range(1 + i % 3)]
    table = pd.DataFrame(rows, columns=["user", "item", "hour"])
    schema = Schema.infer(table).edit("hour", role="context", kind="categorical")
    data = load(table, schema=schema, labelled=False)
    subset = labelled_interactions(RowSubset.of(data))
    config = TrainingConfig(validation_fraction=0.2, random_state=0)
    kept, held = (
        table.iloc[part.order] for part in split_interactions(subset, data.schema, config)
    )
    sought = held[["user", "item"]]
    assert not sought.duplicated().any()
    assert sought["user"].value_counts().tolist() == [2] * 6
    assert kept.merge(sought).empty
    assert len(kept) + len(table.merge(sought)) == len(table)


def test_the_rows_of_a_single_user_and_item_can_be_split() -> None:
    table = pd.DataFrame({"user": ["u"] * 5, "item": ["i"] * 5, "hour": list("abcde")})
    schema = Schema.infer(table).edit("hour", role="context", kind="categorical")
    data = load(table, schema=schema, labelled=False)
    subset = labelled_interactions(RowSubset.of(data))
    config = TrainingConfig(validation_fraction=0.2, random_state=0)
    assert [part.n_rows for part in split_interactions(subset, data.schema, config)] == [4, 1]


def test_a_user_with_many_queries_counts_as_much_as_one_with_one() -> None:
    """One user is served well in a single query, the other badly in four."""
    train_table = pd.DataFrame(
        [("a", "x", "h0"), ("b", "y", "h0"), *((u, "p", "h0") for u in "cdefg")],
        columns=["user", "item", "hour"],
    )
    valid = pd.DataFrame(
        [("a", "p", "h0"), *(("b", "x", f"h{h}") for h in range(4))],
        columns=["user", "item", "hour"],
    )
    table = pd.concat([train_table, valid])
    schema = Schema.infer(table).edit("hour", role="context", kind="categorical").fit(table)
    how = {"solver": "nonsampled", "max_iter": 1, "early_stopping": False, "random_state": 0}
    model = train(train_table, task="rank", schema=schema, **how).model
    known, sought = (
        labelled_interactions(RowSubset.of(load(one, schema=model.schema, labelled=False)))
        for one in (train_table, valid)
    )
    found = Catalogue(known, sought, model).evaluate(model, ["hit_rate@1"])
    assert found["hit_rate@1"] == 0.5
