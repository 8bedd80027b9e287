"""Rows in the form that Keras takes: rectangles of ids, padded with -1, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any, final

import numpy as np

import keras
from fieldfare._random import permutation
from fieldfare._typing import AnyArray, Int64Array
from fieldfare.exceptions import DataError
from fieldfare.rows import Rows
from fieldfare.store.row_store import RowStore

PADDING = -1


def to_inputs(rows: Rows, length: int | None = None) -> dict[str, AnyArray]:
    """Return rows as the inputs of the models that `to_keras` makes.

    Parameters
    ----------
    rows : Rows
    length : int or None
        Number of entries to make room for in every row. None means that of the longest row, and at
        least one.

    Returns
    -------
    dict
        ``ids`` (int32) and ``values`` (float32) of shape (n_rows, length), and ``fields`` (int32)
        of the same shape if the rows have fields. Shorter rows are padded with id -1, value 0 and
        field 0.
    """
    counts = np.diff(rows.indptr)
    length = length or max(1, int(counts.max(initial=0)))
    there = np.arange(length) < counts[:, np.newaxis]
    span = rows.span

    def fill(array: AnyArray | None, empty: float, full: float, dtype: Any) -> AnyArray:
        out = np.where(there, full, empty).astype(dtype)
        if array is not None:
            out[there] = array[span]
        return out

    # An unknown id may be too large for int32. The largest int32 is as unknown to the model.
    known = np.minimum(rows.indices[span], np.iinfo(np.int32).max)
    inputs = {"ids": np.full(there.shape, PADDING, np.int32)}
    inputs["ids"][there] = known
    inputs["values"] = fill(rows.values, 0, 1, np.float32)
    if rows.fields is not None:
        inputs["fields"] = fill(rows.fields, 0, 0, np.int32)
    return inputs


@final
class RowsDataset(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of rows in memory or on disk, in a new random order in each epoch.

    Parameters
    ----------
    rows : Rows or RowStore
        With a target for training or validation.
    batch_size : int
    shuffle : bool
        Whether each epoch visits the rows in a different order.
    seed : int
        Determines the orders.
    fields : bool
        Whether the model needs the fields of the entries.
    index : int64 array of shape (n_rows,) or None
        Numbers of the rows to visit; None visits all.

    Notes
    -----
    A batch is (inputs, target) or (inputs, target, weight), the target of shape (batch, 1); without
    a target it is (inputs,). It is as wide as its longest row, rounded up to a power of two, so
    that only a few shapes have to be compiled. If rows differ in length, the first batch is wider
    than all others: see `first_width`.
    """

    def __init__(
        self,
        rows: Rows | RowStore,
        batch_size: int = 256,
        *,
        shuffle: bool = True,
        seed: int = 0,
        fields: bool = False,
        index: Int64Array | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.rows = rows.rows if isinstance(rows, RowStore) else rows
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.fields = fields
        self.index = index
        counts = np.diff(self.rows.indptr)
        if index is not None:
            counts = counts[index]
        self._n_rows = len(counts)
        self._longest = max(1, int(counts.max(initial=0)))
        self._varies = bool((counts != self._longest).any())
        self._epoch = -1
        self.on_epoch_end()

    def __len__(self) -> int:
        return (self._n_rows + self.batch_size - 1) // self.batch_size

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        start = index * self.batch_size
        stop = min(start + self.batch_size, self._n_rows)
        if self._order is None:
            rows = self.rows.slice(start, stop)
        else:
            rows = self.rows.take(self._order[start:stop])
        if index == 0 and self._varies:
            return batch(rows, self._longest + 1, fields=self.fields)
        return batch(rows, min(width_of(rows), self._longest), fields=self.fields)

    def on_epoch_end(self) -> None:
        """Draw the order of the next epoch."""
        self._epoch += 1
        self._order = self.index
        if self.shuffle:
            order = permutation(self.seed, "shuffle", self._n_rows, self._epoch)
            self._order = order if self.index is None else self.index[order]


def width_of(rows: Rows) -> int:
    """Return the length of the longest row, rounded up to a power of two."""
    longest = max(1, int(np.diff(rows.indptr).max(initial=0)))
    return 1 << (longest - 1).bit_length()


def first_width(rows: Rows) -> int:
    """Return a width that no other batch has.

    On TensorFlow, Keras concludes from the first two batches which dimensions are fixed: one that
    is equal in both must be the same in all later batches. A first batch of a different width keeps
    the dimension free.
    """
    return 2 * width_of(rows) + 1


def batch(rows: Rows, width: int, *, fields: bool) -> tuple[Any, ...]:
    """Return (inputs[, target[, weight]]) of a few rows, ``width`` entries wide."""
    inputs = to_inputs(rows, width)
    if not fields:
        inputs.pop("fields", None)
    if rows.target is None:
        return (inputs,)
    # Keras' metrics need a target with as many axes as the output.
    labelled = (inputs, rows.target[:, np.newaxis])
    return labelled if rows.weight is None else (*labelled, rows.weight)


def endless(batches: Any, seed: int | None) -> Iterator[Any]:
    """Yield the batches of one epoch after another, without end.

    Parameters
    ----------
    batches : iterable or sequence
        A sequence is visited in a new order in each epoch.
    seed : int or None
        Determines the orders; None keeps the order of the sequence.

    Raises
    ------
    DataError
        If an epoch has no batches, because the iterator is exhausted.
    """
    numbered = hasattr(batches, "__getitem__") and hasattr(batches, "__len__")
    for epoch in count():
        found = False
        for item in _in_new_order(batches, seed, epoch) if numbered else batches:
            found = True
            yield item
        if not found:
            raise DataError(
                "The batches have ended before the training. Pass an endless generator, or an "
                "iterable that can be started again, such as a list or a keras PyDataset."
            )
        if hasattr(batches, "on_epoch_end"):
            batches.on_epoch_end()


def _in_new_order(batches: Sequence[Any], seed: int | None, epoch: int) -> Iterator[Any]:
    n = len(batches)
    order = range(n) if seed is None else permutation(seed, "shuffle", n, epoch)
    return (batches[int(i)] for i in order)
