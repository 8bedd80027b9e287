"""The cache folder, and the content of files as a key into it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from fieldfare._checksum import Checksum
from fieldfare._files import atomic_write
from fieldfare._typing import JSON, PathLike
from fieldfare.exceptions import DataError
from fieldfare.sources.bytes import STDIN

_BLOCK_BYTES = 1 << 18  # stays in the cache between reading and summing up
_MAX_REMEMBERED = 1000
_SETTLED_NS = 2_000_000_000


def cache_folder() -> Path:
    """Return the folder for what can be made again: ``FIELDFARE_CACHE``, or the platform's own.

    Returns
    -------
    Path
        Not created yet, if nothing was ever cached.
    """
    if chosen := os.environ.get("FIELDFARE_CACHE"):
        return Path(chosen).expanduser().absolute()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "fieldfare"
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "fieldfare"
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "fieldfare"


def file_fingerprint(paths: PathLike | Sequence[PathLike]) -> str:
    """Return a key of the content of files, whatever their names.

    Files are read in full once. A list in the cache folder remembers the checksum of a file by its
    path, size and times, so that an unchanged file is not read again; a file that changed within
    the last two seconds is not remembered, since its times might not tell a further change.

    Parameters
    ----------
    paths : path or sequence of paths
        Files, in order.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    DataError
        If a file cannot be read.
    """
    if isinstance(paths, (str, os.PathLike)):
        paths = [paths]
    known = _load_known()
    total = hashlib.sha256()
    learned: JSON = {}
    for path in paths:
        if os.fspath(path) == STDIN:
            raise DataError("Standard input has no key before it is read. Name a file.")
        try:
            place, state = os.path.realpath(path), _state(path)
            digest = known.get(place, {}).get(state) or file_checksum(path)
            if _state(path) == state and os.stat(path).st_mtime_ns + _SETTLED_NS < time.time_ns():
                learned[place] = {state: digest}
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
        total.update(bytes.fromhex(digest))
    if any(known.get(place) != entry for place, entry in learned.items()):
        _save_known({**known, **learned})
    return total.hexdigest()


def _state(path: PathLike) -> str:
    stat = os.stat(path)
    return f"{stat.st_size}-{stat.st_mtime_ns}-{stat.st_ctime_ns}-{stat.st_ino}"


def file_checksum(path: PathLike) -> str:
    """Return the checksum of a file's content, reading all of it."""
    checksum = Checksum()
    block = bytearray(_BLOCK_BYTES)
    with open(path, "rb", buffering=0) as file:
        while n := file.readinto(block):
            checksum.update(memoryview(block)[:n])
    return checksum.hexdigest()


def _load_known() -> dict[str, dict[str, str]]:
    """Return remembered hashes: {path: {state: hash}}; nothing if the list cannot be used."""
    try:
        known = json.loads((cache_folder() / "fingerprints.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(known, dict):
        return {}
    return {place: entry for place, entry in known.items() if _is_entry(entry)}


def _is_entry(entry: object) -> bool:
    return isinstance(entry, dict) and all(
        isinstance(digest, str) and len(digest) == 32 and set(digest) <= set("0123456789abcdef")
        for digest in entry.values()
    )


def _save_known(known: JSON) -> None:
    kept = dict(list(known.items())[-_MAX_REMEMBERED:])
    # The list only saves time: where the cache cannot be written, files are hashed again.
    with contextlib.suppress(OSError):
        cache_folder().mkdir(parents=True, exist_ok=True)
        with atomic_write(cache_folder() / "fingerprints.json") as file:
            file.write(json.dumps(kept).encode())
