"""Whether a training settled before it ended."""

from __future__ import annotations

from fieldfare.config import TrainingConfig
from fieldfare.training.loop.comparison import Comparison
from fieldfare.training.loop.history import History

# Of what epochs gained on average: what the last one gains if the loss still falls.
_PACE = 0.5
# Of the loss at the start: a gain that is more than a hair.
_HAIR = 2e-4
# Of a metric of lists: what it gains within the patience if it still rises.
_GAIN = 0.02
# How far the training loss may be above its best.
_RISE = 0.25
# Of the training loss at the start: a rise that is more than rounding.
_CLEAR = 0.05
_LIMITS = ("max_iter", "max_time")


def unsettled(history: History, config: TrainingConfig, least: int = 0) -> str | None:
    """Say why a training has not settled; None if it has, or if nothing tells.

    It has not if its limit was reached while the validation loss was still falling: in the last
    epoch by more than half of what it fell in each epoch on average, counted from the loss of a
    constant. Of training for recall, what counts is the metric that is watched: it still rises if
    it has gained more than a fiftieth within the last ``n_iter_no_change`` epochs. Nor has a
    training settled, where the last epoch is kept, if the training loss ended more than a quarter
    above its lowest.

    Parameters
    ----------
    history : History
        With its ``comparison``.
    config : TrainingConfig
        Of its training.
    least : int
        With fewer epochs than that it goes without saying that the loss still fell.
    """
    if not history.epochs or history.stopped not in _LIMITS:
        return None
    found = _still_falls(history, config) if len(history) >= least else None
    return found or _rises(history, config)


def _still_falls(history: History, config: TrainingConfig) -> str | None:
    last = history.epochs[-1]
    if config.early_stopping is False:
        return None  # exactly so many epochs were wanted
    if history.metric is None or history.best_epoch != last["epoch"]:
        return None
    if "valid_loss" not in last:
        return _still_rises(history, config)
    # Class weights are in the comparison, and not in the validation loss.
    start = None if config.class_weight else _loss_of_constant(history.comparison)
    losses = [*([] if start is None else [start]), *history["valid_loss"]]
    if len(losses) < (3 if start is None else 2):
        return None  # one step has no pace to compare it with
    before, now = losses[-2:]
    average = (losses[0] - now) / (len(losses) - 1)
    if not before - now > max(_PACE * average, _HAIR * losses[0]):
        return None
    return (
        f"{_ended(history, config)} while the validation loss was still falling, from {before:.4g} "
        f"to {now:.4g} in the last epoch. Raise {history.stopped}, or learning_rate."
    )


def _still_rises(history: History, config: TrainingConfig) -> str | None:
    assert history.metric is not None
    values = history[history.metric][-config.n_iter_no_change - 1 :]
    if not values[-1] - values[0] > _GAIN * values[-1]:
        return None
    last = "epoch" if len(values) == 2 else f"{len(values) - 1} epochs"
    return (
        f"{_ended(history, config)} while {history.metric} was still rising, from {values[0]:.4g} "
        f"to {values[-1]:.4g} in the last {last}. Raise {history.stopped}."
    )


def _ended(history: History, config: TrainingConfig) -> str:
    if history.stopped == "max_time":
        return f"Training ended at max_time={config.max_time:g}"
    return f"Training ended at max_iter={len(history)}"


def _loss_of_constant(comparison: Comparison | None) -> float | None:
    if comparison is None:
        return None
    if comparison.measure == "logloss":
        return comparison.constant
    return comparison.constant**2 if comparison.measure == "rmse" else None


def _rises(history: History, config: TrainingConfig) -> str | None:
    if history.metric is not None and config.early_stopping is not False:
        return None  # the best epoch is kept
    losses = history["train_loss"]
    lowest = min(losses)
    rise, start = losses[-1] - lowest, _loss_of_constant(history.comparison)
    if not rise > max(_RISE * abs(lowest), _CLEAR * max(losses[0], start or 0)):
        return None
    return (
        f"Training has not settled: the training loss fell to {lowest:.4g} and ended at "
        f"{losses[-1]:.4g}. Lower learning_rate, scale large feature values, or raise l2_linear "
        "and l2_factors."
    )
