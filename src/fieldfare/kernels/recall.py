"""Factorization machines learned from all pairs of queries and items, in the compiled core.

The score of a pair is the inner product of a vector of the query and a vector of the item, so sums
over all pairs cost no more than sums over queries and sums over items (Bayer et al. 2017). A `Side`
is the queries or the items; `Side.solve` is one Gauss-Newton step on its parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fieldfare import _core
from fieldfare._typing import AnyArray, Float32Array, Float64Array, Int64Array, UInt32Array
from fieldfare.kernels.machine import aligned
from fieldfare.rows import Rows


@dataclass(frozen=True, eq=False)
class Seen:
    """The observed partners of each row (the items of a query), in compressed sparse row format.

    Parameters
    ----------
    indptr : int64 array of shape (n_rows + 1,)
    index : uint32 array of shape (n_observed,)
        Numbers of the partners, each at most once per row.
    weight : float32 array of shape (n_observed,)
        Weight of each observation.
    n_partners : int
    """

    indptr: Int64Array
    index: UInt32Array
    weight: Float32Array
    n_partners: int

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.indptr) - 1

    @staticmethod
    def of(
        row: Int64Array, partner: Int64Array, weight: Float32Array, shape: tuple[int, int]
    ) -> Seen:
        """Sort observations by row; the weights of repeated ones are added up.

        Parameters
        ----------
        row, partner : int64 arrays of shape (n,)
        weight : float32 array of shape (n,)
        shape : (int, int)
            Numbers of rows and of partners.
        """
        pair, first = np.unique(row * shape[1] + partner, return_inverse=True)
        total = np.bincount(first.reshape(-1), weight, len(pair)).astype(np.float32)
        row, partner = pair // max(shape[1], 1), pair % max(shape[1], 1)
        indptr = np.zeros(shape[0] + 1, np.int64)
        np.cumsum(np.bincount(row, minlength=shape[0]), out=indptr[1:])
        return Seen(indptr, partner.astype(np.uint32), total, shape[1])

    def turned(self) -> Seen:
        """Return the same observations with rows and partners exchanged."""
        row = np.repeat(np.arange(self.n_rows), np.diff(self.indptr))
        shape = (self.n_partners, self.n_rows)
        return Seen.of(self.index.astype(np.int64), row, self.weight, shape)

    def mask(self, rows: Int64Array) -> AnyArray:
        """Return which partners some rows were seen with, bool of shape (n, n_partners)."""
        found = np.zeros((len(rows), self.n_partners), bool)
        first, length = self.indptr[rows], self.indptr[rows + 1] - self.indptr[rows]
        skipped = first - (np.cumsum(length) - length)
        entry = np.arange(length.sum()) + np.repeat(skipped, length)
        found[np.repeat(np.arange(len(rows)), length), self.index[entry]] = True
        return found


class Side:
    """The queries or the items: their features and their observed partners.

    Parameters
    ----------
    rows : Rows
        Features of each row.
    seen : Seen
        The observed partners of each row.
    items : bool
        Whether these are the items. The linear weights of items and the interactions within an item
        count; those of queries are left out, because they are the same for all items.
    share, partner_share : float32 arrays of shape (n_rows,) and (n_partners,), optional
        A pair that was not observed weighs ``unobserved_weight`` times the share of its row and
        that of its partner; ones if not given.

    Attributes
    ----------
    features : uint32 array of shape (n_features,)
        The features that occur in the rows, ascending. Parameters below are in this order.
    """

    def __init__(
        self,
        rows: Rows,
        seen: Seen,
        *,
        items: bool,
        share: Float32Array | None = None,
        partner_share: Float32Array | None = None,
    ) -> None:
        begin, end = int(rows.indptr[0]), int(rows.indptr[-1])
        self.features, local = np.unique(rows.indices[begin:end], return_inverse=True)
        ones = np.ones(end - begin, np.float32)
        self._x = ones if rows.values is None else rows.values[begin:end]
        self._local = local.reshape(-1).astype(np.uint32)
        self._lengths = np.diff(rows.indptr)
        self.seen, self.items = seen, items
        self.share = np.ones(seen.n_rows, np.float32) if share is None else share
        if partner_share is None:
            partner_share = np.ones(seen.n_partners, np.float32)
        self._partners = float(partner_share.sum(dtype=np.float64))
        self._core = _core.RecallSide(
            rows.indptr - begin,
            self._local,
            self._x,
            len(self.features),
            seen.indptr,
            seen.index,
            seen.weight,
            seen.n_partners,
            items,
            self.share,
            partner_share,
        )

    @property
    def has_several(self) -> bool:
        """Whether any row has more than one feature."""
        return bool((self._lengths > 1).any())

    def mass(self, unobserved_weight: float) -> Float64Array:
        """Return the sum of x^2 times weight over all pairs with each feature, float64.

        Parameters
        ----------
        unobserved_weight : float
            Weight of the pairs that were not observed.
        """
        seen = np.bincount(
            np.repeat(np.arange(self.seen.n_rows), np.diff(self.seen.indptr)),
            self.seen.weight,
            self.seen.n_rows,
        )
        mass = seen + unobserved_weight * self._partners * self.share.astype(np.float64)
        per_entry = np.repeat(mass, self._lengths) * self._x.astype(np.float64) ** 2
        return np.bincount(self._local, per_entry, len(self.features)).astype(np.float64)

    def pack(self, factors: Float32Array, linear: Float32Array | None) -> Float32Array:
        """Return the parameters of the side's features in the layout of `solve`.

        Parameters
        ----------
        factors : float32 array of shape (n, k)
            Factors of all features of the model.
        linear : float32 array of shape (n,) or None

        Returns
        -------
        float32 array of shape (n_features, stride)
            In each row the k factors, the linear weight, and padding.
        """
        k = factors.shape[1]
        packed = aligned((len(self.features), _core.recall_stride(k)))
        packed[:, :k] = factors[self.features]
        if linear is not None and self.items:
            packed[:, k] = linear[self.features]
        return packed

    def vectors(self, parameters: Float32Array, k: int, n_threads: int = 1) -> Float32Array:
        """Return the vector of each row, float32 of shape (n_rows, stride).

        It holds k factors, one further number, and padding.
        """
        out = aligned((self.seen.n_rows, parameters.shape[1]))
        self._core.vectors(parameters, k, out, n_threads)
        return out

    def solve(
        self,
        parameters: Float32Array,
        own: Float32Array,
        partners: Float32Array,
        penalty: Float32Array,
        settings: RecallSettings,
        n_threads: int = 1,
    ) -> float:
        """Move the parameters of this side towards their optimum, given the other side.

        With c the weight of an observed pair and w that of any other, the objective is

            sum_observed c (score - 1)^2 + sum_others w score^2 + sum_j penalty_j |theta_j|^2

        with w the unobserved weight times the shares of query and item.

        The scores are linearised in the parameters (they are linear except for the interactions
        within an item), a few steps of conjugate gradients determine a direction, and the minimum
        of the objective along it is taken. The objective never increases.

        Parameters
        ----------
        parameters : float32 array of shape (n_features, stride)
            From `pack`; changed in place.
        own : float32 array of shape (n_rows, stride)
            From `vectors`; kept up to date.
        partners : float32 array of shape (n_partners, stride)
            Vectors of the other side.
        penalty : float32 array of shape (n_features,)
        settings : RecallSettings
        n_threads : int
            The result does not depend on it.

        Returns
        -------
        float
            The objective after the step, without the penalty.

        Raises
        ------
        KeyboardInterrupt
            On Ctrl-C; nothing has been changed then.
        """
        core = _core.RecallSettings(
            settings.k,
            settings.unobserved_weight,
            settings.fit_linear,
            settings.first_free,
            settings.n_steps,
        )
        return float(self._core.solve(parameters, own, partners, penalty, core, max(1, n_threads)))


class RecallSettings(NamedTuple):
    """Settings of a step of `Side.solve`.

    Parameters
    ----------
    k : int
        Number of factors.
    unobserved_weight : float
        Weight of the pairs that were not observed, see `Side`.
    fit_linear : bool
        Whether items have linear weights.
    first_free : int
        The features of the side before this one are not changed.
    n_steps : int
        Number of conjugate gradient steps.
    """

    k: int
    unobserved_weight: float
    fit_linear: bool = True
    first_free: int = 0
    n_steps: int = 4
