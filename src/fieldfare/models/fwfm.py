"""The field-weighted factorization machine (Pan et al. 2018), with bias and linear part.

w_0 + <w, x> + sum_{i<j} r_{f_i, f_j} <v_i, v_j> x_i x_j, where f_i is the field of feature i and r
is symmetric. With all r = 1 it is a factorization machine.
"""

from __future__ import annotations

from typing import final

import numpy as np

from fieldfare._typing import AnyArray, Float64Array
from fieldfare.config import ModelConfig
from fieldfare.models.base import Model


@final
class FwFMModel(Model):
    """Field-weighted factorization machine."""

    kind = "fwfm"

    @staticmethod
    def factors_shape(
        config: ModelConfig, n_features: int, n_fields: int, n_outputs: int
    ) -> tuple[int, ...] | None:
        return (n_features, n_outputs, config.total_factors)

    @staticmethod
    def pair_weights_shape(n_fields: int, n_outputs: int) -> tuple[int, ...] | None:
        return (n_outputs, n_fields, n_fields)

    @property
    def n_fields(self) -> int:
        if self.pair_weights is None or self.pair_weights.ndim != 3:
            return 0
        return int(self.pair_weights.shape[2])

    def pair_vectors(
        self, i: AnyArray, j: AnyArray, fields_i: AnyArray, fields_j: AnyArray, output: int = 0
    ) -> tuple[Float64Array, Float64Array]:
        assert self.pair_weights is not None
        left, right = super().pair_vectors(i, j, fields_i, fields_j, output)
        weights = self.pair_weights[output, fields_i, fields_j].astype(np.float64)
        return left * weights[..., np.newaxis], right
