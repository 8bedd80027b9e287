"""Files mapped into memory, and watched for changes while they are in use."""

from __future__ import annotations

import mmap
import os
import weakref
from pathlib import Path

import numpy as np

from fieldfare import _core
from fieldfare._files import open_regular
from fieldfare._typing import AnyArray


class MappedFile:
    """A file that is not empty, mapped into memory, read-only.

    Where the file has become shorter, the mapping reads as zeros instead of ending the process
    (SIGBUS), and `changed` says so. Trust what was read only if `changed` is false afterwards.

    Parameters
    ----------
    path : path

    Raises
    ------
    OSError
        If it cannot be opened or mapped, or is not a regular file.
    """

    def __init__(self, path: Path) -> None:
        with open_regular(path) as file:
            self._descriptor = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._descriptor)
        self._state = self._now()
        self._map = mmap.mmap(self._descriptor, 0, access=mmap.ACCESS_READ)
        self.bytes: AnyArray = np.frombuffer(self._map, np.uint8)
        self._watch = _core.watch_mapping(self.bytes)
        # The mapping lives as long as any array over it, which may be longer than this object.
        weakref.finalize(self._map, _core.unwatch_mapping, self._watch)

    def __len__(self) -> int:
        return len(self._map)

    @property
    def changed(self) -> bool:
        """Whether the file was written to, or cut short, since it was opened."""
        return bool(_core.is_torn(self._watch)) or self._now() != self._state

    @property
    def state(self) -> tuple[int, ...]:
        """What tells the file, as it was when it was opened, from all others."""
        found = os.fstat(self._descriptor)
        return found.st_dev, found.st_ino, *self._state

    def evict(self, begin: int, end: int) -> None:
        """Give the pages from byte ``begin`` to ``end`` back, where the system can do that."""
        if end > begin and hasattr(mmap, "MADV_DONTNEED"):
            start = begin // mmap.PAGESIZE * mmap.PAGESIZE
            self._map.madvise(mmap.MADV_DONTNEED, start, end - start)

    def _now(self) -> tuple[int, int]:
        # Of the open file, so that one which is replaced or deleted stays as it is. Not the time of
        # its last change of status, which links and permissions alter too.
        found = os.fstat(self._descriptor)
        return found.st_size, found.st_mtime_ns
