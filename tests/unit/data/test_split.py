"""Splits and folds."""

from __future__ import annotations

import numpy as np
import pytest

from fieldfare.data.split import kfold, split_rows
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
