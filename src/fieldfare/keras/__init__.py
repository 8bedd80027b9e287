"""Factorization machines as Keras 3 layers, on any backend, and the way there and back.

Needs the extra ``keras`` and a backend of Keras (TensorFlow, JAX or PyTorch; the environment
variable ``KERAS_BACKEND`` chooses). Importing this package registers the layers, so that Keras can
load files that hold them.
"""

from __future__ import annotations

from fieldfare._optional import require

backend = require("keras", "keras").backend.backend  # first of all, for the error that helps

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
