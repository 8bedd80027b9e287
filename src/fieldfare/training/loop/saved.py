"""What a checkpoint says of its run, checked: a valid checksum promises no contents."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from fieldfare._typing import JSON, AnyArray, PathLike
from fieldfare.exceptions import DataError, FieldfareError, ModelFileError, TrainingError
from fieldfare.models.base import Model
from fieldfare.persist.checkpoint import load_checkpoint, save_checkpoint
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
        State of the solver; parameters of the best epoch, empty if none is kept.
    first : SavedRun or None
        The run before, as it ended, if this one trains again on all rows. Its solver has no state
        where it could not go on anyway.
    """

    epoch: int
    seed: int
    n_rows: int
    data: str
    history: History
    solver: dict[str, AnyArray]
    best: dict[str, AnyArray]
    first: SavedRun | None = None

    @staticmethod
    def read(path: PathLike) -> SavedRun:
        """Read a checkpoint.

        Raises
        ------
        ModelFileError
            If the file is no checkpoint, is damaged, or lacks something.
        """
        arrays, meta = load_checkpoint(path)
        return _read(path, meta, arrays)

    def write(self, path: PathLike) -> None:
        """Write a checkpoint atomically.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        save_checkpoint(path, self._arrays(), self._meta())

    def goes_on(self, last_epoch: int) -> bool:
        """Return whether the run ended because of the number of epochs, and more are wanted."""
        return self.history.stopped == "max_iter" and self.epoch < last_epoch and bool(self.solver)

    def _arrays(self) -> dict[str, AnyArray]:
        arrays = {f"solver.{name}": array for name, array in self.solver.items()}
        arrays |= {f"best.{name}": array for name, array in self.best.items()}
        if self.first is not None:
            arrays |= {f"first.{name}": array for name, array in self.first._arrays().items()}
        return arrays

    def _meta(self) -> JSON:
        return {
            "epoch": self.epoch,
            "seed": self.seed,
            "n_rows": self.n_rows,
            "data": self.data,
            "history": self.history.to_json(),
            "first": None if self.first is None else self.first._meta(),
        }


def _read(path: PathLike, meta: JSON, arrays: Mapping[str, AnyArray]) -> SavedRun:
    owners: dict[str, dict[str, AnyArray]] = {"solver": {}, "best": {}, "first": {}}
    for name, array in arrays.items():
        owner, _, key = name.partition(".")
        if owner not in owners:
            raise _odd(path, f"it holds an array {name!r:.80}")
        owners[owner][key] = array
    data, first = meta.get("data"), meta.get("first")
    if not isinstance(data, str):
        raise _odd(path, "it does not say which data it belongs to")
    if not isinstance(first, dict | None) or (first is not None and first.get("first")):
        raise _odd(path, "it does not describe the run before")
    return SavedRun(
        _count(path, meta, "epoch"),
        _count(path, meta, "seed"),
        _count(path, meta, "n_rows"),
        data,
        _history(path, meta.get("history")),
        owners["solver"],
        owners["best"],
        None if first is None else _read(path, first, owners["first"]),
    )


@contextmanager
def fitting(path: PathLike) -> Iterator[None]:
    """Say of what goes wrong in the block that the arrays of a checkpoint do not fit the run.

    Raises
    ------
    TrainingError
    """
    try:
        yield
    except FieldfareError as error:
        raise TrainingError(
            f"The checkpoint {path} does not fit this run. {error.args[0]}"
        ) from error
    except (TypeError, ValueError) as error:
        raise TrainingError(
            f"The arrays of the checkpoint {path} do not fit this run: {error}. Resume with "
            "the parameters of the run."
        ) from error


def parameter_arrays(model: Model) -> dict[str, AnyArray]:
    """Return the parameters of a model that are there, by name."""
    return {name: np.asarray(array) for name, array in model.arrays().items()}


def with_parameters(model: Model, arrays: dict[str, AnyArray]) -> Model:
    """Return a model with other parameters, which are copied."""
    return model.with_(**{name: np.array(array) for name, array in arrays.items()})


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
        or not all(
            "epoch" in record and "train_loss" in record
            for record in (*history.epochs, *history.refit)
        )
    ):
        raise _odd(path, "its history has entries of other types than histories have")
    return history


def _odd(path: PathLike, what: str) -> ModelFileError:
    return ModelFileError(
        f"Training cannot resume from {os.fspath(path)}: {what}. It was written by another version "
        "of fieldfare, or edited: start afresh, or use the version that wrote it."
    )
