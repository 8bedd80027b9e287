"""The interactions in operations of Keras, over whole batches.

With b samples, L entries each, C outputs, F fields and k factors: ``xv`` is ``x_i v_i``, of shape
(b, L, C, k), or (b, L, C, F, k) field-aware; ``of_field`` is one where the entry is of the field,
of shape (b, L, F). An entry that is not there has the value zero and adds nothing. The formulas
and their papers stand in `tests.oracle.kernels`; each returns (b, C).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fieldfare.kinds.models import FactorBlock
from keras import ops


def pairs(xv: Any) -> Any:
    """All pairs, by lemma 3.1 of Rendle 2010: half of the square of the sum less the squares."""
    total = ops.sum(xv, axis=1)
    return 0.5 * ops.sum(ops.square(total) - ops.sum(ops.square(xv), axis=1), axis=-1)


def field_aware_pairs(xv: Any, of_field: Any) -> Any:
    """All pairs of a field-aware machine, from the sums of each field towards each field."""
    towards = ops.einsum("blf,blcgk->bcfgk", of_field, xv)
    crossed = ops.sum(towards * ops.transpose(towards, (0, 1, 3, 2, 4)), axis=(2, 3, 4))
    own = ops.einsum("blg,blcgk->blck", of_field, xv)
    return 0.5 * (crossed - ops.sum(ops.square(own), axis=(1, 3)))


def field_weighted_pairs(xv: Any, of_field: Any, weights: Any) -> Any:
    """All pairs, each weighted by its fields; ``weights`` is symmetric, of shape (C, F, F)."""
    sums = ops.einsum("blf,blck->bcfk", of_field, xv)
    weighted = ops.einsum("cfg,bcgk->bcfk", weights, sums)
    within = ops.einsum("blf,cf->blc", of_field, ops.diagonal(weights, axis1=1, axis2=2))
    own = ops.sum(within * ops.sum(ops.square(xv), axis=-1), axis=1)
    return 0.5 * (ops.sum(sums * weighted, axis=(2, 3)) - own)


def higher_order(xv: Any, parts: Sequence[FactorBlock]) -> Any:
    """Interactions of several orders; each part of the factors serves its own."""
    total, begin = 0.0, 0
    for part in parts:
        kernels = anova_kernels(xv[..., begin : begin + part.n_factors], part.highest)
        total += sum(ops.sum(kernel, axis=-1) for kernel in kernels[part.lowest - 1 :])
        begin += part.n_factors
    return total


def anova_kernels(p: Any, order: int) -> list[Any]:
    """Return the ANOVA kernels of orders 1 to ``order`` over axis 1.

    The recurrence of Blondel et al. 2016 (algorithm 1) goes entry by entry: a subset of t entries
    that ends in entry j is p_j and a subset of t - 1 entries before it. Order by order, as here, it
    is one running sum for all entries at once.
    """
    ending = p
    kernels = [ops.sum(p, axis=1)]
    for _ in range(order - 1):
        before = ops.cumsum(ending, axis=1) - ending
        ending = p * before
        kernels.append(ops.sum(ending, axis=1))
    return kernels
