"""The field-aware factorization machine (Juan et al. 2016, eq. 4), with bias and linear part.

w_0 + <w, x> + sum_{i<j} <v_{i, f_j}, v_{j, f_i}> x_i x_j, where f_i is the field of feature i.
"""

from __future__ import annotations

from typing import final

import numpy as np

from fieldfare._arguments import checked
from fieldfare._typing import AnyArray, Float64Array
from fieldfare.kinds.models import FFM
from fieldfare.models.base import Model


@final
class FFMModel(Model):
    """Field-aware factorization machine."""

    traits = FFM

    @checked
    def pair_vectors(
        self, i: AnyArray, j: AnyArray, fields_i: AnyArray, fields_j: AnyArray, output: int = 0
    ) -> tuple[Float64Array, Float64Array]:
        factors = self.factors
        assert factors is not None
        left, right = factors[i, output, fields_j], factors[j, output, fields_i]
        return left.astype(np.float64), right.astype(np.float64)
