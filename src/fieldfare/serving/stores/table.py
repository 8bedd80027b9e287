"""A table of users in memory, read from a file."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, final

import numpy as np

from fieldfare.exceptions import FieldfareError
from fieldfare.retrieval.id_map import IdMap, check_distinct, read_ids
from fieldfare.schema import compose
from fieldfare.serving import logs
from fieldfare.serving.stores.base import Features

_LOOK_S = 1.0
_ROWS = 1000


class _Contents(NamedTuple):
    ids: IdMap
    columns: Any
    stamp: tuple[int, int, int]


@final
class TableStore:
    """Columns of users from a file of any format; read again when the file has been replaced.

    Parameters
    ----------
    path : path
    user : str
        The column of ids.

    Raises
    ------
    FieldfareError
        If it cannot be read, or has an id twice.
    """

    name = "table"

    def __init__(self, path: str, user: str) -> None:
        self._path, self._user = path, user
        self._contents = self._read()
        self._looked = time.monotonic()
        self._reading = threading.Lock()

    def lookup(self, users: Sequence[Any]) -> list[Features | None]:
        if time.monotonic() > self._looked + _LOOK_S:
            self._looked = time.monotonic()
            if _stamp(self._path) not in (None, self._contents.stamp):
                threading.Thread(target=self._read_again, daemon=True).start()
        ids, columns, _ = self._contents
        places = ids.places(users)
        known = np.flatnonzero(places >= 0)
        found: list[Features | None] = [None] * len(places)
        for i, row in zip(known, columns.take(places[known]).to_pylist(), strict=True):
            found[i] = row
        return found

    def close(self) -> None:
        """Nothing is open."""

    def _read_again(self) -> None:
        """Take the new contents, or keep the old and say why."""
        if not self._reading.acquire(blocking=False):
            return
        try:
            self._contents = self._read()
        except FieldfareError as error:
            logs.event("features not read", level=30, file=self._path, message=str(error))
        else:
            logs.event("features read", file=self._path, users=len(self._contents.ids))
        finally:
            self._reading.release()

    def _read(self) -> _Contents:
        stamp = _stamp(self._path)
        table = compose.read(self._path)
        ids = IdMap(check_distinct(read_ids(table, self._user), "users"))
        ids.ready()
        return _Contents(ids, table.drop_columns([self._user]), stamp or (0, 0, 0))


@final
class UserTable:
    """A table of users to be written to a store.

    Parameters
    ----------
    source : table
    user : str
        The column of ids.

    Attributes
    ----------
    types : dict from name to str
        What each column holds, as Arrow calls it.

    Raises
    ------
    FieldfareError
        If it cannot be read, or has an id twice.
    """

    def __init__(self, source: Any, user: str) -> None:
        table = compose.read(source)
        self.user = user
        self._ids = check_distinct(read_ids(table, user), "users")
        self._columns = table.drop_columns([user])
        self.types = {field.name: str(field.type) for field in self._columns.schema}

    def __len__(self) -> int:
        return len(self._ids)

    def batches(self) -> Iterator[dict[str, Features]]:
        """Yield columns by the id of their user, some users at a time."""
        for low in range(0, len(self), _ROWS):
            some = map(str, self._ids[low : low + _ROWS].tolist())
            yield dict(zip(some, self._columns.slice(low, _ROWS).to_pylist(), strict=True))


def _stamp(path: str) -> tuple[int, int, int] | None:
    """Return what changes when a file is replaced; None while there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
