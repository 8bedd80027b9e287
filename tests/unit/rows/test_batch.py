"""Rows: what they refuse, and that slices, copies and joins hold the right samples."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from fieldfare.exceptions import DataError
from fieldfare.rows import MAX_FIELD, MAX_INDEX, Rows


def make(**changes):
    arrays = {
        "indptr": np.array([0, 2, 2, 5]),
        "indices": np.array([3, 1, 0, 7, 3], np.uint32),
        "values": np.array([1, 2, 3, 4, 5], np.float32),
        "fields": np.array([0, 1, 0, 2, 1], np.uint16),
        "target": np.array([1, 0, 1], np.float32),
        "weight": np.array([0.5, 1, 2], np.float32),
        "group": np.array([4, 4, 9]),
    }
    return Rows(**arrays | changes)


def test_sizes():
    rows = make()
    assert (len(rows), rows.n_rows, rows.nnz, rows.n_features, rows.n_fields) == (3, 3, 5, 8, 3)
    assert rows.nbytes == 5 * (4 + 4 + 2) + 3 * (8 + 4 + 4 + 8)
    assert "3 rows" in repr(rows)


def test_bare_rows():
    rows = Rows(np.array([0, 1]), np.array([0], np.uint32))
    assert rows.n_fields == 0
    assert rows.nbytes == 12
    assert "ones" in repr(rows)


def test_no_rows_at_all():
    rows = Rows(np.array([0]), np.zeros(0, np.uint32))
    assert (len(rows), rows.nnz, rows.n_features) == (0, 0, 0)
    assert rows.validate() is rows
    assert len(rows.take(np.zeros(0, np.int64))) == 0


def test_rows_do_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        make().indptr = np.array([0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"indptr": np.zeros(0, np.int64)}, "indptr"),
        ({"indptr": np.array([0, 2, 2, 5], np.int32)}, "int64"),
        ({"indptr": [0, 2, 2, 5]}, "list"),
        ({"indptr": np.array([[0, 2, 2, 5]])}, "1-d"),
        ({"indptr": np.array([0, 2, 2, 6])}, "outside"),
        ({"indptr": np.array([-1, 2, 2, 5])}, "outside"),
        ({"indices": None}, "indices"),
        ({"indices": np.arange(5)}, "uint32"),
        ({"values": np.ones(5)}, "float32"),
        ({"values": np.ones(4, np.float32)}, "as many values"),
        ({"values": np.ones(10, np.float32)[::2]}, "contiguous"),
        ({"fields": np.zeros(6, np.uint16)}, "as many fields"),
        ({"target": np.ones(4, np.float32)}, "one target per row"),
        ({"weight": np.ones(2, np.float32)}, "one weight per row"),
        ({"group": np.ones(2, np.int64)}, "one group per row"),
    ],
)
def test_wrong_arrays_are_refused(changes, message):
    with pytest.raises(DataError, match=message):
        make(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"indptr": np.array([0, 3, 2, 5])}, "after row 1"),
        ({"indices": np.array([0, 1, MAX_INDEX + 1, 2, 3], np.uint32)}, "at most"),
        ({"values": np.array([1, 2, 3, np.nan, 5], np.float32)}, "Row 2 holds nan for feature 7"),
        ({"values": np.array([1, -np.inf, 3, 4, 5], np.float32)}, "Row 0 holds -inf"),
        ({"target": np.array([1, np.nan, 0], np.float32)}, "target must be finite. Row 1"),
        ({"weight": np.array([1, 1, np.inf], np.float32)}, "weight must be finite. Row 2"),
        ({"weight": np.array([1, -1, 0], np.float32)}, "not be negative. Row 1"),
    ],
)
def test_validate_names_the_row(changes, message):
    with pytest.raises(DataError, match=message):
        make(**changes).validate()


def test_validate_passes_good_rows():
    rows = make()
    assert rows.validate() is rows


def test_a_slice_shares_memory_and_knows_its_own_size():
    rows = make()
    part = rows.slice(1, 3)
    assert part.indptr.tolist() == [2, 2, 5]
    assert np.shares_memory(part.indices, rows.indices)
    assert np.shares_memory(part.target, rows.target)
    assert (len(part), part.nnz, part.n_features) == (2, 3, 8)
    assert rows.slice(0, 1).n_features == 4
    assert part.group.tolist() == [4, 9]


@pytest.mark.parametrize(("start", "stop", "n"), [(0, 99, 3), (-1, 99, 1), (2, 1, 0), (5, 9, 0)])
def test_slices_follow_python(start, stop, n):
    assert len(make().slice(start, stop)) == n


def test_a_slice_ignores_what_its_parent_has_elsewhere():
    rows = make(values=np.array([np.nan, 2, 3, 4, 5], np.float32))
    rows.slice(1, 3).validate()
    with pytest.raises(DataError, match="Row 0"):
        rows.slice(0, 2).validate()


def test_take_copies_in_order():
    taken = make().take(np.array([2, 0, 2]))
    assert taken.indptr.tolist() == [0, 3, 5, 8]
    assert taken.indices.tolist() == [0, 7, 3, 3, 1, 0, 7, 3]
    assert taken.values.tolist() == [3, 4, 5, 1, 2, 3, 4, 5]
    assert taken.fields.tolist() == [0, 2, 1, 0, 1, 0, 2, 1]
    assert taken.target.tolist() == [1, 1, 1]
    assert taken.weight.tolist() == [2, 0.5, 2]
    assert taken.group.tolist() == [9, 4, 9]


def test_with_replaces_and_removes():
    rows = make().with_(weight=None, target=np.zeros(3, np.float32))
    assert rows.weight is None
    assert rows.target.tolist() == [0, 0, 0]
    with pytest.raises(DataError):
        make().with_(target=np.zeros(2, np.float32))


def test_join_fills_in_what_a_part_leaves_out():
    full = make()
    bare = full.with_(values=None, fields=None, weight=None)
    joined = Rows.concatenate([full.slice(1, 3), bare])
    assert joined.indptr.tolist() == [0, 0, 3, 5, 5, 8]
    assert joined.values.tolist() == [3, 4, 5, 1, 1, 1, 1, 1]
    assert joined.fields.tolist() == [0, 2, 1, 0, 0, 0, 0, 0]
    assert joined.weight.tolist() == [1, 2, 1, 1, 1]
    assert joined.target.tolist() == [0, 1, 1, 0, 1]


def test_join_of_one_or_none():
    rows = make()
    assert Rows.concatenate([rows]) is rows
    assert len(Rows.concatenate([])) == 0


@pytest.mark.parametrize("name", ["target", "group"])
def test_join_does_not_invent_targets(name):
    with pytest.raises(DataError, match=name):
        Rows.concatenate([make(), make(**{name: None})])


def test_limits_fit_their_types():
    assert np.iinfo(np.uint32).max > MAX_INDEX
    assert np.iinfo(np.uint16).max > MAX_FIELD


def test_one_field_too_many_is_refused_with_what_to_do():
    rows = Rows(np.array([0, 1]), np.array([0], np.uint32), fields=np.array([65535], np.uint16))
    with pytest.raises(DataError, match=r"at most 65534\. Got 65535\. Number them .* without gaps"):
        rows.validate()


@pytest.mark.parametrize("rows", [[-1], [3], [True, False, True], [0.5], [[0]]])
def test_rows_are_taken_by_their_numbers_only(rows):
    with pytest.raises(DataError, match=r"numbers"):
        make().take(np.array(rows))
