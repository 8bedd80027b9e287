"""Rows joined from halves, against what putting lists together gives."""

from __future__ import annotations

import numpy as np
import pytest

from fieldfare import _core
from fieldfare.kernels.halves import Halves
from fieldfare.kernels.native import core_rows
from fieldfare.rows import Rows

QUERIES = Rows(
    np.array([1, 3, 3], np.int64),  # begins behind an entry of a parent
    np.array([9, 0, 4], np.uint32),
    fields=np.array([0, 1, 2], np.uint16),
)
ITEMS = Rows(
    np.array([0, 1, 3, 3], np.int64),
    np.array([7, 8, 8], np.uint32),
    np.array([0.5, 2, 3], np.float32),
    np.array([3, 3, 4], np.uint16),
)


def test_a_row_has_the_entries_of_its_query_then_those_of_its_item() -> None:
    rows = Halves(QUERIES, ITEMS).compose(np.array([1, 0, 0, 1]), np.array([1, 1, 0, 2]))
    assert rows.indptr.tolist() == [0, 2, 6, 9, 9]
    assert rows.indices.tolist() == [8, 8, 0, 4, 8, 8, 0, 4, 7]
    assert rows.values is not None and rows.fields is not None
    assert rows.values.tolist() == [2, 3, 1, 1, 2, 3, 1, 1, 0.5]
    assert rows.fields.tolist() == [3, 4, 1, 2, 3, 4, 1, 2, 3]


def test_what_no_half_has_is_left_out_and_no_rows_are_none() -> None:
    plain = QUERIES.with_(fields=None)
    rows = Halves(plain, plain).compose(np.array([0, 1]), np.array([1, 1]))
    assert rows.values is None and rows.fields is None
    assert rows.indices.tolist() == [0, 4]
    none = np.zeros(0, np.int64)
    assert len(Halves(QUERIES, ITEMS).compose(none, none)) == 0


@pytest.mark.parametrize(("query", "item"), [([2], [0]), ([-1], [0]), ([0], [3]), ([0, 0], [0])])
def test_halves_that_are_not_there_are_refused(query: list[int], item: list[int]) -> None:
    with pytest.raises(ValueError, match="out of range|needs a query and an item"):
        Halves(QUERIES, ITEMS).compose(np.array(query), np.array(item))


def test_arrays_that_do_not_fit_are_refused() -> None:
    halves = _core.Halves(core_rows(QUERIES), core_rows(ITEMS))
    one = np.zeros(1, np.int64)
    with pytest.raises(ValueError, match="wrong length"):
        halves.starts(one, one, np.empty(1, np.int64))
    with pytest.raises(ValueError, match="wrong length"):
        halves.entries(one, one, np.empty(4, np.uint32), None, None)
    broken = _core.Rows(np.array([0, 2, 1]), QUERIES.indices, None, None, None, None)
    with pytest.raises(ValueError, match="decreases"):
        _core.Halves(broken, core_rows(ITEMS))
