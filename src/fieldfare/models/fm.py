"""The factorization machine: w_0 + <w, x> + sum_{i<j} <v_i, v_j> x_i x_j (Rendle 2010, eq. 1)."""

from __future__ import annotations

from typing import final

from fieldfare._arguments import checked
from fieldfare._typing import AnyArray, Float64Array
from fieldfare.kinds.models import FM
from fieldfare.models.base import Model


@final
class FMModel(Model):
    """Factorization machine of order 2."""

    traits = FM

    @checked
    def pair_vectors(
        self, i: AnyArray, j: AnyArray, fields_i: AnyArray, fields_j: AnyArray, output: int = 0
    ) -> tuple[Float64Array, Float64Array]:
        return self._vectors(i, output), self._vectors(j, output)
