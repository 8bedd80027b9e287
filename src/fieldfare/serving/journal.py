"""The journal: changes on disk before they are made, so that no restart loses one.

One line per change: a checksum (CRC-32), and the request as JSON. A line is written and flushed to
the disk before its change is made and acknowledged. What a killed server left half written was not
acknowledged, and is cut off.
"""

from __future__ import annotations

import contextlib
import io
import os
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, final

import msgspec

from fieldfare._files import atomic_write, sync_folder
from fieldfare.exceptions import ConfigError, ModelFileError, OutputError
from fieldfare.serving.wire import EventsRequest, ItemsRequest, RemovedRequest, UsersRequest

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

ChangeRequest = ItemsRequest | RemovedRequest | UsersRequest | EventsRequest

_KINDS: dict[str, type[Any]] = {
    "items": ItemsRequest,
    "removed": RemovedRequest,
    "users": UsersRequest,
    "events": EventsRequest,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}
# It is written anew when it has grown to twice what it was then, but not for less than this.
_WORTH_IT = 2**24


@final
class Journal:
    """A file of changes.

    Parameters
    ----------
    path : path
        Created if it does not exist. Only one server may use it at a time.

    Raises
    ------
    ConfigError
        If another server uses it.
    ModelFileError
        If it is damaged.
    OutputError
        If it cannot be opened.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._encode = msgspec.json.Encoder().encode
        self._file = self._opened()
        self._size = self._before = self._at_least = 0
        self._is_torn = False  # whether something that was not acknowledged may stand at the end

    def read(self) -> list[ChangeRequest]:
        """Return all changes, and cut off the end of a line that was never acknowledged.

        Raises
        ------
        ModelFileError
            If a line that is whole is damaged: its change may have been acknowledged.
        """
        self._file.seek(0)
        lines = io.BytesIO(self._file.read()).readlines()
        found: list[ChangeRequest] = []
        good = 0
        for number, line in enumerate(lines, 1):
            change = _change_in(line)
            if change is None and line.endswith(b"\n"):
                raise ModelFileError(
                    f"{self.path}, line {number} is damaged, or a later version of fieldfare wrote "
                    "it. Nothing was changed. Restore the file, or remove that line and so its "
                    "change."
                )
            if change is None:
                self._truncate(good)
                break
            found.append(change)
            good += len(line)
        self._size = good
        return found

    def append(self, changes: Sequence[ChangeRequest]) -> None:
        """Write changes to the disk; either all of them are there afterwards, or none.

        Raises
        ------
        OutputError
            If there is no room.
        """
        data = memoryview(b"".join(map(self._line, changes)))
        left = data
        try:
            if self._is_torn:
                self._truncate(self._size)
            self._is_torn = True
            while left:
                left = left[self._file.write(left) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            with contextlib.suppress(OSError):  # it is tried again before anything else is written
                self._truncate(self._size)
            raise OutputError(
                f"{self.path} cannot be written: {error.strerror or error}. The change was not "
                "made."
            ) from error
        self._is_torn = False
        self._before, self._size = self._size, self._size + len(data)

    def keep(self, changes: Sequence[ChangeRequest]) -> None:
        """Leave only these of the changes that were written last, before any is acknowledged.

        Raises
        ------
        OutputError
            If there is no room; none of them is left then.
        """
        self._size, self._is_torn = self._before, True
        self.append(changes)

    @property
    def has_grown(self) -> bool:
        """Whether it is worth the time to write it anew."""
        return self._size > max(_WORTH_IT, 2 * self._at_least)

    def rewrite(self, changes: Iterable[ChangeRequest]) -> None:
        """Write a file of these changes in place of the journal, in one step.

        Raises
        ------
        OutputError
            If there is no room; the journal is then as it was.
        """
        with atomic_write(self.path) as file:
            for change in changes:
                file.write(self._line(change))
        before, self._file = self._file, self._opened()
        before.close()
        self._size = self._at_least = self._file.seek(0, os.SEEK_END)

    def close(self) -> None:
        """Let another server use it."""
        self._file.close()

    def _opened(self) -> Any:
        try:
            is_new = not self.path.exists()
            file = open(self.path, "a+b", buffering=0)  # noqa: SIM115 - open as long as the server
            if is_new:
                sync_folder(self.path.parent)
        except OSError as error:
            raise OutputError(
                f"The journal {self.path} cannot be opened: {error.strerror or error}."
            ) from error
        if fcntl is not None:
            try:
                fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                file.close()
                raise ConfigError(
                    f"Another server uses the journal {self.path}. Each needs one of its own."
                ) from error
        return file

    def _truncate(self, size: int) -> None:
        self._file.truncate(size)
        self._file.seek(0, os.SEEK_END)
        os.fsync(self._file.fileno())
        self._is_torn = False

    def _line(self, change: ChangeRequest) -> bytes:
        body = self._encode([_NAMES[type(change)], change])
        return b"%08x %s\n" % (zlib.crc32(body), body)


def _change_in(line: bytes) -> ChangeRequest | None:
    """Return the change in a line; None if it is damaged or not whole."""
    checksum, _, body = line.rstrip(b"\n").partition(b" ")
    if not line.endswith(b"\n") or checksum != b"%08x" % zlib.crc32(body):
        return None
    try:
        name, raw = msgspec.json.decode(body, type=tuple[str, msgspec.Raw])
        found: ChangeRequest = msgspec.json.decode(raw, type=_KINDS[name])
    except (msgspec.MsgspecError, KeyError):
        return None
    return found
