"""Factorization machines learned from all pairs of queries and items, in the compiled core.

The score of a pair separates into the inner product of a vector of the query and one of the item,
so sums over all pairs cost what sums over queries and over items cost (Bayer et al. 2017). `Side`
is the queries or the items; `Side.solve` is one step of Gauss-Newton on its parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fieldfare import _core
from fieldfare._typing import Float32Array, Float64Array, Int64Array, UInt32Array
from fieldfare.kernels.machine import aligned
from fieldfare.rows import Rows


@dataclass(frozen=True, eq=False)
class Seen:
    """Which partners each row was seen with, in compressed sparse row form.

    Parameters
    ----------
    indptr : int64 array of shape (n_rows + 1,)
    index : uint32 array of shape (n_seen,)
        Numbers of the partners; no pair twice.
    weight : float32 array of shape (n_seen,)
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
        """Return pairs sorted by row; the weights of a pair that repeats are added up."""
        pair, first = np.unique(row * shape[1] + partner, return_inverse=True)
        total = np.bincount(first.reshape(-1), weight, len(pair)).astype(np.float32)
        row, partner = pair // max(shape[1], 1), pair % max(shape[1], 1)
        indptr = np.zeros(shape[0] + 1, np.int64)
        np.cumsum(np.bincount(row, minlength=shape[0]), out=indptr[1:])
        return Seen(indptr, partner.astype(np.uint32), total, shape[1])

    def turned(self) -> Seen:
        """Return the same pairs by partner."""
        row = np.repeat(np.arange(self.n_rows), np.diff(self.indptr))
        shape = (self.n_partners, self.n_rows)
        return Seen.of(self.index.astype(np.int64), row, self.weight, shape)


class Side:
    """The queries or the items: their features, and which partners they were seen with.

    Parameters
    ----------
    rows : Rows
        Features of each row.
    seen : Seen
        Whom each row was seen with.
    items : bool
        Items have linear weights and pairs of features of their own; of queries, these are the same
        for all items, and left out.

    Attributes
    ----------
    features : uint32 array
        The features that rows have, ascending. Parameters below are theirs, in this order.
    """

    def __init__(self, rows: Rows, seen: Seen, *, items: bool) -> None:
        begin, end = int(rows.indptr[0]), int(rows.indptr[-1])
        self.features, local = np.unique(rows.indices[begin:end], return_inverse=True)
        ones = np.ones(end - begin, np.float32)
        self._x = ones if rows.values is None else rows.values[begin:end]
        self._local = local.reshape(-1).astype(np.uint32)
        self._lengths = np.diff(rows.indptr)
        self.seen, self.items = seen, items
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
        )

    def mass(self, unobserved_weight: float) -> Float64Array:
        """Return how much each feature is seen: sum over its rows and all pairs of x^2 weight."""
        seen = np.bincount(
            np.repeat(np.arange(self.seen.n_rows), np.diff(self.seen.indptr)),
            self.seen.weight,
            self.seen.n_rows,
        )
        mass = seen + unobserved_weight * self.seen.n_partners
        per_entry = np.repeat(mass, self._lengths) * self._x.astype(np.float64) ** 2
        return np.bincount(self._local, per_entry, len(self.features)).astype(np.float64)

    def pack(self, factors: Float32Array, linear: Float32Array | None) -> Float32Array:
        """Return the parameters of the features as `solve` wants them.

        Parameters
        ----------
        factors : float32 array of shape (n_features, k)
            Of all features of the model.
        linear : float32 array of shape (n_features,) or None
        """
        k = factors.shape[1]
        packed = aligned((len(self.features), _core.recall_stride(k)))
        packed[:, :k] = factors[self.features]
        if linear is not None and self.items:
            packed[:, k] = linear[self.features]
        return packed

    def vectors(self, parameters: Float32Array, k: int, n_threads: int = 1) -> Float32Array:
        """Return the vector of each row: of (n_rows, stride), k factors and one number in use."""
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
        """Move the parameters of this side towards the best ones for the other side as it is.

        With c the weight of a pair that was seen and w that of any other, a few steps of conjugate
        gradients go towards the minimum of

            sum_seen c (score - 1)^2 + sum_others w score^2 + sum_j penalty_j |theta_j|^2

        after the scores were made linear in the parameters (they are, but for the pairs of features
        within an item), and the minimum along the change is taken. The objective never grows.

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
            The sum over all pairs, without the penalty, after the step.

        Raises
        ------
        KeyboardInterrupt
            On Ctrl-C; nothing has changed then.
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
    """What a step of `Side.solve` is told.

    Parameters
    ----------
    k : int
        Number of factors.
    unobserved_weight : float
        Weight of the pairs that were not seen.
    fit_linear : bool
        Whether items have linear weights.
    first_free : int
        The features of the side before this one stay as they are.
    n_steps : int
        Steps of conjugate gradients.
    """

    k: int
    unobserved_weight: float
    fit_linear: bool = True
    first_free: int = 0
    n_steps: int = 4
