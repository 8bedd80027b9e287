"""The factorization machine: w_0 + <w, x> + sum_{i<j} <v_i, v_j> x_i x_j (Rendle 2010, eq. 1)."""

from __future__ import annotations

from typing import final

import numpy as np

from fieldfare._typing import AnyArray, Float64Array, Int64Array
from fieldfare.config import ModelConfig
from fieldfare.models.base import Model


@final
class FMModel(Model):
    """Factorization machine of order 2."""

    kind = "fm"

    @staticmethod
    def factors_shape(
        config: ModelConfig, n_features: int, n_fields: int, n_outputs: int
    ) -> tuple[int, ...] | None:
        return (n_features, n_outputs, config.n_factors)

    def pair_terms(
        self, ids: AnyArray, fields: AnyArray | None, values: AnyArray, output: int = 0
    ) -> tuple[Int64Array, Int64Array, Float64Array]:
        assert self.factors is not None
        i, j = np.triu_indices(len(ids), k=1)
        v = self.factors[ids, output].astype(np.float64) * np.asarray(values, np.float64)[:, None]
        return i, j, np.einsum("pk,pk->p", v[i], v[j])
