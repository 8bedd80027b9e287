"""Which rows are held out, and when all of them train."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fieldfare.config import TrainingConfig
from fieldfare.data.loading import load
from fieldfare.exceptions import ConfigError, DataError
from fieldfare.rows import Rows
from fieldfare.schema.schema import Schema
from fieldfare.training.prepare.held_out import (
    MAX_REFIT_ROWS,
    MIN_ROWS,
    Parts,
    hold_out,
    is_refitted,
    split_by_of,
)
from fieldfare.training.samples.subset import RowSubset

N = 2 * MIN_ROWS
INDEXED = Schema.indexed(3, 0)


def rows(target: Any, **arrays: Any) -> RowSubset:
    n = len(target)
    features = (np.arange(n) % 3).astype(np.uint32)
    target = np.asarray(target, np.float32)
    return RowSubset(Rows(np.arange(n + 1), features, target=target, **arrays))


def held(subset: RowSubset, task: str = "regression", **settings: Any) -> Parts | None:
    config = TrainingConfig(**{"random_state": 0, "validation_fraction": 0.1} | settings)
    return hold_out(subset, task, config, INDEXED, for_recall=False)


def parts_of(*given: Any, **settings: Any) -> Parts:
    found = held(*given, **settings)
    assert found is not None
    return found


def numbers(subset: RowSubset) -> list[int]:
    return subset.order.tolist()


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
@pytest.mark.parametrize("validation", ["random", "time"])
def test_a_tenth_is_held_out_and_each_row_is_in_one_part(task: str, validation: str) -> None:
    kept, valid = parts_of(rows(np.arange(N) % 3 % (2 + (task != "binary"))), task,
                           validation=validation)  # fmt: skip
    assert valid.n_rows == N // 10
    assert sorted(numbers(kept) + numbers(valid)) == list(range(N))


def test_a_part_of_a_part_is_held_out() -> None:
    part = rows(np.zeros(3 * N)).select(np.arange(0, 3 * N, 3))
    kept, valid = parts_of(part)
    assert sorted(numbers(kept) + numbers(valid)) == numbers(part)


def test_too_few_rows_all_train_unless_early_stopping_is_wanted() -> None:
    few = rows(np.zeros(MIN_ROWS - 1))
    assert held(few) is None
    assert parts_of(few, early_stopping=True)[1].n_rows == round((MIN_ROWS - 1) / 10)
    assert held(rows(np.zeros(N)), early_stopping=False) is None


class TestClasses:
    def test_no_class_vanishes_from_training(self) -> None:
        for single in range(N):
            target = np.zeros(N) + np.arange(N) % 2
            target[single] = 2
            kept, valid = parts_of(rows(target), "multiclass")
            assert set(kept.target) == {0, 1, 2}
            assert not set(valid.target) - {0, 1}

    def test_a_class_that_is_late_only_keeps_all_rows_in_training(self) -> None:
        target = np.append(np.arange(N - 5) % 2, [2] * 5)
        assert held(rows(target), "multiclass", validation="time") is None

    def test_one_class_tells_nothing(self) -> None:
        target = np.zeros(N)
        target[:2] = 1
        kept, valid = parts_of(rows(target), "binary", early_stopping=True)
        assert held(rows(target), "binary") is None or valid.target.any()
        assert kept.target.any()


class TestTime:
    def test_without_a_column_the_last_rows_are_the_latest(self) -> None:
        kept, _ = parts_of(rows(np.zeros(N)), validation="time")
        assert numbers(kept) == list(range(N - N // 10))

    def test_rows_of_one_time_stay_together(self) -> None:
        time = np.random.default_rng(0).integers(0, 9, N)
        kept, valid = parts_of(rows(np.zeros(N), split_by=time), validation="time")
        assert kept.split_by.max() < valid.split_by.min()

    def test_one_time_only_is_refused(self) -> None:
        with pytest.raises(DataError, match="different times"):
            held(rows(np.zeros(N), split_by=np.zeros(N, np.int64)), validation="time")

    def test_groups_of_a_ranking_go_by_their_last_row(self) -> None:
        group = np.arange(N) // 4
        time = np.random.default_rng(1).permutation(N)
        subset = rows(np.arange(N) % 4, group=group, split_by=time)
        kept, valid = parts_of(subset, "rank", validation="time")
        assert not set(kept.group) & set(valid.group)
        assert valid.n_rows == N // 10
        last = np.array([time[group == g].max() for g in range(N // 4)])
        assert last[np.unique(kept.group)].max() < last[np.unique(valid.group)].min()


class TestGroups:
    def test_they_are_whole(self) -> None:
        group = np.random.default_rng(0).integers(0, 30, N)
        kept, valid = parts_of(rows(np.zeros(N), split_by=group), validation="group")
        assert not set(kept.split_by) & set(valid.split_by)
        assert len(set(valid.split_by)) == 3

    def test_those_of_a_ranking_are_the_default(self) -> None:
        subset = rows(np.arange(N) % 4, group=np.arange(N) // 4)
        for validation in ("random", "group"):
            kept, valid = parts_of(subset, "rank", validation=validation)
            assert not set(kept.group) & set(valid.group)
            assert len(set(valid.group)) == N // 40

    def test_none_or_one_is_refused(self) -> None:
        with pytest.raises(DataError, match="validation_column='user'"):
            held(rows(np.zeros(N)), validation="group")
        with pytest.raises(DataError, match="at least two. Got 1"):
            held(rows(np.zeros(N), split_by=np.ones(N, np.int64)), validation="group")

    def test_a_ranking_with_few_of_them_or_nothing_to_compare_trains_on_all_rows(self) -> None:
        assert held(rows(np.arange(N) % 4, group=np.arange(N) % 5), "rank") is None
        assert held(rows(np.zeros(N), group=np.arange(N) // 4), "rank") is None


def test_rows_without_weight_decide_nothing() -> None:
    assert held(rows(np.zeros(N), weight=np.zeros(N, np.float32))) is None


@pytest.mark.parametrize("validation", ["random", "time"])
def test_interactions_are_held_out_so_that_there_is_something_to_find(validation: str) -> None:
    table = {
        "user_id": [f"u{i % 30}" for i in range(N)],
        "item_id": [f"i{i % 7}" for i in range(N)],
    }
    data = load(table, labelled=False)
    found = RowSubset.of(data).with_target(np.ones(N, np.float32))
    config = TrainingConfig(random_state=0, validation=validation)
    parts = hold_out(found, "rank", config, data.schema, for_recall=True)
    assert parts is not None
    assert parts[1].n_rows == round(N * config.validation_fraction)
    nothing = found.with_target(np.zeros(N, np.float32))
    assert hold_out(nothing, "rank", config, data.schema, for_recall=True) is None


def test_all_rows_are_trained_on_again_unless_they_are_very_many() -> None:
    assert is_refitted(TrainingConfig(), MAX_REFIT_ROWS)
    assert not is_refitted(TrainingConfig(), MAX_REFIT_ROWS + 1)
    assert is_refitted(TrainingConfig(refit=True), MAX_REFIT_ROWS + 1)
    assert not is_refitted(TrainingConfig(refit=False), 1000)


def test_a_column_is_read_only_where_rows_may_be_held_out() -> None:
    config = TrainingConfig(validation="time", validation_column="when")
    found = split_by_of(config)
    assert found is not None and (found.what, found.column) == ("time", "when")
    assert split_by_of(config, has_validation=True) is None
    quiet = TrainingConfig(validation="time", validation_column="when", early_stopping=False)
    assert split_by_of(quiet) is None
    with pytest.raises(ConfigError, match="Set validation='time' or 'group'"):
        TrainingConfig(validation_column="when")
