"""JSON text: how its objects are laid out, and its objects one by one, with the line of each.

This is the reader of Python, in bounded memory: slower than Arrow's, and exact. It reads what Arrow
does not (an array of objects, objects over several lines) and tells what is wrong and where.
"""

from __future__ import annotations

import codecs
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Literal, NoReturn

from fieldfare.exceptions import DataError, TextFormatError
from fieldfare.sources.batch import shorten
from fieldfare.sources.bytes import BYTE_ORDER_MARK, NOT_UTF8, ByteStream

Layout = Literal["lines", "array", "objects"]
Located = tuple[int, dict[str, Any]]
"""The line at which an object begins, and the object."""

MAX_BYTES = 64 << 20  # of one object
_READ_BYTES = 1 << 20
_FIRST_LINES = 20
_NEAR_END = 64  # a fault so near to what was read last may be a cut, unless it is a string
_BLANK = re.compile(r"[ \t\r\n]*")


def layout_of(head: bytes) -> Layout | None:
    """Return how the objects of a text are laid out, from its first bytes; None if it has none."""
    head = head.removeprefix(BYTE_ORDER_MARK).lstrip(b" \t\r\n")
    if re.match(rb"\[[ \t\r\n]*[\[{]", head):
        return "array"
    if not head.startswith(b"{"):
        return None
    lines = [line for line in head.split(b"\n", _FIRST_LINES)[:_FIRST_LINES] if line.strip()]
    if len(lines) == 1 and not re.match(rb'\{[ \t\r\n]*["}]', head):
        return None
    if len(lines) == 1 or 2 * sum(map(_is_object, lines)) > len(lines):
        return "lines"
    # One object over several lines begins as every object does.
    return "objects" if re.match(rb'\{[ \t\r\n]*["}]', head) else None


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def objects_of(stream: ByteStream, layout: Layout) -> Iterator[Located]:
    """Yield the objects of a text in order, each with its line.

    Raises
    ------
    TextFormatError
        Naming file, line, column and the text at fault.
    """
    return _of_lines(stream) if layout == "lines" else _Objects(stream, layout == "array").read()


def object_of_line(text: bytes, file: str, line: int) -> dict[str, Any]:
    """Parse one line.

    Raises
    ------
    TextFormatError
        If it is not one JSON object in UTF-8.
    """
    try:
        decoded = text.decode()
    except UnicodeDecodeError as error:
        raise TextFormatError(
            f"The line is not UTF-8. {NOT_UTF8}",
            file=file,
            line=line,
            column=error.start + 1,
            text=shorten(repr(text[error.start : error.start + 20])),
        ) from None
    try:
        found = _DECODER.decode(decoded)
    except ValueError as error:
        _refuse(str(error), file, line, getattr(error, "pos", 0) + 1, decoded)
    except RecursionError:
        _refuse("It is nested too deeply", file, line, 1, decoded)
    if not isinstance(found, dict):
        _refuse("Every line must hold one object", file, line, 1, decoded)
    return found


def _of_lines(stream: ByteStream) -> Iterator[Located]:
    number = 0
    while text := stream.readline(MAX_BYTES):
        number += 1
        if len(text) == MAX_BYTES:
            raise too_long(stream.label, number)
        if number == 1:
            text = text.removeprefix(BYTE_ORDER_MARK)
        if text.strip():
            yield number, object_of_line(text, stream.label, number)


class _Objects:
    """Objects over any number of lines: in one array, or one after another."""

    def __init__(self, stream: ByteStream, in_array: bool) -> None:
        self._stream = stream
        self._in_array = in_array
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._text, self._at = "", 0
        self._line, self._column = 1, 1

    def read(self) -> Iterator[Located]:
        if self._in_array:
            self._next_sign()
            self._skip(1)
        sign = self._next_sign()
        while sign and not (self._in_array and sign == "]"):
            line, found = self._line, self._one()
            if not isinstance(found, dict):
                self._fault(f"Every item must be an object. {HOW_TO_WRITE}")
            yield line, found
            sign = self._next_sign()
            if self._in_array and sign == ",":
                self._skip(1)
                sign = self._next_sign()
                if sign == "]":
                    self._fault("An item must follow the comma")
            elif self._in_array and sign not in ("", "]"):
                self._fault("A comma or the end of the array must follow an item")
        if self._in_array:
            if not sign:
                self._fault("The array has no end. The file may be truncated")
            self._skip(1)
            if self._next_sign():
                self._fault("Nothing may follow the end of the array")

    def _one(self) -> Any:
        """Parse the value that begins here, reading on until it is whole."""
        whole = False
        while True:
            try:
                found, end = _DECODER.raw_decode(self._text, self._at)
            except RecursionError:
                self._fault("It is nested too deeply")
            except ValueError as error:
                position = getattr(error, "pos", self._at)
                cut = position >= len(self._text) - _NEAR_END or "Unterminated" in str(error)
                if whole or not cut:
                    self._skip(max(position - self._at, 0))
                    self._fault(getattr(error, "msg", str(error)))
            else:
                # A number at the end may go on.
                if whole or end < len(self._text):
                    self._skip(end - self._at)
                    return found
            if len(self._text) - self._at > MAX_BYTES:
                raise too_long(self._stream.label, self._line)
            whole = not self._more()

    def _next_sign(self) -> str:
        """Go to the next character that is not blank; return it, nothing at the end."""
        while True:
            match = _BLANK.match(self._text, self._at)
            assert match is not None
            self._skip(match.end() - self._at)
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def _more(self) -> bool:
        """Read on; return False at the end."""
        block = self._stream.read(_READ_BYTES)
        try:
            text = self._decode(block, final=not block)
        except UnicodeDecodeError:
            self._fault(f"The text is not UTF-8. {NOT_UTF8.rstrip('.')}")
        self._text, self._at = self._text[self._at :] + text, 0
        return bool(block)

    def _skip(self, n: int) -> None:
        passed = self._text[self._at : self._at + n]
        lines = passed.count("\n")
        self._line += lines
        self._column = len(passed) - passed.rfind("\n") if lines else self._column + n
        self._at += n

    def _fault(self, problem: str) -> NoReturn:
        text = self._text[self._at : self._at + 200].partition("\n")[0]
        _refuse(problem, self._stream.label, self._line, self._column, text)


def too_long(file: str, line: int) -> DataError:
    """Return the error for an object that is longer than may be."""
    return DataError(
        f"{file}, line {line}: an object may take {MAX_BYTES >> 20} MB, and this one is longer. "
        f"{HOW_TO_WRITE}"
    )


HOW_TO_WRITE = (
    "Write one object per row and line: pandas' to_json(orient='records', lines=True), polars' "
    "write_ndjson, or jq -c '.[]'."
)


def _refuse(problem: str, file: str, line: int, column: int, text: str) -> NoReturn:
    raise TextFormatError(
        f"{problem.rstrip('.')}. The file is read as JSON lines, one object per line.",
        file=file,
        line=line,
        column=column,
        text=shorten(text.strip()),
    )


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(key for key, _ in pairs)
        repeated = next(key for key, count in counts.items() if count > 1)
        raise ValueError(f"The key {repeated!r} stands twice in one object")
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_without_repeats)
