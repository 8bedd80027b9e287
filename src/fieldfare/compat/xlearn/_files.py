"""Model files under the names that xLearn's users give them: fieldfare's own, and xLearn's."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from fieldfare import Model, Rows, export, load_foreign, load_model, save_model
from fieldfare._typing import Float32Array
from fieldfare.compat.xlearn import _reading, _training
from fieldfare.compat.xlearn._params import KINDS
from fieldfare.exceptions import ConfigError, DataTypeError, ModelFileError, OutputError
from fieldfare.foreign.xlearn_binary import TASKS
from fieldfare.kinds.models import FM

FORMAT = "FIELDFARE_XLEARN_MODEL"
"""The environment variable that says in which form models are written: "ff" or "binary"."""

_HEAD = 16


@dataclass(frozen=True, eq=False)
class Scorer:
    """A model from a file, and how its scores are meant.

    Parameters
    ----------
    model : Model
    twice : bool
        Whether it is a factorization machine of xLearn that was trained on normalised rows: then
        products of two values are divided by the fourth power of the row's length.
    """

    model: Model
    twice: bool = False

    def score(self, rows: Rows, n_jobs: int | None = None) -> Float32Array:
        """Return the raw score of each row, float32[n_rows]."""
        found = _training.scores(self.model, rows, n_jobs)
        if not self.twice:
            return found
        assert self.model.factors is not None
        linear = self.model.with_(factors=np.zeros_like(self.model.factors))
        alone = _training.scores(linear, rows, n_jobs)
        return alone + (found - alone) / _reading.lengths(rows) ** 2


def read(path: str, *, norm: bool) -> Scorer:
    """Return what scores rows by a model file.

    Parameters
    ----------
    path : path
        Of fieldfare, or a binary model of xLearn.
    norm : bool
        Whether rows are normalised. It counts only for models of xLearn, which do not say.

    Raises
    ------
    ModelFileError
        If there is none, or it cannot be read.
    """
    kind = _kind_of_binary(path)
    if kind is None:
        return Scorer(_own(path))
    twice = norm and kind == FM.name
    found = load_foreign(path, norm=norm, row_length=1.0 if twice else None)
    assert isinstance(found, Model)
    return Scorer(found, twice)


def read_previous(path: str, *, norm: bool, row_length: float) -> Model:
    """Return the model of a file from which training continues.

    Parameters
    ----------
    path : path
    norm : bool
        Whether rows are normalised.
    row_length : float
        The length of the rows, which a factorization machine of xLearn needs.

    Raises
    ------
    ModelFileError
        If there is none, or it cannot be read.
    """
    kind = _kind_of_binary(path)
    if kind is None:
        return _own(path)
    length = row_length if norm and kind == FM.name else None
    found = load_foreign(path, norm=norm, row_length=length, keep_state=True)
    assert isinstance(found, Model)
    return found


def write(model: Model, path: str) -> None:
    """Write a model: by default with all that fieldfare knows of it; see `check_form`."""
    if _writes_binary():
        export(model, path, to="xlearn")
    else:
        save_model(model, path)


def path_of(name: str, given: Any) -> str:
    """Return a path as a text.

    Raises
    ------
    DataTypeError
        If it is none.
    """
    path = os.fspath(given) if isinstance(given, (str, os.PathLike)) else None
    if not isinstance(path, str) or "\0" in path:
        raise DataTypeError(f"{name} must be a path. Got {given!r:.80}.")
    return path


def check_form(kind: str, *, norm: bool) -> None:
    """Refuse to train what cannot be written.

    Raises
    ------
    ConfigError
        If `FORMAT` asks for what does not exist, or for xLearn's form and it is not exact.
    """
    if _writes_binary() and norm and kind == FM.name:
        raise ConfigError(
            f"{FORMAT}=binary is not exact for a factorization machine of normalised rows. Leave "
            "the variable out, or call disableNorm() (--no-norm)."
        )


def _writes_binary() -> bool:
    form = os.environ.get(FORMAT, "ff")
    if form not in ("ff", "binary"):
        raise ConfigError(f"{FORMAT} must be 'ff' or 'binary'. Got {form!r}.")
    return form == "binary"


def check_folder(path: str) -> None:
    """Refuse to write into a folder that does not exist, before anything is trained.

    Raises
    ------
    OutputError
    """
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        missing = FileNotFoundError(2, "the folder does not exist", folder)
        raise OutputError.of(path, missing)


def _own(path: str) -> Model:
    """Return a model of fieldfare that has one score per row, as those of xLearn."""
    model = load_model(path)
    if model.task not in TASKS.values():
        raise ModelFileError(
            f"{path} is a model of the task {model.task!r}, which xLearn does not have. Use "
            "fieldfare.predict."
        )
    return model


def _kind_of_binary(path: str) -> str | None:
    """Return the kind of a binary model of xLearn, None of any other file."""
    if not os.path.isfile(path):
        raise ModelFileError(f"The model file {path} does not exist, or is no file.")
    with open(path, "rb") as file:
        head = file.read(_HEAD)
    if head.startswith(b"bias:"):
        raise ModelFileError(
            f"{path} is a model as text, which leaves out part of the model. Use the file that was "
            "given to fit or -m."
        )
    starts = {kind: len(kind).to_bytes(8, "little") + kind.encode() for kind in KINDS}
    return next((kind for kind, start in starts.items() if head.startswith(start)), None)
