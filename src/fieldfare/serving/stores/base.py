"""What a feature store is, and the one in memory."""

from __future__ import annotations

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
