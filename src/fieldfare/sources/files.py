"""Files: what a path, a glob, a folder, a stream or a list of these stands for.

Anything but a regular file (standard input, a pipe, a file object) can be read only once. It is
copied to a temporary file first, because formats are detected from the first bytes, tables may be
read twice, and faults are located by reading again.
"""

from __future__ import annotations

import contextlib
import glob
import os
import shutil
import stat
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, cast

from fieldfare._files import create_temporary, remove_stale
from fieldfare._inputs import note_input
from fieldfare.exceptions import DataError
from fieldfare.sources import archives
from fieldfare.sources.bytes import (
    STDIN,
    ByteSource,
    ByteStream,
    File,
    missing_file,
    open_bytes,
)
from fieldfare.sources.detect import TextFormat, detect_stream
from fieldfare.sources.reading import DETECTED, Reading

Sources: TypeAlias = ByteSource | Sequence[ByteSource]


class Files(Sequence[File]):
    """Regular files that hold samples together, in order.

    Parameters
    ----------
    source : path, glob, folder, "-", binary file object, or a sequence of these
        As for `expand`.
    reading : Reading
        What the user says about their form.

    Raises
    ------
    DataError
        If nothing is there, or a stream cannot be read to its end.
    """

    def __init__(self, source: Sources, reading: Reading = DETECTED) -> None:
        self.reading = reading
        self._files = [part for file in expand(source) for part in _regular(file)]
        if reading.encoding is not None:
            # The original may be a temporary copy, which goes when nothing refers to it.
            self._files = [
                replace(file, encoding=reading.encoding, origin=file) for file in self._files
            ]

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: Any) -> Any:
        return self._files[index]

    def __iter__(self) -> Iterator[File]:
        return iter(self._files)

    @cached_property
    def on_disk(self) -> list[File]:
        """One file per path: an archive holds several."""
        return list({file.path: file for file in self._files}.values())

    @cached_property
    def members(self) -> list[str | None]:
        """Which of the archives' members the files are; None for a file that is not a member."""
        return [file.member for file in self._files]

    @property
    def archive(self) -> str | None:
        """The archive whose members these are; None if there are other files, or one alone."""
        if len(self) == 1 or len(self.on_disk) > 1 or None in self.members:
            return None
        return self._files[0].label.removesuffix(f":{self._files[0].member}")

    @cached_property
    def n_bytes(self) -> int:
        """Size of all files on disk together, in bytes."""
        return sum(map(os.path.getsize, self.on_disk))

    @cached_property
    def magic(self) -> bytes:
        """The first 16 bytes of the first file, decompressed: enough to know a binary format."""
        with open_bytes(self._files[0]) as stream:
            return stream.read(16)

    @cached_property
    def text(self) -> TextFormat:
        """The text format of the first file, detected from its first lines.

        Raises
        ------
        DataError
            If it is empty or not text.
        """
        return detect(self._files[0], self.reading)

    def describe(self, *words: str) -> str:
        """Return a format in words, with the number of files where there are several."""
        count = f"{len(self)} files, " if len(self) > 1 else ""
        return count + ", ".join(words)


def are_files(source: Any) -> bool:
    """Whether this names files or is one: paths, a list of paths, ``"-"``, or a file object."""
    if isinstance(source, (list, tuple)):
        return bool(source) and all(_is_file(part) for part in source)
    return isinstance(source, Files) or _is_file(source)


def _is_file(source: Any) -> bool:
    return isinstance(source, (str, os.PathLike)) or hasattr(source, "read")


def detect(source: Sources, reading: Reading = DETECTED) -> TextFormat:
    """Detect the format of a text file from its first lines, never from its name.

    Blank lines and comments are skipped and the majority of up to 200 lines decides, so that a
    damaged line does not change the format but is reported by the reader.

    Parameters
    ----------
    source : path, glob, folder, "-", binary file object, or a sequence of these
        The first file is looked at. A ByteStream is not consumed: open standard input by
        ``open_bytes`` to look at it and read it afterwards.
    reading : Reading
        What the user says, which is not questioned.

    Returns
    -------
    TextFormat

    Raises
    ------
    DataError
        If there is no such file, or it is empty or not text.
    """
    if isinstance(source, ByteStream):
        return detect_stream(source, reading)
    with open_bytes(expand(source)[0]) as stream:
        return detect_stream(stream, reading)


def expand(source: Sources) -> list[ByteSource]:
    """List the files that a source stands for.

    Parameters
    ----------
    source : path, glob, folder, "-", binary file object, or a sequence of these
        A folder stands for its files in the order of their names, without those whose name begins
        with a dot or an underscore; a zip archive likewise, and ``archive.zip:member`` for one file
        of it; a glob for its matches in order (``**`` descends).

    Returns
    -------
    list of str, File, "-" or file objects

    Raises
    ------
    DataError
        If nothing is there.
    """
    if isinstance(source, (list, tuple, Files)):
        if not source:
            raise DataError("A list of files must name at least one. Got an empty list.")
        return [file for part in source for file in expand(part)]
    if isinstance(source, File):
        return [source]
    if not isinstance(source, (str, os.PathLike)):
        if hasattr(source, "read"):
            return [cast(BinaryIO, source)]
        raise DataError(
            f"A source must be a path, a glob, a folder, '-', a binary file object or a list of "
            f"these. Got {type(source).__name__}."
        )
    path = os.fspath(source)
    return [path] if path == STDIN else _matches(os.path.expanduser(path))


def _matches(path: str) -> list[ByteSource]:
    """List what a path, a folder, an archive or a glob leads to."""
    if os.path.isdir(path):
        names = sorted(name for name in os.listdir(path) if name[0] not in "._")
        inside = [os.path.join(path, name) for name in names]
        files = [file for file in inside if os.path.isfile(file)]
        if not files:
            raise DataError(f"The folder {path} holds no files.")
        return _unpacked(files)
    if os.path.exists(path):
        return _unpacked([path])
    if glob.has_magic(path):
        matches = sorted(m for m in glob.glob(path, recursive=True) if os.path.isfile(m))
        if matches:
            return _unpacked(matches)
    if found := archives.split_path(path):
        return [_member(*found, found[0])]
    if glob.has_magic(path):
        raise DataError(f"No file matches {path!r}.")
    raise DataError(missing_file(path))


def _unpacked(paths: Sequence[str]) -> list[ByteSource]:
    """List files, with the members of an archive in its place."""
    found: list[ByteSource] = []
    for path in paths:
        is_archive = os.path.isfile(path) and archives.is_archive(path)
        found += _members_of(path, path) if is_archive else [path]
    return found


def _members_of(path: str, label: str) -> list[File]:
    return [_member(path, name, label) for name in archives.members(path, label)]


def _member(path: str, name: str, label: str) -> File:
    return File(path, f"{label}:{name}", name)


def _regular(source: ByteSource) -> list[File]:
    """Return regular files with the bytes of a source: itself, or a temporary copy of a stream."""
    if isinstance(source, File):
        return [source]
    if isinstance(source, (str, os.PathLike)) and source != STDIN:
        path = os.fspath(source)
        if stat.S_ISREG(os.stat(path).st_mode):
            note_input(path)
            return [File(path, path)]
    with open_bytes(source, raw=True) as stream:
        copy = _copied(stream)
    if not archives.is_archive(copy.path):
        return [copy]
    return [replace(member, origin=copy) for member in _members_of(copy.path, copy.label)]


def unpacked(file: File) -> File:
    """Return a regular file with the decompressed bytes of another: itself if it is not packed.

    For formats that must be read from their end.
    """
    with open_bytes(file) as stream:
        return file if stream.compression is None else _copied(stream)


def _copied(stream: ByteStream) -> File:
    """Copy a stream to a temporary file, which goes with the File."""
    target = Path(tempfile.gettempdir(), "fieldfare-input")
    remove_stale(target.parent, target.name)  # of processes that were killed
    descriptor, path = create_temporary(target, 0o600)
    file = File(str(path), stream.label)
    copy = os.fdopen(descriptor, "wb")  # kept open: its lock tells other processes to leave it
    weakref.finalize(file, Path.unlink, path, missing_ok=True)
    weakref.finalize(file, _close, copy)
    try:
        shutil.copyfileobj(stream, copy, 1 << 20)
        copy.flush()
    except OSError as error:
        raise DataError(
            f"{stream.label} cannot be copied to the folder {os.path.dirname(path)}: "
            f"{error.strerror or error}. Set TMPDIR to a folder with more room."
        ) from error
    return file


def _close(copy: BinaryIO) -> None:
    with contextlib.suppress(OSError):  # what could not be written cannot be flushed either
        copy.close()
