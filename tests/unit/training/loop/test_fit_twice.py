"""A part is held out to find the best epoch, then all rows are trained on as long."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fieldfare import Callback, Checkpoint, Model, load_model, save_model, train
from fieldfare.config import TrainingConfig
from fieldfare.estimators import FMClassifier, FMRegressor
from fieldfare.exceptions import TrainingError
from fieldfare.kinds.solvers import SOLVER_KINDS
from fieldfare.training.loop.callbacks import TrainingState
from fieldfare.training.loop.run import FitResult
from fieldfare.training.loop.saved import parameter_arrays
from fieldfare.training.provenance import history_of

N = 600
HOW: dict[str, Any] = {"target": "y", "n_factors": 3, "random_state": 0, "n_jobs": 1}


def noisy(n: int = N, seed: int = 0) -> pd.DataFrame:
    """Chance mostly, which is soon learned by heart."""
    rng = np.random.default_rng(seed)
    user, item = rng.integers(0, 40, n), rng.integers(0, 30, n)
    y = rng.random(n) < 0.2 + 0.6 * (user < 20)
    return pd.DataFrame({"user": [f"u{i}" for i in user], "item": [f"i{i}" for i in item],
                         "y": y.astype(int)})  # fmt: skip


def same(first: Model, second: Model) -> bool:
    a, b = parameter_arrays(first), parameter_arrays(second)
    return all(np.array_equal(a[name], b[name]) for name in a)


class After(Callback):
    """Does something after so many epochs, of both trainings together."""

    def __init__(self, n: int, action: Callable[[], bool]) -> None:
        self.n, self.action = n, action

    def on_epoch_end(self, state: TrainingState) -> bool | None:
        self.n -= 1
        return self.action() if self.n == 0 else None


def stop() -> bool:
    return True


def interrupt() -> bool:
    raise KeyboardInterrupt


def crash() -> bool:
    raise RuntimeError("the machine went down")


def kept_first(table: pd.DataFrame, **how: Any) -> FitResult:
    return train(table, refit=False, **HOW, **how)


def test_the_model_is_that_of_all_rows_after_the_best_number_of_epochs() -> None:
    found, first = train(noisy(), **HOW), kept_first(noisy())
    best = found.history.best_epoch
    assert found.history.stopped == "early_stopping"
    assert best is not None and best < len(found.history)
    whole = train(noisy(), early_stopping=False, max_iter=best, **HOW)
    assert same(found.model, whole.model)
    assert not same(found.model, first.model)
    assert found.history["valid_loss"] == first.history["valid_loss"]
    assert [r["train_loss"] for r in found.history.refit] == whole.history["train_loss"]


def test_the_history_and_the_provenance_say_so(tmp_path: Path) -> None:
    found = train(noisy(), **HOW)
    best = found.history.best_epoch
    assert found.history.refit_epochs == best == len(found.history.refit)
    assert f"Trained again on all rows, for {best} epoch" in str(found.history)
    save_model(found.model, tmp_path / "m.ff")
    kept = load_model(tmp_path / "m.ff")
    assert history_of(kept).refit_epochs == best
    assert kept.provenance["data"]["n_rows"] == N
    assert kept.provenance["data"]["n_valid"] == round(N * TrainingConfig().validation_fraction)
    assert kept.provenance["data"]["validation"] == "random"
    assert FMClassifier.load(tmp_path / "m.ff").n_iter_ == best
    first = kept_first(noisy())
    assert first.history.refit == []
    assert "again" not in str(first.history)


def test_progress_says_it_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    best = train(noisy(), verbose=1, **HOW).history.best_epoch
    lines = capsys.readouterr().err.splitlines()
    assert f"epoch {best} was the best; training again on all {N} rows, for as many epochs" in lines


@pytest.mark.filterwarnings("ignore::fieldfare.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", [kind.name for kind in SOLVER_KINDS.values() if kind.tasks])
@pytest.mark.parametrize("task", ["regression", "binary"])
def test_every_solver_does(solver: str, task: str) -> None:
    kind = SOLVER_KINDS[solver]
    if task not in kind.tasks:
        return
    how = HOW | {"solver": solver, "task": task}
    if solver != "als":  # which has no steps
        how["learning_rate"] = 0.05
    found = train(noisy(), **how)
    best = found.history.best_epoch
    assert best is not None
    assert same(found.model, train(noisy(), early_stopping=False, **how | {"max_iter": best}).model)


def test_given_validation_data_are_not_trained_on() -> None:
    found = train(noisy(), valid=noisy(seed=1), **HOW)
    assert found.history.refit == []
    assert found.history.metric is not None
    assert found.model.provenance["data"]["validation"] == "given"


@pytest.mark.parametrize("action", [stop, interrupt])
def test_a_second_training_that_does_not_end_leaves_the_best_of_the_first(
    action: Callable[[], bool],
) -> None:
    first = kept_first(noisy())
    for n in range(1, (first.history.best_epoch or 0)):
        found = train(noisy(), callbacks=[After(len(first.history) + n, action)], **HOW)
        assert same(found.model, first.model)
        assert found.history.stopped == ("callback" if action is stop else "interrupted")
        assert found.interrupted == (action is interrupt)
        assert found.refit_cut
        assert found.history.refit == []


def test_after_an_interruption_of_the_first_there_is_no_second() -> None:
    found = train(noisy(), callbacks=[After(2, interrupt)], **HOW)
    assert found.interrupted
    assert not found.refit_cut
    assert found.history.refit == []


def test_time_counts_for_both(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]

    def tick() -> float:
        clock[0] += 1.0
        return clock[0]

    monkeypatch.setattr("time.monotonic", tick)
    found = train(noisy(), max_time=12, **HOW)
    assert found.history.stopped == "max_time"
    assert found.history.refit == []
    assert train(noisy(), max_time=10_000, **HOW).history.refit


@pytest.mark.parametrize("solver", ["adagrad", "als"])
def test_a_run_resumes_in_either_training(solver: str, tmp_path: Path) -> None:
    how = HOW | {"solver": solver}
    whole = train(noisy(), **how)
    total = len(whole.history) + len(whole.history.refit)
    assert whole.history.refit
    for n in range(1, total + 1):
        path = tmp_path / f"{n}.ck"
        callbacks = [Checkpoint(path), After(n, crash)]
        with pytest.raises(RuntimeError, match="went down"):
            train(noisy(), callbacks=callbacks, **how)
        resumed = train(noisy(), resume=path, **how)
        assert same(resumed.model, whole.model)
        assert len(resumed.history) == len(whole.history)
        assert resumed.history["valid_loss"] == whole.history["valid_loss"]
        assert resumed.history.refit_epochs == whole.history.refit_epochs


def test_an_interrupted_second_training_that_was_resumed_leaves_the_first(tmp_path: Path) -> None:
    how = HOW | {"n_iter_no_change": 4, "learning_rate": 0.05}
    first = train(noisy(), refit=False, **how)
    assert (first.history.best_epoch or 0) > 2
    path, n = tmp_path / "c.ck", len(first.history) + 1
    with pytest.raises(RuntimeError):
        train(noisy(), callbacks=[Checkpoint(path), After(n, crash)], **how)
    found = train(noisy(), resume=path, callbacks=[After(1, interrupt)], **how)
    assert found.interrupted
    assert same(found.model, first.model)


def test_a_run_that_ended_goes_on_where_more_epochs_are_wanted(tmp_path: Path) -> None:
    how = HOW | {"learning_rate": 0.02}
    path = tmp_path / "c.ck"
    short = train(noisy(), max_iter=2, callbacks=[Checkpoint(path)], **how)
    assert short.history.refit_epochs == 2
    resumed = train(noisy(), max_iter=5, resume=path, **how)
    whole = train(noisy(), max_iter=5, **how)
    assert same(resumed.model, whole.model)
    assert whole.history.best_epoch != 2


def test_a_checkpoint_of_a_second_training_fits_no_other_run(tmp_path: Path) -> None:
    path = tmp_path / "c.ck"
    train(noisy(), callbacks=[Checkpoint(path)], **HOW)
    for other in ({"early_stopping": False}, {"refit": False}):
        with pytest.raises(TrainingError, match="another run"):
            train(noisy(), resume=path, **other, **HOW)


def test_going_on_from_a_model_begins_there_twice() -> None:
    start = train(noisy(), early_stopping=False, max_iter=1, **HOW).model
    more = pd.concat([noisy(seed=3), noisy(seed=4).assign(user="new")])
    found = train(more, model=start, **HOW)
    best = found.history.best_epoch
    assert best is not None and found.history.refit_epochs == best
    whole = train(more, model=start, early_stopping=False, max_iter=best, **HOW)
    assert same(found.model, whole.model)


def test_a_warm_start_goes_on_from_the_second_training() -> None:
    X = noisy().drop(columns="y")
    common = {"n_factors": 3, "random_state": 0, "n_jobs": 1, "warm_start": True}
    warm = FMRegressor(**common).fit(X, noisy()["y"])
    best = warm.history_.best_epoch
    assert warm.n_iter_ == best
    plain = FMRegressor(**common, early_stopping=False, max_iter=best).fit(X, noisy()["y"])
    assert same(warm.model_, plain.model_)
    warm.fit(X, noisy()["y"])
    again = warm.history_.best_epoch - best
    plain.set_params(max_iter=again).fit(X, noisy()["y"])
    assert same(warm.model_, plain.model_)
    assert warm.n_iter_ == plain.n_iter_ == best + again


def test_partial_fit_holds_nothing_out() -> None:
    X = noisy().drop(columns="y")
    model = FMClassifier(n_factors=3, random_state=0, n_jobs=1).partial_fit(X, noisy()["y"])
    assert model.history_.metric is None
    data = model.model_.provenance["data"]
    assert data["n_valid"] is data["validation"] is data["validation_column"] is None


@pytest.mark.parametrize("validation", ["time", "group"])
def test_all_doors_hold_out_the_same_rows(validation: str, tmp_path: Path) -> None:
    table = noisy().assign(when=np.random.default_rng(5).permutation(N))
    how = {
        "validation": validation,
        "validation_column": "when" if validation == "time" else "user",
    }
    common = {"n_factors": 3, "random_state": 0, "n_jobs": 1} | how
    expected = train(table, target="y", **common)
    assert expected.history.refit
    table.to_csv(tmp_path / "t.csv", index=False)
    for X, y in ((table, "y"), (table.drop(columns="y"), table["y"]), (tmp_path / "t.csv", "y")):
        fitted = FMClassifier(**common).fit(X, y)
        assert same(fitted.model_, expected.model)
        assert fitted.history_["valid_loss"] == expected.history["valid_loss"]
    x = np.stack([np.arange(N) % 3, table["when"]], axis=1).astype(np.float32)
    of_array = FMClassifier(**common | {"validation": "time", "validation_column": 1})
    assert of_array.fit(x, table["y"]).history_.refit
