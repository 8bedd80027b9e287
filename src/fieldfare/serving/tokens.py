"""Bearer tokens: who may read, and who may change what is served."""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping
from enum import IntEnum
from hashlib import sha256

from fieldfare.exceptions import ConfigError, RequestError

_SHORTEST = 16


class Right(IntEnum):
    """What a token allows; each right includes those before it."""

    NONE = 0
    READ = 1
    ADMIN = 2


_NAMES = {"read": Right.READ, "admin": Right.ADMIN}


class Tokens:
    """The tokens that a server knows, as digests.

    Parameters
    ----------
    rights : mapping from token to Right
    without : Right
        What is allowed without any token.
    """

    def __init__(self, rights: Mapping[str, Right], without: Right = Right.NONE) -> None:
        self._known = [(_digest(token), right) for token, right in rights.items()]
        self._without = without

    def check(self, header: str | None, wanted: Right) -> None:
        """Refuse what the header ``Authorization`` does not allow.

        Raises
        ------
        RequestError
            401 without a token that is known, 403 if it has too few rights.
        """
        if wanted <= self._without:
            return
        scheme, _, token = (header or "").partition(" ")
        digest = _digest(token.strip())
        found = Right.NONE
        # All are compared, in constant time, so that the time tells nothing about any of them.
        for known, right in self._known:
            if hmac.compare_digest(known, digest):
                found = right
        if scheme.lower() != "bearer" or found is Right.NONE:
            raise RequestError(
                "This needs a token: send the header 'Authorization: Bearer TOKEN'."
                if self._known
                else "Changes are off, because this server has no tokens. Start it with --tokens.",
                status=401 if self._known else 403,
            )
        if found < wanted:
            raise RequestError("This needs a token with the right 'admin'.", status=403)


def read_tokens(path: str | os.PathLike[str]) -> Tokens:
    """Read a file with a right and a token on each line, such as ``admin 4f0c...``.

    Empty lines and those that begin with ``#`` are skipped.

    Raises
    ------
    ConfigError
        If it cannot be read or a line is different; tokens are not repeated in the message.
    """
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The tokens in {os.fspath(path)} cannot be read: {error}.") from error
    rights: dict[str, Right] = {}
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 2 or words[0] not in _NAMES or len(words[1]) < _SHORTEST:
            raise ConfigError(
                f"{os.fspath(path)}:{number}: A line is 'read TOKEN' or 'admin TOKEN', with a "
                f"token of at least {_SHORTEST} letters and digits without spaces. "
                "'openssl rand -hex 32' makes one."
            )
        rights[words[1]] = _NAMES[words[0]]
    if not rights:
        raise ConfigError(f"{os.fspath(path)} holds no tokens. Write 'admin TOKEN' into it.")
    return Tokens(rights)


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogateescape")).digest()
