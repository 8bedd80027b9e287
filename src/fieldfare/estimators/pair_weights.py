"""What the estimators of field-weighted factorization machines learn besides the others."""

from __future__ import annotations

from fieldfare._typing import Float32Array
from fieldfare.models.base import Model


class WithPairWeights:
    """Gives an estimator the learned weights of pairs of fields."""

    model_: Model

    @property
    def pair_weights_(self) -> Float32Array:
        """Weights of pairs of fields, without the axis of outputs if there is only one."""
        weights = self.model_.pair_weights
        assert weights is not None
        return weights[0] if len(weights) == 1 else weights
