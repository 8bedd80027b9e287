"""Redis: its addresses, which may hold a password, and its client."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from fieldfare._optional import require
from fieldfare.exceptions import ConfigError

_SCHEMES = ("redis://", "rediss://", "unix://")


def is_address(text: str) -> bool:
    """Return whether a text is the address of a Redis rather than the name of a file."""
    return text.startswith(_SCHEMES)


def without_password(address: str) -> str:
    """Return an address of Redis as it may be shown: its options can hold a password, too."""
    parts = urlsplit(address)
    _, at, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"***@{host}" if at else host, query="").geturl()


def client_of(url: str, **options: Any) -> Any:
    """Return a client, which connects when it is first used.

    Raises
    ------
    ConfigError
        If the address is none; it is not repeated, since it may hold a password.
    MissingDependencyError
        If the client is not installed.
    """
    redis = require("redis", "redis")
    try:
        return redis.Redis.from_url(url, **options)
    except ValueError:
        raise ConfigError(
            "Redis has addresses like redis://localhost:6379/0 or redis://:PASSWORD@HOST:6379/0. "
            "The one that was given cannot be read. In a password, write / as %2F, @ as %40 and : "
            "as %3A."
        ) from None
