"""Factorization machines as Keras 3 layers on any backend, and conversion in both directions.

Needs the extra ``keras`` and a backend of Keras: TensorFlow, JAX or PyTorch, as chosen by the
environment variable ``KERAS_BACKEND``. Importing this package registers the layers, so that Keras
can load files that contain them.
"""

from __future__ import annotations

from fieldfare._optional import require

# Comes before the other imports, so that a missing Keras is reported with the extra to install.
backend = require("keras", "keras").backend.backend

from fieldfare.keras.batches import RowsDataset, to_inputs  # noqa: E402
from fieldfare.keras.convert import from_keras, to_keras  # noqa: E402
from fieldfare.keras.dense import FactorizationMachine  # noqa: E402
from fieldfare.keras.entries import FieldAwareFM, FieldEmbeddingFM, FieldWeightedFM  # noqa: E402
from fieldfare.keras.estimators import KerasFMClassifier, KerasFMRegressor  # noqa: E402

__all__ = [
    "FactorizationMachine",
    "FieldAwareFM",
    "FieldEmbeddingFM",
    "FieldWeightedFM",
    "KerasFMClassifier",
    "KerasFMRegressor",
    "RowsDataset",
    "backend",
    "from_keras",
    "to_inputs",
    "to_keras",
]
