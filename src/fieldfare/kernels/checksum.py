"""Checksums of data at the speed of memory, to know them again."""

from __future__ import annotations

import numpy as np

from fieldfare import _core


class Checksum:
    """A checksum of 128 bits, made against accidents and not against forgers.

    The same bytes give the same checksum however they are cut into pieces, on every machine.
    """

    def __init__(self) -> None:
        self._state = _core.Checksum()

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Take in the next bytes; other threads may run meanwhile."""
        self._state.update(np.frombuffer(data, np.uint8))

    def hexdigest(self) -> str:
        """Return the checksum of all bytes so far, as 32 hexadecimal digits."""
        return self._state.digest().hex()
