"""Files that samples were read from, so that nothing is saved over them by a slip."""

from __future__ import annotations

import os

from fieldfare._typing import PathLike
from fieldfare.exceptions import ConfigError

_MOST = 10_000
_read: dict[str, tuple[int, int, int]] = {}
"""The state of each file when this process last read samples from it."""


def note_input(path: PathLike) -> None:
    """Remember that samples are read from a file."""
    place = os.path.realpath(path)
    state = _state(place)
    if state is not None:
        _read.pop(place, None)
        _read[place] = state
        if len(_read) > _MOST:
            del _read[next(iter(_read))]


def refuse_input(path: PathLike) -> None:
    """Refuse to write a file that samples were read from, unless it was replaced since.

    Raises
    ------
    ConfigError
        Naming the file.
    """
    place = os.path.realpath(path)
    if place in _read and _read[place] == _state(place):
        raise ConfigError(
            f"{os.fspath(path)} holds samples that have been read here, and would be overwritten. "
            "Name another output."
        )


def _state(place: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(place)
    except (OSError, ValueError):
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino
