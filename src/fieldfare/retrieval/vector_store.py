"""Vectors in Redis: one hash per item or user, which any client can read."""

from __future__ import annotations

import json

from fieldfare._arguments import checked
from fieldfare._optional import require
from fieldfare._redis import client_of
from fieldfare._validation import Number, check
from fieldfare.exceptions import OutputError
from fieldfare.retrieval.vectors import Vectors

_BLOCK = 1000


@checked
def write_to_redis(
    vectors: Vectors, url: str, prefix: str | None = None, seconds: int | None = None
) -> None:
    """Write vectors to Redis.

    The key of each is the prefix and the id. It holds a hash: ``vector`` (float32 numbers, little
    endian, as RediSearch takes them), ``constant`` and ``scale`` of users, and ``model``, by which
    a reader notices that a vector belongs to another model. The description of all of them is at
    the prefix alone, as JSON, and is written last.

    Parameters
    ----------
    vectors : Vectors
    url : str
        Such as ``redis://localhost:6379/0``, ``rediss://`` or ``unix://``.
    prefix : str, optional
        By default ``item:`` or ``user:``.
    seconds : int in [1, inf), optional
        Time to live. Without it, vectors of ids that are gone stay until they are deleted.

    Raises
    ------
    ConfigError
        If the address is none.
    MissingDependencyError
        If the client is not installed.
    OutputError
        If Redis cannot be reached or refuses to write.
    """
    redis = require("redis", "redis")
    prefix = f"{vectors.side}:" if prefix is None else prefix
    if seconds is not None:
        check("seconds", seconds, Number(1, 2**31 - 1, integer=True), "write_to_redis")
    try:
        with client_of(url) as client:
            for low in range(0, len(vectors), _BLOCK):
                pipeline = client.pipeline(transaction=False)
                for place in range(low, min(low + _BLOCK, len(vectors))):
                    key = f"{prefix}{vectors.ids[place]}"
                    pipeline.hset(key, mapping=_fields(vectors, place))
                    if seconds is not None:
                        pipeline.expire(key, seconds)
                pipeline.execute()
            client.set(prefix, json.dumps(vectors.description), ex=seconds)
    except (redis.RedisError, OSError) as error:
        raise OutputError(
            f"The vectors could not be written to Redis: {str(error).rstrip('.')}. Those before "
            "stay there; write them again when it answers."
        ) from error


def _fields(vectors: Vectors, place: int) -> dict[str, bytes | str]:
    found: dict[str, bytes | str] = {
        "vector": vectors.values[place].astype("<f4").tobytes(),
        "model": vectors.model,
    }
    return found | {name: str(array[place]) for name, array in vectors.numbers.items()}
