"""The verdict on a training: what it is held against, and the warnings that this gives."""

from __future__ import annotations

import warnings

from fieldfare.config import TrainingConfig
from fieldfare.exceptions import ConvergenceWarning, DataWarning, ModelWarning
from fieldfare.training.judging.compare import compare
from fieldfare.training.judging.settled import unsettled
from fieldfare.training.judging.undefined import undefined
from fieldfare.training.loop.callbacks import Callback, TrainingState
from fieldfare.training.loop.comparison import CONSTANT, Comparison
from fieldfare.training.loop.history import History
from fieldfare.training.samples.subset import RowSubset

# How a training ends that was not interrupted and did not fail.
_ENDED = ("max_iter", "early_stopping", "max_time", "callback")
_SIMPLER = {
    "validation": "Raise l2_linear and l2_factors, lower n_factors, let early_stopping end the "
    "training, or learn from more rows",
    "training": "It has not learned the training rows: lower learning_rate, let features be scaled "
    "(scale_features), or use another solver",
}
_LINEAR = "Its interactions make it worse: raise l2_factors, lower n_factors, or use model='linear'"


class Judge(Callback):
    """Notes in the history how a model compares with a constant and with its own linear part.

    Where a model is trained again on all rows, it is the first that is compared.

    Parameters
    ----------
    train, valid : RowSubset
        What is trained and validated on, with encoded targets.
    config : TrainingConfig
        Of the training.
    """

    def __init__(self, train: RowSubset, valid: RowSubset | None, config: TrainingConfig) -> None:
        self.train, self.valid, self.config = train, valid, config

    def on_train_end(self, state: TrainingState) -> None:
        history = state.history
        if state.first is None and history.epochs and history.stopped in _ENDED:
            model = state.best_model or state.solver.export()
            history.comparison = compare(model, self.train, self.valid, self.config)


def warn_of(history: History, config: TrainingConfig, least: int = 0) -> None:
    """Warn of what a history tells: a model that loses, a training that has not settled.

    Parameters
    ----------
    history : History
        With its ``comparison``.
    config : TrainingConfig
        Of its training.
    least : int
        As for `unsettled`.
    """
    names = [name for name in history.columns if name.startswith("valid_")]
    lacking = [n.removeprefix("valid_") for n in names if all(v != v for v in history[n])]
    if lacking:
        warnings.warn(DataWarning(undefined(lacking, "the validation rows")), stacklevel=3)
    warn_of_losing(history.comparison)
    problem = unsettled(history, config, least)
    if problem is not None:
        warnings.warn(ConvergenceWarning(problem), stacklevel=3)


def warn_of_losing(comparison: Comparison | None) -> None:
    """Warn if a comparison says that a model loses."""
    if comparison is not None and comparison.worse_than is not None:
        warnings.warn(ModelWarning(losing(comparison)), stacklevel=4)


def losing(comparison: Comparison) -> str:
    """Say what a model loses to, and what to do."""
    to_constant = comparison.worse_than == CONSTANT
    simpler = "a constant" if to_constant else "its own linear part"
    advice = _SIMPLER[comparison.rows] if to_constant else _LINEAR
    return f"The model is worse than {simpler}: {comparison}. {advice}."
