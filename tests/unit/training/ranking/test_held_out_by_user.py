"""Validation of recall with contexts: by user, whatever the context."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fieldfare.config import TrainingConfig
from fieldfare.data.loading import load
from fieldfare.schema.schema import Schema
from fieldfare.training.ranking.recall import labelled_interactions, split_interactions
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
