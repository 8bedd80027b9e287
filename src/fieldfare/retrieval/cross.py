"""Query and item together as an inner product, for each way in which features interact.

Of the entries on a side, ``cross`` is what the interactions across need, and ``own`` what they add
by themselves: their linear terms, and the interactions ``within`` the side.

=====  ==========================================================  ===============================
kind   cross terms                                                 length of ``cross``
=====  ==========================================================  ===============================
fm     ``<S_Q, S_I>`` (Rendle 2010, eq. 1)                         k
fwfm   ``sum_{a in Q, b in I} r[a, b] <S_Q[a], S_I[b]>``           ``min(|Q|, |I|) k``: the weights
       (Pan et al. 2018, eq. 4)                                    r go to the side of more fields
ffm    ``sum_{a in Q, b in I} <S_Q[a, b], S_I[b, a]>``             ``|Q| |I| k``
       (Juan et al. 2016, eq. 4)
hofm   ``sum_{s, t >= 1, l <= s + t <= m} <A_t(Q), A_s(I)>``       ``(m - 1) k`` for each block of
       (Blondel et al. 2016)                                       factors, for orders l to m
=====  ==========================================================  ===============================

Here ``S[a]`` is the sum over the entries of field a, and ``S[a, b]`` that of their vectors towards
field b. ``A_t`` is the ANOVA kernel of order t, for each factor the sum over all subsets of t
entries. A subset of a whole row is one of the query joined with one of the item, so that
``A_m(Q + I) = sum_t A_t(Q) A_{m-t}(I)``, with ``A_0 = 1``. The same holds of a user and a context:
the kernels of both together are not the sums of their kernels, and are computed from the entries of
both.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import final

import numpy as np

from fieldfare._typing import AnyArray, Float32Array, Float64Array, Int64Array
from fieldfare.exceptions import DataError
from fieldfare.kernels.sides import sum_sides
from fieldfare.kinds.models import InteractionForm
from fieldfare.models.hofm import anova_kernels
from fieldfare.retrieval.roles import ITEM, FeatureSides, SideEntries
from fieldfare.rows import Rows

_Parts = tuple[Float64Array, Float64Array]
"""``cross`` of shape (n_rows, length), and ``within`` of shape (n_rows,)."""


class CrossTerms(ABC):
    """What one side contributes to the pairs across, and its own pairs.

    Parameters
    ----------
    sides : FeatureSides
    """

    def __init__(self, sides: FeatureSides) -> None:
        self.sides = sides
        self.model = sides.model
        self.fields = sides.fields

    @property
    def n_factors(self) -> int:
        """Length of a latent vector."""
        return 0 if self.model.factors is None else int(self.model.factors.shape[-1])

    @property
    @abstractmethod
    def length(self) -> int:
        """Length of ``cross``."""

    def __str__(self) -> str:
        """Say how the length comes about, to follow "... per item"; nothing if it is plain."""
        return ""

    def sums_per_row(self, which: int) -> int:
        """Return about how many vectors a row of one side takes, besides those of its entries."""
        return 2 * len(self.fields[which]) + 1

    @abstractmethod
    def sums(self, rows: Rows, which: int, out: AnyArray) -> Float64Array:
        """Write ``cross`` of a side's entries to all columns but the last, and return ``own``."""


class TermsOfEntries(CrossTerms):
    """Cross terms that are computed in NumPy, from the entries on a side."""

    def sums(self, rows: Rows, which: int, out: AnyArray) -> Float64Array:
        side = self.sides.select(rows, which)
        out[:, :-1], within = self.terms(side, which)
        return side.sum(self.model.linear[side.ids, 0] * side.values) + within

    @abstractmethod
    def terms(self, side: SideEntries, which: int) -> _Parts:
        """Return ``cross`` and ``within`` of the rows of one side."""

    def _vectors(self, side: SideEntries) -> Float64Array:
        """Return the factors of each entry times its value, float64 of shape (m, ..., k)."""
        assert self.model.factors is not None
        factors: Float64Array = self.model.factors[side.ids, 0].astype(np.float64)
        factors *= side.values.reshape(-1, *[1] * (factors.ndim - 1))
        return factors


@final
class NoCrossTerms(TermsOfEntries):
    """Linear models have no pairs."""

    length = 0

    def terms(self, side: SideEntries, which: int) -> _Parts:
        return np.zeros((side.n_rows, 0)), np.zeros(side.n_rows)


@final
class PlainCrossTerms(CrossTerms):
    """One vector per feature: summed in the compiled core, since most requests come here."""

    @property
    def length(self) -> int:
        return self.n_factors

    def sums(self, rows: Rows, which: int, out: AnyArray) -> Float64Array:
        return sum_sides(rows, self.sides.keys(rows), which, *self._parameters, out)

    @cached_property
    def _parameters(self) -> tuple[Float32Array, Float32Array]:
        """The linear weights and the factors of the one output."""
        assert self.model.factors is not None
        return self.model.linear[:, 0], self.model.factors[:, 0]


@final
class FieldWeightedCrossTerms(TermsOfEntries):
    """One vector per feature, and a weight for each pair of fields."""

    @property
    def length(self) -> int:
        return min(map(len, self.fields)) * self.n_factors

    def __str__(self) -> str:
        n, m = map(len, self.fields)
        return f": min({n}, {m}) fields x {self.n_factors} factors, plus one"

    def terms(self, side: SideEntries, which: int) -> _Parts:
        assert self.model.pair_weights is not None
        weights = self.model.pair_weights[0].astype(np.float64)
        fields, others = self.fields[which], self.fields[1 - which]
        vectors = self._vectors(side)
        total = _by_field(side, fields, vectors)
        within = np.einsum("nak,ab,nbk->n", total, weights[np.ix_(fields, fields)], total)
        same = weights[side.fields, side.fields]
        squares = side.sum(same * np.einsum("ek,ek->e", vectors, vectors))
        # The weights go to the side with more fields, which makes the vectors shorter. Of two sides
        # with equally many, the item gets them.
        if len(fields) > len(others) or (len(fields) == len(others) and which == ITEM):
            cross = np.einsum("oa,nak->nok", weights[np.ix_(others, fields)], total)
        else:
            cross = total
        return cross.reshape(side.n_rows, -1), (within - squares) / 2


@final
class FieldAwareCrossTerms(TermsOfEntries):
    """A vector of each feature towards each field."""

    @property
    def length(self) -> int:
        n, m = map(len, self.fields)
        return n * m * self.n_factors

    def __str__(self) -> str:
        n, m = map(len, self.fields)
        return f": {n} x {m} fields x {self.n_factors} factors, plus one"

    def terms(self, side: SideEntries, which: int) -> _Parts:
        fields, others = self.fields[which], self.fields[1 - which]
        vectors = self._vectors(side)
        total = _by_field(side, fields, vectors)
        towards_own = total[:, :, fields]
        within = np.einsum("nabk,nbak->n", towards_own, towards_own)
        itself = vectors[np.arange(len(vectors)), side.fields]
        squares = side.sum(np.einsum("ek,ek->e", itself, itself))
        cross = total[:, :, others]
        if which == ITEM:
            cross = cross.swapaxes(1, 2)
        return cross.reshape(side.n_rows, -1), (within - squares) / 2


@final
class AnovaCrossTerms(TermsOfEntries):
    """One vector per feature, with factors for each order of interactions or for several orders."""

    def __init__(self, sides: FeatureSides) -> None:
        super().__init__(sides)
        self.blocks = self.model.config.factor_blocks

    @property
    def length(self) -> int:
        return sum((block.highest - 1) * block.n_factors for block in self.blocks)

    def __str__(self) -> str:
        sizes = (f"{block.highest - 1} x {block.n_factors}" for block in self.blocks)
        return f": {' + '.join(sizes)} factors, plus one"

    def sums_per_row(self, which: int) -> int:
        return 2 * self.model.config.order

    def terms(self, side: SideEntries, which: int) -> _Parts:
        kernels = _kernels_by_row(side, self._vectors(side), self.model.config.order)
        cross = np.empty((side.n_rows, self.length))
        within = np.zeros(side.n_rows)
        first = done = 0
        for lowest, highest, k in self.blocks:
            own = kernels[..., first : first + k]
            within += own[lowest : highest + 1].sum(axis=(0, 2))
            # The query has its kernels of orders 1 to m - 1. Beside that of order t, the item has
            # the sum of those that make a whole of one of the orders of the block with it.
            for t in range(1, highest):
                orders = slice(max(lowest - t, 1), highest - t + 1)
                cross[:, done : done + k] = own[orders].sum(axis=0) if which == ITEM else own[t]
                done += k
            first += k
        return cross, within


CROSS_TERMS: dict[InteractionForm, type[CrossTerms]] = {
    InteractionForm.NONE: NoCrossTerms,
    InteractionForm.PAIRS: PlainCrossTerms,
    InteractionForm.FIELD_WEIGHTED: FieldWeightedCrossTerms,
    InteractionForm.FIELD_AWARE: FieldAwareCrossTerms,
    InteractionForm.ALL_ORDERS: AnovaCrossTerms,
}
"""The interactions of models that can be split."""


def _by_field(side: SideEntries, fields: Int64Array, terms: Float64Array) -> Float64Array:
    """Sum terms by row and field, [n_rows, len(fields), ...]."""
    place = np.minimum(np.searchsorted(fields, side.fields), len(fields) - 1)
    if (fields[place] != side.fields).any():
        raise DataError(
            "A feature is in a field that the Schema does not assign to it. Encode tables with "
            "model.schema, or pass Rows with the fields that the model was trained with."
        )
    key = side.row * len(fields) + place
    total = _sum_by(key, terms, side.n_rows * len(fields))
    return np.asarray(total.reshape(side.n_rows, len(fields), *terms.shape[1:]))


def _kernels_by_row(side: SideEntries, products: Float64Array, order: int) -> Float64Array:
    """Return the ANOVA kernels of the entries of each row, float64 of shape (order + 1, n, k)."""
    if side.n_rows == 1:
        return anova_kernels(products[np.newaxis], order)
    lengths = np.bincount(side.row, minlength=side.n_rows)
    starts = np.cumsum(lengths) - lengths
    kernels = np.empty((order + 1, side.n_rows, products.shape[1]))
    for length in np.flatnonzero(np.bincount(lengths)):  # rows of equal length are one array
        rows = np.flatnonzero(lengths == length)
        entries = starts[rows, np.newaxis] + np.arange(length)
        kernels[:, rows] = anova_kernels(products[entries], order)
    return kernels


def _sum_by(key: Int64Array, terms: Float64Array, n: int) -> Float64Array:
    """Return the sum of the terms of each key, float64 of shape (n, ...)."""
    if n == 1:
        return np.asarray(terms.sum(axis=0, keepdims=True))
    out: Float64Array = np.zeros((n, *terms.shape[1:]))
    if len(key):
        # reduceat sums runs of equal keys, many times as fast as np.add.at sums one by one.
        if (key[1:] < key[:-1]).any():
            order = np.argsort(key, kind="stable")
            key, terms = key[order], terms[order]
        starts = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1])))
        out[key[starts]] = np.add.reduceat(terms, starts, axis=0)
    return out
