"""The epoch loop, followed step by step with a scripted solver."""

from __future__ import annotations

import signal

import numpy as np
import pytest

from fieldfare.config import ModelConfig, SolverConfig, TrainingConfig
from fieldfare.exceptions import ConfigError, DivergenceError, TrainingError
from fieldfare.models.base import Model
from fieldfare.models.registry import build
from fieldfare.training.loop import run as loop
from fieldfare.training.loop.callbacks import Callback
from fieldfare.training.loop.run import Run
from fieldfare.training.loop.session import fit
from fieldfare.training.samples.subset import RowSubset


def test_keeps_the_best_epoch(follow) -> None:
    result, solver = follow([5, 3, 4, 2, 6, 7, 8, 9], n_iter_no_change=3)
    assert result.history.best_epoch == 4
    assert result.history.best_value == pytest.approx(2)
    assert result.model.bias[0] == 4
    assert result.history.stopped == "early_stopping"
    assert len(result.history) == 7
    assert solver.epochs == 7


def test_patience_counts_from_the_best_epoch_not_from_the_last_one(follow) -> None:
    # Each epoch after the second is better than the one before it, but never than the second.
    result, _ = follow([5, 1, 4, 3, 2, 1.5], n_iter_no_change=3)
    assert result.history.best_epoch == 2
    assert len(result.history) == 5


def test_tol_asks_for_more_than_a_tiny_gain(follow) -> None:
    result, _ = follow([5, 4.95, 4.91, 4.5, 4.45, 4.41], tol=0.1, n_iter_no_change=5)
    assert result.history.best_epoch == 4


def test_metric_that_grows(follow) -> None:
    # R2 is best where the (constant zero) target is met best.
    result, _ = follow([3, 1, 2], eval_metric="mae")
    assert result.history.metric == "valid_mae"
    assert result.history.best_epoch == 2


def test_without_early_stopping_the_last_model_is_returned(follow) -> None:
    result, _ = follow([1, 2, 3, 4, 5, 6], early_stopping=False)
    assert result.history.best_epoch == 6
    assert result.model.bias[0] == 6
    assert result.history.stopped == "max_iter"


def test_time_budget(follow, monkeypatch) -> None:
    now = iter(range(0, 1000, 2))
    monkeypatch.setattr("fieldfare.training.loop.run.time.monotonic", lambda: next(now))
    result, _ = follow([9, 8, 7, 6, 5, 4], max_time=10)
    assert result.history.stopped == "max_time"
    assert 0 < len(result.history) < 6


def test_time_budget_smaller_than_an_epoch_still_returns_a_model(follow) -> None:
    result, _ = follow([9, 8, 7], max_time=1e-9)
    assert result.history.stopped == "max_time"
    assert result.model is not None


class _Interrupt(Callback):
    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_block(self, state) -> None:
        if state.epoch == self.epoch:
            raise KeyboardInterrupt


def test_interrupt_keeps_the_best_so_far(follow) -> None:
    result, _ = follow([5, 2, 3, 1], callbacks=(_Interrupt(4),))
    assert result.interrupted
    assert result.history.stopped == "interrupted"
    assert result.model.bias[0] == 2
    assert len(result.history) == 3


def test_ctrl_c_itself(follow) -> None:
    class CtrlC(Callback):
        def on_block(self, state) -> None:
            if state.epoch == 2:
                signal.raise_signal(signal.SIGINT)

    # A shell starts what it runs in the background with SIGINT ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        result, _ = follow([5, 2, 3], callbacks=(CtrlC(),))
    finally:
        signal.signal(signal.SIGINT, before)
    assert result.interrupted
    assert result.model.bias[0] == 1


def test_interrupt_without_validation_keeps_the_current_model(follow) -> None:
    result, solver = follow([5, 2, 3, 1], callbacks=(_Interrupt(3),), early_stopping=False)
    assert result.interrupted
    assert result.model.bias[0] == solver.epochs


class _Log(Callback):
    def __init__(self, name: str, log: list[str], stop_at: int = 0) -> None:
        self.name, self.log, self.stop_at = name, log, stop_at

    def on_train_begin(self, state) -> None:
        self.log.append(f"{self.name} begin {state.epoch}")

    def on_block(self, state) -> None:
        self.log.append(f"{self.name} block {state.epoch} {state.rows_done}/{state.n_rows}")

    def on_epoch_end(self, state) -> bool:
        assert state.history.epochs[-1]["epoch"] == state.epoch
        self.log.append(f"{self.name} epoch {state.epoch}")
        return state.epoch == self.stop_at

    def on_train_end(self, state) -> None:
        self.log.append(f"{self.name} end {state.history.stopped}")


def test_callbacks_are_called_in_order_and_may_stop(follow) -> None:
    log: list[str] = []
    follow([3, 2, 1], callbacks=(_Log("a", log, stop_at=2), _Log("b", log)))
    assert log == [
        "a begin 0", "b begin 0",
        "a block 1 20/20", "b block 1 20/20", "a epoch 1", "b epoch 1",
        "a block 2 20/20", "b block 2 20/20", "a epoch 2", "b epoch 2",
        "a end callback", "b end callback",
    ]  # fmt: skip


def test_train_end_is_called_when_a_callback_fails(follow) -> None:
    class Failing(Callback):
        def on_epoch_end(self, state) -> None:
            raise ZeroDivisionError

    log: list[str] = []
    with pytest.raises(ZeroDivisionError):
        follow([3, 2], callbacks=(Failing(), _Log("a", log)))
    assert log[-1] == "a end None"


def test_windows_are_cut_into_short_calls(rows, monkeypatch) -> None:
    monkeypatch.setattr(loop, "_PARAMETERS_PER_CALL", 2000)
    log: list[str] = []
    fit(
        build(ModelConfig(), n_features=12),
        SolverConfig(),
        rows(500),
        config=TrainingConfig(max_iter=1, random_state=0),
        callbacks=(_Log("a", log),),
    )
    blocks = [line for line in log if "block" in line]
    assert len(blocks) == 8
    assert blocks[-1] == "a block 1 500/500"


def test_short_calls_change_nothing(rows, monkeypatch) -> None:
    def train() -> Model:
        model = build(ModelConfig(), n_features=12)
        return fit(model, SolverConfig(), rows(500), config=TrainingConfig(random_state=0)).model

    whole = train()
    monkeypatch.setattr(loop, "_PARAMETERS_PER_CALL", 500)
    cut = train()
    np.testing.assert_array_equal(whole.factors, cut.factors)
    np.testing.assert_array_equal(whole.bias, cut.bias)


@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_infinite_training_loss_is_refused_with_advice(rows, bad) -> None:
    class Solver:
        config = SolverConfig()
        needs_all_rows = False

        def train(self, rows, order, class_weight, n_threads):
            return bad, 1.0

    model = build(ModelConfig(), n_features=12)
    run = Run(model, Solver(), RowSubset(rows(20)), None, TrainingConfig(random_state=0))
    with pytest.raises(DivergenceError, match="learning_rate"):
        run()


def test_infinite_scores_on_validation_are_refused_with_advice(follow) -> None:
    with pytest.raises(DivergenceError, match=r"validation.*epoch 2"):
        follow([1, np.nan, 1])


def test_diverging_training_says_so(rows) -> None:
    data = rows(400).with_(target=np.full(400, 1e4, np.float32))
    model = build(ModelConfig(task="regression"), n_features=12)
    config = TrainingConfig(random_state=0, max_iter=50)
    with pytest.raises(DivergenceError, match="instance_norm"):
        fit(model, SolverConfig(solver="sgd", learning_rate=10.0), data, config=config)


def test_undefined_metric_is_refused(rows) -> None:
    data = rows(200)
    one_class = data.take(np.flatnonzero(data.target == 1))
    model = build(ModelConfig(), n_features=12)
    with pytest.raises(TrainingError, match="'auc'"):
        fit(model, SolverConfig(), data, one_class, TrainingConfig(eval_metric="auc"))


def test_unknown_metric_is_refused_before_training(rows) -> None:
    model = build(ModelConfig(), n_features=12)
    with pytest.raises(ConfigError, match="auc"):
        fit(model, SolverConfig(), rows(50), rows(50), TrainingConfig(eval_metric="aucc"))


def test_starting_model_is_not_changed(rows) -> None:
    model = build(ModelConfig(), n_features=12)
    before = model.factors.copy()
    fit(model, SolverConfig(), rows(100), config=TrainingConfig(max_iter=2))
    np.testing.assert_array_equal(model.factors, before)


def test_an_index_is_a_copy_of_its_rows(rows) -> None:
    data, index = rows(2500), np.arange(0, 2500, 2, dtype=np.int64)
    model = build(ModelConfig(), n_features=12)
    config = TrainingConfig(max_iter=2, random_state=0, n_jobs=1)
    a = fit(model, SolverConfig(), RowSubset(data, index), config=config).model
    b = fit(model, SolverConfig(), data.take(index), config=config).model
    np.testing.assert_array_equal(a.factors, b.factors)
