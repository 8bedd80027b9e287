"""Cross-validation: folds, figures and the table."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from fieldfare.exceptions import ConfigError, DataError, DataWarning
from fieldfare.training.crossval import CrossValResult, _folds, cross_validate


def test_each_row_is_held_out_once_and_classes_are_spread() -> None:
    target = np.repeat([0, 1], [90, 10])
    held = [test for _, test in _folds(100, 5, 0, target, None)]
    np.testing.assert_array_equal(np.sort(np.concatenate(held)), np.arange(100))
    assert [target[test].sum() for test in held] == [2] * 5


def test_groups_stay_together() -> None:
    groups = np.repeat(np.arange(20), 5)
    for train, test in _folds(100, 4, 0, None, groups):
        assert not set(groups[train]) & set(groups[test])
        assert len(train) + len(test) == 100
        assert len(test) == 25


@pytest.mark.parametrize("n_groups", [2, 3])
def test_too_few_groups(n_groups) -> None:
    with pytest.raises(DataError, match="4 folds"):
        list(_folds(60, 4, 0, None, np.arange(60) % n_groups))


def test_table_of_figures(rows) -> None:
    result = cross_validate(rows(600), folds=3, model="linear", random_state=0, max_iter=5)
    assert [fold["fold"] for fold in result.folds] == [1, 2, 3]
    lines = str(result).splitlines()
    assert lines[0].split()[:2] == ["fold", "loss"]
    assert [line.split()[0] for line in lines[1:]] == ["1", "2", "3", "mean", "std"]
    losses = [fold["loss"] for fold in result.folds]
    assert result.mean["loss"] == pytest.approx(np.mean(losses))
    assert result.std["loss"] == pytest.approx(np.std(losses, ddof=1))
    assert result.mean["auc"] > 0.7


def test_early_stopping_inside_folds(rows) -> None:
    result = cross_validate(rows(600), folds=2, early_stopping=True, random_state=0)
    assert all(fold["epochs"] >= 1 for fold in result.folds)


def test_chosen_metrics_and_seed(rows) -> None:
    options = {"folds": 2, "metrics": ["brier"], "max_iter": 2, "random_state": 3, "n_jobs": 1}
    a, b = (cross_validate(rows(300), **options) for _ in range(2))
    assert a == b
    assert a.names == ["loss", "brier", "epochs"]


def test_bad_number_of_folds(rows) -> None:
    with pytest.raises(ConfigError, match="folds"):
        cross_validate(rows(30), folds=1)


def test_folds_without_a_figure_are_left_out_and_told() -> None:
    rng = np.random.default_rng(0)
    data = {"u": rng.integers(0, 9, 400).astype(str), "y": (np.arange(400) % 134 == 7).astype(int)}
    with pytest.warns(DataWarning, match="auc is not defined in folds .* leaves them out") as seen:
        result = cross_validate(data, target="y", folds=5, max_iter=3, random_state=0, n_jobs=1)
    assert len([w for w in seen if issubclass(w.category, DataWarning)]) == 1
    lacking = result.undefined["auc"]
    assert len(lacking) == 2
    kept = [fold["auc"] for fold in result.folds if fold["fold"] not in lacking]
    assert result.mean["auc"] == pytest.approx(np.mean(kept))
    assert result.std["auc"] == pytest.approx(np.std(kept, ddof=1))
    text = str(result)
    assert "nan" not in text
    assert text.splitlines()[-1].startswith("auc is not defined in folds")


def test_a_figure_of_one_fold_has_no_deviation() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one = CrossValResult([{"fold": 1.0, "auc": 0.7}, {"fold": 2.0, "auc": float("nan")}])
        assert one.mean["auc"] == 0.7
        assert np.isnan(one.std["auc"])
        none = CrossValResult([{"fold": 1.0, "auc": float("nan")}])
        assert np.isnan(none.mean["auc"])
        assert "auc is not defined in fold 1, and its mean leaves it out." in str(none)
