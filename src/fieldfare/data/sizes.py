"""Sizes: how large the values of each numbered feature are, and how much they vary."""

from __future__ import annotations

import numpy as np

from fieldfare._typing import AnyArray, Float64Array
from fieldfare.rows import Rows

# Sizes of features may differ by this factor, and the size of one from its spread, before they are
# scaled without being asked to.
_UNEQUAL = 10.0
# A feature that this share of the rows has is one that most rows have.
_DENSE = 0.5


class Sizes:
    """The moments of the values of each feature, over weighted rows.

    Parameters
    ----------
    n_features : int
    """

    def __init__(self, n_features: int) -> None:
        self.n_rows = 0.0
        self.count, self.total, self.squares = np.zeros((3, n_features))
        self.varies = np.zeros(n_features, bool)
        self.strays = np.zeros(n_features, bool)

    def add(
        self, rows: Rows, weight: AnyArray | None = None, field_of: AnyArray | None = None
    ) -> None:
        """Take in some rows.

        Parameters
        ----------
        rows : Rows
        weight : float array of shape (n_rows,) or None
            Weights of the samples.
        field_of : integer array of shape (n_features,) or None
            The field of each feature: those that occur under another field are noted.
        """
        own = rows.span
        ids = rows.indices[own]
        values: Float64Array = np.ones(len(ids))
        if rows.values is not None:
            values = rows.values[own].astype(np.float64)
            self.varies[ids[values != 1]] = True
        if field_of is not None and rows.fields is not None:
            self.strays[ids[field_of[ids] != rows.fields[own]]] = True
        counts = np.ones(len(ids))
        self.n_rows += len(rows) if weight is None else float(weight.sum(dtype=np.float64))
        if weight is not None:
            counts = np.repeat(weight.astype(np.float64), np.diff(rows.indptr))
        _add(self.count, ids, counts)
        _add(self.total, ids, counts * values)
        _add(self.squares, ids, counts * values**2)

    @property
    def sizes(self) -> Float64Array:
        """Root mean square of the values that are stored, 0 where there are none."""
        return np.sqrt(self.squares / np.where(self.count > 0, self.count, 1))

    @property
    def unequal(self) -> bool:
        """Whether some feature is so large that others are lost beside it, or its own variation.

        Others are numbers that most rows have, and the one of a category. Numbers that few rows
        have may be small, as weighted words are.
        """
        if not self.varies.any():
            return False
        sizes, dense = self.sizes, self.dense
        largest = float(sizes[self.varies].max())
        beside_others = largest > _UNEQUAL * float(sizes[dense].min(initial=1.0))
        return beside_others or bool((sizes[dense] > _UNEQUAL * self.spread[dense]).any())

    @property
    def mean(self) -> Float64Array:
        """Mean over all rows, of which some may store no value."""
        return self.total / max(self.n_rows, 1e-30)

    @property
    def spread(self) -> Float64Array:
        """Standard deviation over all rows; 0 where it is lost in rounding."""
        mean_square = self.squares / max(self.n_rows, 1e-30)
        variance = mean_square - self.mean**2
        return np.sqrt(np.where(variance > 1e-12 * mean_square, variance, 0))

    @property
    def dense(self) -> AnyArray:
        """Whether each feature is a number that most rows have, and that is not the same in all."""
        most = self.count >= _DENSE * self.n_rows
        return np.asarray(self.varies & most & (self.spread > 0))

    def far(self, times: float) -> AnyArray:
        """Return whether each feature is dense, and its mean so many spreads away from zero."""
        return np.asarray(self.dense & (np.abs(self.mean) > times * self.spread))

    def extremes(self) -> tuple[int, int]:
        """Return the feature of the largest size, and that of the smallest beside it."""
        beside = np.where(self.dense | ~self.varies, self.sizes, 0)
        beside[beside == 0] = np.inf
        return int(np.argmax(self.sizes)), int(np.argmin(beside))


def _add(total: Float64Array, ids: AnyArray, amounts: Float64Array) -> None:
    if 4 * len(ids) < len(total):
        np.add.at(total, ids, amounts)
    else:
        total += np.bincount(ids, amounts, len(total))
