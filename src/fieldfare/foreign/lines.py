"""Lines of text models: every fault names its line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NoReturn

import numpy as np

from fieldfare._typing import Float64Array, PathLike
from fieldfare.exceptions import ModelFileError

_SHOWN = 60


class Lines:
    """The lines of a text file, read one after another.

    Parameters
    ----------
    path : path

    Raises
    ------
    ModelFileError
        If it is not ASCII text.
    """

    def __init__(self, path: PathLike) -> None:
        with open(path, "rb") as file:
            data = file.read()
        if b"\0" in data or not data.isascii():
            raise ModelFileError("The file is not a text model: it holds bytes that are not text.")
        self._lines = data.decode("ascii").splitlines()
        self.at = 0

    def __iter__(self) -> Iterator[str]:
        while self.at < len(self._lines):
            yield self.take("a line")

    @property
    def left(self) -> int:
        """How many lines are left."""
        return len(self._lines) - self.at

    @property
    def ahead(self) -> str | None:
        """The next line; None at the end."""
        return self.peek(0)

    def peek(self, places: int) -> str | None:
        """Return the line that is some places ahead; None after the end."""
        return self._lines[self.at + places] if places < self.left else None

    def take(self, wanted: str) -> str:
        """Return the next line.

        Raises
        ------
        ModelFileError
            If there is none.
        """
        if not self.left:
            raise ModelFileError(
                f"The file ends after line {self.at}, where {wanted} was expected: it is cut short."
            )
        self.at += 1
        return self._lines[self.at - 1]

    def refuse(self, wanted: str) -> NoReturn:
        """Refuse the line that was taken last."""
        text = self._lines[self.at - 1]
        shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
        raise ModelFileError(f"Line {self.at} must be {wanted}. Found {shown!r}.")

    def after(self, word: str, text: str, wanted: str) -> str:
        """Return what follows a word at the start of the line that was taken last."""
        if not text.startswith(word):
            self.refuse(wanted)
        return text[len(word) :]

    def integer(self, text: str, wanted: str, most: int = 2**31 - 1) -> int:
        """Return a whole number of the line that was taken last, not negative."""
        text = text.strip()
        if not text.isdigit() or len(text) > 10 or int(text) > most:
            self.refuse(wanted)
        return int(text)

    def numbers(self, words: Sequence[str], n: int | None, wanted: str) -> Float64Array:
        """Return the numbers that words of the line that was taken last stand for."""
        if n is not None and len(words) != n:
            self.refuse(wanted)
        try:
            found: Float64Array = np.array(words, np.str_).astype(np.float64)
        except ValueError:
            self.refuse(wanted)
        if not np.isfinite(found).all():
            self.refuse(wanted)
        return found

    def end(self) -> None:
        """Refuse lines that are left, other than blank ones."""
        for text in self:
            if text.strip():
                self.refuse("the end of the file")
