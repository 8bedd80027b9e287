"""Rows with side tables: composed of their own entries and relations, and concatenated whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.kernels.test_coordinate import dense
from tests.kernels.test_relations import related

from fieldfare.data.dataset import as_dataset
from fieldfare.exceptions import DataError
from fieldfare.rows import RelatedRows, Relation, Rows, squared_lengths
from fieldfare.training.samples.subset import RowSubset


def test_concatenated_rows_keep_their_side_tables() -> None:
    rows, p = related(12)
    whole = RelatedRows.concatenate([rows.slice(0, 5), rows.slice(5, 12)])
    assert whole.nnz == rows.nnz
    assert whole.relations[0].rows is rows.relations[0].rows
    np.testing.assert_array_equal(dense(whole.join(), p), dense(rows.join(), p))
    np.testing.assert_array_equal(whole.target, rows.target)


def test_side_tables_that_differ_are_concatenated_too() -> None:
    (one, p), (two, _) = related(6, seed=0), related(8, seed=1)
    both = RelatedRows.concatenate([one, two])
    assert both.nnz == one.nnz + two.nnz
    expected = np.concatenate([dense(one.join(), p), dense(two.join(), p)])
    np.testing.assert_array_equal(dense(both.join(), p), expected)
    with pytest.raises(DataError, match=r"if all have as many\. Got 1, 2"):
        RelatedRows.concatenate([one, replace(two, relations=two.relations[:1])])


def test_fields_of_side_tables_count() -> None:
    own = Rows(np.arange(3), np.array([0, 1], np.uint32), fields=np.zeros(2, np.uint16))
    side = Rows(np.arange(2), np.array([7], np.uint32), fields=np.array([4], np.uint16))
    rows = RelatedRows(own, (Relation(np.zeros(2, np.uint32), side),))
    assert (rows.n_features, rows.n_fields, rows.nnz) == (8, 5, 4)
    assert rows.join().n_fields == 5


def test_a_changed_side_table_shows_in_the_fingerprint_of_a_resume() -> None:
    rows, _ = related(12)
    user, film = rows.relations
    values = user.rows.values.copy()
    values *= 2
    changed = replace(user, rows=user.rows.with_(values=values))
    before = RowSubset.of(rows).fingerprint()
    assert RowSubset.of(replace(rows, relations=(changed, film))).fingerprint() != before
    assert RowSubset.of(rows.join()).fingerprint() == before


def test_rows_are_taken_and_concatenated_only_as_they_are_meant_to_be() -> None:
    rows, _ = related(6)
    with pytest.raises(DataError, match=r"Use np\.flatnonzero\(mask\)"):
        rows.take(np.ones(6, bool))
    with pytest.raises(DataError, match="run from 0 to 5. Got 6 to 6"):
        rows.take(np.array([6]))
    for parts in ([rows, rows.join()], [rows.join(), rows]):
        with pytest.raises(DataError, match="RelatedRows become Rows by join"):
            type(parts[0]).concatenate(parts)


def test_squared_lengths_count_side_tables() -> None:
    own = Rows(
        np.array([0, 1, 3], np.int64),
        np.array([0, 0, 1], np.uint32),
        np.array([1, 2, 3], np.float32),
    )
    side = Rows(np.array([0, 1, 3], np.int64), np.array([2, 2, 3], np.uint32))
    whole = RelatedRows(own, (Relation(np.array([1, 0], np.uint32), side),))
    np.testing.assert_array_equal(squared_lengths(whole), [3, 14])
    np.testing.assert_array_equal(squared_lengths(whole.join()), [3, 14])
    np.testing.assert_array_equal(squared_lengths(own.slice(1, 2)), [13])


def test_features_of_side_rows_that_no_row_refers_to_count() -> None:
    own = Rows(np.zeros(3, np.int64), np.zeros(0, np.uint32))
    side = Rows(np.array([0, 1, 2]), np.array([0, 1], np.uint32))
    data = as_dataset(RelatedRows(own, (Relation(np.zeros(2, np.uint32), side),)))
    assert data is not None
    assert data.schema.n_features == 2
