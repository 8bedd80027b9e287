"""RowSubset: some rows of a data set, named by their numbers rather than copied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fieldfare._typing import AnyArray, Float32Array, Int64Array
from fieldfare.data.dataset import Dataset, RelatedDataset
from fieldfare.data.split import split_rows
from fieldfare.exceptions import DataError
from fieldfare.kernels.checksum import Checksum
from fieldfare.rows import RelatedRows, Rows, as_rows
from fieldfare.training.prepare.windows import CHUNK_ROWS, window_rows, windows
from fieldfare.training.ranking.comparisons import Given, Groups, check_pairs, require_groups

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
        Which rows belong to the part, ascending; ``None`` for all.
    store : RowStore or None
        The store whose memory maps ``rows`` holds, asked to let go of pages that were visited.
    given : int64 array of shape (n_pairs, 2) or None
        For ranking: pairs of the part's rows to learn from, the better one first; ``None``: those
        of each group.
    """

    rows: Rows | RelatedRows
    index: Int64Array | None = None
    store: RowStore | None = None
    given: Int64Array | None = None

    @staticmethod
    def of(data: Dataset | RelatedDataset | Rows | RelatedRows | RowSubset) -> RowSubset:
        """Return the data as a part, without copying."""
        if isinstance(data, RowSubset):
            return data
        if isinstance(data, (Rows, RelatedRows)):
            return RowSubset(data)
        return RowSubset(data.rows, store=data.store)

    @property
    def n_rows(self) -> int:
        """Number of rows in the part."""
        return self.rows.n_rows if self.index is None else len(self.index)

    @property
    def target(self) -> Float32Array:
        """The targets of the part; DataError when the rows have none."""
        if self.rows.target is None:
            raise DataError(
                "Training and evaluation need a target for every row. These rows have none: name "
                "the target column, or give a labelled file."
            )
        return self._pick(self.rows.target)

    @property
    def weight(self) -> Float32Array | None:
        """The sample weights of the part, if there are any."""
        return None if self.rows.weight is None else self._pick(self.rows.weight)

    @property
    def group(self) -> Int64Array | None:
        """The groups of the part, if there are any."""
        return None if self.rows.group is None else self._pick(self.rows.group)

    @property
    def joined(self) -> Rows:
        """The rows of the part, with the entries of their side tables."""
        return as_rows(self.rows if self.index is None else self.rows.take(self.index))

    def with_target(self, target: Float32Array) -> RowSubset:
        """Return the part with other targets for all of ``rows``."""
        return replace(self, rows=self.rows.with_(target=target))

    def with_pairs(self, pairs: object) -> RowSubset:
        """Return the part with given pairs; rows then need no target.

        Raises
        ------
        DataError
            If they are not pairs of its row numbers.
        """
        given = check_pairs(pairs, self.n_rows)
        if self.rows.target is not None:
            return replace(self, given=given)
        return replace(self.with_target(np.zeros(self.rows.n_rows, np.float32)), given=given)

    def select(self, index: Int64Array) -> RowSubset:
        """Return the part of this part at the given ascending positions."""
        index = np.asarray(index, np.int64)
        given = self.given
        if given is not None:
            place = np.full(self.n_rows, -1)
            place[index] = np.arange(len(index))
            given = place[given][(place[given] >= 0).all(axis=1)]
        return replace(self, index=index if self.index is None else self.index[index], given=given)

    def split(self, fraction: float, seed: int, *, task: str) -> tuple[RowSubset, RowSubset]:
        """Split off a share of the rows for validation.

        Classes keep their shares. For ranking, the groups are split: none is torn apart.

        Returns
        -------
        (RowSubset, RowSubset)
            What is left for training, and the validation part.

        Raises
        ------
        DataError
            If there are fewer than two rows or groups.
        """
        if task == "rank":
            names, number = np.unique(require_groups(self.group), return_inverse=True)
            chosen = np.zeros(len(names), bool)
            chosen[split_rows(len(names), fraction, seed)[1]] = True
            held = chosen[number.reshape(-1)]
            return self.select(np.flatnonzero(~held)), self.select(np.flatnonzero(held))
        target = None if task == "regression" else self.target
        kept, held_out = split_rows(self.n_rows, fraction, seed, stratify=target)
        return self.select(kept), self.select(held_out)

    def orders(self, *, seed: int, epoch: int, shuffle: bool) -> Iterator[Int64Array]:
        """Yield the windows of one epoch as row numbers into ``rows``."""
        size = window_rows(self.rows)
        for order in windows(self.n_rows, size, seed=seed, epoch=epoch, shuffle=shuffle):
            yield order if self.index is None else self.index[order]

    def pair_orders(
        self, pairs: Groups | Given, per_row: int, *, seed: int, epoch: int, shuffle: bool
    ) -> Iterator[Int64Array]:
        """Yield the pairs of one epoch as row numbers into ``rows``, shape (m, 2) at a time."""
        for order in pairs.pairs(per_row, seed=seed, epoch=epoch, shuffle=shuffle):
            yield order if self.index is None else self.index[order]

    @property
    def order(self) -> Int64Array:
        """The numbers of all rows of the part in ``rows``, ascending."""
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

    def fingerprint(self, memory_limit: int | None = None) -> str:
        """Return a checksum of the content: of all rows, and of which of them belong to the part.

        Left-out arrays count as what they stand for, and side tables are joined, so that it is the
        same in memory, on disk and with side tables.
        """
        checksum = Checksum()
        for block in replace(self, index=None).blocks(memory_limit):
            own = slice(int(block.indptr[0]), int(block.indptr[-1]))
            per_entry = (block.indices[own], *_cut(own, block.values, block.fields))
            arrays = (np.diff(block.indptr), *per_entry, block.target, block.weight, block.group)
            for place, (array, default) in enumerate(zip(arrays, _STANDS_FOR, strict=True)):
                if array is not None and (default is None or (array != default).any()):
                    checksum.update(bytes([place]))
                    checksum.update(np.ascontiguousarray(array).view(np.uint8).data)
        if self.index is not None:
            checksum.update(self.index.view(np.uint8).data)
        return checksum.hexdigest()

    def release(self, order: Int64Array, memory_limit: int | None) -> None:
        """Let go of the pages of visited rows, if a limit (in MB) is set that the store exceeds."""
        if self.store is None or memory_limit is None:
            return
        if self.store.nbytes > memory_limit * _MEGABYTE:
            self.store.evict(order)

    def _pick(self, array: AnyArray) -> AnyArray:
        return array if self.index is None else array[self.index]


def _cut(own: slice, *arrays: AnyArray | None) -> Iterator[AnyArray | None]:
    for array in arrays:
        yield None if array is None else array[own]
