"""The order in which an epoch visits its rows: chunks and windows.

Rows are cut into chunks of consecutive rows; each epoch permutes the chunks, combines neighbours in
the new order into windows, and shuffles the rows inside each window. A window touches a bounded
part of the data, read in long runs, so the same order serves arrays in memory and memory maps on
disk, and both train to the same bits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from fieldfare._random import stream
from fieldfare._typing import Int64Array
from fieldfare.kernels import native
from fieldfare.rows import RelatedRows, Rows

CHUNK_ROWS = 1024
WINDOW_BYTES = 16 * 2**20
# What one entry and one row take when every optional array is there. Sizes are counted this way,
# rather than by the arrays at hand, so that leaving out an array of ones does not change the order.
_ENTRY_BYTES = 10
_ROW_BYTES = 24


def window_rows(rows: Rows | RelatedRows) -> int:
    """Return how many rows make a window: whole chunks, about 16 MB, at least one chunk."""
    per_row = _ROW_BYTES + _ENTRY_BYTES * rows.nnz / max(1, rows.n_rows)
    return max(1, int(WINDOW_BYTES / per_row) // CHUNK_ROWS) * CHUNK_ROWS


def windows(
    n_rows: int, size: int, *, seed: int, epoch: int, shuffle: bool
) -> Iterator[Int64Array]:
    """Yield the row numbers of an epoch, one window at a time; together each row once.

    Parameters
    ----------
    n_rows : int
        Number of rows.
    size : int
        Rows in a window, a multiple of ``CHUNK_ROWS`` (see `window_rows`).
    seed : int
        Seed of the order.
    epoch : int
        Number of the epoch; each has its own order, which does not depend on earlier epochs.
    shuffle : bool
        Whether to shuffle; otherwise rows come in their natural order.

    Yields
    ------
    int64 array of shape (at most ``size``,)
    """
    if not shuffle:
        for start in range(0, n_rows, size):
            yield np.arange(start, min(start + size, n_rows), dtype=np.int64)
        return
    random = stream(seed, "shuffle", epoch)
    chunks = random.permutation(-(-n_rows // CHUNK_ROWS))
    per_window = size // CHUNK_ROWS
    for start in range(0, len(chunks), per_window):
        # Sorted, so that the shuffle below is all that decides the order inside a window.
        first = np.sort(chunks[start : start + per_window]) * CHUNK_ROWS
        order = (first[:, None] + np.arange(CHUNK_ROWS)).ravel()
        if order[-1] >= n_rows:
            order = order[order < n_rows]
        native.shuffle(order, int(random.integers(2**63)))
        yield order


def merged(orders: Iterable[Int64Array], size: int) -> Iterator[Int64Array]:
    """Yield the same row numbers in the same order, in runs of up to ``size``."""
    held: list[Int64Array] = []
    for order in orders:
        if held and sum(map(len, held)) + len(order) > size:
            yield np.concatenate(held)
            held = []
        held.append(order)
    if held:
        yield np.concatenate(held)
