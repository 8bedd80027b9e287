"""While an estimator learns, and if it fails to, it predicts as before; copies are whole."""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import fieldfare as ff
from fieldfare.estimators import BayesianFMRegressor, FMClassifier, FMRanker, FMRegressor
from fieldfare.exceptions import DataError, DivergenceError

Records = list[dict[str, str]]
QUICK: dict[str, Any] = {"max_iter": 3, "random_state": 0, "n_jobs": 1, "early_stopping": False}


def records(prefix: str, n: int = 60) -> Records:
    """Return samples with values that those of another prefix lack."""
    return [{"user": f"{prefix}{i % 7}", "item": f"{prefix}{i % 5}"} for i in range(n)]


ONE, OTHER = records("a"), records("b")
Y = np.arange(60.0) % 3
QID = np.arange(60) // 6
FITS: dict[type, Callable[[Any, Records], Any]] = {
    FMClassifier: lambda est, X: est.fit(X, Y),
    FMRegressor: lambda est, X: est.fit(X, Y),
    FMRanker: lambda est, X: est.fit(X, Y, qid=QID),
}


class AtEachEpoch(ff.Callback):
    """Calls a function within a fit."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self.act = act

    def on_epoch_end(self, state: Any) -> bool:
        self.act()
        return False


@pytest.mark.parametrize("cls", FITS)
def test_predictions_during_a_fit_are_those_of_before(cls: Any) -> None:
    estimator = FITS[cls](cls(**QUICK), ONE)
    before, seen = estimator.predict(ONE), []
    estimator.callbacks = [AtEachEpoch(lambda: seen.append(estimator.predict(ONE)))]
    FITS[cls](estimator, OTHER)
    assert len(seen) == 3
    for during in seen:
        np.testing.assert_array_equal(during, before)
    np.testing.assert_array_equal(
        estimator.predict(OTHER), FITS[cls](cls(**QUICK), OTHER).predict(OTHER)
    )


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"y": Y[:5]}, DataError),
        ({"y": Y, "eval_set": (OTHER,)}, DataError),
        ({"y": Y * 1e30, "solver": "sgd", "learning_rate": 1e20}, DivergenceError),
    ],
)
def test_a_fit_that_fails_leaves_the_estimator_as_it_was(fault: Any, error: type) -> None:
    estimator = FMRegressor(**QUICK).fit(ONE, Y)
    before = estimator.predict(ONE)
    how = {name: fault[name] for name in fault if name in ("y", "eval_set")}
    estimator.set_params(**{name: value for name, value in fault.items() if name not in how})
    with pytest.raises(error):
        estimator.fit(OTHER, **how)
    np.testing.assert_array_equal(estimator.predict(ONE), before)
    assert estimator.schema_ is estimator.model_.schema


def test_a_posterior_survives_a_fit_that_fails() -> None:
    estimator = BayesianFMRegressor(n_warmup=1, n_samples=2, random_state=0).fit(ONE, Y)
    before = estimator.predict(ONE)
    with pytest.raises(DataError):
        estimator.fit(OTHER, Y, eval_set=(OTHER,))
    np.testing.assert_array_equal(estimator.predict(ONE), before)


def test_what_only_the_first_fit_learned_goes() -> None:
    estimator = FMRegressor(**QUICK).fit(ONE, Y)
    assert estimator.feature_names_in_.tolist() == ["user", "item"]
    estimator.fit(np.eye(60), Y)
    assert not hasattr(estimator, "feature_names_in_")


@pytest.mark.parametrize("copied", [lambda e: pickle.loads(pickle.dumps(e)), copy.deepcopy])
def test_a_copy_waits_until_partial_fit_is_done(copied: Callable[[Any], Any]) -> None:
    estimator = FMRegressor(**QUICK).partial_fit(ONE, Y)
    copies: list[Any] = []
    thread = threading.Thread(target=lambda: copies.append(copied(estimator)))

    def start() -> None:
        thread.start()
        thread.join(0.2)
        assert not copies

    estimator.callbacks = [AtEachEpoch(start)]
    try:
        estimator.partial_fit(OTHER, Y)
    finally:
        estimator.callbacks = None
        thread.join()
    later = FMRegressor(**QUICK).partial_fit(ONE, Y).partial_fit(OTHER, Y)
    np.testing.assert_array_equal(copies[0].predict(OTHER), later.predict(OTHER))


def test_a_shallow_copy_learns_by_itself() -> None:
    estimator = FMRegressor(**QUICK).partial_fit(ONE, Y)
    copy.copy(estimator).partial_fit(OTHER, Y)
    expected = FMRegressor(**QUICK).partial_fit(ONE, Y).partial_fit(ONE, Y).predict(ONE)
    np.testing.assert_array_equal(estimator.partial_fit(ONE, Y).predict(ONE), expected)


AS_PARTS: dict[str, Callable[[], Any]] = {
    "generator of dicts": lambda: (row for row in ONE),
    "generator of frames": lambda: (pd.DataFrame(part) for part in (ONE[:7], ONE[7:])),
    "list of frames": lambda: [pd.DataFrame(ONE[:7]), pd.DataFrame(ONE[7:])],
    "Arrow reader": lambda: pa.Table.from_pylist(ONE).to_reader(7),
    "columns": lambda: pa.Table.from_pylist(ONE).to_pydict(),
}


@pytest.mark.parametrize("form", AS_PARTS)
@pytest.mark.parametrize("cls", FITS)
def test_samples_in_parts_are_all_read(cls: Any, form: str) -> None:
    parts, whole = AS_PARTS[form], FITS[cls](cls(**QUICK), ONE)
    expected = whole.predict(ONE)
    np.testing.assert_array_equal(FITS[cls](cls(**QUICK), parts()).predict(ONE), expected)
    np.testing.assert_array_equal(whole.predict(parts()), expected)


def test_a_file_object_is_a_file(tmp_path: Path) -> None:
    pd.DataFrame(ONE).assign(y=Y).to_csv(tmp_path / "t.csv", index=False)
    expected = FMRegressor(**QUICK).fit(tmp_path / "t.csv", "y")
    with open(tmp_path / "t.csv", "rb") as file:
        found = FMRegressor(**QUICK).fit(file, "y")
    np.testing.assert_array_equal(found.predict(ONE), expected.predict(ONE))
