"""Opening the store that settings name, and filling one."""

from __future__ import annotations

import os
import re
from typing import Any

from fieldfare._redis import is_address
from fieldfare.exceptions import ConfigError
from fieldfare.serving.settings import Features as Settings
from fieldfare.serving.stores.base import FeatureStore
from fieldfare.serving.stores.cached import CachedStore
from fieldfare.serving.stores.guarded import GuardedStore
from fieldfare.serving.stores.postgres import PostgresStore
from fieldfare.serving.stores.redis import RedisStore
from fieldfare.serving.stores.table import TableStore, UserTable

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_POSTGRES = ("postgresql://", "postgres://")


def open_store(settings: Settings, user: str) -> FeatureStore:
    """Return a store as a server uses it.

    Parameters
    ----------
    settings : Features
    user : str
        The column of ids, where the settings name none.

    Raises
    ------
    FieldfareError
        If the address is none, a client is missing or a table cannot be read. Servers are not
        asked yet: while they are down, answers are made without them.
    """
    source, column = expanded(settings.source), settings.user or user
    seconds = settings.deadline_ms / 1000
    if "://" not in source:
        return TableStore(source, column)
    store = _server(source, settings, column, seconds)
    guarded = GuardedStore(store, seconds)
    return CachedStore(guarded, settings.cache_s) if settings.cache_s else guarded


def load_features(
    source: Any,
    target: str,
    user: str,
    *,
    table: str = "features",
    prefix: str = "features:",
    seconds: int | None = None,
) -> int:
    """Write a table of users to Redis or PostgreSQL; return how many there are.

    Parameters
    ----------
    source : table
    target : str
        The address.
    user : str
        The column of ids of the table.
    table : str
        In PostgreSQL.
    prefix : str
        Of the keys in Redis.
    seconds : int, optional
        Time to live of keys in Redis.

    Raises
    ------
    FieldfareError
        If the table cannot be read or has an id twice, or the server cannot be written to.
    """
    settings = Settings(source=target, table=table, prefix=prefix)
    store = _server(expanded(target), settings, user, None)
    try:
        return store.put(UserTable(source, user), seconds)
    finally:
        store.close()


def expanded(source: str) -> str:
    """Return a source with the variables of the environment that it names.

    Raises
    ------
    ConfigError
        If there is no such variable.
    """

    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match[1])
        if found is None:
            raise ConfigError(
                f"The source of features names the environment variable {match[1]}, which is "
                "not set."
            )
        return found

    return _VARIABLE.sub(value, source)


def _server(
    source: str, settings: Settings, user: str, seconds: float | None
) -> RedisStore | PostgresStore:
    if is_address(source):
        return RedisStore(source, settings.prefix, seconds)
    if source.startswith(_POSTGRES):
        return PostgresStore(source, settings.table, user, seconds)
    raise ConfigError(
        "Features are kept by redis://HOST:PORT/DB or postgresql://HOST/DATABASE. Got "
        f"{source.partition('://')[0] + '://...' if '://' in source else source!r}."
    )
