"""Columns of users in Redis: one text of JSON per user."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, final

import msgspec

from fieldfare._optional import require
from fieldfare._redis import client_of
from fieldfare.exceptions import OutputError
from fieldfare.retrieval.id_map import id_text
from fieldfare.serving import logs
from fieldfare.serving.stores.base import Features
from fieldfare.serving.stores.table import UserTable
from fieldfare.serving.wire import Row


@final
class RedisStore:
    """Columns under keys made of a prefix and the id; one MGET for a batch.

    Parameters
    ----------
    url : str
    prefix : str
    seconds : float or None
        How long Redis may take to connect and to answer.

    Raises
    ------
    ConfigError
        If the address is none.
    MissingDependencyError
        If the client is not installed.
    """

    name = "redis"

    def __init__(self, url: str, prefix: str, seconds: float | None = None) -> None:
        self._redis = require("redis", "redis")
        self._prefix = prefix
        # Connections are opened when they are needed, by each process its own.
        self._client = client_of(url, socket_timeout=seconds, socket_connect_timeout=seconds)
        self._decode = msgspec.json.Decoder(Row).decode
        self._encode = msgspec.json.Encoder().encode

    def lookup(self, users: Sequence[Any]) -> list[Features | None]:
        """Return the columns of each user.

        Raises
        ------
        redis.RedisError
            If it does not answer.
        """
        keys = [f"{self._prefix}{id_text(user)}" for user in users]
        return list(map(self._columns, self._client.mget(keys)))

    def _columns(self, text: bytes | None) -> Features | None:
        """Return the columns in a text; None if there is none, or something else."""
        if text is None:
            return None
        try:
            return self._decode(text)
        except msgspec.MsgspecError as error:
            where = f"under a key that starts with {self._prefix!r}"
            logs.event("no row of features", level=logging.WARNING, where=where, message=str(error))
            return None

    def put(self, users: UserTable, seconds: int | None = None) -> int:
        """Write the columns of users, in place of those that are there; return how many.

        Parameters
        ----------
        users : UserTable
        seconds : int, optional
            Time to live.

        Raises
        ------
        OutputError
            If Redis cannot be reached, or refuses.
        """
        n = 0
        try:
            for batch in users.batches():
                pipeline = self._client.pipeline(transaction=False)
                for user, columns in batch.items():
                    pipeline.set(f"{self._prefix}{user}", self._encode(columns), ex=seconds)
                pipeline.execute()
                n += len(batch)
        except (self._redis.RedisError, OSError) as error:
            raise OutputError(
                f"Redis has taken {n:,} users and then failed: {str(error).rstrip('.')}. Write "
                "them again when it answers."
            ) from error
        return n

    def close(self) -> None:
        self._client.close()
