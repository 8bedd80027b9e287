"""The pairs of a query and an item as an inner product, for each way in which features interact.

Of the vectors of the entries on a side, ``cross`` is what the pairs across need, and ``within`` the
sum of the pairs on the side itself.

=====  ==========================================================  ===============================
kind   cross terms                                                 length of ``cross``
=====  ==========================================================  ===============================
fm     ``<S_Q, S_I>`` (Rendle 2010, eq. 1)                         k
fwfm   ``sum_{a in Q, b in I} r[a, b] <S_Q[a], S_I[b]>``           ``min(|Q|, |I|) k``: the weights
       (Pan et al. 2018, eq. 4)                                    r go to the side of more fields
ffm    ``sum_{a in Q, b in I} <S_Q[a, b], S_I[b, a]>``             ``|Q| |I| k``
       (Juan et al. 2016, eq. 4)
=====  ==========================================================  ===============================

Here ``S[a]`` is the sum over the entries of field a, and ``S[a, b]`` that of their vectors towards
field b.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import final

import numpy as np

from fieldfare._typing import Float64Array, Int64Array
from fieldfare.exceptions import DataError
from fieldfare.kinds.models import InteractionForm
from fieldfare.retrieval.roles import ITEM, FeatureSides, SideEntries

_Parts = tuple[Float64Array, Float64Array]
"""``cross`` of shape (n_rows, length), and ``within`` of shape (n_rows,)."""


class CrossTerms(ABC):
    """What one side contributes to the pairs across, and its own pairs.

    Parameters
    ----------
    sides : FeatureSides
    """

    def __init__(self, sides: FeatureSides) -> None:
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
class NoCrossTerms(CrossTerms):
    """Linear models have no pairs."""

    length = 0

    def terms(self, side: SideEntries, which: int) -> _Parts:
        return np.zeros((side.n_rows, 0)), np.zeros(side.n_rows)


@final
class PlainCrossTerms(CrossTerms):
    """One vector per feature."""

    @property
    def length(self) -> int:
        return self.n_factors

    def terms(self, side: SideEntries, which: int) -> _Parts:
        vectors = self._vectors(side)
        total = _sum_by(side.row, vectors, side.n_rows)
        squares = np.bincount(side.row, np.einsum("ek,ek->e", vectors, vectors), side.n_rows)
        return total, (np.einsum("nk,nk->n", total, total) - squares) / 2


@final
class FieldWeightedCrossTerms(CrossTerms):
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
        squares = np.bincount(side.row, same * np.einsum("ek,ek->e", vectors, vectors), side.n_rows)
        # The weights go to the side with more fields, which makes the vectors shorter. Of two sides
        # with equally many, the item gets them.
        if len(fields) > len(others) or (len(fields) == len(others) and which == ITEM):
            cross = np.einsum("oa,nak->nok", weights[np.ix_(others, fields)], total)
        else:
            cross = total
        return cross.reshape(side.n_rows, -1), (within - squares) / 2


@final
class FieldAwareCrossTerms(CrossTerms):
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
        towards_own = _by_field(side, fields, vectors[:, fields])
        within = np.einsum("nabk,nbak->n", towards_own, towards_own)
        itself = vectors[np.arange(len(vectors)), side.fields]
        squares = np.bincount(side.row, np.einsum("ek,ek->e", itself, itself), side.n_rows)
        cross = _by_field(side, fields, vectors[:, others])
        if which == ITEM:
            cross = cross.swapaxes(1, 2)
        return cross.reshape(side.n_rows, -1), (within - squares) / 2


CROSS_TERMS: dict[InteractionForm, type[CrossTerms]] = {
    InteractionForm.NONE: NoCrossTerms,
    InteractionForm.PAIRS: PlainCrossTerms,
    InteractionForm.FIELD_WEIGHTED: FieldWeightedCrossTerms,
    InteractionForm.FIELD_AWARE: FieldAwareCrossTerms,
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
        starts = np.flatnonzero(np.diff(key, prepend=-1))
        out[key[starts]] = np.add.reduceat(terms, starts, axis=0)
    return out
