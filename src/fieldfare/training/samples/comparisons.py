"""Comparisons: which pairs of rows a ranking learns from, and in which order.

A comparison (i, j) says that row i should rank above row j. In an epoch each row is compared with a
limited number of worse rows of its group. Rows are sorted by group, neighbouring groups form a
chunk, chunks are visited in random order, and the comparisons of a few chunks at a time are
shuffled together, so that those of an epoch are never in memory all at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from fieldfare._random import stream
from fieldfare._sums import dot
from fieldfare._typing import AnyArray, Float32Array, Float64Array, Int64Array
from fieldfare._validation import shown
from fieldfare.exceptions import DataError
from fieldfare.training.samples.windows import CHUNK_ROWS

_PAIRS_AT_ONCE = 2**20


class GroupComparisons:
    """Comparisons of the rows of each group.

    Parameters
    ----------
    target : float32 array of shape (n,)
        The larger, the higher the row should rank.
    group : integer array of shape (n,)
        Rows of a group need not be neighbours.
    """

    def __init__(self, target: Float32Array, group: AnyArray) -> None:
        _, first, number = np.unique(group, return_index=True, return_inverse=True)
        # Numbered by first appearance, so that neighbours on disk stay neighbours.
        rank = np.empty(len(first), np.int64)
        rank[np.argsort(first)] = np.arange(len(first))
        number = rank[number.reshape(-1)]
        self.rows: Int64Array = np.lexsort((target, number)).astype(np.int64)
        sorted_number, sorted_target = number[self.rows], target[self.rows]
        self.starts = np.flatnonzero(np.diff(sorted_number, prepend=-1))
        self.stops = np.append(self.starts[1:], len(self.rows))
        start = self.starts[sorted_number]
        # Rows of the same target are not compared, so the worse rows end where these begin.
        new = np.append(True, (np.diff(sorted_target) != 0) | (np.diff(sorted_number) != 0))
        ties = np.flatnonzero(new) if len(self.rows) else np.zeros(0, np.int64)
        self.start: Int64Array = start
        self.n_worse: Int64Array = ties[np.cumsum(new) - 1] - start if len(ties) else start

    def count(self, per_row: int) -> int:
        """Return the number of comparisons in an epoch."""
        return int(np.minimum(self.n_worse, min(per_row, len(self.rows))).sum())

    def blocks(
        self, per_row: int, *, seed: int, epoch: int, shuffle: bool = True
    ) -> Iterator[Int64Array]:
        """Yield the comparisons of an epoch, some groups at a time.

        Parameters
        ----------
        per_row : int
            The largest number of worse rows that a row is compared with. Where there are more, each
            is equally likely, and all levels of the target get their share.
        seed, epoch : int
            Fix the choice and the order.
        shuffle : bool
            Whether to shuffle; otherwise comparisons come group by group.

        Yields
        ------
        int64 array of shape (m, 2)
            The better and the worse row of each comparison.
        """
        per_row = min(per_row, len(self.rows))  # which no array need hold more of
        random = stream(seed, "pairs", epoch)
        order = np.arange(len(self.starts))
        if shuffle:
            chunk = self.starts // CHUNK_ROWS
            place = random.permutation(int(chunk[-1]) + 1 if len(chunk) else 0)
            order = np.argsort(place[chunk], kind="stable")
        total = np.concatenate([[0], np.cumsum(np.minimum(self.n_worse, per_row))])
        sizes = total[self.stops[order]] - total[self.starts[order]]
        cut = np.flatnonzero(np.diff(np.cumsum(sizes) // _PAIRS_AT_ONCE)) + 1
        for groups in np.split(order, cut):
            found = self._of_groups(groups, per_row, random.random)
            if len(found):
                yield random.permutation(found) if shuffle else found

    def _of_groups(
        self, groups: Int64Array, per_row: int, draw: Callable[[int], AnyArray]
    ) -> Int64Array:
        sizes = self.stops[groups] - self.starts[groups]
        better = spread(self.starts[groups], sizes)
        worse = self.n_worse[better]
        count = np.minimum(worse, per_row)
        row = np.repeat(better, count)
        step = np.repeat(worse / np.maximum(count, 1), count)
        nth = spread(np.zeros(len(count), np.int64), count)
        # Systematic sampling: one start in [0, step), then every step-th of the worse rows.
        start = np.repeat(draw(len(count)), count)
        # Rounding must not lead past the last of the worse rows.
        place = np.minimum(((nth + start) * step).astype(np.int64), np.repeat(worse - 1, count))
        return np.stack([self.rows[row], self.rows[self.start[row] + place]], axis=1)


class ChosenComparisons:
    """Comparisons that the user has chosen; an epoch visits each of them.

    Parameters
    ----------
    chosen : int64 array of shape (n_pairs, 2)
    """

    def __init__(self, chosen: Int64Array) -> None:
        self.chosen = chosen

    def count(self, per_row: int) -> int:
        """Return the number of comparisons in an epoch."""
        return len(self.chosen)

    def blocks(
        self, per_row: int, *, seed: int, epoch: int, shuffle: bool = True
    ) -> Iterator[Int64Array]:
        """Yield the comparisons of an epoch, as `GroupComparisons.blocks` does.

        ``per_row`` is not used.
        """
        del per_row
        if shuffle:
            yield self.chosen[stream(seed, "pairs", epoch).permutation(len(self.chosen))]
        else:
            yield self.chosen


def check_comparisons(pairs: object, n_rows: int) -> Int64Array:
    """Return the comparisons that a user gave as ``pairs``.

    Parameters
    ----------
    pairs : array-like of int, shape (n_pairs, 2)
        Row numbers, the better row first.
    n_rows : int
        Number of rows.

    Returns
    -------
    int64 array of shape (n_pairs, 2)

    Raises
    ------
    DataError
        If it is not an integer array of this shape, or a row number is out of range.
    """
    asked = (
        "pairs must hold row numbers: an integer array of shape (n_pairs, 2), the better row first"
    )
    try:
        array = np.asarray(pairs)
    except ValueError as error:
        raise DataError(f"{asked}. Got rows of different lengths.") from error
    except Exception as error:
        raise DataError(f"{asked}. Got {shown(pairs)}: {shown(str(error))}.") from error
    if array.ndim != 2 or array.shape[1] != 2 or array.dtype.kind not in "iu":
        raise DataError(f"{asked}. Got {array.dtype} of shape {array.shape}.")
    if len(array) and not 0 <= int(array.min()) <= int(array.max()) < n_rows:
        raise DataError(
            f"pairs must hold row numbers from 0 to {n_rows - 1}. Got {array.min()} to "
            f"{array.max()}."
        )
    return np.ascontiguousarray(array, np.int64)


def spread(starts: Int64Array, sizes: Int64Array) -> Int64Array:
    """Return, for each start in turn, as many consecutive numbers from it as its size says.

    >>> spread(np.array([3, 7]), np.array([2, 1]))
    array([3, 4, 7])
    """
    ends = np.cumsum(sizes)
    filled: Int64Array = np.repeat(starts - (ends - sizes), sizes) + np.arange(sizes.sum())
    return filled


def require_groups(group: AnyArray | None) -> AnyArray:
    """Return the groups of rows; raise DataError if there are none."""
    if group is None:
        raise DataError(
            "Ranking needs the group of each row (a query or a user): name the group column, pass "
            "qid to the estimator, or use libsvm text with qid:. Got none. If each row is just an "
            "interaction of a user with an item, train for recall: solver='nonsampled', or "
            "negatives='uniform'."
        )
    return group


def comparison_loss(
    scores: AnyArray, target: Float32Array, group: AnyArray, weight: Float32Array | None = None
) -> float:
    """Return the mean logistic loss of score differences over the comparisons of each group.

    Up to 100 comparisons per row count, the same ones each time.

    Parameters
    ----------
    scores, target, group, weight : arrays of shape (n,)
        The weight of a comparison is the geometric mean of the weights of its two rows.

    Returns
    -------
    float
        NaN if there is nothing to compare.
    """
    total = mass = 0.0
    for pairs in GroupComparisons(target, group).blocks(100, seed=0, epoch=0, shuffle=False):
        apart = scores[pairs[:, 0]].astype(np.float64) - scores[pairs[:, 1]]
        w = comparison_weights(pairs, weight)
        total += float(dot(w, np.logaddexp(0, -apart)))
        mass += float(w.sum())
    return total / mass if mass > 0 else float("nan")


def comparison_weights(pairs: Int64Array, weight: Float32Array | None) -> Float64Array:
    """Return the weight of each comparison: the geometric mean of the weights of its rows."""
    if weight is None:
        return np.ones(len(pairs))
    w: Float64Array = np.sqrt(weight[pairs[:, 0]].astype(np.float64) * weight[pairs[:, 1]])
    return w
