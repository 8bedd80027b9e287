"""RowSubset: some rows of a data set, named by their numbers rather than copied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fieldfare._checksum import Checksum
from fieldfare._typing import AnyArray, Float32Array, Int64Array
from fieldfare.data.dataset import Dataset, RelatedDataset
from fieldfare.exceptions import DataError
from fieldfare.rows import RelatedRows, Rows, as_rows
from fieldfare.training.samples.comparisons import (
    ChosenComparisons,
    GroupComparisons,
    check_comparisons,
)
from fieldfare.training.samples.windows import CHUNK_ROWS, window_rows, windows

if TYPE_CHECKING:
    from fieldfare.store.row_store import RowStore

_MEGABYTE = 10**6
# Of lengths, indices, values, fields, target, weight and group: what one that is left out means.
_STANDS_FOR = (None, None, 1, 0, None, 1, None)


@dataclass(frozen=True, eq=False)
class RowSubset:
    """Rows to train or to evaluate on.

    A split names its rows instead of copying them, so it costs the same in memory and on disk.

    Parameters
    ----------
    rows : Rows or RelatedRows
        All rows of the data set, in memory or memory-mapped.
    index : int64 array of shape (n_rows,) or None
        Numbers of the rows in the subset, ascending; ``None`` for all.
    store : RowStore or None
        The store that ``rows`` is mapped from; it is asked to release pages that were visited.
    comparisons : int64 array of shape (n_pairs, 2) or None
        For ranking: which rows of the subset to compare, the better one first; ``None``: the rows
        of each group.
    """

    rows: Rows | RelatedRows
    index: Int64Array | None = None
    store: RowStore | None = None
    comparisons: Int64Array | None = None

    @staticmethod
    def of(data: Dataset | RelatedDataset | Rows | RelatedRows | RowSubset) -> RowSubset:
        """Return all rows of some data, without copying."""
        if isinstance(data, RowSubset):
            return data
        if isinstance(data, (Rows, RelatedRows)):
            return RowSubset(data)
        return RowSubset(data.rows, store=data.store)

    @property
    def n_rows(self) -> int:
        """Number of rows in the subset."""
        return self.rows.n_rows if self.index is None else len(self.index)

    @property
    def target(self) -> Float32Array:
        """Targets, float32[n_rows]; DataError if the rows have none."""
        if self.rows.target is None:
            raise DataError(
                "Training and evaluation need a target for every row. These rows have none: name "
                "the target column, or give a labelled file."
            )
        return self._pick(self.rows.target)

    @property
    def weight(self) -> Float32Array | None:
        """Sample weights, float32[n_rows], if there are any."""
        return None if self.rows.weight is None else self._pick(self.rows.weight)

    @property
    def group(self) -> Int64Array | None:
        """Groups, int64[n_rows], if there are any."""
        return None if self.rows.group is None else self._pick(self.rows.group)

    @property
    def split_by(self) -> Int64Array | None:
        """What a validation part is held out by, int64[n_rows], if that was read."""
        return None if self.rows.split_by is None else self._pick(self.rows.split_by)

    @property
    def joined(self) -> Rows:
        """The rows of the subset, with the entries of their side tables."""
        return as_rows(self.rows if self.index is None else self.rows.take(self.index))

    def with_target(self, target: Float32Array) -> RowSubset:
        """Return the subset with other targets, one for each of ``rows``."""
        return replace(self, rows=self.rows.with_(target=target))

    def weighed_in(self, unit: float) -> RowSubset:
        """Return the subset with its weights, one of each row by default, divided by a unit."""
        if unit == 1:
            return self
        given = self.rows.weight
        weight = np.ones(self.rows.n_rows, np.float32) if given is None else given
        return replace(self, rows=self.rows.with_(weight=weight / np.float32(unit)))

    def with_comparisons(self, pairs: object) -> RowSubset:
        """Return the subset with comparisons that the user chose; rows then need no target.

        Raises
        ------
        DataError
            If they are not pairs of its row numbers.
        """
        chosen = check_comparisons(pairs, self.n_rows)
        if self.rows.target is not None:
            return replace(self, comparisons=chosen)
        return replace(self.with_target(np.zeros(self.rows.n_rows, np.float32)), comparisons=chosen)

    def select(self, index: Int64Array) -> RowSubset:
        """Return the rows of this subset at the given ascending positions."""
        index = np.asarray(index, np.int64)
        chosen = self.comparisons
        if chosen is not None:
            place = np.full(self.n_rows, -1)
            place[index] = np.arange(len(index))
            chosen = place[chosen][(place[chosen] >= 0).all(axis=1)]
        own = index if self.index is None else self.index[index]
        return replace(self, index=own, comparisons=chosen)

    def orders(self, *, seed: int, epoch: int, shuffle: bool) -> Iterator[Int64Array]:
        """Yield the windows of one epoch as row numbers into ``rows``."""
        size = window_rows(self.rows)
        for order in windows(self.n_rows, size, seed=seed, epoch=epoch, shuffle=shuffle):
            yield order if self.index is None else self.index[order]

    def comparison_orders(
        self,
        comparisons: GroupComparisons | ChosenComparisons,
        per_row: int,
        *,
        seed: int,
        epoch: int,
        shuffle: bool,
    ) -> Iterator[Int64Array]:
        """Yield the comparisons of one epoch as row numbers into ``rows``, int64[m, 2] each."""
        for order in comparisons.blocks(per_row, seed=seed, epoch=epoch, shuffle=shuffle):
            yield order if self.index is None else self.index[order]

    @property
    def order(self) -> Int64Array:
        """The numbers of the rows of the subset in ``rows``, ascending, int64[n_rows]."""
        return np.arange(self.rows.n_rows, dtype=np.int64) if self.index is None else self.index

    def blocks(self, memory_limit: int | None = None) -> Iterator[Rows]:
        """Yield the rows in order, in blocks of bounded size, joined with their side tables."""
        size = max(CHUNK_ROWS, window_rows(self.rows) // 2)
        for start in range(0, self.n_rows, size):
            stop = min(start + size, self.n_rows)
            if self.index is None:
                yield as_rows(self.rows.slice(start, stop))
                self.release(np.arange(start, stop, dtype=np.int64), memory_limit)
            else:
                yield as_rows(self.rows.take(self.index[start:stop]))
                self.release(self.index[start:stop], memory_limit)

    def visits(self, n_features: int, memory_limit: int | None = None) -> Int64Array:
        """Return how often an epoch visits each of the first features, int64[n_features].

        Rows of weight zero are passed over in training, and count as absent here.
        """
        found = np.zeros(n_features, np.int64)
        for block in self.blocks(memory_limit):
            if block.weight is not None and not block.weight.all():
                block = block.take(np.flatnonzero(block.weight))
            found += block.counts(n_features)
        return found

    def fingerprint(self, memory_limit: int | None = None) -> str:
        """Return a checksum of all rows, of the choice among them, and of what is compared.

        Arrays that are left out count as what they stand for, and side tables are joined, so that
        it is the same in memory, on disk and with side tables.
        """
        checksum = Checksum()
        for block in replace(self, index=None).blocks(memory_limit):
            own = block.span
            per_entry = (block.indices[own], *_cut(own, block.values, block.fields))
            arrays = (np.diff(block.indptr), *per_entry, block.target, block.weight, block.group)
            for place, (array, default) in enumerate(zip(arrays, _STANDS_FOR, strict=True)):
                if array is not None and (default is None or (array != default).any()):
                    checksum.update(bytes([place]))
                    checksum.update(np.ascontiguousarray(array).view(np.uint8).data)
        for name in ("index", "comparisons"):
            chosen = getattr(self, name)
            if chosen is not None:
                checksum.update(np.ascontiguousarray(chosen).view(np.uint8).data)
        return checksum.hexdigest()

    def release(self, order: Int64Array, memory_limit: int | None) -> None:
        """End the use of visited rows: check their store, and release pages beyond a limit in MB.

        Raises
        ------
        StoreError
            If the store changed while they were used.
        """
        if self.store is None:
            return
        self.store.check()
        if memory_limit is not None and self.store.nbytes > memory_limit * _MEGABYTE:
            self.store.evict(order)

    def _pick(self, array: AnyArray) -> AnyArray:
        return array if self.index is None else array[self.index]


def _cut(own: slice, *arrays: AnyArray | None) -> Iterator[AnyArray | None]:
    for array in arrays:
        yield None if array is None else array[own]
