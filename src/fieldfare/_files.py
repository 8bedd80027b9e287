"""Writing files so that readers see either the old ones or the complete new ones."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from fieldfare._typing import PathLike

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_TEMPORARY = re.compile(r"\.(?P<target>.+)\.[0-9a-f]{12}\.tmp")


@contextlib.contextmanager
def atomic_write(path: PathLike) -> Iterator[BinaryIO]:
    """Open a temporary file that is renamed to ``path`` when the block ends without an error.

    The data reach the disk before the rename. If the block or the writing fails (disk full, no
    permission), the temporary file is removed and an older file at ``path`` is left untouched. A
    symbolic link keeps pointing where it did, and a replaced file passes on its permission bits.
    Anything at ``path`` that is not a regular file (a pipe, ``/dev/null``) is written to directly,
    since a rename would replace the device by a file.

    Parameters
    ----------
    path : path
        File to write or replace.

    Yields
    ------
    binary file
        Open for writing.

    Raises
    ------
    OSError
        If the folder does not exist or the file cannot be written.
    """
    if os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):
        with open(path, "wb") as file:
            yield file
        return
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(
            f"Cannot write {os.fspath(path)}: the folder {target.parent} does not exist. "
            "Create it first, or choose another path."
        )
    if target.is_dir():
        raise IsADirectoryError(f"Cannot write {os.fspath(path)}: it is a folder.")
    # In the same folder, so that the rename stays within one file system.
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(temporary, flags, 0o666)
    except OSError as error:  # the user knows the requested name, not that of the temporary file
        raise type(error)(error.errno, error.strerror, os.fspath(path)) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileNotFoundError):
            os.chmod(temporary, stat.S_IMODE(os.stat(target).st_mode))
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(target.parent)


def target_of(temporary: str) -> str | None:
    """Return the name that `atomic_write` makes a temporary file for; None for any other file.

    Of a very long name this is only the beginning.
    """
    match = _TEMPORARY.fullmatch(temporary)
    return match and match["target"]


@contextlib.contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Wait until no other process or thread is in such a block for the same folder.

    The lock leaves no file behind and ends with its process. Where the system cannot lock a folder
    (Windows, some network file systems), the block runs without it.
    """
    descriptor = None
    try:
        if fcntl is not None:
            descriptor = os.open(folder, os.O_RDONLY)
            with contextlib.suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading, never waiting for a writer as one does for a pipe.

    Raises
    ------
    OSError
        If it cannot be opened or is not a regular file.
    """
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
    file = os.fdopen(os.open(path, flags), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(f"{os.fspath(path)} is not a regular file.")
    return file


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to disk, where the system can, so that a rename survives a crash."""
    if os.name == "nt":
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
