"""Splits and folds."""

from __future__ import annotations

import numpy as np
import pytest

from fieldfare.data.split import kfold, leave_last_out, split_rows, temporal_split
from fieldfare.exceptions import ConfigError, DataError


@pytest.mark.parametrize(("n", "fraction"), [(2, 0.5), (10, 0.01), (10, 0.99), (1000, 0.2)])
def test_a_split_covers_each_row_once(n, fraction):
    train, valid = split_rows(n, fraction, seed=1)
    assert sorted([*train, *valid]) == list(range(n))
    assert len(valid) == min(max(round(n * fraction), 1), n - 1)
    assert (np.diff(train) > 0).all()


def test_the_seed_decides():
    first, again, other = (split_rows(100, 0.3, seed)[1].tolist() for seed in (1, 1, 2))
    assert first == again != other


def test_strata_keep_their_shares():
    classes = np.repeat([0, 1, 2], [800, 190, 10])
    _, valid = split_rows(1000, 0.1, 3, stratify=classes)
    assert np.bincount(classes[valid]).tolist() == [80, 19, 1]
    for _, fold in kfold(1000, 5, 3, stratify=classes):
        assert np.bincount(classes[fold]).tolist() == [160, 38, 2]


def test_folds_are_a_partition():
    folds = kfold(23, 4, 0)
    assert sorted(np.concatenate([valid for _, valid in folds])) == list(range(23))
    assert {len(valid) for _, valid in folds} == {5, 6}
    for train, valid in folds:
        assert sorted([*train, *valid]) == list(range(23))


def test_what_cannot_be_split_is_refused():
    with pytest.raises(DataError, match="at least two"):
        split_rows(1, 0.5, 0)
    with pytest.raises(ConfigError, match="fraction"):
        split_rows(10, 1.0, 0)
    with pytest.raises(ConfigError, match="'k'"):
        kfold(3, 4, 0)
    with pytest.raises(DataError, match=r"shape \(3,\)"):
        kfold(3, 2, 0, stratify=[1, 2])


def test_the_last_rows_of_each_user_are_held_out_by_time() -> None:
    user = np.array(["a", "b", "a", "a", "b", "c"])
    time = np.array([3, 1, 1, 2, 2, 9])
    train, test = leave_last_out(user, time)
    assert test.tolist() == [0, 4]  # c has one row only
    assert train.tolist() == [1, 2, 3, 5]
    assert leave_last_out(user, time, n_last=2)[1].tolist() == [0, 3]
    # Of equal times, the later row is the last.
    assert leave_last_out(user, np.zeros(6))[1].tolist() == [3, 4]


def test_without_times_the_last_rows_are_drawn_by_the_seed() -> None:
    user = np.repeat(np.arange(20), 5)
    train, test = leave_last_out(user, seed=1)
    assert np.bincount(user[test]).tolist() == [1] * 20
    assert sorted([*train, *test]) == list(range(100))
    assert np.array_equal(test, leave_last_out(user, seed=1)[1])
    assert not np.array_equal(test, leave_last_out(user, seed=2)[1])
    with pytest.raises(DataError, match="one user and one time"):
        leave_last_out(user, np.zeros(3))


def test_the_newest_rows_are_held_out_and_no_time_is_on_both_sides() -> None:
    time = np.array([5, 1, 2, 2, 3, 4, 4, 4])
    train, test = temporal_split(time, 0.3)
    assert time[train].max() < time[test].min()
    assert test.tolist() == [0]
    assert temporal_split(np.array([1, 2, 3, 3, 3]), 0.2)[1].tolist() == [2, 3, 4]
    with pytest.raises(DataError, match="different times"):
        temporal_split(np.ones(5), 0.2)
