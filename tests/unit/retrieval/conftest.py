"""Random models of a table of users, items and context, with several columns on each side."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fieldfare.config import ModelConfig
from fieldfare.models.registry import MODEL_CLASSES
from fieldfare.schema.column import Column
from fieldfare.schema.schema import Schema

GENRES = ("drama", "comedy", "horror", "crime")
N_USERS, N_ITEMS = 30, 60


def _tables(seed=0):
    rng = np.random.default_rng(seed)
    users = pd.DataFrame(
        {"user": [f"u{i}" for i in range(N_USERS)], "age": rng.integers(18, 80, N_USERS)}
    )
    weights = rng.choice([0.25, 0.5, 2.0], (N_ITEMS, 2))
    genres = [
        ",".join(f"{g}:{w}" for g, w in zip(rng.choice(GENRES, 2, replace=False), row, strict=True))
        for row in weights
    ]
    items = pd.DataFrame(
        {
            "item": np.arange(100, 100 + N_ITEMS),
            "genres": genres,
            "price": rng.uniform(1, 9, N_ITEMS).round(2),
        }
    )
    seen = pd.DataFrame(
        {"user": rng.choice(users["user"], 400), "item": rng.choice(items["item"], 400)}
    )
    seen["hour"] = rng.choice(["morning", "noon", "night"], 400)
    seen["rating"] = rng.integers(1, 6, 400)
    return users, items, seen


@pytest.fixture(scope="session")
def tables():
    """Users, items, and interactions with an hour and a rating."""
    return _tables()


@pytest.fixture(scope="session")
def schema(tables):
    """A Schema with roles, fitted on the joined tables."""
    users, items, seen = tables
    columns = (
        Column("user", role="user"),
        Column("item", role="item"),
        Column("hour", role="context"),
        Column("age", "numeric", role="user"),
        Column("genres", "multi", role="item", separator=",", weight_separator=":"),
        Column("price", "numeric", role="item"),
    )
    whole = seen.merge(users).merge(items)
    return Schema(columns, target="rating").fit(whole)


def random_model(schema, kind="fm", *, seed=1, k=4, n_outputs=1, **settings):
    """Return a model with random weights."""
    rng = np.random.default_rng(seed)
    task = "regression" if n_outputs == 1 else "multiclass"
    config = ModelConfig(model=kind, task=task, n_factors=k, **settings)
    cls, n, fields = MODEL_CLASSES[kind], schema.n_features, schema.n_fields
    shape = cls.factors_shape(config, n, fields, n_outputs)
    weights_shape = cls.pair_weights_shape(fields, n_outputs)
    half = None if weights_shape is None else rng.normal(size=weights_shape)
    return cls(
        config,
        rng.normal(size=n_outputs).astype(np.float32),
        rng.normal(size=(n, n_outputs)).astype(np.float32),
        None if shape is None else rng.normal(size=shape).astype(np.float32),
        pair_weights=None if half is None else (half + half.swapaxes(1, 2)).astype(np.float32),
        schema=schema,
    )


@pytest.fixture(scope="session")
def make_model(schema):
    """Make a model with random weights, by default for the columns of the tables."""

    def make(kind="fm", *, schema=schema, **options):
        return random_model(schema, kind, **options)

    return make
