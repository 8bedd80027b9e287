"""The factorization machine: w_0 + <w, x> + sum_{i<j} <v_i, v_j> x_i x_j (Rendle 2010, eq. 1)."""

from __future__ import annotations

from typing import final

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
        return (n_features, n_outputs, config.total_factors)
