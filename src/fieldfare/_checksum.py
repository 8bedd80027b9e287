"""Checksums at the speed of memory, by which data are recognised and damage is found."""

from __future__ import annotations

import xxhash


class Checksum:
    """XXH3-128, which detects accidental changes but does not resist forgery.

    The same bytes give the same checksum however they are divided into pieces, on every machine,
    and in every program: ``xxhsum -H2`` prints that of a file.
    """

    def __init__(self) -> None:
        self._state = xxhash.xxh3_128()

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Add the next bytes; releases the GIL for long ones."""
        self._state.update(data)

    def hexdigest(self) -> str:
        """Return the checksum of all bytes so far, as 32 hexadecimal digits."""
        return self._state.hexdigest()
