"""The interactions of whole batches, in operations of Keras.

With b samples of L entries, C outputs, F fields and k factors: ``xv`` is ``x_i v_i``, of shape
(b, L, C, k), or (b, L, C, F, k) for field-aware models; ``of_field`` has shape (b, L, F) and is one
where the entry is in the field. A padding entry has the value zero and contributes nothing. Each
function returns the sum of the interactions, of shape (b, C).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fieldfare.kinds.models import FactorBlock
from keras import ops


def pairwise(xv: Any) -> Any:
    """Return half of the square of the sum less the sum of the squares (Rendle 2010, lemma 3.1)."""
    total = ops.sum(xv, axis=1)
    return 0.5 * ops.sum(ops.square(total) - ops.sum(ops.square(xv), axis=1), axis=-1)


def field_aware(xv: Any, of_field: Any) -> Any:
    """Return the interactions of an FFM (Juan et al. 2016, eq. 4).

    ``towards[f, g]`` is the sum over the entries of field f of x times their vectors towards field
    g, and ``own`` the vector of each entry towards its own field.
    """
    towards = ops.einsum("blf,blcgk->bcfgk", of_field, xv)
    crossed = ops.sum(towards * ops.transpose(towards, (0, 1, 3, 2, 4)), axis=(2, 3, 4))
    own = ops.einsum("blg,blcgk->blck", of_field, xv)
    return 0.5 * (crossed - ops.sum(ops.square(own), axis=(1, 3)))


def field_weighted(xv: Any, of_field: Any, weights: Any) -> Any:
    """Return the interactions of an FwFM (Pan et al. 2018).

    ``weights`` is symmetric and has shape (C, F, F).
    """
    sums = ops.einsum("blf,blck->bcfk", of_field, xv)
    weighted = ops.einsum("cfg,bcgk->bcfk", weights, sums)
    within = ops.einsum("blf,cf->blc", of_field, ops.diagonal(weights, axis1=1, axis2=2))
    own = ops.sum(within * ops.sum(ops.square(xv), axis=-1), axis=1)
    return 0.5 * (ops.sum(sums * weighted, axis=(2, 3)) - own)


def higher_order(xv: Any, parts: Sequence[FactorBlock]) -> Any:
    """Return the interactions of an HOFM; each block of factors serves one order or several."""
    total, begin = 0.0, 0
    for part in parts:
        kernels = anova_kernels(xv[..., begin : begin + part.n_factors], part.highest)
        total += sum(ops.sum(kernel, axis=-1) for kernel in kernels[part.lowest - 1 :])
        begin += part.n_factors
    return total


def anova_kernels(p: Any, order: int) -> list[Any]:
    """Return the ANOVA kernels of orders 1 to ``order`` over axis 1.

    The recurrence of Blondel et al. 2016 (algorithm 1) goes entry by entry: a subset of t entries
    whose last one is j consists of j and a subset of t - 1 entries before it. Here it goes order by
    order, with one running sum for all entries at once. ``ending[j]`` is the sum over the subsets
    whose last entry is j.
    """
    ending = p
    kernels = [ops.sum(p, axis=1)]
    for _ in range(order - 1):
        before = ops.cumsum(ending, axis=1) - ending
        ending = p * before
        kernels.append(ops.sum(ending, axis=1))
    return kernels
