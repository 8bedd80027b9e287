"""Compression, and other encodings than UTF-8, undone as a stream in bounded memory."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import re
import struct
import zipfile
import zlib
from contextlib import ExitStack
from typing import Any, BinaryIO

from fieldfare._optional import require

HEAD_BYTES = 16  # more than any magic number takes
FAULTS = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,  # NotImplementedError among them, for methods that zipfile does not know
    OverflowError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
)
"""What damaged bytes make the readers raise."""

UTF16 = "utf16"
UTF8 = ("utf-8", "utf-8-sig", "ascii")
"""Encodings that are read as they are."""

_MAGIC = re.compile(
    rb"(?P<gzip>\x1f\x8b)"
    rb"|(?P<bz2>BZh[1-9](?:1AY&SY|\x17\x72\x45\x38\x50\x90))"  # text may begin with BZh as well
    rb"|(?P<xz>\xfd7zXZ\0)"
    rb"|(?P<zstd>\x28\xb5\x2f\xfd)"
    rb"|(?P<zip>PK(?:\x03\x04|\x05\x06))"
    rb"|(?P<utf16>\xff\xfe(?!\0\0)|\xfe\xff)"  # text of two bytes a character, as Excel saves it
)
_BLOCK_BYTES = 1 << 16
_XZ_MEMORY = 512 << 20  # the settings of xz ask for 65 MB at most; a header may ask for 4 GB


def compression_of(head: bytes) -> str | None:
    """Return the name of the compression that the first bytes of a file show, if any."""
    match = _MAGIC.match(head)
    return match and match.lastgroup


def decompressed(packed: BinaryIO, compression: str, stack: ExitStack) -> Any:
    """Return a file object of what a compressed one holds; what must be closed goes on the stack.

    A text in another encoding is returned in UTF-8.

    Raises
    ------
    MissingDependencyError
        For zstd, if pyarrow is not installed.
    """
    if compression == "gzip":
        return stack.enter_context(gzip.GzipFile(fileobj=packed))
    if compression == "bz2":
        return stack.enter_context(bz2.BZ2File(packed))
    if compression == "xz":
        return _Xz(packed)
    if compression == "zstd":
        pyarrow = require("pyarrow", "tables")
        return stack.enter_context(pyarrow.input_stream(packed, compression=compression))
    return _Recoded(packed, "utf-16" if compression == UTF16 else compression)


class _Recoded:
    """The UTF-8 of a text in another encoding."""

    def __init__(self, packed: BinaryIO, encoding: str) -> None:
        self._packed = packed
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._ahead = b""

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes, none at the end.

        Raises
        ------
        ValueError
            If it is in another encoding.
        """
        while not self._ahead:
            block = self._packed.read(_BLOCK_BYTES)
            try:
                text = self._decoder.decode(block, final=not block)
                self._ahead = text.encode()
            except UnicodeError as error:
                raise ValueError(f"its text is not in {self._encoding} ({error})") from error
            if not block:
                break
        taken, self._ahead = self._ahead[:size], self._ahead[size:]
        return taken


class _Xz:
    """What xz streams, one after another, hold.

    Unlike `lzma.LZMAFile` it limits the memory that a header can ask for.
    """

    def __init__(self, packed: BinaryIO) -> None:
        self._packed = packed
        self._decoder = self._new()
        self._ahead = b""

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes, none at the end."""
        while True:
            if self._decoder.eof:
                self._ahead = self._after_stream()
                if not self._ahead:
                    return b""
                self._decoder = self._new()
            if self._decoder.needs_input and not self._ahead:
                self._ahead = self._packed.read(_BLOCK_BYTES)
                if not self._ahead:
                    raise EOFError("It ends in the middle of the compressed data")
            block = self._decoder.decompress(self._ahead, size)
            self._ahead = b""
            if block:
                return block

    def _new(self) -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)

    def _after_stream(self) -> bytes:
        """Return the beginning of the next stream, without the zeros that may be before it."""
        rest = self._decoder.unused_data.lstrip(b"\0")
        while not rest and (more := self._packed.read(_BLOCK_BYTES)):
            rest = more.lstrip(b"\0")
        return rest
