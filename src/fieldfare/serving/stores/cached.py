"""A store in front of another: it keeps what was found for a while."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, final

from fieldfare.retrieval.id_map import id_text
from fieldfare.serving.stores.base import Features, FeatureStore


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
