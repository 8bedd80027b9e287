"""The linear model: w_0 + <w, x>."""

from __future__ import annotations

from typing import final

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
