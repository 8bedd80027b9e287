"""Feature stores: where the columns of users come from, looked up once for all of a batch."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, final

from fieldfare.retrieval.id_map import id_text

Features = dict[str, Any]


class FeatureStore(Protocol):
    """What holds the columns of users, by their id."""

    name: str
    """What it is called in metrics and answers."""

    def lookup(self, users: Sequence[Any]) -> list[Features | None]:
        """Return the columns of each user, None of those that are not there.

        Raises
        ------
        Exception
            Whatever goes wrong: the answers are then made without it, and say so.
        """

    def close(self) -> None:
        """Give back connections."""


@final
class MemoryStore:
    """A store in the memory of the server.

    Parameters
    ----------
    features : mapping from id to columns
    """

    name = "memory"

    def __init__(self, features: Mapping[Any, Features]) -> None:
        self._features = {id_text(user): dict(columns) for user, columns in features.items()}

    def lookup(self, users: Sequence[Any]) -> list[Features | None]:
        return [self._features.get(id_text(user)) for user in users]

    def close(self) -> None:
        self._features = {}


@final
class CachedStore:
    """A store whose answers are kept for a while.

    Parameters
    ----------
    store : FeatureStore
    seconds : float
        How long an answer is used.
    most : int
        Users that are kept; those that were asked for last.
    """

    def __init__(self, store: FeatureStore, seconds: float = 60.0, most: int = 100_000) -> None:
        self.name = store.name
        self._store, self._seconds, self._most = store, seconds, most
        self._kept: OrderedDict[Any, tuple[float, Features | None]] = OrderedDict()

    def lookup(self, users: Sequence[Any]) -> list[Features | None]:
        now, keys = time.monotonic(), [id_text(user) for user in users]
        found: dict[Any, Features | None] = {}
        lacking: dict[Any, Any] = {}
        for key, user in zip(keys, users, strict=True):
            kept = self._kept.get(key)
            if kept is not None and kept[0] > now:
                found[key] = kept[1]
                self._kept.move_to_end(key)
            else:
                lacking[key] = user
        if lacking:
            for key, columns in zip(
                lacking, self._store.lookup(list(lacking.values())), strict=True
            ):
                found[key] = columns
                self._kept[key] = (now + self._seconds, columns)
                self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return [found[key] for key in keys]

    def close(self) -> None:
        self._kept.clear()
        self._store.close()
