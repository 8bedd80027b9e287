"""Stretches: some rows from all over a data set, where looking at each one would cost too much."""

from __future__ import annotations

import numpy as np

from fieldfare._typing import AnyArray
from fieldfare.rows import RelatedRows, Rows, as_rows

_STRETCHES = 64


def stretches(rows: Rows | RelatedRows, n_entries: int) -> Rows:
    """Return all rows, or of more than so many entries, stretches of rows from all over.

    Parameters
    ----------
    rows : Rows or RelatedRows
        The latter are joined.
    n_entries : int
        About how many entries to return at most; each stretch has at least one row.

    Returns
    -------
    Rows
    """
    if rows.nnz <= n_entries:
        return as_rows(rows)
    starts = np.arange(_STRETCHES) * rows.n_rows // _STRETCHES
    stops = np.maximum(_stops(rows, starts, n_entries // _STRETCHES), starts + 1)
    stops = np.minimum(stops, np.append(starts[1:], rows.n_rows))
    pairs = zip(starts.tolist(), stops.tolist(), strict=True)
    return Rows.concatenate([as_rows(rows.slice(*pair)) for pair in pairs])


def _stops(rows: Rows | RelatedRows, starts: AnyArray, n_entries: int) -> AnyArray:
    """Return where stretches of so many entries end."""
    if isinstance(rows, Rows):
        ends = rows.indptr[starts] + n_entries
        return np.searchsorted(rows.indptr, ends, side="right") - 1
    return starts + n_entries * rows.n_rows // rows.nnz
