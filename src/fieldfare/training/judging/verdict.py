"""The verdict on a training: what it is held against, and the warnings that this gives."""

from __future__ import annotations

import warnings

from fieldfare.config import TrainingConfig
from fieldfare.exceptions import ConvergenceWarning, DataWarning, ModelWarning
from fieldfare.models.base import Model
from fieldfare.training.judging.compare import compare
from fieldfare.training.judging.settled import unsettled
from fieldfare.training.judging.undefined import undefined
from fieldfare.training.loop.comparison import CONSTANT, Comparison
from fieldfare.training.loop.history import History
from fieldfare.training.samples.subset import RowSubset

_SIMPLER = {
    "validation": "Raise l2_linear and l2_factors, lower n_factors, let early_stopping end the "
    "training, or learn from more rows",
    "training": "It has not learned the training rows: lower learning_rate, let features be scaled "
    "(scale_features), or use another solver",
}
_LINEAR = "Its interactions do harm: raise l2_factors, lower n_factors, or use model='linear'"


def judge(
    model: Model,
    history: History,
    train: RowSubset,
    valid: RowSubset | None,
    config: TrainingConfig,
) -> None:
    """Note in the history how a model compares with a constant and with its linear part.

    Parameters
    ----------
    model : Model
        As training left it.
    history : History
        Of its training; gets the ``comparison``.
    train, valid : RowSubset
        What it was trained and validated on, with encoded targets.
    config : TrainingConfig
        Of its training.
    """
    if history.epochs:
        history.comparison = compare(model, train, valid, config)


def warn_of(history: History, config: TrainingConfig) -> None:
    """Warn of what a history tells: a model that loses, a training that has not settled.

    Parameters
    ----------
    history : History
        With its ``comparison``.
    config : TrainingConfig
        Of its training.
    """
    names = [name for name in history.columns if name.startswith("valid_")]
    lacking = [n.removeprefix("valid_") for n in names if all(v != v for v in history[n])]
    if lacking:
        warnings.warn(DataWarning(undefined(lacking, "the validation rows")), stacklevel=3)
    warn_of_losing(history.comparison)
    problem = unsettled(history, config)
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
