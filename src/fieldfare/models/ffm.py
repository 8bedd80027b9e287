"""The field-aware factorization machine (Juan et al. 2016, eq. 4), with bias and linear part.

w_0 + <w, x> + sum_{i<j} <v_{i, f_j}, v_{j, f_i}> x_i x_j, where f_i is the field of feature i.
"""

from __future__ import annotations

from typing import final

import numpy as np

from fieldfare._typing import AnyArray, Float64Array, Int64Array
from fieldfare.config import ModelConfig
from fieldfare.exceptions import DataError
from fieldfare.models.base import Model


@final
class FFMModel(Model):
    """Field-aware factorization machine."""

    kind = "ffm"

    @staticmethod
    def factors_shape(
        config: ModelConfig, n_features: int, n_fields: int, n_outputs: int
    ) -> tuple[int, ...] | None:
        return (n_features, n_outputs, n_fields, config.n_factors)

    @property
    def n_fields(self) -> int:
        if self.factors is None or self.factors.ndim != 4:
            return 0
        return int(self.factors.shape[2])

    def pair_terms(
        self, ids: AnyArray, fields: AnyArray | None, values: AnyArray, output: int = 0
    ) -> tuple[Int64Array, Int64Array, Float64Array]:
        assert self.factors is not None
        if fields is None:
            raise DataError("A field-aware model needs the field of every entry. Got none.")
        i, j = np.triu_indices(len(ids), k=1)
        left = self.factors[ids[i], output, fields[j]].astype(np.float64)
        right = self.factors[ids[j], output, fields[i]].astype(np.float64)
        x = np.asarray(values, np.float64)
        return i, j, np.einsum("pk,pk->p", left, right) * x[i] * x[j]
