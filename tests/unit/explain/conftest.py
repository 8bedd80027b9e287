"""Random models and rows to explain."""

from __future__ import annotations

import numpy as np
import pytest

from fieldfare.config import ModelConfig
from fieldfare.models.registry import MODEL_CLASSES
from fieldfare.rows import Rows

N_FEATURES, N_FIELDS, K = 40, 5, 4


class FakeSchema:
    """The part of a Schema that explanations use: feature i belongs to field i % 5."""

    ids = None  # the features are those of columns
    n_features = N_FEATURES
    n_fields = N_FIELDS
    field_names = ("user", "item", "city", "hour", "device")
    field_of = (np.arange(N_FEATURES) % N_FIELDS).astype(np.uint16)
    n_rows = 1000
    counts = np.random.default_rng(9).integers(1, 400, N_FEATURES)

    def feature_name(self, feature: int) -> str:
        return f"{self.field_names[feature % N_FIELDS]}=v{feature}"


@pytest.fixture
def schema():
    return FakeSchema()


def symmetric(pairs):
    return (pairs + pairs.swapaxes(1, 2)).astype(np.float32)


@pytest.fixture
def make_model():
    """Make a model with random weights."""

    def make(kind="ffm", *, n_outputs=1, schema=None, task=None, classes=None, **norm):
        rng = np.random.default_rng(1)
        task = task or ("binary" if n_outputs == 1 else "multiclass")
        config = ModelConfig(
            model=kind,
            task=task,
            n_factors=(K, 3, 2) if kind == "hofm" else K,
            order=4,
            **norm,
        )
        cls = MODEL_CLASSES[kind]
        shape = cls.factors_shape(config, N_FEATURES, N_FIELDS, n_outputs)
        pairs_shape = cls.pair_weights_shape(N_FIELDS, n_outputs)
        draw = rng.normal
        return cls(
            config,
            draw(size=n_outputs).astype(np.float32),
            draw(size=(N_FEATURES, n_outputs)).astype(np.float32),
            None if shape is None else draw(size=shape).astype(np.float32),
            pair_weights=None if pairs_shape is None else symmetric(draw(size=pairs_shape)),
            schema=schema,
            classes=classes,
        )

    return make


@pytest.fixture
def rows():
    """Eight rows with fields; row 2 is empty, row 5 repeats a feature, row 6 has unknown ids."""
    rng = np.random.default_rng(2)
    lengths = np.array([5, 7, 0, 1, 6, 4, 5, 12])
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    indices = rng.integers(N_FEATURES, size=lengths.sum()).astype(np.uint32)
    indices[indptr[5] + 1] = indices[indptr[5]]
    indices[indptr[6] : indptr[6] + 2] += 1000
    return Rows(
        indptr,
        indices,
        values=rng.normal(size=len(indices)).astype(np.float32),
        fields=(indices % N_FIELDS).astype(np.uint16),
    )
