"""Several threads use one estimator: trainings take turns, everything else sees a whole model."""

from __future__ import annotations

import copy
import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fieldfare import Callback, FMClassifier, FMRegressor, load_model

N = 400
SETTINGS: dict[str, Any] = {"n_factors": 2, "max_iter": 1, "n_jobs": 1, "random_state": 0}
X = np.random.default_rng(0).random((N, 4)).astype(np.float32)
TEXTS = {2: np.array(["a", "b"]), 3: np.array(["x", "y", "z"])}


@pytest.fixture(autouse=True)
def _eager_threads() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def together(*works: Callable[[], object], times: int = 15) -> list[BaseException]:
    """Do each work several times, all at once, and return what went wrong."""
    errors: list[BaseException] = []

    def repeat(work: Callable[[], object]) -> None:
        try:
            for _ in range(times):
                work()
        except BaseException as error:  # noqa: BLE001  which the thread would swallow
            errors.append(error)

    threads = [threading.Thread(target=repeat, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


class _Watch(Callback):
    """Counts the trainings that are under way."""

    def __init__(self) -> None:
        self.now = self.most = 0

    def on_train_begin(self, state: Any) -> None:
        self.now += 1
        self.most = max(self.most, self.now)

    def on_train_end(self, state: Any) -> None:
        self.now -= 1


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_trainings_of_one_estimator_take_turns(method: str) -> None:
    watch = _Watch()
    estimator = FMRegressor(**SETTINGS, callbacks=[watch])
    train = getattr(estimator, method)
    assert together(*[lambda: train(X, X[:, 0])] * 3) == []
    assert watch.most == 1


def test_predictions_are_of_one_model_while_its_classes_change() -> None:
    estimator = FMClassifier(**SETTINGS)
    number = iter(range(10**6))

    def fit() -> None:
        n = 2 + next(number) % 2
        estimator.fit(X, TEXTS[n][np.arange(N) % n])

    def predict() -> None:
        found = set(estimator.predict(X))
        assert found <= {*TEXTS[2]} or found <= {*TEXTS[3]}
        assert estimator.predict_proba(X).shape[1] in TEXTS

    fit()
    assert together(fit, predict, predict) == []


def test_what_is_saved_copied_and_pickled_meanwhile_is_whole(tmp_path: Path) -> None:
    estimator = FMClassifier(**SETTINGS).partial_fit(X, np.arange(N) % 2)
    path = tmp_path / "m.ff"

    def check(other: FMClassifier) -> None:
        assert np.isfinite(other.predict_proba(X)).all()
        other.partial_fit(X, np.arange(N) % 2)

    def save() -> None:
        estimator.save(path)
        assert np.isfinite(load_model(path).factors).all()

    errors = together(
        lambda: estimator.partial_fit(X, np.arange(N) % 2),
        save,
        lambda: check(copy.deepcopy(estimator)),
        lambda: check(pickle.loads(pickle.dumps(estimator))),
    )
    assert errors == []
