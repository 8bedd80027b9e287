"""Tables whose bytes readers of CSV would not take as they stand, recoded while they are read."""

from __future__ import annotations

import io
import re
from typing import Any

from fieldfare.sources.table_form import SPACES, TableForm, is_long

DELIMITER = "\x1f"  # the unit separator of ASCII, in place of several characters
_BLOCK_BYTES = 1 << 20
_RUN = re.compile(rb'"(?:[^"]|"")*"|[ \t]+')
_MARGIN = re.compile(rb"(?m)^[ \t]+|[ \t]+(?=\r?$)")


class Recoded(io.RawIOBase):
    """The bytes of a table without comments, and with one character between cells.

    Parameters
    ----------
    stream : binary file
        UTF-8.
    form : TableForm
    """

    def __init__(self, stream: Any, form: TableForm) -> None:
        self._stream = stream
        self._form = form
        self._cut = b""  # an unfinished line
        self._ready = b""
        self._is_done = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        while not self._ready and not self._is_done:
            block = self._stream.read(_BLOCK_BYTES)
            self._is_done = not block
            held = self._cut + block
            end = len(held) if self._is_done else held.rfind(b"\n") + 1
            self._cut = held[end:]
            self._ready = recoded(held[:end], self._form)
        n = min(len(view), len(self._ready))
        view[:n] = self._ready[:n]
        self._ready = self._ready[n:]
        return n


def recoded(block: bytes, form: TableForm) -> bytes:
    """Return whole lines without comments, and with `DELIMITER` between cells."""
    if form.comment is not None:
        mark = re.escape(form.comment.encode())
        block = re.sub(rb"(?m)^" + mark + rb"[^\n]*(\n|\Z)", b"", block)
    delimiter = DELIMITER.encode()
    if is_long(form.separator):
        return block.replace(form.separator.encode(), delimiter)
    if form.separator == SPACES:
        block = _MARGIN.sub(b"", block)
        if form.quoted and b'"' in block:
            return _RUN.sub(lambda m: m[0] if m[0].startswith(b'"') else delimiter, block)
        return re.sub(rb"[ \t]+", delimiter, block)
    return block


def delimiter_of(form: TableForm) -> str:
    """Return what separates cells once the bytes are recoded, if they need be."""
    is_kept = not is_long(form.separator) and form.separator != SPACES
    return form.separator if is_kept else DELIMITER
