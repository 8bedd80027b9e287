"""Search for the largest inner products, in the compiled core."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fieldfare import _core
from fieldfare._typing import AnyArray, Float32Array, Int64Array, UInt32Array
from fieldfare.kernels.machine import available_cores

# The number of multiplications for which starting a thread is worthwhile.
_PER_THREAD = 2**20
# The number of multiplications per call of the core, which take well under a second.
_PER_CALL = 2**33


class Excluded(NamedTuple):
    """The items that each query leaves out: ``ids[indptr[q]:indptr[q + 1]]``, ascending."""

    indptr: Int64Array
    ids: UInt32Array

    @staticmethod
    def of(lists: Sequence[Sequence[Int64Array]], n_items: int) -> Excluded | None:
        """Join lists of places, in any order and with -1 for none, each list with one per query.

        Returns
        -------
        Excluded or None
            None if nothing is left out.
        """
        if not any(lists):
            return None
        places = np.concatenate([own for one in lists for own in one])
        n = len(lists[0])
        if n == 1:  # a request, where each call of NumPy counts
            places = np.sort(places[places >= 0])
            if not len(places):
                return None
            return Excluded(np.array([0, len(places)], np.int64), places.astype(np.uint32))
        query = np.repeat(
            np.tile(np.arange(n), len(lists)), [len(own) for one in lists for own in one]
        )
        # One number per pair, so that a single sort serves all queries.
        pairs = np.sort((query * n_items + places)[places >= 0])
        indptr = np.searchsorted(pairs, np.arange(n + 1) * n_items)
        return Excluded(indptr, (pairs % n_items).astype(np.uint32)) if len(pairs) else None

    def take(self, queries: Int64Array) -> Excluded:
        """Return the lists of the given queries."""
        lists = [self.ids[self.indptr[q] : self.indptr[q + 1]] for q in queries]
        indptr = np.zeros(len(lists) + 1, np.int64)
        np.cumsum([len(one) for one in lists], out=indptr[1:])
        return Excluded(indptr, np.concatenate(lists))


def search_items(
    items: Float32Array,
    queries: Float32Array,
    k: int,
    *,
    allowed: AnyArray | None = None,
    excluded: Excluded | None = None,
    n_threads: int | None = None,
) -> tuple[Int64Array, Float32Array]:
    """Return the items with the largest inner products for each query.

    Parameters
    ----------
    items : float32 array of shape (n_items, d)
    queries : float32 array of shape (n_queries, d)
    k : int
        Number of items per query, at least one.
    allowed : bool array of shape (n_items,), optional
        Which items may be found, by any query.
    excluded : Excluded, optional
    n_threads : int, optional
        All cores by default; the result does not depend on it.

    Returns
    -------
    ids : int64 array of shape (n_queries, k)
        In descending order of score, and of equal scores the lower id first; -1 where there are too
        few items.
    scores : float32 array of shape (n_queries, k)
        Inner products, summed in double precision; -inf where there are too few items.
    """
    ids = np.empty((len(queries), k), np.int64)
    scores = np.empty((len(queries), k), np.float32)
    marks = None if allowed is None else np.ascontiguousarray(allowed).view(np.uint8)
    work = max(1, items.size)
    # In pieces, so that Ctrl-C takes effect soon.
    step = max(1, _PER_CALL // work)
    for low in range(0, len(queries), step):
        part = slice(low, min(low + step, len(queries)))
        n = part.stop - low
        threads = n_threads or max(1, n * work // _PER_THREAD)
        if n_threads is None and threads > 1:
            threads = min(threads, available_cores())
        _core.search_items(
            items,
            queries[part],
            marks,
            None if excluded is None else excluded.indptr[low : part.stop + 1],
            None if excluded is None else excluded.ids,
            ids[part],
            scores[part],
            threads,
        )
    return ids, scores


def score_items(items: Float32Array, queries: Float32Array, chosen: Int64Array) -> Float32Array:
    """Return the inner products of each query with given items, summed in double precision.

    Parameters
    ----------
    items : float32 array of shape (n_items, d)
    queries : float32 array of shape (n_queries, d)
    chosen : int64 array of shape (n_queries, width)
        Places of items; -1 for none, which scores -inf.

    Returns
    -------
    float32 array of shape (n_queries, width)
    """
    out = np.empty(chosen.shape, np.float32)
    _core.score_items(items, queries, np.ascontiguousarray(chosen), out)
    return out
