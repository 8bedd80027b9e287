"""Splits of samples into training and validation parts, fixed by a seed."""

from __future__ import annotations

from typing import Any

import numpy as np

from fieldfare import _random
from fieldfare._arrays import as_array
from fieldfare._typing import AnyArray, Int64Array
from fieldfare._validation import Number, check
from fieldfare.exceptions import DataError
from fieldfare.rows import Rows


def split_rows(
    rows: Rows | int, fraction: float, seed: int, stratify: Any = None
) -> tuple[Int64Array, Int64Array]:
    """Draw a validation part.

    Parameters
    ----------
    rows : Rows or int
        The samples, or their number.
    fraction : float in (0, 1)
        Share of the validation part, rounded, at least one sample on either side.
    seed : int
    stratify : array of shape (n,) or None
        Classes (or groups) whose shares both parts keep as closely as whole samples allow.

    Returns
    -------
    train, valid : int64 arrays
        Row numbers, ascending; together each row once.

    Raises
    ------
    DataError
        If there are fewer than two samples.
    """
    check("fraction", fraction, Number(0, 1, low_open=True, high_open=True), "split_rows")
    n = rows if isinstance(rows, int) else rows.n_rows
    if n < 2:
        raise DataError(f"A split needs at least two samples. Got {n}.")
    rank = _class_order(n, seed, "split", stratify)
    n_valid = min(max(round(n * fraction), 1), n - 1)
    chosen = np.zeros(n, bool)
    # Every (n / n_valid)-th of the samples in class order: each class gets its share.
    chosen[rank[(np.arange(n_valid) * n) // n_valid]] = True
    return np.flatnonzero(~chosen), np.flatnonzero(chosen)


def kfold(n: int, k: int, seed: int, stratify: Any = None) -> list[tuple[Int64Array, Int64Array]]:
    """Split into ``k`` folds.

    Parameters
    ----------
    n : int
        Number of samples.
    k : int
        Number of folds, 2 to ``n``.
    seed : int
    stratify : array of shape (n,) or None
        Classes (or groups) whose shares all folds keep.

    Returns
    -------
    list of (train, valid)
        Row numbers, ascending. Each row is in one validation part; their sizes differ by at most 1.

    Raises
    ------
    ConfigError
        If ``k`` is not between 2 and ``n``.
    """
    check("k", k, Number(2, n, integer=True), "kfold")
    rank = _class_order(n, seed, "folds", stratify)
    fold = np.empty(n, np.int64)
    fold[rank] = np.arange(n) % k
    return [(np.flatnonzero(fold != i), np.flatnonzero(fold == i)) for i in range(k)]


def _class_order(n: int, seed: int, purpose: str, stratify: Any) -> AnyArray:
    """Return a random order of rows in which each class, if given, lies together."""
    order = _random.permutation(seed, purpose, n)
    if stratify is None:
        return order
    classes = as_array("The classes of stratify", stratify)
    if classes.shape != (n,):
        raise DataError(f"stratify must have shape ({n},). Got shape {classes.shape}.")
    distinct = distinct_values(classes)
    numbered = np.array_equal(distinct, np.arange(len(distinct)))
    number = classes if numbered else np.searchsorted(distinct, classes)
    if len(distinct) < 2**16:
        number = number.astype(np.uint16)  # sorted by counting rather than by comparing
    return order[np.argsort(number[order], kind="stable")]


def distinct_values(array: AnyArray) -> AnyArray:
    """Return the distinct values in order: ``np.unique`` without its import of ``numpy.ma``."""
    ordered = np.sort(array)
    first = np.ones(len(ordered), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return ordered[first]


def leave_last_out(
    user: Any, time: Any = None, n_last: int = 1, seed: int = 0
) -> tuple[Int64Array, Int64Array]:
    """Hold out the last rows of each user.

    Parameters
    ----------
    user : array of shape (n,)
        Users without more than ``n_last`` rows stay in training whole.
    time : array of shape (n,) or None
        When; of rows of the same time the later ones in the table are the last. ``None``: the last
        are drawn at random.
    n_last : int in [1, inf)
    seed : int

    Returns
    -------
    train, test : int64 arrays
        Row numbers, ascending; together each row once.

    Raises
    ------
    DataError
        If the arrays differ in length.
    """
    check("n_last", n_last, Number(1, integer=True), "leave_last_out")
    users = as_array("Users", user)
    when = np.argsort(_random.permutation(seed, "split", len(users))) if time is None else time
    when = as_array("Times", when)
    if users.ndim != 1 or when.shape != users.shape:
        raise DataError(
            f"There must be one user and one time for each row. Got shapes {users.shape} and "
            f"{when.shape}."
        )
    number = np.searchsorted(distinct_values(users), users)
    order = np.lexsort((np.arange(len(users)), when, number))
    size = np.bincount(number)
    from_end = np.repeat(np.cumsum(size), size) - np.arange(len(users))
    held = np.zeros(len(users), bool)
    held[order] = (from_end <= n_last) & (np.repeat(size, size) > n_last)
    return np.flatnonzero(~held), np.flatnonzero(held)


def temporal_split(time: Any, fraction: float) -> tuple[Int64Array, Int64Array]:
    """Hold out the newest rows: what a model is asked for lies after all that it was shown.

    Parameters
    ----------
    time : array of shape (n,)
    fraction : float in (0, 1)
        Share to hold out; rows of one time stay together, so it may turn out smaller, or larger
        where the last time alone has more rows.

    Returns
    -------
    train, test : int64 arrays
        Row numbers, ascending; together each row once.

    Raises
    ------
    DataError
        If all rows would be on one side.
    """
    check("fraction", fraction, Number(0, 1, low_open=True, high_open=True), "temporal_split")
    when = as_array("Times", time)
    n_train = max(len(when) - max(round(len(when) * fraction), 1), 1)
    border = np.sort(when)[n_train - 1] if len(when) else 0
    late = when > border
    if not late.any():
        late = when >= border
    train, test = np.flatnonzero(~late), np.flatnonzero(late)
    if not len(train) or not len(test):
        raise DataError(
            f"A split by time needs rows of different times. Got {len(when)} rows, all of the same "
            "time."
            if len(when)
            else "A split by time needs rows. Got none."
        )
    return train, test
