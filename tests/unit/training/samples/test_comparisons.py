"""Which pairs an epoch visits: those of a group, each row with its share of worse ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples

from fieldfare.exceptions import DataError
from fieldfare.rows import Rows
from fieldfare.training.samples.comparisons import (
    ChosenComparisons,
    GroupComparisons,
    comparison_loss,
    require_groups,
)
from fieldfare.training.samples.subset import RowSubset


def epoch(groups, per_row, **how):
    found = list(groups.blocks(per_row, **{"seed": 0, "epoch": 1} | how))
    return np.concatenate(found) if found else np.zeros((0, 2), np.int64)


def every_pair(target, group):
    n = range(len(target))
    return {(i, j) for i in n for j in n if group[i] == group[j] and target[i] > target[j]}


SAMPLES = st.lists(st.tuples(st.integers(0, 3), st.integers(-2, 2)), max_size=40)


@examples(100)
@given(SAMPLES, st.integers(1, 6), st.booleans(), st.integers(0, 5))
def test_pairs_are_right_distinct_and_as_many_as_said(drawn, per_row, shuffle, seed):
    group = np.array([g for g, _ in drawn], np.int64)
    target = np.array([y for _, y in drawn], np.float32)
    groups = GroupComparisons(target, group)
    pairs = [tuple(pair) for pair in epoch(groups, per_row, seed=seed, shuffle=shuffle)]
    allowed = every_pair(target, group)
    assert set(pairs) <= allowed
    assert len(set(pairs)) == len(pairs) == groups.count(per_row)
    for i in range(len(target)):
        worse = sum(1 for pair in allowed if pair[0] == i)
        assert sum(1 for pair in pairs if pair[0] == i) == min(worse, per_row)


def test_the_seed_and_the_epoch_decide():
    random = np.random.default_rng(0)
    groups = GroupComparisons(
        random.integers(0, 5, 5000).astype(np.float32), random.integers(0, 40, 5000)
    )
    first = epoch(groups, 3)
    np.testing.assert_array_equal(first, epoch(groups, 3))
    for other in ({"epoch": 2}, {"seed": 1}):
        changed = epoch(groups, 3, **other)
        assert (changed != first).any()
        assert {tuple(p) for p in changed} != {tuple(p) for p in first}


def test_each_worse_row_is_as_likely_as_any_other():
    target = np.append(np.arange(10) // 4, 9).astype(np.float32)
    groups = GroupComparisons(target, np.zeros(11, np.int64))
    seen = np.zeros(11)
    for number in range(600):
        pairs = epoch(groups, 3, epoch=number)
        np.add.at(seen, pairs[pairs[:, 0] == 10, 1], 1)
    np.testing.assert_allclose(seen[:10] / 600, 0.3, atol=0.07)


def test_without_shuffling_groups_keep_their_order():
    group = np.array([7, 7, 2, 2, 7])
    groups = GroupComparisons(np.array([0, 1, 1, 0, 2], np.float32), group)
    pairs = epoch(groups, 5, shuffle=False)
    assert pairs.tolist() == [[1, 0], [4, 0], [4, 1], [2, 3]]


def test_many_groups_come_in_parts(monkeypatch):
    monkeypatch.setattr("fieldfare.training.samples.comparisons._PAIRS_AT_ONCE", 50)
    random = np.random.default_rng(0)
    target, group = random.normal(size=900).astype(np.float32), random.integers(0, 100, 900)
    groups = GroupComparisons(target, group)
    parts = list(groups.blocks(100, seed=0, epoch=0))
    assert len(parts) > 20
    assert {tuple(p) for p in np.concatenate(parts)} == every_pair(target, group)


def test_pair_loss_is_the_mean_over_pairs():
    scores, target = np.array([0.5, -1.0, 2.0, 0.0]), np.array([1, 0, 2, 5], np.float32)
    group, weight = np.array([1, 1, 1, 2]), np.array([1.0, 4.0, 0.25, 1.0], np.float32)
    apart = {(0, 1): 1.5, (2, 0): 1.5, (2, 1): 3.0}
    losses = {pair: np.log1p(np.exp(-z)) for pair, z in apart.items()}
    assert comparison_loss(scores, target, group) == pytest.approx(np.mean(list(losses.values())))
    w = {pair: np.sqrt(weight[pair[0]] * weight[pair[1]]) for pair in apart}
    expected = sum(w[p] * losses[p] for p in apart) / sum(w.values())
    assert comparison_loss(scores, target, group, weight) == pytest.approx(expected)
    assert np.isnan(comparison_loss(scores, np.zeros(4, np.float32), group))


def test_chosen_comparisons_follow_their_rows_into_a_subset():
    rows = Rows(np.arange(7), np.zeros(6, np.uint32))
    part = RowSubset(rows).with_comparisons([[0, 5], [2, 3], [4, 1]])
    chosen = part.select(np.array([0, 2, 3, 5]))
    assert chosen.comparisons.tolist() == [[0, 3], [1, 2]]
    (order,) = chosen.comparison_orders(
        ChosenComparisons(chosen.comparisons), 1, seed=0, epoch=1, shuffle=False
    )
    assert order.tolist() == [[0, 5], [2, 3]]
    (order,) = part.comparison_orders(
        ChosenComparisons(part.comparisons), 1, seed=0, epoch=1, shuffle=True
    )
    assert {tuple(pair) for pair in order} == {(0, 5), (2, 3), (4, 1)}


def test_groups_are_required():
    with pytest.raises(DataError, match="needs the group"):
        require_groups(None)
