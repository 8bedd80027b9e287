"""The factorization machine of any order d (Rendle 2010, sec. III-D; Blondel et al. 2016).

w_0 + <w, x> + sum_{t=2..d} sum_f A^t(p_f) with p_f = (x_1 v_{1,f}, ..., x_n v_{n,f}), where the
ANOVA kernel A^t is the sum over all subsets of t entries of the product of their p, and each order
t has its own factors f, or all orders share them. Order 2 alone is a factorization machine.
"""

from __future__ import annotations

from typing import final

import numpy as np

from fieldfare._arguments import checked
from fieldfare._typing import AnyArray, Float64Array
from fieldfare.kinds.models import HOFM
from fieldfare.models.base import Model


@final
class HOFMModel(Model):
    """Higher-order factorization machine."""

    traits = HOFM

    @checked
    def pair_vectors(
        self, i: AnyArray, j: AnyArray, fields_i: AnyArray, fields_j: AnyArray, output: int = 0
    ) -> tuple[Float64Array, Float64Array]:
        assert self.factors is not None
        of_pairs = self.factors[:, output, : self.config.factor_blocks[0].n_factors]
        return of_pairs[i].astype(np.float64), of_pairs[j].astype(np.float64)

    def higher_terms(self, ids: AnyArray, values: AnyArray, output: int = 0) -> Float64Array:
        assert self.factors is not None
        x = np.asarray(values, np.float64)[:, np.newaxis]
        terms = np.zeros(self.config.order + 1)
        begin = 0
        for part in self.config.factor_blocks:
            end = begin + part.n_factors
            products = x * self.factors[ids, output, begin:end].astype(np.float64)
            kernels = anova_kernels(products, part.highest).sum(axis=1)
            terms[part.lowest : part.highest + 1] += kernels[part.lowest :]
            begin = end
        return terms[3:]


def anova_kernels(products: Float64Array, order: int) -> Float64Array:
    """Return the ANOVA kernels of orders 0 to ``order`` of each column of one sample or several.

    ``A^t`` over the first i entries is that over the first i - 1, plus entry i times ``A^{t-1}``
    over the first i - 1 (Blondel et al. 2016, eq. 6). So the kernels of one order, of all leading
    parts of a sample, are a running sum over those of the order below. Nothing is subtracted or
    divided, hence nothing cancels.

    Parameters
    ----------
    products : float64 array of shape (..., n, k)
        The ``x_i v_i`` of n entries.
    order : int

    Returns
    -------
    float64 array of shape (order + 1, ..., k)
    """
    *samples, n, k = products.shape
    kernels = np.zeros((order + 1, *samples, k))
    kernels[0] = 1
    leading = products[..., :0, :]
    for t in range(1, min(order, n) + 1):
        # The first t - 1 entries have no subset of t, so that the running sum starts at entry t.
        terms = products if t == 1 else products[..., t - 1 :, :] * leading[..., :-1, :]
        leading = np.add.accumulate(terms, axis=-2)
        kernels[t] = leading[..., -1, :]
    return kernels
