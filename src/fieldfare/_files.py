"""Writing files so that nothing is lost: readers see the old or the new ones, inputs are kept."""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import re
import secrets
import shutil
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from fieldfare.exceptions import ConfigError, FieldfareError, OutputError

if TYPE_CHECKING:
    from fieldfare._typing import PathLike

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

STREAM = "-"
"""The path that stands for standard input or output."""

_TEMPORARY = re.compile(r"\.(?P<target>.+)\.[0-9a-f]{12}\.tmp")
# Names may have 255 bytes; some encrypting file systems allow 143.
_MAX_NAME_BYTES = 100
_MAX_LINKS = 40


def check_outputs(
    outputs: Mapping[str, PathLike],
    inputs: Mapping[str, Any],
    continues: Mapping[str, str] | None = None,
) -> None:
    """Refuse outputs that would replace an input or each other, before anything is read.

    Files are compared by what they are, not by their names, so links, ``./`` and the case of
    letters make no difference. Of an input that is a folder, the files in it count too.

    Parameters
    ----------
    outputs : mapping from name to path
        What will be written; the names are those that the user knows. ``"-"`` is standard output.
    inputs : mapping from name to source
        What will be read: paths, globs, ``"-"``, open files and lists of these. Anything else is in
        memory already.
    continues : mapping from name to name, optional
        Outputs that may be the same file as one input: a checkpoint that replaces the one that
        training resumes from. It is read before, and replaced in one step.

    Raises
    ------
    ConfigError
        Naming both.
    """
    known: dict[tuple[int, int] | str, tuple[str, str]] = {}
    for what, source in inputs.items():
        for identity, name in _identities(source):
            known.setdefault(identity, (what, name))
    for what, path in outputs.items():
        place: tuple[int, int] | str | None
        place = _identity(_standard(1) if path == STREAM else path)
        if place is None and not os.path.exists(path) and path != STREAM:
            place = os.path.realpath(path)
        if place is None:
            continue
        clash = known.get(place)
        if clash is not None and (continues or {}).get(what) != clash[0]:
            raise ConfigError(
                f"The output {os.fspath(path)!r} ({what}) and {clash[1]!r} ({clash[0]}) are the "
                "same file, which would be overwritten. Name another output."
            )
        known.setdefault(place, (what, os.fspath(path)))


def _identities(source: Any) -> Iterator[tuple[tuple[int, int], str]]:
    """Yield what each file of a source is, with the name that the user gave it."""
    if isinstance(source, (list, tuple)):
        if source and (isinstance(source[0], (str, os.PathLike)) or hasattr(source[0], "fileno")):
            for part in source:
                yield from _identities(part)
    elif isinstance(source, (str, os.PathLike)):
        text = os.fspath(source)
        for path in _named(text):
            identity = _identity(path)
            if identity is not None:
                yield identity, text
    elif hasattr(source, "fileno"):
        with contextlib.suppress(Exception):  # an object that only looks like a file
            identity = _identity(source.fileno())
            if identity is not None:
                yield identity, str(getattr(source, "name", "a file object"))


def _named(text: str) -> Iterable[PathLike | int | None]:
    """Return the files that a path stands for, and it itself."""
    if text == STREAM:
        return [_standard(0)]
    with contextlib.suppress(OSError, ValueError):
        path = os.path.expanduser(text)
        if os.path.isdir(path):
            return [path, *(entry.path for entry in os.scandir(path))]
        return [path] if os.path.exists(path) else glob.glob(path, recursive=True)
    return []


def _identity(path: PathLike | int | None) -> tuple[int, int] | None:
    """Return what tells a file or folder from all others; None for pipes, devices and no file."""
    try:
        found = None if path is None else os.stat(path)
    except (OSError, ValueError):
        return None
    if found is None or not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
        return None
    return found.st_dev, found.st_ino


def _standard(number: int) -> int | None:
    """Return the descriptor of standard input (0) or output (1), if there is one."""
    try:
        return (sys.stdin, sys.stdout)[number].fileno()
    except (AttributeError, OSError, ValueError):  # closed, or replaced by an object
        return None


def names_server(text: str) -> bool:
    """Whether a text names a server, itself or by a variable of the environment, and no file."""
    return "://" in text or text.startswith("${")


@contextlib.contextmanager
def atomic_write(path: PathLike) -> Iterator[BinaryIO]:
    """Open a temporary file that is renamed to ``path`` when the block ends without an error.

    The data reach the disk before the rename. If the block or the writing fails (disk full, no
    permission), the temporary file is removed and an older file at ``path`` is left untouched. If
    the process is killed, the next writing of the same file removes it. A symbolic link keeps
    pointing where it did, and a replaced file passes on its permission bits. Anything at ``path``
    that is not a regular file (a pipe, ``/dev/null``) is written to directly, since a rename would
    replace the device by a file; ``/dev/stdout`` is written to where it stands.

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
    OutputError
        If the folder does not exist or the file cannot be written.
    """
    with naming_output(path):
        descriptor = _descriptor(path)
        if descriptor is not None:
            with _appending(descriptor) as file:
                yield file
            return
        if os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):
            with open(path, "wb") as file:
                yield file
            return
        target = Path(os.path.realpath(path))
        if not target.parent.is_dir():
            raise OutputError(
                f"{os.fspath(path)} cannot be written: the folder {target.parent} does not exist. "
                "Create it first, or choose another path."
            )
        if target.is_dir():
            raise OutputError(f"{os.fspath(path)} cannot be written: it is a folder.")
        remove_stale(target.parent, target.name)
        # In the same folder, so that the rename stays within one file system.
        descriptor, temporary = create_temporary(target)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
                with contextlib.suppress(FileNotFoundError):
                    os.chmod(temporary, stat.S_IMODE(os.stat(target).st_mode))
                if os.name != "nt":  # renamed while it is locked, so that nobody takes it for stale
                    os.replace(temporary, target)
            if os.name == "nt":
                os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        sync_folder(target.parent)


@contextlib.contextmanager
def standard_output() -> Iterator[BinaryIO]:
    """Open standard output for bytes, after what Python has yet to write there.

    Buffered in any case: under ``python -u`` that of Python may write a part and not say so.

    Raises
    ------
    OutputError
        If it is closed, or cannot be written.
    """
    with naming_output("standard output"):
        descriptor = _standard(1)
        if descriptor is not None:
            with _appending(descriptor) as file:
                yield file
        elif sys.stdout is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        else:  # replaced by an object
            yield sys.stdout.buffer
            sys.stdout.flush()


@contextlib.contextmanager
def naming_output(path: PathLike) -> Iterator[None]:
    """Turn what fails in the block into an OutputError that names the file.

    A closed pipe stays what it is: whoever reads it has seen enough.
    """
    try:
        yield
    except (FieldfareError, BrokenPipeError):
        raise
    except OSError as error:
        raise OutputError.of(path, error) from error


def create_temporary(target: Path, mode: int = 0o666) -> tuple[int, Path]:
    """Create a temporary file beside a file, locked for as long as it is open."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    while True:
        temporary = temporary_name(target)
        try:
            descriptor = os.open(temporary, flags, mode)
            # Between these steps it looks stale, and another process may have removed it.
            if _lock(descriptor) and os.path.exists(temporary):
                return descriptor, temporary
            os.close(descriptor)
        except BaseException:  # a signal, after which nobody would know what to remove
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise


def _lock(descriptor: int) -> bool:
    """Lock an open file or folder; return False if another process has locked it."""
    if fcntl is not None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks: nothing is ever taken for stale there
            return True
    return True


def _descriptor(path: PathLike) -> int | None:
    """Return the open descriptor that a path such as ``/dev/stdout`` stands for, if it does."""
    place = os.path.abspath(path)
    for _ in range(_MAX_LINKS):
        folder, name = os.path.split(place)
        if name.isdecimal() and _is_descriptors(folder):
            return int(name)
        try:
            place = os.path.join(folder, os.readlink(place))
        except (OSError, ValueError):
            return None
    return None


def _is_descriptors(folder: str) -> bool:
    return any(
        os.path.isdir(known) and os.path.realpath(folder) == os.path.realpath(known)
        for known in ("/dev/fd", "/proc/self/fd")
    )


@contextlib.contextmanager
def _appending(descriptor: int) -> Iterator[BinaryIO]:
    """Write to an open descriptor from where it stands, after what Python has yet to write."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):
            if stream.fileno() == descriptor:
                stream.flush()
    with os.fdopen(os.dup(descriptor), "wb") as file:
        yield file


def temporary_name(target: Path) -> Path:
    """Return a name beside a file or folder for what will be renamed to it."""
    name = os.fsencode(target.name)[:_MAX_NAME_BYTES].decode(errors="ignore")
    return target.with_name(f".{name}.{secrets.token_hex(6)}.tmp")


def target_of(temporary: str) -> str | None:
    """Return the name that a temporary file or folder is for; None for any other name.

    Of a very long name this is only the beginning.
    """
    match = _TEMPORARY.fullmatch(temporary)
    return match and match["target"]


def remove_stale(folder: Path, name: str | None = None) -> None:
    """Remove temporary files and folders that no process writes any more, since it was killed.

    Parameters
    ----------
    folder : path
    name : str, optional
        Only those for this target; by default all in the folder.
    """
    wanted = None if name is None else target_of(temporary_name(Path(folder, name)).name)
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            target = target_of(entry.name)
            if target is not None and wanted in (None, target):
                _remove_unlocked(entry)


def _remove_unlocked(entry: os.DirEntry[str]) -> None:
    """Remove what nobody holds a lock on."""
    with contextlib.suppress(OSError):
        if fcntl is None:  # Windows: what is open cannot be removed
            os.unlink(entry.path)
            return
        descriptor = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                os.unlink(entry.path)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def temporary_folder(target: Path) -> Iterator[Path]:
    """Create a folder beside one that will exist, for the block to fill and rename.

    What is left of it is removed at the end or, if the process was killed, by the next such call.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    remove_stale(target.parent, target.name)
    made: list[Path] = []
    descriptor = None
    try:
        while True:
            made.append(temporary_name(target))
            made[-1].mkdir()
            if fcntl is not None:
                try:
                    descriptor = os.open(made[-1], os.O_RDONLY)
                except FileNotFoundError:
                    continue  # taken for stale by another process, before it was locked
            if descriptor is None or (_lock(descriptor) and made[-1].exists()):
                break
            os.close(descriptor)
            descriptor = None
        yield made[-1]
    finally:
        for folder in made:
            shutil.rmtree(folder, ignore_errors=True)
        if descriptor is not None:
            os.close(descriptor)


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


def open_regular(path: PathLike) -> BufferedReader:
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
