"""The units in which targets and rows are measured."""

import numpy as np
import pytest

from fieldfare.config import ModelConfig, SolverConfig
from fieldfare.exceptions import TrainingError
from fieldfare.kernels.table import Units
from fieldfare.rows import Rows
from fieldfare.training.functions import train
from fieldfare.training.prepare.units import row_scale, target_scale, units_of
from fieldfare.training.samples.subset import RowSubset


def _part(values: object = None, weight: object = None, index: object = None) -> RowSubset:
    """Rows of 0, 1, 2 and 3 entries."""
    return RowSubset(
        Rows(
            np.array([0, 0, 1, 3, 6]),
            np.zeros(6, np.uint32),
            values=None if values is None else np.asarray(values, np.float32),
            target=np.array([1, 3, 5, 7], np.float32),
            weight=None if weight is None else np.asarray(weight, np.float32),
        ),
        index=None if index is None else np.asarray(index, np.int64),
    )


def test_targets_have_the_spread_or_the_root_mean_square() -> None:
    assert target_scale("regression", _part(), centred=True) == pytest.approx(5**0.5)
    assert target_scale("regression", _part(), centred=False) == pytest.approx(21**0.5)
    assert target_scale("binary", _part(), centred=True) == 1


@pytest.mark.parametrize("values", [None, np.ones(6)])
def test_rows_have_their_root_mean_square_length(values: object) -> None:
    assert row_scale(_part(values)) == pytest.approx(1.5**0.5, abs=1e-3)
    assert row_scale(_part(values, index=[1, 3])) == pytest.approx(2**0.5, abs=1e-3)
    assert row_scale(_part(values, weight=[0, 0, 1, 3])) == pytest.approx(2.75**0.5, abs=1e-3)
    assert row_scale(_part(values, weight=[9, 9, 1, 3], index=[2, 3])) == 1.658


def test_values_count_and_their_order_does_not() -> None:
    values = np.array([3, 0.1, -0.2, 7, 1e-3, 0.7])
    moved = np.array([3, -0.2, 0.1, 0.7, 7, 1e-3])
    expected = np.sqrt(np.square(values).sum() / 4)
    assert row_scale(_part(values)) == row_scale(_part(moved)) == float(f"{expected:.4g}")


def test_rows_without_any_entry_or_value_have_a_unit_of_one() -> None:
    assert row_scale(_part(index=[0])) == row_scale(_part(np.zeros(6))) == 1


def test_extreme_values_are_bounded() -> None:
    assert row_scale(_part(np.full(6, 1e30))) == 1e12
    assert row_scale(_part(np.full(6, 1e-30))) == 1e-12


def test_only_steps_along_gradients_need_a_length() -> None:
    kind = ModelConfig(task="binary")
    assert units_of(kind, _part(), SolverConfig()) == Units(1, 1.225)
    for solver in (SolverConfig(solver="als"), SolverConfig(solver="nonsampled"), None):
        assert units_of(kind, _part(), solver) == Units()
    normed = ModelConfig(task="binary", instance_norm=True)
    assert units_of(normed, _part(), SolverConfig()) == Units()


def test_a_model_trained_without_gradients_gets_its_unit_of_rows_when_it_goes_on() -> None:
    frame = {"user": list("abcd") * 30, "item": list("xyz") * 40, "stars": [1.0, 2.0, 4.0] * 40}
    start = train(frame, target="stars", task="regression", solver="als", random_state=0).model
    assert start.units.row == 1
    on = train(frame, target="stars", model=start, random_state=0).model
    assert on.units == Units(start.units.target, 1.414)
    assert start.units.row == 1
    again = train({name: values[:6] for name, values in frame.items()}, target="stars", model=on)
    assert again.model.units == on.units


@pytest.mark.parametrize("values", [None, np.ones(6)])
def test_weights_that_are_all_zero_are_refused(values: object) -> None:
    with pytest.raises(TrainingError, match="All weights are zero"):
        row_scale(_part(values, weight=np.zeros(4)))
