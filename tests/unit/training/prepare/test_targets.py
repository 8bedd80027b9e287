"""What is predicted is found out, mapped and started off correctly."""

from __future__ import annotations

import numpy as np
import pytest

from fieldfare.config import ModelConfig
from fieldfare.exceptions import ConfigError, DataError, TrainingError
from fieldfare.models.registry import build
from fieldfare.rows import Rows
from fieldfare.training.prepare.targets import (
    TargetMap,
    class_weights,
    infer_targets,
    start_bias,
    targets_of,
)
from fieldfare.training.samples.subset import RowSubset


def part(target, weight=None) -> RowSubset:
    target = np.asarray(target, np.float32)
    weight = None if weight is None else np.asarray(weight, np.float32)
    return RowSubset(Rows(np.zeros(len(target) + 1, np.int64), np.zeros(0, np.uint32),
                     target=target, weight=weight))  # fmt: skip


@pytest.mark.parametrize(
    ("target", "classes"),
    [([0, 1, 1, 0], (0, 1)), ([-1, 1, 1], (-1, 1)), ([2, 1, 2], (1, 2)), ([0.5, 2], (0.5, 2.0))],
)
def test_two_values_are_binary(target, classes) -> None:
    found = infer_targets(part(target))
    assert (found.task, found.classes, found.n_outputs) == ("binary", classes, 1)
    encoded = found.encode(part(target)).target
    np.testing.assert_array_equal(encoded, [classes.index(value) for value in target])


def test_more_values_are_a_regression() -> None:
    found = infer_targets(part([1, 2, 3, 4, 5]))
    assert found == TargetMap("regression")
    np.testing.assert_array_equal(found.encode(part([1, 7.5])).target, [1, 7.5])


def test_multiclass_when_asked_for() -> None:
    found = infer_targets(part([3, 1, 7]), "multiclass")
    assert (found.classes, found.n_outputs) == ((1, 3, 7), 3)
    np.testing.assert_array_equal(found.encode(part([7, 7, 1])).target, [2, 2, 0])


@pytest.mark.parametrize(
    ("names", "task"), [(("no", "yes"), "binary"), (("a", "b", "c"), "multiclass")]
)
def test_text_classes(names, task) -> None:
    found = infer_targets(part([0, 1]), names=names)
    assert (found.task, found.classes) == (task, names)


def test_nothing_is_copied_without_need() -> None:
    data = part([0, 1, 1])
    assert infer_targets(data).encode(data) is data


@pytest.mark.parametrize(
    ("target", "task", "names", "words"),
    [
        ([1, 1, 1], None, None, "at least two different targets"),
        ([1, 1, 1], "binary", None, "at least two different targets"),
        ([1, 2, 3], "binary", None, "multiclass"),
        ([0, 0], None, ("only",), "'only'"),
        ([0, 1], "regression", ("a", "b"), "numbers"),
    ],
)
def test_hopeless_targets_are_refused(target, task, names, words) -> None:
    with pytest.raises(TrainingError, match=words):
        infer_targets(part(target), task, names)


def test_regression_on_a_constant_is_allowed_when_asked_for() -> None:
    assert infer_targets(part([2, 2]), "regression").task == "regression"


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_target_must_be_finite(bad) -> None:
    with pytest.raises(DataError, match="Row 2"):
        infer_targets(part([0, 1, bad]))


def test_no_rows_and_no_target() -> None:
    with pytest.raises(DataError, match="no rows"):
        infer_targets(part([]))
    with pytest.raises(DataError, match="target"):
        infer_targets(RowSubset(Rows(np.zeros(2, np.int64), np.zeros(0, np.uint32))))


@pytest.mark.parametrize("target", [[1, 3], [-1, 1], [1, 1.5]])
def test_unknown_class_in_validation_names_its_row(target) -> None:
    with pytest.raises(DataError, match="Row"):
        infer_targets(part([1, 2])).encode(part(target))
    with pytest.raises(DataError, match="Row"):
        infer_targets(part([0, 1])).encode(part([0, 2]))


@pytest.mark.parametrize(
    ("classes", "raw"), [([-1, 1], (-1, 1)), (["a", "b"], (0, 1)), (None, (0, 1))]
)
def test_targets_of_a_model(classes, raw) -> None:
    assert targets_of(build(ModelConfig(), n_features=2, classes=classes)).raw == raw


def test_balanced_class_weights() -> None:
    found = class_weights("balanced", "binary", [0, 1], part([0, 0, 0, 1]))
    np.testing.assert_allclose(found, [4 / (2 * 3), 4 / (2 * 1)])
    weighted = class_weights("balanced", "binary", [0, 1], part([0, 0, 0, 1], [1, 1, 1, 3]))
    np.testing.assert_allclose(weighted, [1, 1])


def test_class_weights_by_name() -> None:
    data = part([0, 1])
    np.testing.assert_array_equal(class_weights({1: 5}, "binary", [-1, 1], data), [1, 5])
    np.testing.assert_array_equal(class_weights({"b": 2}, "binary", ["a", "b"], data), [1, 2])
    assert class_weights(None, "regression", None, data) is None


@pytest.mark.parametrize(
    ("setting", "task", "words"),
    [
        ({7: 1.0}, "binary", "7"),
        ({0: -1.0}, "binary", "non-negative"),
        ("balanced", "regression", "sample weights"),
    ],
)
def test_bad_class_weights(setting, task, words) -> None:
    with pytest.raises(ConfigError, match=words):
        class_weights(setting, task, [0, 1], part([0, 1]))


def test_bias_is_the_best_constant() -> None:
    np.testing.assert_allclose(start_bias("regression", 1, part([1, 2, 6])), [3])
    np.testing.assert_allclose(start_bias("regression", 1, part([1, 5], [3, 1])), [2])
    odds = start_bias("binary", 1, part([1, 1, 1, 0]))
    np.testing.assert_allclose(odds, [np.log(3)], rtol=1e-6)
    np.testing.assert_allclose(
        start_bias("binary", 1, part([1, 1, 1, 0]), np.array([3, 1], np.float32)), [0], atol=1e-6
    )
    logs = start_bias("multiclass", 3, part([0, 1, 1, 2]))
    np.testing.assert_allclose(np.exp(logs) / np.exp(logs).sum(), [0.25, 0.5, 0.25], rtol=1e-6)


def test_a_class_that_has_not_come_yet_may_still_come() -> None:
    np.testing.assert_allclose(start_bias("binary", 1, part([0] * 32)), [-np.log(64)], rtol=1e-6)
    logs = start_bias("multiclass", 3, part([0, 0, 1, 1]))
    np.testing.assert_allclose(np.exp(logs - logs[0]), [1, 1, 0.25], rtol=1e-6)


def test_weights_that_are_all_zero_are_refused() -> None:
    with pytest.raises(TrainingError, match="positive weight"):
        start_bias("binary", 1, part([0, 1], [0, 0]))
