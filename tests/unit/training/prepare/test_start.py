"""Start: how the training of a new model starts, where that is not left to the data."""

from __future__ import annotations

import numpy as np
import pytest

import fieldfare as ff
from fieldfare.exceptions import ConfigError, ModelWarning

ROWS = np.random.default_rng(0).integers(0, 2, (200, 12)).astype(np.float32)
TARGET = (ROWS[:, 0] + ROWS[:, 1] * ROWS[:, 2] > 1) * 1
RAW = {"bias": 0.0, "target_unit": 1.0, "row_unit": 1.0}
HOW = {"target": TARGET, "random_state": 0, "early_stopping": False, "max_iter": 1}


def test_raw_units_make_settings_plain_numbers() -> None:
    """One step of SGD over one row is the gradient times the learning rate."""
    rows, target = np.array([[1.0, 2.0]] * 2, np.float32), [1, 0]
    model = ff.train(
        rows[:1].repeat(2, 0), target=target, model="linear", solver="sgd", learning_rate=0.1,
        l2_linear=0.0, max_iter=1, shuffle=False, early_stopping=False, scale_features=False,
        start=ff.Start(**RAW),
    ).model  # fmt: skip
    first = 0.1 * 0.5 * np.array([1.0, 2.0])
    second = 1 / (1 + np.exp(-(0.05 + first @ rows[0])))
    np.testing.assert_allclose(model.linear[:, 0], first - 0.1 * second * rows[0], rtol=1e-5)


def test_given_factors_are_where_training_starts() -> None:
    def draw(shape: tuple[int, ...]) -> np.ndarray:
        return 0.1 * np.random.default_rng(1).random(shape)

    how = {**HOW, "learning_rate": 1e-9, "n_factors": 3}
    with pytest.warns(ModelWarning, match="not learned"):  # hardly a step was taken
        model = ff.train(ROWS, start=ff.Start(factors=draw, **RAW), **how).model
    np.testing.assert_allclose(model.factors, draw(model.factors.shape), atol=1e-6)


def test_a_unit_of_factors_divides_them() -> None:
    """A unit of L trains as the model whose pairs are divided by L^2, here on doubled rows."""
    drawn = 0.1 * np.random.default_rng(1).random((12, 1, 3)).astype(np.float32)
    how = {**HOW, "n_factors": 3, "model": "fm", "fit_linear": False, "l2_factors": 0.01,
           "l2_exponent": 1.0, "scale_features": False}  # fmt: skip
    plain = ff.train(ROWS, start=ff.Start(factors=drawn, **RAW), **how).model
    doubled = ff.train(2 * ROWS, start=ff.Start(factors=drawn, factor_unit=2.0, **RAW), **how).model
    np.testing.assert_allclose(2 * doubled.factors, plain.factors, rtol=1e-4, atol=1e-6)
    assert doubled.units.factors == 2


def test_the_units_are_in_the_model_file(tmp_path) -> None:
    model = ff.train(ROWS, start=ff.Start(factor_unit=2.0, **RAW), **HOW).model
    ff.save_model(model, tmp_path / "m.ff")
    assert ff.load_model(tmp_path / "m.ff").units == model.units


def test_ftrl_starts_from_a_sum_of_squared_gradients() -> None:
    how = {**HOW, "solver": "ftrl", "model": "linear", "l2_linear": 0.0}
    small, large = (
        np.abs(ff.train(ROWS, ftrl_start=start, **how).model.linear).mean() for start in (100.0, 0)
    )
    assert small < large


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"bias": float("nan")}, "bias"),
        ({"row_unit": 0.0}, "row_unit"),
        ({"factor_unit": -1.0}, "factor_unit"),
        ({"factors": np.zeros((1, 1, 1))}, "shape"),
    ],
)
def test_what_cannot_be_a_start_is_refused(given, says) -> None:
    with pytest.raises(ConfigError, match=says):
        ff.train(ROWS, start=ff.Start(**given), **HOW)


def test_a_start_is_for_new_models() -> None:
    model = ff.train(ROWS, **HOW).model
    with pytest.raises(ConfigError, match="new models"):
        ff.train(ROWS, model=model, start=ff.Start(), **HOW)


def test_factors_are_for_models_that_have_them() -> None:
    with pytest.raises(ConfigError, match="linear"):
        ff.train(ROWS, model="linear", start=ff.Start(factors=np.zeros((1, 1))), **HOW)
