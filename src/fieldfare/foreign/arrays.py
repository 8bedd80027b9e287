"""Where arrays come from: attributes of a fitted object, or an npz file of the same names.

Libraries of Python save their models as pickles, which run code when they are opened: they are
never opened here. The arrays that were learned are taken from the object in memory, or from a file
that `numpy.savez` wrote.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fieldfare._typing import AnyArray
from fieldfare.exceptions import ModelFileError
from fieldfare.foreign.form import Head

ZIP = b"PK\x03\x04"


def arrays_of(source: Any, names: Sequence[str]) -> list[AnyArray]:
    """Return arrays of numbers by their names.

    Parameters
    ----------
    source : path of an npz file, or object with attributes
    names : sequence of str

    Raises
    ------
    ModelFileError
        If one is missing, or is no array of numbers.
    """
    if isinstance(source, str):
        found = _of_file(source, names)
    else:
        found = {name: getattr(source, name, None) for name in names}
    return [_numbers(name, found[name]) for name in names]


def holds(names: Sequence[str]) -> Callable[[Head], bool]:
    """Return whether a file is an npz file that has arrays of these names."""

    def detect(head: Head) -> bool:
        if not head.start.startswith(ZIP):
            return False
        try:
            with zipfile.ZipFile(head.path) as archive:
                return {f"{name}.npy" for name in names} <= set(archive.namelist())
        except (zipfile.BadZipFile, OSError, NotImplementedError):
            return False

    return detect


def has(names: Sequence[str]) -> Callable[[Any], bool]:
    """Return whether an object has attributes of these names."""
    return lambda source: all(hasattr(source, name) for name in names)


def _of_file(path: str, names: Sequence[str]) -> dict[str, Any]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file.get(name) for name in names}
    except Exception as error:  # zip, zlib, NumPy and the memory each have errors of their own
        raise ModelFileError(f"The arrays of the file cannot be read: {error!r:.200}.") from error


def _numbers(name: str, value: Any) -> AnyArray:
    if value is None:
        raise ModelFileError(f"There is no array {name!r}. Is the model fitted?")
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "fiu":
            raise ValueError(f"its dtype is {array.dtype}")
        return array.astype(np.float64)
    except (ValueError, TypeError) as error:
        raise ModelFileError(f"{name!r} must be an array of numbers: {error}.") from error
