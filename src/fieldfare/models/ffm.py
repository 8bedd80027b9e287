"""The field-aware factorization machine (Juan et al. 2016, eq. 4), with bias and linear part.

w_0 + <w, x> + sum_{i<j} <v_{i, f_j}, v_{j, f_i}> x_i x_j, where f_i is the field of feature i.
"""

from __future__ import annotations

from typing import final

import numpy as np

from fieldfare._typing import AnyArray, Float64Array
from fieldfare.config import ModelConfig
from fieldfare.models.base import Model


@final
class FFMModel(Model):
    """Field-aware factorization machine."""

    kind = "ffm"

    @staticmethod
    def factors_shape(
        config: ModelConfig, n_features: int, n_fields: int, n_outputs: int
    ) -> tuple[int, ...] | None:
        return (n_features, n_outputs, n_fields, config.total_factors)

    @property
    def n_fields(self) -> int:
        shape = () if self._factors is None else self._factors.shape
        return int(shape[2]) if len(shape) == 4 else 0

    def pair_vectors(
        self, i: AnyArray, j: AnyArray, fields_i: AnyArray, fields_j: AnyArray, output: int = 0
    ) -> tuple[Float64Array, Float64Array]:
        factors = self.factors
        assert factors is not None
        left, right = factors[i, output, fields_j], factors[j, output, fields_i]
        return left.astype(np.float64), right.astype(np.float64)
