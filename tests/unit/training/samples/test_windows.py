"""Every epoch visits every row once, in an order that the seed and the epoch fix."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples

from fieldfare.rows import Rows
from fieldfare.training.samples.subset import RowSubset
from fieldfare.training.samples.windows import (
    CHUNK_ROWS,
    WINDOW_BYTES,
    merged,
    window_rows,
    windows,
)


def order(n: int, size: int = 2 * CHUNK_ROWS, seed: int = 0, epoch: int = 1, shuffle: bool = True):
    return list(windows(n, size, seed=seed, epoch=epoch, shuffle=shuffle))


@examples(30)
@given(
    n=st.integers(1, 12_000),
    chunks=st.integers(1, 5),
    seed=st.integers(0, 2**31 - 1),
    shuffle=st.booleans(),
)
def test_each_row_once(n: int, chunks: int, seed: int, shuffle: bool) -> None:
    found = order(n, chunks * CHUNK_ROWS, seed, shuffle=shuffle)
    assert all(window.dtype == np.int64 and len(window) <= chunks * CHUNK_ROWS for window in found)
    np.testing.assert_array_equal(np.sort(np.concatenate(found)), np.arange(n))


def test_natural_order() -> None:
    np.testing.assert_array_equal(np.concatenate(order(5000, shuffle=False)), np.arange(5000))


def test_epochs_and_seeds_differ_and_repeat() -> None:
    first = np.concatenate(order(5000))
    assert np.array_equal(first, np.concatenate(order(5000)))
    assert not np.array_equal(first, np.concatenate(order(5000, epoch=2)))
    assert not np.array_equal(first, np.concatenate(order(5000, seed=1)))


def test_rows_mix_within_a_window_and_windows_stay_local() -> None:
    n = 40 * CHUNK_ROWS
    for window in order(n):
        assert len(np.unique(window // CHUNK_ROWS)) == 2
        assert np.abs(np.diff(window)).mean() > 100


def test_window_size_does_not_depend_on_the_arrays_that_are_there() -> None:
    n, per_row = 1000, 39
    indptr = np.arange(0, n * per_row + 1, per_row, dtype=np.int64)
    bare = Rows(indptr, np.zeros(n * per_row, np.uint32))
    full = bare.with_(
        values=np.ones(n * per_row, np.float32),
        fields=np.zeros(n * per_row, np.uint16),
        target=np.zeros(n, np.float32),
        weight=np.ones(n, np.float32),
    )
    assert window_rows(bare) == window_rows(full)
    assert window_rows(bare) % CHUNK_ROWS == 0
    assert full.nbytes / n * window_rows(full) <= WINDOW_BYTES


def test_wide_rows_still_make_a_window() -> None:
    rows = Rows(np.array([0, 10**7], np.int64), np.zeros(10**7, np.uint32))
    assert window_rows(rows) == CHUNK_ROWS


def test_part_visits_its_own_rows_only(rows) -> None:
    index = np.arange(0, 3000, 3, dtype=np.int64)
    part = RowSubset(rows(3000), index)
    found = np.concatenate(list(part.orders(seed=0, epoch=1, shuffle=True)))
    np.testing.assert_array_equal(np.sort(found), index)


def test_blocks_of_a_part_are_its_rows(rows) -> None:
    whole = rows(3000)
    index = np.flatnonzero(whole.target == 1)
    blocks = list(RowSubset(whole, index).blocks())
    got = Rows.concatenate(blocks)
    np.testing.assert_array_equal(got.indices, whole.take(index).indices)
    assert got.n_rows == len(index)


class _Store:
    def __init__(self, nbytes: int) -> None:
        self.nbytes = nbytes
        self.evicted: list[np.ndarray] = []

    def check(self) -> None:
        """Nobody writes to it."""

    def evict(self, order: np.ndarray) -> None:
        self.evicted.append(order)


@pytest.mark.parametrize(("limit", "evicts"), [(None, False), (1, True), (100, False)])
def test_evicts_only_what_exceeds_the_limit(rows, limit, evicts) -> None:
    store = _Store(5 * 10**6)
    part = RowSubset(rows(100), store=store)
    for order_ in part.orders(seed=0, epoch=1, shuffle=True):
        part.release(order_, limit)
    assert bool(store.evicted) == evicts


@pytest.mark.parametrize(("size", "expected"), [(1, [3, 3, 2]), (6, [6, 2]), (100, [8])])
def test_windows_may_be_joined(size: int, expected: list[int]) -> None:
    orders = [np.arange(3), np.arange(3, 6), np.arange(6, 8)]
    found = list(merged(orders, size))
    assert [len(order) for order in found] == expected
    np.testing.assert_array_equal(np.concatenate(found), np.arange(8))


def test_no_windows_stay_none() -> None:
    assert list(merged([], 10)) == []
