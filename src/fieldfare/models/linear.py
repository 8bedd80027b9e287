"""The linear model: w_0 + <w, x>."""

from __future__ import annotations

from typing import final

import numpy as np

from fieldfare._typing import AnyArray, Float64Array, Int64Array
from fieldfare.config import ModelConfig
from fieldfare.models.base import Model


@final
class LinearModel(Model):
    """Linear or logistic regression on sparse features."""

    kind = "linear"

    @staticmethod
    def factors_shape(
        config: ModelConfig, n_features: int, n_fields: int, n_outputs: int
    ) -> tuple[int, ...] | None:
        return None

    def pair_terms(
        self, ids: AnyArray, fields: AnyArray | None, values: AnyArray, output: int = 0
    ) -> tuple[Int64Array, Int64Array, Float64Array]:
        none = np.zeros(0, np.int64)
        return none, none, np.zeros(0, np.float64)
