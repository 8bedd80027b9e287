"""Batches of Rows appended as they come, to arrays that grow in memory or on disk."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Generic, Protocol, TypeVar

import numpy as np

from fieldfare._typing import AnyArray
from fieldfare.exceptions import DataError
from fieldfare.kernels.machine import reserved
from fieldfare.rows import Rows
from fieldfare.rows.arrays import DTYPES, PER_ROW

# What an optional array holds for the batches that lack it; targets and groups have no such value.
_FILL = {"values": 1, "fields": 0, "weight": 1}
_MARGIN = 1.1  # later batches may be longer, and room that is never used takes no memory


class Growing(Protocol):
    """An array being appended to."""

    def append(self, array: AnyArray) -> None:
        """Write elements at the end."""

    def fill(self, value: float, length: int) -> None:
        """Write a value until the array has this length."""


Array = TypeVar("Array", bound=Growing)


class RowsAppender(Generic[Array]):
    """Appends batches as ``Rows.concatenate`` does; values and weights all one are left out.

    Parameters
    ----------
    start : callable
        Makes the empty array of a name, when it is first needed.

    Attributes
    ----------
    arrays : dict
        Those of the batches so far, by name.
    counts : dict
        ``n_rows``, ``n_entries``, ``n_features`` and ``n_fields`` of the batches so far.
    """

    def __init__(self, start: Callable[[str], Array]) -> None:
        self._start = start
        self.arrays = {name: start(name) for name in ("indptr", "indices")}
        self.arrays["indptr"].append(np.zeros(1, np.int64))
        self.counts = {"n_rows": 0, "n_entries": 0, "n_features": 0, "n_fields": 0}

    def append(self, batch: Rows) -> None:
        """Take one batch; nothing of it is kept but copies.

        Raises
        ------
        DataError
            If only some of the batches have a target, a group, or what they are split by.
        """
        if len(batch) == 0:
            return
        n_rows, n_entries = self.counts["n_rows"], self.counts["n_entries"]
        own = batch.span
        self.counts["n_rows"] += len(batch)
        self.counts["n_entries"] += batch.nnz
        for name in ("n_features", "n_fields"):
            self.counts[name] = max(self.counts[name], getattr(batch, name))
        self.arrays["indptr"].append(batch.indptr[1:] + (n_entries - own.start))
        self.arrays["indices"].append(batch.indices[own])
        for name in ("values", "fields"):
            array: AnyArray | None = getattr(batch, name)
            self._append_optional(name, None if array is None else array[own], n_entries, batch.nnz)
        for name in PER_ROW:
            self._append_optional(name, getattr(batch, name), n_rows, len(batch))

    def _append_optional(self, name: str, array: AnyArray | None, before: int, n_more: int) -> None:
        """Append to an optional array, starting or filling it up where batches differ."""
        if array is not None and name in ("values", "weight") and (array == 1).all():
            array = None
        known = name in self.arrays
        if array is None and not known:
            return
        if name not in _FILL and (array is None or (before and not known)):
            raise DataError(f"Some of the batches have a {name} and some have none.")
        if not known:
            self.arrays[name] = self._start(name)
            self.arrays[name].fill(_FILL.get(name, 0), before)
        if array is None:
            self.arrays[name].fill(_FILL[name], before + n_more)
        else:
            self.arrays[name].append(array)


def gather(batches: Iterable[Rows], n_expected: float = 0) -> Rows:
    """Gather batches in memory, each as soon as it comes; its own memory may then be used again.

    So memory is needed for the result and one batch, and little of it is touched for the first
    time, which is what costs: a list of all batches, concatenated at the end, takes twice as much.

    Parameters
    ----------
    batches : iterable of Rows
        Appended as by `RowsAppender`; a single one is returned as it is.
    n_expected : float
        About how many there will be, if that is known; it saves copies.

    Returns
    -------
    Rows
    """
    batches = iter(batches)
    ahead = deque(islice(batches, 2))
    if len(ahead) < 2:
        return Rows.concatenate(ahead)
    n_appended = 0

    def room(length: int) -> int:
        return int(length * max(2, _MARGIN * n_expected / max(1, n_appended)))

    appender = RowsAppender(lambda name: _MemoryArray(DTYPES[name], room))
    while ahead:
        n_appended += 1
        appender.append(ahead.popleft())  # nothing else holds it from here on
        ahead.extend(islice(batches, 1))
    rows = Rows(**{name: array.finish() for name, array in appender.arrays.items()})
    known = {name: appender.counts[name] for name in ("n_features", "n_fields")}
    vars(rows).update(known)  # without another pass
    return rows


class _MemoryArray:
    """An array being appended to in memory; ``room`` says how much to take for a given length."""

    def __init__(self, dtype: np.dtype[np.generic], room: Callable[[int], int]) -> None:
        self._array: AnyArray = np.empty(0, dtype)
        self._length = 0
        self._room = room

    def append(self, array: AnyArray) -> None:
        """Write elements at the end."""
        self._next(len(array))[:] = array

    def fill(self, value: float, length: int) -> None:
        """Write a value until the array has this length."""
        self._next(length - self._length)[:] = value

    def _next(self, n: int) -> AnyArray:
        """Return the next elements, to be written."""
        start, stop = self._length, self._length + n
        if stop > len(self._array):
            larger = reserved(self._room(stop), self._array.dtype)
            larger[:start] = self._array[:start]
            self._array = larger
        self._length = stop
        return self._array[start:stop]

    def finish(self) -> AnyArray:
        """Return what was written."""
        return self._array[: self._length]
