"""Models with random parameters over the features of a recipe, looked up by feature name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fieldfare.config import ModelConfig
from fieldfare.data.loading import Dataset, load
from fieldfare.models.base import Model
from fieldfare.models.registry import build
from fieldfare.recipes import Recipe

Vector = Any


class Machine:
    """A model of a recipe's features, whose parameters have names such as ``user=ann``."""

    def __init__(self, recipe: Recipe, kind: str = "fm", k: int = 3, seed: int = 0) -> None:
        self.recipe = recipe
        data = load(recipe.table, schema=recipe.schema, labelled=None)
        self.schema = data.schema
        random = np.random.default_rng(seed)
        self.model: Model = build(
            ModelConfig(model=kind, task="regression", n_factors=k),
            n_features=self.schema.n_features,
            n_fields=self.schema.n_fields,
            schema=self.schema,
        )
        for array in (self.model.bias, self.model.linear, self.model.factors):
            array[...] = random.normal(size=array.shape)
        self.ids = {name: i for i, name in enumerate(self.schema.feature_names)}

    @property
    def w0(self) -> float:
        return float(self.model.bias[0])

    def w(self, name: str) -> float:
        return float(self.model.linear[self.ids[name], 0])

    def v(self, name: str) -> Vector:
        assert self.model.factors is not None
        return self.model.factors[self.ids[name], 0].astype(np.float64)

    def set(self, name: str, *, w: float | None = None, v: Vector = None) -> None:
        assert self.model.factors is not None
        if w is not None:
            self.model.linear[self.ids[name], 0] = w
        if v is not None:
            self.model.factors[self.ids[name], 0] = v

    def scores(self, table: Any = None, **options: Any) -> Any:
        """Scores of the training rows, or of new ones."""
        if table is not None or options:
            table = self.recipe.transform(table, **options)
        else:
            table = self.recipe.table
        data: Dataset = load(table, schema=self.schema, labelled=False)
        return self.model.score(data.rows)[:, 0].astype(np.float64)


@pytest.fixture
def machine() -> Callable[..., Machine]:
    return Machine


@pytest.fixture
def ratings() -> list[dict[str, Any]]:
    """Ratings by seven users, without repeats; their names hold the separator of weights."""
    random = np.random.default_rng(3)
    return [
        {"user": f"u:{u}", "item": f"i{i}", "rating": float(random.integers(1, 6)), "time": t}
        for u in range(7)
        for i in sorted(random.choice(9, 4, replace=False))
        for t in [int(random.integers(0, 10 * 86400))]
    ]


@pytest.fixture
def rated(ratings: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """The ratings of each user."""
    of: dict[str, dict[str, float]] = defaultdict(dict)
    for row in ratings:
        of[row["user"]][row["item"]] = row["rating"]
    return of
