"""Model files under the names that xLearn's users give them: fieldfare's own, and xLearn's."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from fieldfare._typing import Float32Array
from fieldfare.compat.xlearn import _training
from fieldfare.exceptions import ConfigError, ModelFileError, OutputError
from fieldfare.export import export
from fieldfare.foreign.xlearn_binary import load_xlearn_binary
from fieldfare.models.base import Model
from fieldfare.persist.file import load_model, save_model
from fieldfare.rows import Rows

FORMAT = "FIELDFARE_XLEARN_MODEL"
"""The environment variable that says in which form models are written: "ff" or "binary"."""

_LONGEST_TEXT = 64  # the length of the first text in a binary model of xLearn is well below


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
        if not self.twice:
            return _training.scores(self.model, rows, n_jobs)
        model = self.model
        assert model.factors is not None
        alone = model.with_(factors=np.zeros_like(model.factors))
        pairs = model.with_(linear=np.zeros_like(model.linear), bias=np.zeros_like(model.bias))
        unit = _training.normalised(rows)
        found: Float32Array = _training.scores(alone, unit, n_jobs) + _training.scores(
            pairs, _training.normalised(rows, 2), n_jobs
        )
        return found


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
    if not _is_binary(path):
        return Scorer(load_model(path))
    try:
        return Scorer(load_xlearn_binary(path, norm=norm))
    except ConfigError:  # a factorization machine with normalised rows
        return Scorer(load_xlearn_binary(path, norm=False), twice=True)


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
    if not _is_binary(path):
        return load_model(path)
    try:
        return load_xlearn_binary(path, norm=norm, keep_state=True)
    except ConfigError:
        return load_xlearn_binary(path, norm=norm, row_length=row_length, keep_state=True)


def write(model: Model, path: str) -> None:
    """Write a model: by default with all that fieldfare knows of it.

    Raises
    ------
    ConfigError
        If `FORMAT` asks for what does not exist, or for xLearn's form and it is not exact.
    """
    form = os.environ.get(FORMAT, "ff")
    if form == "ff":
        save_model(model, path)
    elif form == "binary":
        export(model, path, to="xlearn")
    else:
        raise ConfigError(f"{FORMAT} must be 'ff' or 'binary'. Got {form!r}.")


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


def _is_binary(path: str) -> bool:
    if not os.path.isfile(path):
        raise ModelFileError(f"The model file {path} does not exist.")
    with open(path, "rb") as file:
        head = file.read(14)
    if head.startswith(b"bias:"):
        raise ModelFileError(
            f"{path} is a model as text, which does not say all of a model. Use the file that was "
            "given to fit or -m."
        )
    return head[8:].startswith((b"linear", b"fm", b"ffm")) and head[0] < _LONGEST_TEXT
