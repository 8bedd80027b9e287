"""Bytes of one file, of standard input or of a file object, with its compression undone."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeAlias

from fieldfare._files import STREAM
from fieldfare._typing import PathLike
from fieldfare._validation import closest
from fieldfare.exceptions import DataError
from fieldfare.sources import archives
from fieldfare.sources.compression import (
    FAULTS,
    HEAD_BYTES,
    UTF8,
    UTF16,
    compression_of,
    decompressed,
)

ByteSource: TypeAlias = PathLike | BinaryIO

STDIN = STREAM
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
NOT_UTF8 = "Name its encoding, such as encoding='latin-1' (--encoding latin-1)."
_BUFFER_BYTES = 1 << 20


@dataclass(frozen=True, eq=False)
class File(os.PathLike[str]):
    """A regular file or a member of a zip archive, and what to call it in messages.

    Parameters
    ----------
    path : str
        Where its bytes are.
    label : str
        The path, unless the file holds a copy of a stream; of a member ``archive.zip:member``.
    member : str or None
        Its name in the archive at ``path``.
    origin : File or None
        What must not go before it: the temporary copy of an archive.
    encoding : str or None
        What its text is written in, if the user says it.
    """

    path: str
    label: str
    member: str | None = None
    origin: File | None = None
    encoding: str | None = None

    def __fspath__(self) -> str:
        return self.path

    def __str__(self) -> str:
        return self.label


class ByteStream(io.BufferedReader):
    """A source opened for reading, decompressed.

    Attributes
    ----------
    label : str
        What to call the source in messages: its path, or ``<stdin>``.
    compression : str or None
        ``"gzip"``, ``"bz2"``, ``"xz"``, ``"zstd"``, ``"zip"``, the encoding of a text that is not
        UTF-8, or ``None``; several from the inside out, as in ``"gzip in zip"``.
    """

    def __init__(self, raw: _Raw, label: str, compression: str | None) -> None:
        super().__init__(raw, _BUFFER_BYTES)
        self.label = label
        self.compression = compression

    def head(self) -> bytes:
        """Return the next bytes, up to a megabyte, without consuming them."""
        return self.peek(_BUFFER_BYTES)


class _Raw(io.RawIOBase):
    """Reads that come back short only at the end, after some bytes that were read ahead.

    Pipes and sockets return what they have, and formats are detected from a full look at the head.
    """

    def __init__(self, inner: Any, label: str, close: Callable[[], None], ahead: bytes) -> None:
        self._inner = inner
        self._label = label
        self._close = close
        self._ahead = ahead

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        done = min(len(self._ahead), len(view))
        view[:done] = self._ahead[:done]
        self._ahead = self._ahead[done:]
        while done < len(view):
            n = self._read_some(view[done:])
            if n == 0:
                break
            done += n
        return done

    def _read_some(self, view: memoryview) -> int:
        try:
            if hasattr(self._inner, "readinto"):
                return int(self._inner.readinto(view) or 0)
            block = self._inner.read(len(view))
        except DataError:
            raise
        except FAULTS as error:
            raise DataError(
                f"{self._label} cannot be read to its end: {error}. If it is compressed, it may be "
                f"truncated or damaged: make or fetch it again."
            ) from error
        if isinstance(block, str):
            raise DataError(
                f"{self._label} must be open in binary mode ('rb'). It returned text instead."
            )
        view[: len(block or b"")] = block or b""
        return len(block or b"")

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._close()


def open_bytes(source: ByteSource, *, raw: bool = False) -> ByteStream:
    """Open a source for reading and undo its compression, detected from its first bytes.

    Parameters
    ----------
    source : path, File, "-" or binary file object
        ``"-"`` is standard input. A file object is read from where it stands and is not closed. A
        ByteStream is returned as it is.
    raw : bool
        Whether to leave the bytes compressed.

    Returns
    -------
    ByteStream

    Raises
    ------
    DataError
        If the source is missing, may not be read, is a folder, or is empty.
    MissingDependencyError
        If it is compressed by zstd and pyarrow is not installed.
    """
    if isinstance(source, ByteStream):
        return source
    with ExitStack() as stack:
        inner, label = _open_inner(source, stack)
        outer = None
        if isinstance(source, File) and source.member is not None:
            inner, outer = archives.open_member(inner, label, source.member, stack), "zip"
        ahead = bytearray(HEAD_BYTES)
        n = _Raw(inner, label, lambda: None, b"").readinto(ahead)
        if n == 0:
            raise DataError(f"{label} is empty. It must hold at least one sample.")
        head = bytes(ahead[:n])
        encoding = source.encoding if isinstance(source, File) else None
        layers = [] if raw else _layers(head, encoding)
        for layer in layers:
            if layer == "zip":
                where = "inside another archive" if outer else "where one file is expected"
                raise DataError(f"{label} is a zip archive {where}. Unpack it first.")
            packed = io.BufferedReader(_Raw(inner, label, lambda: None, head), _BUFFER_BYTES)
            inner, head = decompressed(packed, layer, stack), b""
        used = " in ".join([*reversed(layers), *([outer] if outer else [])]) or None
        return ByteStream(_Raw(inner, label, stack.pop_all().close, head), label, used)


def _layers(head: bytes, encoding: str | None) -> list[str]:
    """Return what has to be undone, from the outside in: a compression, and another encoding."""
    compression = compression_of(head)
    if encoding is None:
        return [] if compression is None else [compression]
    # What the user says decides, also of a text that begins with the mark of UTF-16.
    packed = [] if compression in (None, UTF16) else [compression]
    return packed if encoding in UTF8 else [*packed, encoding]


def _open_inner(source: ByteSource, stack: ExitStack) -> tuple[Any, str]:
    """Open a source without looking into it; what must be closed goes on the stack."""
    if not isinstance(source, (str, os.PathLike)):
        if not hasattr(source, "read"):
            raise DataError(f"A source must be a path or a file. Got {type(source).__name__}.")
        return source, str(getattr(source, "name", None) or "<file object>")
    path = os.path.expanduser(os.fspath(source))
    if path == STDIN:
        return sys.stdin.buffer, "<stdin>"
    try:
        label = source.label if isinstance(source, File) else path
        return stack.enter_context(io.FileIO(path)), label
    except FileNotFoundError:
        raise DataError(missing_file(path)) from None
    except IsADirectoryError:
        raise DataError(
            f"{path} is a folder. Name a file in it, or all of them: {path}/*"
        ) from None
    except OSError as error:
        raise DataError(f"{path} cannot be opened: {error.strerror or error}.") from error


def missing_file(path: str) -> str:
    """Return the message for a missing file, with the most similar name that exists."""
    folder, name = os.path.split(path)
    if not os.path.isdir(folder or "."):
        return f"There is no folder {folder}, so no file {path}."
    try:
        hint = closest(name, os.listdir(folder or "."))
    except OSError:
        hint = ""
    return f"There is no file {path}.{hint}"
