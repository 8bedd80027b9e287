"""Model files under the names that xLearn's users give them."""

from __future__ import annotations

import os

from fieldfare.exceptions import ModelFileError, OutputError
from fieldfare.models.base import Model
from fieldfare.persist.file import load_model


def read_model(path: str) -> Model:
    """Return the model of a file.

    Raises
    ------
    ModelFileError
        If there is none, or it cannot be read.
    """
    if not os.path.isfile(path):
        raise ModelFileError(f"The model file {path} does not exist.")
    return load_model(path)


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
