"""What one side of a factorization machine, the user or the item, contributes to a score."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fieldfare import _core
from fieldfare._typing import AnyArray, Float32Array, Float64Array
from fieldfare.kernels.machine import available_cores
from fieldfare.rows import Rows

# The number of multiplications for which starting a thread is worthwhile.
_PER_THREAD = 2**20


class SideKeys(NamedTuple):
    """The side of each feature, or of each field: a uint8 array, and whether it is of fields."""

    side_of: AnyArray
    by_field: bool


def sum_sides(
    rows: Rows,
    keys: SideKeys,
    wanted: int,
    linear: Float32Array,
    factors: Float32Array,
    out: AnyArray,
    n_threads: int | None = None,
) -> Float64Array:
    """Sum the vectors of a side's entries, and return what these add on their own.

    Parameters
    ----------
    rows : Rows
    keys : SideKeys
    wanted : int
        The side to be summed. Other entries, and those of unknown features, count for nothing.
    linear : float32 array of shape (n_features,)
    factors : float32 array of shape (n_features, k)
    out : float32 or float64 array of shape (n_rows, k or more)
        The sum of ``x v`` over the entries of each row is written to its first k columns.
    n_threads : int, optional
        All cores by default; the result does not depend on it.

    Returns
    -------
    float64 array of shape (n_rows,)
        The sum of their linear terms, and of ``<x v, y u>`` over their pairs (Rendle 2010, lemma
        3.1). All sums are in double precision.
    """
    own = np.empty(len(rows))
    threads = n_threads or max(1, rows.nnz * max(1, factors.shape[1]) // _PER_THREAD)
    if n_threads is None and threads > 1:
        threads = min(threads, available_cores())
    _core.sum_sides(
        rows.indptr,
        rows.indices,
        rows.values,
        rows.fields,
        keys.side_of,
        keys.by_field,
        wanted,
        linear,
        factors,
        out,
        own,
        threads,
    )
    return own
