"""Sample weights: their proportions count, and their scale does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fieldfare.data.dataset import Dataset
from fieldfare.data.loading import load
from fieldfare.estimators import FMClassifier, FMRanker, FMRegressor
from fieldfare.exceptions import TrainingError
from fieldfare.models.base import Model
from fieldfare.training.bayes.functions import sample
from fieldfare.training.functions import train

N_ROWS = 800
RANDOM = np.random.default_rng(0)
FEATURES = {name: RANDOM.integers(0, 12, N_ROWS).astype(str) for name in ("user", "item")}
EFFECT = (FEATURES["user"] < "5").astype(float) - (FEATURES["item"] < "3")
CLICKED = (EFFECT + RANDOM.normal(size=N_ROWS) > 0).astype(np.float32)
PRICE = (EFFECT + RANDOM.normal(size=N_ROWS)).astype(np.float32)
UNLIKE = RANDOM.lognormal(0, 1, N_ROWS).astype(np.float32)

WAYS: list[dict[str, Any]] = [
    *({"solver": name} for name in ("adagrad", "rowwise_adagrad", "sgd", "sgda", "ftrl", "als")),
    {"solver": "als", "task": "regression"},
    {"task": "regression"},
    {"class_weight": {0: 1, 1: 7}},
    {"class_weight": "balanced", "solver": "als"},
    {"task": "rank", "negatives": "uniform", "known_negatives": True},
    {"task": "rank", "solver": "nonsampled"},
]


def rows(weight: Any, task: str = "binary") -> Dataset:
    data = load(FEATURES, labelled=False)
    target = {"binary": CLICKED, "regression": PRICE, "rank": np.ones(N_ROWS, np.float32)}[task]
    return data.with_(target=target, weight=weight)


def trained(weight: Any, **how: Any) -> Model:
    given = {"max_iter": 3, "n_factors": 3, "random_state": 0, "early_stopping": False} | how
    return train(rows(weight, how.get("task", "binary")), **given).model


@pytest.mark.parametrize("how", WAYS, ids=str)
def test_equal_weights_are_none(how: dict[str, Any]) -> None:
    plain = trained(None, **how)
    for weight in (1 / N_ROWS, 1000.0, 3e-30):
        equal = trained(np.full(N_ROWS, weight, np.float32), **how)
        # The products with the weights of classes are rounded.
        atol = 1e-4 if "class_weight" in how else 0
        np.testing.assert_allclose(equal.factors, plain.factors, atol=atol, rtol=0)
        np.testing.assert_allclose(equal.linear, plain.linear, atol=atol, rtol=0)


@pytest.mark.parametrize("how", WAYS, ids=str)
def test_the_scale_of_weights_means_nothing(how: dict[str, Any]) -> None:
    expected = trained(UNLIKE, **how)
    assert np.abs(expected.factors - trained(None, **how).factors).max() > 1e-3
    for scale in (2.0**-12, 2.0**15):
        np.testing.assert_allclose(
            trained(UNLIKE * np.float32(scale), **how).factors, expected.factors, atol=2e-4
        )


def test_class_weights_are_those_of_their_rows() -> None:
    by_class = trained(None, class_weight={0: 2, 1: 14})
    by_row = trained(np.where(CLICKED, 7, 1).astype(np.float32))
    np.testing.assert_allclose(by_class.factors, by_row.factors, atol=1e-5)
    np.testing.assert_allclose(by_class.bias, by_row.bias, atol=1e-5)


def test_reported_losses_are_weighted_means() -> None:
    losses = [
        train(rows(weight), valid=rows(weight), max_iter=2, random_state=0).history
        for weight in (UNLIKE, UNLIKE * np.float32(1024))
    ]
    for name in ("train_loss", "valid_logloss"):
        np.testing.assert_allclose(losses[0][name], losses[1][name], rtol=1e-4)


def test_rows_of_no_weight_are_left_out_and_one_of_much_weight_is_learned() -> None:
    weight = np.zeros(N_ROWS, np.float32)
    weight[::2] = 1
    half = trained(weight, shuffle=False, l2_linear=0.0, l2_factors=0.0)
    assert np.isfinite(half.factors).all()
    weight[:] = 1
    weight[5] = 1e30
    assert np.isfinite(trained(weight).factors).all()
    with pytest.raises(TrainingError, match="positive weight"):
        trained(np.zeros(N_ROWS, np.float32))


def test_samples_are_those_of_any_scale() -> None:
    how = {"n_samples": 3, "n_warmup": 2, "random_state": 0, "n_factors": 2}
    plain = sample(rows(None, "regression"), **how).posterior
    equal = sample(rows(np.full(N_ROWS, 1e-4, np.float32), "regression"), **how).posterior
    data = rows(None, "regression").rows
    np.testing.assert_array_equal(plain.predict(data), equal.predict(data))
    np.testing.assert_array_equal(plain.deviations(data), equal.deviations(data))


def test_later_parts_have_the_unit_of_the_first() -> None:
    """What weighs a tenth in the second call has a tenth of the influence."""

    def continued(first: float, second: float) -> np.ndarray:
        fm = FMRegressor(random_state=0, max_iter=1)
        for weight in (first, second):
            fm.partial_fit(FEATURES, PRICE, np.full(N_ROWS, weight))
        return np.asarray(fm.factors_)

    np.testing.assert_array_equal(continued(1, 0.125), continued(1024, 128))
    assert np.abs(continued(1, 0.125) - continued(1, 1)).max() > 1e-3


def test_what_goes_on_from_a_model_has_a_unit_of_its_own() -> None:
    start = trained(None)
    weight = np.full(N_ROWS, 1e-4, np.float32)
    plain, equal = (train(rows(w), model=start, random_state=0).model for w in (None, weight))
    np.testing.assert_array_equal(equal.factors, plain.factors)


def test_new_users_are_folded_in_with_weights_of_any_scale() -> None:
    table = {"user_id": np.arange(400) % 20, "item_id": np.arange(400) * 7 % 30}
    new = {"user_id": np.full(9, 77), "item_id": np.arange(9)}

    def folded(weight: Any) -> Model:
        ranker = FMRanker(solver="nonsampled", n_factors=2, max_iter=2, random_state=0)
        return ranker.fit(table).fold_in(new, known=table, sample_weight=weight).model_

    np.testing.assert_array_equal(folded(None).factors, folded(np.full(9, 100.0)).factors)


def test_estimators_agree_with_the_functions() -> None:
    fm = FMClassifier(n_factors=3, max_iter=3, random_state=0, early_stopping=False)
    fm.fit(FEATURES, CLICKED.astype(int), UNLIKE)
    np.testing.assert_array_equal(fm.model_.factors, trained(UNLIKE).factors)
