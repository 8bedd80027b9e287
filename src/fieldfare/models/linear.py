"""The linear model: w_0 + <w, x>."""

from __future__ import annotations

from typing import final

import numpy as np

from fieldfare._arguments import checked
from fieldfare._typing import AnyArray, Float64Array
from fieldfare.kinds.models import LINEAR
from fieldfare.models.base import Model


@final
class LinearModel(Model):
    """Linear or logistic regression on sparse features."""

    traits = LINEAR

    @checked
    def pair_vectors(
        self, i: AnyArray, j: AnyArray, fields_i: AnyArray, fields_j: AnyArray, output: int = 0
    ) -> tuple[Float64Array, Float64Array]:
        return np.zeros((len(i), 0)), np.zeros((len(j), 0))
