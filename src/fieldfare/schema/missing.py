r"""Marks of missing: the texts that stand for a value that is not there.

Programs write a missing value in many ways: pandas ``NaN``, R ``NA``, MySQL and Hive ``\N``, SAS
``.``, the UCI archive ``?``, spreadsheets ``#N/A``, data base clients ``<null>``. All of them mean
the same here, in every kind of column and from every source. Blanks around a mark do not matter;
its spelling does, so that the name "Nan" stays a name. An empty or blank cell is always missing.

As a category, a missing value has an id of its own, so that little is lost if a mark was a value
after all. A column in which one of them must stay a value says so with ``na_values``.

A target is different, because a row without a target is refused: there "none" and "-" are classes
like others, as are "+" and "-" in many files.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from fieldfare._optional import require
from fieldfare._typing import Float64Array
from fieldfare.sources.arrow import FEW, scalar_of, texts_of
from fieldfare.sources.cells import MISSING

_BLANKS = " \t\n\v\f\r"
_POSSIBLE_CLASSES = ("none", "None", "NONE", "-", "--")


@dataclass(frozen=True)
class Marks:
    """The texts, without blanks around them, that mean *missing* in a column.

    Parameters
    ----------
    words : frozenset of str
        Holds the empty text in any case.
    """

    words: frozenset[str]

    @staticmethod
    def of(texts: Iterable[str]) -> Marks:
        """Return the marks of exactly these texts and the empty one."""
        return Marks(frozenset(("", *(text.strip(_BLANKS) for text in texts))))

    def mean(self, text: str) -> bool:
        """Whether a text stands for a missing value."""
        return text.strip(_BLANKS) in self.words

    @cached_property
    def numbers(self) -> tuple[float, ...]:
        """The marks that are numbers, such as -999."""
        return tuple(sorted(x for word in self.words if (x := _number(word)) is not None))

    def without(self, array: Any) -> Any:
        """Return an Arrow array of texts with nulls for those that stand for missing values."""
        pc = require("pyarrow.compute", "tables")
        if len(array) <= FEW and not any(t is not None and self.mean(t) for t in array.to_pylist()):
            return array
        found = pc.is_in(pc.ascii_trim_whitespace(array), value_set=_arrow_words(self, array.type))
        if not pc.any(found).as_py():
            return array
        return pc.if_else(found, scalar_of(None, array.type), array)

    def without_numbers(self, x: Float64Array) -> Float64Array:
        """Return numbers with NaN for those that stand for missing values."""
        if not self.numbers:
            return x
        return np.where(np.isin(x, self.numbers), np.nan, x)


STANDARD = Marks.of(MISSING)
NOTHING = Marks.of(())  # only empty cells are missing
# A row without a target is refused, and these may well be classes.
OF_TARGETS = Marks(STANDARD.words - set(_POSSIBLE_CLASSES))


@lru_cache(maxsize=256)
def _arrow_words(marks: Marks, kind: Any) -> Any:
    return texts_of(sorted(marks.words)).cast(kind)


def _number(word: str) -> float | None:
    try:
        x = float(word)
    except ValueError:
        return None
    return x if np.isfinite(x) and "_" not in word else None
