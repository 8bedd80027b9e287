"""Hyperparameters whose default depends on the solver."""

from __future__ import annotations

from dataclasses import asdict, fields, replace

import numpy as np
import pytest
from sklearn.base import clone

from fieldfare import FMClassifier, train
from fieldfare.config import SolverConfig, TrainingConfig, description
from fieldfare.kinds.solvers import ADAGRAD, FTRL, SGD, SOLVER_KINDS, Defaults
from fieldfare.settings import Settings

OWN = Defaults(learning_rate=0.05, max_iter=3, l2_linear=0.25, l2_factors=0.125)


@pytest.fixture
def sgd_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SOLVER_KINDS, "sgd", replace(SGD, defaults=OWN))


@pytest.mark.usefixtures("sgd_of_its_own")
def test_auto_is_the_default_of_the_solver() -> None:
    sgd, adagrad = SolverConfig(solver="sgd"), SolverConfig()
    assert (sgd.learning_rate, sgd.l2_linear, sgd.l2_factors) == (0.05, 0.25, 0.125)
    assert adagrad.learning_rate == ADAGRAD.defaults.learning_rate
    assert SolverConfig(solver="sgd", learning_rate=2.0).learning_rate == 2.0
    assert Settings(TrainingConfig(), sgd).training.max_iter == 3
    assert Settings(TrainingConfig(max_iter=8), sgd).training.max_iter == 8


@pytest.mark.usefixtures("sgd_of_its_own")
def test_what_was_used_is_recorded_and_the_estimator_keeps_auto() -> None:
    X, y = np.eye(2)[[0, 1] * 10], np.array([0, 1] * 10)
    fitted = FMClassifier(solver="sgd", random_state=0).fit(X, y)
    assert (fitted.learning_rate, fitted.max_iter) == ("auto", "auto")
    assert clone(fitted).get_params()["l2_linear"] == "auto"
    recorded = fitted.model_.trained_by.flat()
    recorded |= asdict(fitted.model_.config)
    assert {item.name: recorded[item.name] for item in fields(OWN)} == vars(OWN)
    assert fitted.n_iter_ == 3
    table = {"x": X[:, 0], "y": y}
    assert len(train(table, target="y", solver="sgd", random_state=0).history) == 3


def test_the_documentation_says_what_auto_is_for_each_solver() -> None:
    item = SolverConfig.__dataclass_fields__["learning_rate"]
    other = replace(SGD, defaults=OWN), replace(FTRL, defaults=OWN)
    assert description(item, solvers=[ADAGRAD, *other]).endswith(
        f"'auto' is {ADAGRAD.defaults.learning_rate}, 0.05 for 'sgd' and 'ftrl'."
    )
    assert "auto" not in description(item, solvers=[])
