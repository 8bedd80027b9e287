"""Whether a training settled before it ended."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import fieldfare
from fieldfare.config import TrainingConfig
from fieldfare.exceptions import ConvergenceWarning, DataWarning
from fieldfare.training.judging.settled import unsettled
from fieldfare.training.loop.comparison import Comparison
from fieldfare.training.loop.history import History


def history(valid: list[float] | None, train: list[float] | None = None, **how: object) -> History:
    train = train or valid or []
    found = History(None if valid is None else "valid_logloss", stopped="max_iter")
    for i, loss in enumerate(train):
        own = {} if valid is None else {"valid_loss": valid[i], "valid_logloss": valid[i]}
        found.append({"epoch": i + 1, "train_loss": loss, **own, "seconds": 0.0})
    found.comparison = Comparison("validation", "logloss", 0.5, 0.7)
    for name, value in how.items():
        setattr(found, name, value)
    return found


CONFIG = TrainingConfig()
FALLING = [0.65, 0.6, 0.56]
FLAT = [0.5, 0.45, 0.44, 0.437, 0.436]


def test_a_loss_that_still_falls_is_told():
    assert "from 0.6 to 0.56 in the last epoch" in (unsettled(history(FALLING), CONFIG) or "")
    assert "max_iter=1 " in (unsettled(history([0.6]), CONFIG) or "")
    limited = TrainingConfig(max_time=5)
    assert "max_time=5 " in (unsettled(history(FALLING, stopped="max_time"), limited) or "")


@pytest.mark.parametrize(
    "quiet",
    [
        history(FLAT),
        history([0.69995]),  # by a hair
        history([0.6, 0.5, 0.55]),
        history(FALLING, stopped="early_stopping"),
        history(FALLING, stopped="interrupted"),
        History(),
    ],
)
def test_others_are_not(quiet):
    assert unsettled(quiet, CONFIG) is None


def test_nor_is_a_number_of_epochs_that_the_user_chose():
    assert unsettled(history(FALLING), CONFIG, least=20) is None
    assert unsettled(history(FALLING), TrainingConfig(early_stopping=False)) is None


def test_a_training_loss_that_rises_is_told_where_the_last_epoch_is_kept():
    rising = [0.6, 0.4, 0.7]
    assert "has not settled" in (unsettled(history(None, rising), CONFIG) or "")
    assert unsettled(history(None, [0.6, 0.5, 0.52]), CONFIG) is None
    assert unsettled(history(None, [0.6, 1e-9, 1e-8]), CONFIG) is None
    assert unsettled(history([0.6, 0.5, 0.5], rising), CONFIG) is None


def parity(n: int = 2000) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    u, i = rng.integers(0, 30, n), rng.integers(0, 20, n)
    return pd.DataFrame({"u": u.astype(str), "i": i.astype(str)}), (u % 2 == i % 2).astype(int)


@pytest.mark.parametrize("epochs", [1, 2, 5])
def test_too_few_slow_epochs_are_told(epochs):
    X, y = parity()
    slow = {"learning_rate": 0.01, "early_stopping": True, "random_state": 0, "n_jobs": 1}
    with pytest.warns(ConvergenceWarning, match=rf"max_iter={epochs} while .*FF920"):
        fieldfare.FMClassifier(max_iter=epochs, **slow).fit(X, y)


def test_defaults_that_gain_hairs_are_silent():
    X, y = parity()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fieldfare.FMClassifier(random_state=0, n_jobs=1).fit(X, y)
        model = fieldfare.FMClassifier(random_state=0, n_jobs=1, early_stopping=True).fit(X, y)
    assert model.history_.comparison.model < 0.1


def test_cross_validation_tells_once():
    X = parity()[0]
    y = (X.u.astype(int) + np.random.default_rng(1).integers(0, 15, len(X)) < 22).astype(int)
    slow = {"learning_rate": 0.01, "early_stopping": True, "max_iter": 2, "random_state": 0}
    with pytest.warns(ConvergenceWarning, match="In 3 of 3 folds") as caught:
        fieldfare.cross_validate(X.assign(y=y), target="y", folds=3, **slow)
    assert len(caught) == 1


def test_a_metric_that_is_not_defined_on_the_validation_rows_is_told():
    X, y = parity()
    one = X.assign(y=y)[y == 1][:150]
    with pytest.warns(DataWarning, match="auc is not defined on the validation rows"):
        fieldfare.train(
            X.assign(y=y)[200:], valid=one[:40], target="y", max_iter=4, early_stopping=False
        )


def ranked(values: list[float], **how: object) -> History:
    found = History("valid_ndcg@10", greater_is_better=True, stopped="max_iter")
    for i, value in enumerate(values):
        found.append({"epoch": i + 1, "train_loss": 1 / (i + 1), "valid_ndcg@10": value})
    for name, setting in how.items():
        setattr(found, name, setting)
    return found


def test_a_metric_of_lists_that_still_rises_is_told():
    told = unsettled(ranked([0.1, 0.19, 0.195, 0.198, 0.202]), CONFIG) or ""
    assert "max_iter=5 while valid_ndcg@10 was still rising, from 0.19 to 0.202" in told
    assert "last 3 epochs" in told
    limited = TrainingConfig(max_time=5)
    assert "max_time=5 " in (unsettled(ranked([0.1, 0.2], stopped="max_time"), limited) or "")


@pytest.mark.parametrize(
    "quiet",
    [
        ranked([0.1, 0.2, 0.201, 0.202, 0.203]),  # by a hundredth within the patience
        ranked([0.1, 0.2, 0.19]),
        ranked([0.2]),
        ranked([0.1, 0.2], stopped="early_stopping"),
        ranked([0.0, 0.0]),
    ],
)
def test_one_that_rises_no_more_is_not(quiet):
    assert unsettled(quiet, CONFIG) is None


def test_a_recall_that_ends_too_early_is_warned_of():
    rng = np.random.default_rng(0)
    taste, user, item = (
        rng.integers(0, 8, 200),
        rng.integers(0, 200, 4000),
        rng.integers(0, 20, 4000),
    )
    table = {"user": user.astype(str), "item": (8 * item + taste[user]).astype(str)}
    how = {"task": "rank", "solver": "nonsampled", "random_state": 0}
    with pytest.warns(ConvergenceWarning, match=r"max_iter=2 while valid_ndcg@10 was still rising"):
        fieldfare.train(table, **how, max_iter=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fieldfare.train(table, **how)
        fieldfare.train(table, **how, max_iter=2, early_stopping=False)
