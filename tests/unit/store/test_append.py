"""Batches that are joined as they come are those joined in the end, in no more memory than that."""

from __future__ import annotations

import mmap
import os
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.unit.sources.batches import assert_same, make_rows

from fieldfare.exceptions import DataError
from fieldfare.rows import Rows
from fieldfare.store.append import gather


@pytest.mark.parametrize("n_expected", [0, 1, 7, 1000])
@pytest.mark.parametrize("without", [(), ("values",), ("fields", "weight"), ("target", "group")])
def test_gathered_as_concatenated(without: tuple[str, ...], n_expected: float) -> None:
    batches = [make_rows(seed, 20 * seed, without=without) for seed in range(7)]
    assert_same(gather(iter(batches), n_expected), Rows.concatenate(batches))


def test_what_some_batches_lack_is_filled_in() -> None:
    bare = ("values", "weight", "fields")
    batches = [make_rows(0, without=bare), make_rows(1), make_rows(2, without=bare), make_rows(3)]
    assert_same(gather(batches), Rows.concatenate(batches))
    ones = [batch.with_(values=np.ones(batch.nnz, np.float32)) for batch in batches]
    assert gather(ones).values is None


def test_slices_contribute_their_own_entries() -> None:
    rows = make_rows(0)
    assert_same(gather([rows.slice(3, 9), rows.slice(20, 50)]), rows.take(np.r_[3:9, 20:50]))


def test_one_batch_is_returned_as_it_is() -> None:
    rows = make_rows(0)
    assert gather([rows]) is rows
    assert len(gather([])) == 0


@pytest.mark.parametrize("name", ["target", "group"])
def test_targets_and_groups_are_in_all_batches_or_in_none(name: str) -> None:
    batches = [make_rows(0), make_rows(1, without=(name,))]
    for order in (1, -1):
        with pytest.raises(DataError, match=name):
            gather(batches[::order])


def test_batches_are_not_kept() -> None:
    seen: list[weakref.ref[Rows]] = []

    def batches() -> Iterator[Rows]:
        for seed in range(9):
            assert sum(ref() is not None for ref in seen) <= 2
            batch = make_rows(seed)
            seen.append(weakref.ref(batch))
            yield batch
            del batch

    assert len(gather(batches())) == 450


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs Linux")
def test_what_is_reserved_takes_no_memory() -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE

    batch = make_rows(0, 50_000)
    before = resident()
    rows = gather([batch] * 20, n_expected=400)
    assert rows.nbytes < 1.5 * (resident() - before)  # all of it was written
    assert resident() - before < 3 * rows.nbytes
