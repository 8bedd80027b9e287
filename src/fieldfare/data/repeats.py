"""Repeats: rows that occur more than once, in one data set or in two."""

from __future__ import annotations

import numpy as np

from fieldfare._typing import AnyArray
from fieldfare.data.stretches import stretches
from fieldfare.rows import RelatedRows, Rows
from fieldfare.schema.fit import scatter

# What is looked at of the two data sets, in entries. Some 30 ns each.
_KNOWN_ENTRIES = 1_000_000
_OTHER_ENTRIES = 100_000
_MIN_ROWS = 50
_MARGIN = 0.25


def row_keys(rows: Rows, *, targets: bool = False) -> AnyArray:
    """Return a number for each row that rows of the same entries share, and hardly any others.

    Parameters
    ----------
    rows : Rows
    targets : bool
        Whether rows of different targets differ.

    Returns
    -------
    uint64 array of shape (n_rows,)
        A sum of scattered entries, which does not see their order.
    """
    span = rows.span
    keys = rows.indices[span].astype(np.uint64) << np.uint64(32)
    if rows.values is not None:
        keys |= rows.values[span].view(np.uint32).astype(np.uint64)
    total = np.concatenate([np.zeros(1, np.uint64), np.cumsum(scatter(keys), dtype=np.uint64)])
    bounds = rows.indptr - rows.indptr[0]
    found: AnyArray = total[bounds[1:]] - total[bounds[:-1]]
    if targets and rows.target is not None:
        # Zeros of either sign are the same target.
        found = found + scatter((rows.target + np.float32(0)).view(np.uint32).astype(np.uint64))
    return found


def duplicates(rows: Rows) -> tuple[int, int]:
    """Count rows that repeat the features of an earlier one, and those with another target."""
    _, first, inverse = np.unique(row_keys(rows), return_index=True, return_inverse=True)
    contradictions = 0
    if rows.target is not None:
        contradictions = int((rows.target != rows.target[first][inverse]).sum())
    return rows.n_rows - len(first), contradictions


def share_known(known: Rows | RelatedRows, other: Rows | RelatedRows) -> float:
    """Return the share of other rows that stand among the known ones.

    Where rows are few-valued, new ones repeat old ones by themselves, as the old ones repeat each
    other: their own share of repeated rows is what can be expected. A share that exceeds it by less
    than a quarter, or is one of very few rows, counts as 0.

    Parameters
    ----------
    known, other : Rows or RelatedRows
        Their targets count if both have some. Of large ones a part is looked at, which makes this
        an estimate.
    """
    if min(known.n_rows, other.n_rows) < _MIN_ROWS:
        return 0.0
    targets = known.target is not None and other.target is not None
    part = stretches(known, _KNOWN_ENTRIES)
    mine = row_keys(part, targets=targets)
    values, counts = np.unique(mine, return_counts=True)
    expected = 1 - float((counts == 1).sum()) / len(mine)
    theirs = row_keys(stretches(other, _OTHER_ENTRIES), targets=targets)
    place = np.minimum(np.searchsorted(values, theirs), len(values) - 1)
    share = float((values[place] == theirs).mean()) * known.n_rows / part.n_rows
    return min(share, 1.0) if share > expected + _MARGIN else 0.0
