"""The field-weighted factorization machine (Pan et al. 2018), with bias and linear part.

w_0 + <w, x> + sum_{i<j} r_{f_i, f_j} <v_i, v_j> x_i x_j, where f_i is the field of feature i and r
is symmetric. With all r = 1 it is a factorization machine.
"""

from __future__ import annotations

from typing import final

import numpy as np

from fieldfare._arguments import checked
from fieldfare._typing import AnyArray, Float64Array
from fieldfare.kinds.models import FWFM
from fieldfare.models.base import Model


@final
class FwFMModel(Model):
    """Field-weighted factorization machine."""

    traits = FWFM

    @checked
    def pair_vectors(
        self, i: AnyArray, j: AnyArray, fields_i: AnyArray, fields_j: AnyArray, output: int = 0
    ) -> tuple[Float64Array, Float64Array]:
        assert self.pair_weights is not None
        weights = self.pair_weights[output, fields_i, fields_j].astype(np.float64)
        left = self._vectors(i, output) * weights[..., np.newaxis]
        return left, self._vectors(j, output)
