"""Checksums at the speed of memory, by which data are recognised."""

from __future__ import annotations

import numpy as np

from fieldfare import _core


class Checksum:
    """A checksum of 128 bits, which detects accidental changes but does not resist forgery.

    The same bytes give the same checksum however they are divided into pieces, on every machine.
    """

    def __init__(self) -> None:
        self._state = _core.Checksum()

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Add the next bytes; releases the GIL."""
        self._state.update(np.frombuffer(data, np.uint8))

    def hexdigest(self) -> str:
        """Return the checksum of all bytes so far, as 32 hexadecimal digits."""
        return self._state.digest().hex()
