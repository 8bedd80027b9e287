"""Comparing samples of a posterior with a constant."""

from __future__ import annotations

import numpy as np

from fieldfare._typing import AnyArray, Float64Array
from fieldfare.models.posterior import Posterior
from fieldfare.training.judging.compare import Losses, judged, log_losses, part_of
from fieldfare.training.loop.comparison import CONSTANT, Comparison
from fieldfare.training.samples.subset import RowSubset

# Predicting a row costs as much as some sweeps over it: of training rows, a tenth, in bounds.
_TRAINING_ROWS = (100, 2_000)
_TENTH = 10


def compare_posterior(
    task: str,
    posterior: Posterior | None,
    train: RowSubset,
    followed: tuple[RowSubset, Float64Array] | None,
    n_threads: int,
) -> Comparison | None:
    """Compare averaged predictions with the mean, or the rate, of the training rows.

    Parameters
    ----------
    task : {"regression", "binary", "ordinal"}
    posterior : Posterior or None
        The kept samples.
    train : RowSubset
        Training rows, with numbers, zeros and ones, or ordered numbers as targets.
    followed : (RowSubset, float64 array of shape (n_rows,)) or None
        Validation rows and what was predicted for them; without, training rows are predicted.
    n_threads : int

    Returns
    -------
    Comparison or None
        None if nothing was predicted.
    """
    if followed is not None:
        which, (rows, predicted) = "validation", followed
    elif posterior is not None:
        few, many = _TRAINING_ROWS
        which, rows = "training", part_of(train, min(max(few, train.n_rows // _TENTH), many))
        predicted = np.concatenate([posterior.predict(one, n_threads) for one in rows.blocks()])
    else:
        return None
    constant = np.average(train.target, weights=train.weight)
    always: AnyArray = np.full(rows.n_rows, constant)
    weight = np.ones(rows.n_rows) if rows.weight is None else rows.weight.astype(np.float64)
    compared = {"model": predicted, CONSTANT: always}
    if task == "binary":
        losses = {name: log_losses(one, rows.target) for name, one in compared.items()}
        return judged(which, "logloss", Losses(losses, weight))
    losses = {name: (one.astype(np.float64) - rows.target) ** 2 for name, one in compared.items()}
    return judged(which, "rmse", Losses(losses, weight))
