"""Rows composed of a query and an item, in the compiled core."""

from __future__ import annotations

import numpy as np

from fieldfare import _core
from fieldfare._typing import Int64Array
from fieldfare.kernels.native import core_rows
from fieldfare.rows import Rows


class Halves:
    """Rows of queries and rows of items, of which any query and any item can form a row.

    Parameters
    ----------
    queries, items : Rows
        Their targets, weights and groups are not used.
    """

    def __init__(self, queries: Rows, items: Rows) -> None:
        self._core = _core.Halves(core_rows(queries), core_rows(items))
        self._weighted = queries.values is not None or items.values is not None
        self._fielded = queries.fields is not None or items.fields is not None

    def compose(self, query: Int64Array, item: Int64Array) -> Rows:
        """Return n rows, each with the entries of a query followed by those of an item.

        Parameters
        ----------
        query, item : int64 arrays of shape (n,)
            Numbers of the two halves of each row.
        """
        starts = np.empty(len(query) + 1, np.int64)
        self._core.starts(query, item, starts)
        n = int(starts[-1])
        indices = np.empty(n, np.uint32)
        values = np.empty(n, np.float32) if self._weighted else None
        fields = np.empty(n, np.uint16) if self._fielded else None
        self._core.entries(query, item, indices, values, fields)
        return Rows(starts, indices, values, fields)
