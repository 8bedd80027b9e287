"""What one side of a factorization machine, the user or the item, contributes to a score."""

from __future__ import annotations

import numpy as np

from fieldfare import _core
from fieldfare._typing import AnyArray, Float32Array, Float64Array
from fieldfare.kernels.machine import available_cores
from fieldfare.rows import Rows

# The number of multiplications for which starting a thread is worthwhile.
_PER_THREAD = 2**20


def sum_sides(
    rows: Rows,
    side_of: AnyArray,
    wanted: int,
    linear: Float32Array,
    factors: Float32Array,
    *,
    by_field: bool = False,
    n_threads: int | None = None,
) -> tuple[Float64Array, Float64Array]:
    """Return the sum of the vectors of a side's entries, and what these add on their own.

    Parameters
    ----------
    rows : Rows
    side_of : uint8 array
        The side of each feature or, ``by_field``, of each field.
    wanted : int
        The side to be summed. Other entries, and those of unknown features, count for nothing.
    linear : float32 array of shape (n_features,)
    factors : float32 array of shape (n_features, k)
    by_field : bool
    n_threads : int, optional
        All cores by default; the result does not depend on it.

    Returns
    -------
    cross : float64 array of shape (n_rows, k)
        The sum of ``x v`` over the entries of each row.
    own : float64 array of shape (n_rows,)
        The sum of their linear terms, and of ``<x v, y u>`` over their pairs (Rendle 2010, lemma
        3.1).
    """
    n, k = len(rows), factors.shape[1]
    cross, own = np.empty((n, k)), np.empty(n)
    threads = n_threads or max(1, rows.nnz * max(1, k) // _PER_THREAD)
    if n_threads is None and threads > 1:
        threads = min(threads, available_cores())
    _core.sum_sides(
        rows.indptr,
        rows.indices,
        rows.values,
        rows.fields,
        side_of,
        by_field,
        wanted,
        linear,
        factors,
        cross,
        own,
        threads,
    )
    return cross, own
