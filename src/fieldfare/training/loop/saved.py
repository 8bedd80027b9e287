"""What a checkpoint says of its run, checked: a valid checksum promises no contents."""

from __future__ import annotations

import os
from dataclasses import dataclass

from fieldfare._typing import JSON, AnyArray, PathLike
from fieldfare.exceptions import DataError, ModelFileError
from fieldfare.persist.checkpoint import load_checkpoint
from fieldfare.training.loop.history import History

_MAX_SEED = 2**64


@dataclass(frozen=True)
class SavedRun:
    """A run as a checkpoint holds it.

    Parameters
    ----------
    epoch, seed, n_rows : int
        Epochs so far, seed, and number of training rows.
    data : str
        Fingerprint of the training rows.
    history : History
    solver, best : dict from name to array
        State of the solver; parameters of the best epoch, empty if it is the last.
    """

    epoch: int
    seed: int
    n_rows: int
    data: str
    history: History
    solver: dict[str, AnyArray]
    best: dict[str, AnyArray]

    @staticmethod
    def read(path: PathLike) -> SavedRun:
        """Read a checkpoint.

        Raises
        ------
        ModelFileError
            If the file is no checkpoint, is damaged, or lacks something.
        """
        arrays, meta = load_checkpoint(path)
        owners: dict[str, dict[str, AnyArray]] = {"solver": {}, "best": {}}
        for name, array in arrays.items():
            owner, _, key = name.partition(".")
            if owner not in owners:
                raise _odd(path, f"it holds an array {name!r:.80}")
            owners[owner][key] = array
        data = meta.get("data")
        if not isinstance(data, str):
            raise _odd(path, "it does not say which data it belongs to")
        return SavedRun(
            _count(path, meta, "epoch"),
            _count(path, meta, "seed"),
            _count(path, meta, "n_rows"),
            data,
            _history(path, meta.get("history")),
            **owners,
        )


def _count(path: PathLike, meta: JSON, name: str) -> int:
    value = meta.get(name)
    if type(value) is not int or not 0 <= value < _MAX_SEED:
        raise _odd(path, f"its {name} must be a whole number, and is {value!r:.80}")
    return value


def _history(path: PathLike, found: object) -> History:
    try:
        if not isinstance(found, dict):
            raise TypeError("it is not an object")
        history = History.from_json(found)
    except (AttributeError, DataError, KeyError, TypeError) as error:
        raise _odd(path, f"its history cannot be read ({error})") from error
    best, value = history.best_epoch, history.best_value
    if (
        not isinstance(history.metric, (str, type(None)))
        or not isinstance(history.stopped, (str, type(None)))
        or not (best is None or type(best) is int)
        or not (value is None or type(value) in (int, float))
        or not all("epoch" in record and "train_loss" in record for record in history.epochs)
    ):
        raise _odd(path, "its history has entries of other types than histories have")
    return history


def _odd(path: PathLike, what: str) -> ModelFileError:
    return ModelFileError(
        f"Training cannot resume from {os.fspath(path)}: {what}. It was written by another version "
        "of fieldfare, or edited: start afresh, or use the version that wrote it."
    )
