"""keep_state: a model that holds the state of its solver is trained further as if never stopped."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import fieldfare as ff
from fieldfare.exceptions import FieldfareWarning, ModelFileError, SettingWarning

ROWS = np.random.default_rng(0).integers(0, 2, (300, 20)).astype(np.float32)
TARGET = (ROWS[:, 0] + ROWS[:, 1] * ROWS[:, 2] > 1) * 1
HOW = {"target": TARGET, "random_state": 3, "early_stopping": False, "keep_state": True}


@pytest.mark.parametrize("solver", ["adagrad", "rowwise_adagrad", "sgd", "ftrl"])
@pytest.mark.parametrize("scaled", [False, True])
def test_ten_runs_of_one_epoch_equal_one_of_ten(tmp_path, solver, scaled) -> None:
    how = {**HOW, "solver": solver, "scale_features": scaled}
    whole = ff.train(ROWS, max_iter=10, **how).model
    model: Any = "fm"
    for _ in range(10):
        found = ff.train(ROWS, model=model, max_iter=1, **how).model
        ff.save_model(found, tmp_path / "m.ff")
        model = ff.load_model(tmp_path / "m.ff")
    np.testing.assert_array_equal(model.factors, whole.factors)
    np.testing.assert_array_equal(model.linear, whole.linear)
    assert model.progress.epoch == 10


def test_sample_weights_keep_their_unit(tmp_path) -> None:
    weight = np.where(np.arange(300) < 150, 4.0, 1.0)
    halves = [(slice(0, 150), 4.0), (slice(150, 300), 1.0)]
    models = []
    for unit in (4.0, 1.0):
        model: Any = "fm"
        for part, _ in halves:
            given = {**HOW, "target": TARGET[part], "weight": weight[part] * unit}
            model = ff.train(ROWS[part], model=model, max_iter=1, **given).model
        models.append(model)
    assert models[0].progress.weight_unit == 4 * models[1].progress.weight_unit
    np.testing.assert_allclose(models[0].factors, models[1].factors, rtol=1e-5)


def test_new_features_grow() -> None:
    model = ff.train(ROWS[:, :12], max_iter=2, **HOW).model
    more = ff.train(ROWS, model=model, max_iter=1, **HOW).model
    assert more.n_features == 20
    assert np.any(more.linear[12:] != 0)


def test_the_best_epoch_has_its_own_state() -> None:
    how = {**HOW, "early_stopping": True, "refit": False}
    how["target"], rows = TARGET[:200], ROWS[:200]
    other = ff.load_data(1 - ROWS[200:], target=TARGET[200:])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FieldfareWarning)  # such data are not learned from
        found = ff.train(rows, valid=other, max_iter=5, **how)
    assert found.model.progress.epoch == found.history.best_epoch


def test_other_settings_of_the_solver_start_afresh() -> None:
    model = ff.train(ROWS, max_iter=1, **HOW).model
    with pytest.warns(SettingWarning, match="fresh state"):
        ff.train(ROWS, model=model, max_iter=1, l2_exponent=1.0, **HOW)


@pytest.mark.parametrize("change", [{"solver": "sgd"}, {"scale_features": True}])
def test_another_solver_or_scaling_starts_as_if_there_were_no_state(change) -> None:
    how = {
        **HOW,
        "scale_features": False,
        "learning_rate": 0.1,
        "l2_linear": 0.0,
        "l2_factors": 0.0,
    }
    model = ff.train(ROWS, max_iter=1, **how).model
    with pytest.warns(SettingWarning, match="fresh state"):
        found = ff.train(ROWS, model=model, max_iter=1, **how | change).model
    fresh = ff.train(ROWS, model=model.with_(progress=None), max_iter=1, **how | change).model
    np.testing.assert_array_equal(found.factors, fresh.factors)


def test_another_step_size_goes_on_from_the_state() -> None:
    model = ff.train(ROWS, max_iter=1, **HOW).model
    more = ff.train(ROWS, model=model, max_iter=1, learning_rate=0.1, **HOW).model
    assert more.progress.epoch == 2


def test_a_state_does_not_outlive_its_parameters() -> None:
    model = ff.train(ROWS, max_iter=1, **HOW).model
    assert model.with_(bias=model.bias + 1).progress is None
    assert model.with_(provenance={}).progress is model.progress


def test_by_default_no_state_is_kept(tmp_path) -> None:
    how = {**HOW, "keep_state": False}
    assert ff.train(ROWS, max_iter=1, **how).model.progress is None


@pytest.mark.parametrize(
    "change", [{"epoch": -1}, {"epoch": 1.5}, {"solver": "x"}, {"weight_unit": 0}, {"more": 1}]
)
def test_a_progress_of_another_form_is_refused(tmp_path, monkeypatch, change) -> None:
    model = ff.train(ROWS, max_iter=1, **HOW).model
    plain = model.progress.to_json()
    monkeypatch.setattr(type(model.progress), "to_json", lambda self: {**plain, **change})
    with pytest.raises(ModelFileError):
        ff.save_model(model, tmp_path / "m.ff")
