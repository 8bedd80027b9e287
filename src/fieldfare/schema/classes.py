"""Classes: the distinct values of a target that is not a number."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from fieldfare._optional import require
from fieldfare.exceptions import DataWarning
from fieldfare.schema.canonical import dictionary, parse_number
from fieldfare.schema.missing import OF_TARGETS
from fieldfare.sources.batch import Batch, SourceLocation, shorten

MAX_CLASSES = 10_000
_FEW = 32


class Classes:
    """Collects the classes of a target that is not a number."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seen: set[str] = set()
        self.too_many = False
        self.word: tuple[SourceLocation, int, str] | None = None

    def update(self, batch: Batch) -> None:
        """Take in the targets of the next rows.

        Raises
        ------
        DataError
            If there are more distinct values than classes are allowed, and one is not a number.
        """
        array = batch.data.column(self.name)
        if str(array.type) in _NUMERIC_TYPES:
            return
        codes, uniques = dictionary(array, OF_TARGETS)
        if self.word is None and (code := _first_word(uniques)) is not None:
            row = int(np.argmax(codes == code))
            self.word = batch.location, row, uniques[code].as_py()
        if not self.too_many:
            self.seen.update(text for text in uniques.to_pylist() if text is not None)
            self.too_many = len(self.seen) > MAX_CLASSES
        if self.too_many:
            self.seen.clear()
            if self.word is not None:
                location, row, word = self.word
                raise location.error(
                    row,
                    self.name,
                    f"with targets that are not numbers, each distinct value is a class: at most "
                    f"{MAX_CLASSES} classes are possible, and there are more.",
                    word,
                )

    def finish(self, n_rows: int) -> tuple[str, ...] | None:
        """Return the sorted classes, or ``None`` if the targets of these rows are numbers.

        Classes that hardly ever come back are more likely prices, dates or names: a warning.
        """
        if self.word is None:
            return None
        classes = tuple(sorted(self.seen))
        if len(classes) > max(_FEW, n_rows / 2):
            warnings.warn(
                DataWarning(
                    f"The target {self.name!r} holds {len(classes):,} different texts in "
                    f"{n_rows:,} rows, such as {shorten(classes[0])!r}, and each is a class of its "
                    "own. If they are numbers, write them as 1234.5; if they are dates or names, "
                    "another column may be the target."
                ),
                stacklevel=2,
            )
        return classes


def _first_word(texts: Any) -> int | None:
    """Return the place of the first text that stands for no number, ``None`` if all do."""
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    try:
        pc.cast(texts, pa.float64())
    except pa.ArrowInvalid:
        words = (i for i, text in enumerate(texts.to_pylist()) if parse_number(text) is None)
        return next(words, None)
    return None


_NUMERIC_TYPES = frozenset(
    [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
    + ["float", "double", "halffloat"]
)
