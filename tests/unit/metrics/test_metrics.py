"""Metrics against scikit-learn, closed forms and counting by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk
from tests.examples import examples

from fieldfare.exceptions import ConfigError, DataError
from fieldfare.metrics import METRICS, Metric, compute, default_metrics, get_metric

BINARY = {
    "logloss": lambda y, p, w: sk.log_loss(y, p, sample_weight=w),
    "auc": lambda y, p, w: sk.roc_auc_score(y, p, sample_weight=w),
    "pr_auc": lambda y, p, w: sk.average_precision_score(y, p, sample_weight=w),
    "accuracy": lambda y, p, w: sk.accuracy_score(y, p > 0.5, sample_weight=w),
    "precision": lambda y, p, w: sk.precision_score(y, p > 0.5, sample_weight=w, zero_division=0),
    "recall": lambda y, p, w: sk.recall_score(y, p > 0.5, sample_weight=w, zero_division=0),
    "f1": lambda y, p, w: sk.f1_score(y, p > 0.5, sample_weight=w, zero_division=0),
    "brier": lambda y, p, w: sk.brier_score_loss(y, p, sample_weight=w),
}
REGRESSION = {
    "mse": sk.mean_squared_error,
    "rmse": sk.root_mean_squared_error,
    "mae": sk.mean_absolute_error,
    "mape": sk.mean_absolute_percentage_error,
    "r2": sk.r2_score,
}


def macro(function):
    def value(y, p, w):
        return function(y, p.argmax(axis=1), average="macro", sample_weight=w, zero_division=0)

    return value


MULTICLASS = {
    "logloss": lambda y, p, w: sk.log_loss(y, p, sample_weight=w, labels=range(p.shape[1])),
    "accuracy": lambda y, p, w: sk.accuracy_score(y, p.argmax(axis=1), sample_weight=w),
    "precision": macro(sk.precision_score),
    "recall": macro(sk.recall_score),
    "f1": macro(sk.f1_score),
}


def draw(seed: int, n: int = 200, ties: bool = False, weighted: bool = False):
    rng = np.random.default_rng(seed)
    pred = rng.uniform(0.01, 0.99, n)
    if ties:
        pred = np.round(pred, 1).clip(0.05, 0.95)
    y = (rng.random(n) < pred).astype(np.float32)
    weight = rng.integers(0, 5, n).astype(np.float32) if weighted else None
    return y, pred, weight


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("name", BINARY)
def test_binary_agrees_with_scikit_learn(name: str, ties: bool, weighted: bool) -> None:
    for seed in range(5):
        y, pred, weight = draw(seed, ties=ties, weighted=weighted)
        expected = BINARY[name](y, pred, weight)
        assert get_metric(name)(y, pred, weight) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", REGRESSION)
def test_regression_agrees_with_scikit_learn(name: str, weighted: bool) -> None:
    rng = np.random.default_rng(0)
    y, pred = rng.normal(size=(2, 100))
    weight = rng.integers(0, 4, 100) if weighted else None
    expected = REGRESSION[name](y, pred, sample_weight=weight)
    assert get_metric(name)(y, pred, weight) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", MULTICLASS)
def test_multiclass_agrees_with_scikit_learn(name: str, weighted: bool) -> None:
    rng = np.random.default_rng(1)
    pred = rng.dirichlet(np.ones(4), 60)
    y = rng.integers(0, 3, 60)  # the last class has no sample
    weight = rng.uniform(0.1, 2, 60) if weighted else None
    expected = MULTICLASS[name](y, pred, weight)
    assert get_metric(name)(y, pred, weight) == pytest.approx(expected, rel=1e-12)


@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=30
    )
)
@examples(200)
def test_auc_counts_pairs(rows: list[tuple[int, int, int]]) -> None:
    y, pred, weight = np.array(rows).T
    if not weight.any():
        return
    pairs = [
        (weight[i] * weight[j], 1.0 if pred[i] > pred[j] else 0.5 if pred[i] == pred[j] else 0.0)
        for i in range(len(y))
        for j in range(len(y))
        if y[i] == 1 and y[j] == 0
    ]
    total = sum(w for w, _ in pairs)
    value = get_metric("auc")(y, pred, weight)
    if total == 0:
        assert math.isnan(value)
    else:
        assert value == pytest.approx(sum(w * win for w, win in pairs) / total, abs=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_grouped_auc_averages_the_groups(weighted: bool) -> None:
    y, pred, weight = draw(3, n=300, ties=True, weighted=weighted)
    group = np.random.default_rng(4).integers(-3, 40, 300) * 7
    w = np.ones(300) if weight is None else weight
    areas, sizes = [], []
    for g in np.unique(group):
        own = group == g
        live = own & (w > 0)
        if len(np.unique(y[live])) == 2:
            areas.append(sk.roc_auc_score(y[own], pred[own], sample_weight=w[own]))
            sizes.append(w[own].sum())
    expected = np.average(areas, weights=sizes)
    assert get_metric("gauc")(y, pred, weight, group) == pytest.approx(expected)


RANKED = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=40
)


@given(RANKED, st.sampled_from([None, 1, 2, 10]))
@examples(150)
def test_ndcg_agrees_with_scikit_learn(rows: list[tuple[int, int, int]], k: int | None) -> None:
    y, pred, group = np.array(rows).T
    weight = 1.0 + np.arange(len(y)) % 3
    values, masses = [], []
    for g in np.unique(group):
        own = group == g
        if not y[own].any():
            continue
        # scikit-learn wants two samples; one more without relevance, and last, changes nothing.
        truth, guess = np.append(y[own], 0), np.append(pred[own], -1)
        values.append(sk.ndcg_score([truth], [guess], k=k))
        masses.append(weight[own].mean())
    value = get_metric("ndcg" if k is None else f"ndcg@{k}")(y, pred, weight, group)
    if values:
        assert value == pytest.approx(np.average(values, weights=masses), abs=1e-12)
    else:
        assert math.isnan(value)


@pytest.mark.parametrize("name", ["ndcg@", "ndcg@0", "ndcg@x", "ndcg@-1", "auc@3", "nothing@2"])
def test_places_of_metrics_are_checked(name: str) -> None:
    with pytest.raises(ConfigError, match="ndcg"):
        get_metric(name)


def test_calibration_error_by_hand() -> None:
    y = [0, 1, 1, 1]
    pred = [0.1, 0.11, 1.0, 0.95]  # bins 1, 1, 14, 14 of 15
    expected = 0.5 * abs(0.105 - 0.5) + 0.5 * abs(0.975 - 1)
    assert get_metric("ece")(y, pred) == pytest.approx(expected)
    assert get_metric("ece")(y, np.array(y, float)) == 0
    two_columns = np.array([[0.2, 0.8], [0.9, 0.1]])
    assert get_metric("ece")([1, 1], two_columns) == pytest.approx(0.5 * 0.2 + 0.5 * 0.9)


def test_normalized_entropy_of_the_base_rate_is_one() -> None:
    y = np.array([0, 0, 0, 1])
    assert get_metric("normalized_entropy")(y, np.full(4, 0.25)) == pytest.approx(1)
    assert get_metric("normalized_entropy")(y, np.tile([0.75, 0.25], (4, 1))) == pytest.approx(1)
    weight = np.array([1, 1, 1, 9])
    assert get_metric("normalized_entropy")(y, np.full(4, 0.75), weight) == pytest.approx(1)


def test_multiclass_brier_sums_over_classes() -> None:
    pred = np.array([[0.2, 0.3, 0.5]])
    assert get_metric("brier")([2], pred) == pytest.approx(0.04 + 0.09 + 0.25)


def test_certain_and_wrong_has_a_finite_logloss() -> None:
    assert get_metric("logloss")([0], [1.0]) == pytest.approx(23 * math.log(2))


def test_weights_repeat_samples() -> None:
    y, pred, weight = draw(7, n=50, ties=True, weighted=True)
    again = np.repeat(np.arange(50), weight.astype(int))
    for name, metric in METRICS.items():
        # In NDCG, and in lists, a repeated sample takes another place.
        if name == "ndcg" or not isinstance(metric, Metric):
            continue
        group = np.arange(50) % 4
        expected = metric(y[again], pred[again], None, group[again])
        assert metric(y, pred, weight, group) == pytest.approx(expected, rel=1e-9), name


def test_undefined_values_are_nan() -> None:
    for name in ("auc", "normalized_entropy"):
        assert math.isnan(get_metric(name)([1, 1], [0.2, 0.4]))
    assert math.isnan(get_metric("pr_auc")([0, 0], [0.2, 0.4]))
    assert math.isnan(get_metric("gauc")([1, 0], [0.2, 0.4], None, [0, 1]))
    assert math.isnan(get_metric("r2")([0.1, 0.1, 0.1], [1, 2, 3]))
    assert get_metric("precision")([0, 1], [0.1, 0.2]) == 0


@pytest.mark.parametrize(
    ("name", "y", "pred", "weight", "words"),
    [
        ("auc", [0, 1], [0.5], None, "as many predictions as targets"),
        ("auc", [], [], None, "at least one target"),
        ("auc", [0, 1], [0.1, math.nan], None, "finite predictions. Sample 1"),
        ("rmse", [0, math.inf], [0.1, 0.2], None, "finite targets. Sample 1"),
        ("auc", [-1, 1], [0.1, 0.2], None, "targets 0 and 1. Sample 0 has -1"),
        ("logloss", [0, 1], [0.1, 1.2], None, "probabilities"),
        ("logloss", [0, 2], [[0.1, 0.9], [0.5, 0.5]], None, "class numbers from 0 to 1"),
        ("logloss", [0, 0.5], [[0.1, 0.9], [0.5, 0.5]], None, "Sample 1 has 0.5"),
        ("rmse", [0, 1], [[0.1], [0.2]], None, "regression predictions"),
        ("auc", [0, 1], [[0.1, 0.9], [0.5, 0.5]], None, "binary predictions"),
        ("rmse", [0, 1], [1, 2], [1], "as many weights"),
        ("rmse", [0, 1], [1, 2], [1, -1], "not negative"),
        ("rmse", [0, 1], [1, 2], [0, 0], "not all zero"),
        ("rmse", [0, 1], [1, 2], [[1], [1]], "1-d array of weights"),
        ("rmse", ["a", "b"], [1, 2], None, "numbers"),
        ("gauc", [0, 1], [0.1, 0.2], None, "needs the group"),
        ("ndcg", [0, 1], [0.1, 0.2], None, "needs the group"),
        ("ndcg", [0, -1], [0.1, 0.2], None, "relevances from 0. Sample 1 has -1"),
    ],
)
def test_bad_arrays_are_refused(name: str, y, pred, weight, words: str) -> None:
    with pytest.raises(DataError, match=words):
        get_metric(name)(y, pred, weight)


def test_names() -> None:
    assert {name for name, found in METRICS.items() if isinstance(found, Metric)} >= {
        *("logloss", "auc", "pr_auc", "accuracy", "precision", "recall", "f1", "brier", "ece"),
        *("normalized_entropy", "rmse", "mse", "mae", "mape", "r2", "gauc", "ndcg"),
    }
    assert get_metric("rmsd") is METRICS["rmse"]
    assert get_metric("acc") is METRICS["accuracy"]
    assert get_metric("prec") is METRICS["precision"]
    assert get_metric("log_loss") is METRICS["logloss"]
    with pytest.raises(ConfigError, match=r"no metric 'loglos'. Did you mean 'logloss'"):
        get_metric("loglos")
    for task in ("binary", "multiclass", "regression", "rank"):
        assert all(task in get_metric(name).tasks for name in default_metrics(task))
    with pytest.raises(ConfigError, match="Did you mean 'binary'"):
        default_metrics("binry")


def test_compute_keeps_the_order_and_takes_one_name() -> None:
    y, pred, _ = draw(0)
    assert list(compute(["auc", "acc", "logloss"], y, pred)) == ["auc", "accuracy", "logloss"]
    assert compute("auc", y, pred) == {"auc": get_metric("auc")(y, pred)}
