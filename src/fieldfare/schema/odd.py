"""Odd texts: what stands in a column of numbers and is none, and what that makes of the column.

A column of numbers with a few odd texts stays one. The texts become marks of missing of that
column, so that they mean the same in later data, and a warning names them. "Few" are at most three
different texts in a quarter of the cells, as a program writes that has words of its own for what is
missing; or 20 in 5 % of the cells; or 1,000 in 1 %, as people write who make mistakes. With more,
all cells are categories, and a warning says so. Whole numbers that would be categories stay
categories, and the texts among them are more of these.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from fieldfare.schema.canonical import OddText
from fieldfare.schema.column import Column
from fieldfare.sources.batch import shorten

# At most so many different texts, in at most this share of the cells.
_FEW = ((3, 0.25), (20, 0.05), (1000, 0.01))
_SHOWN = 5
# Of fewer cells that are numbers nobody would expect a column of numbers.
NUMERIC_SHARE = 0.75


@dataclass(frozen=True)
class Verdict:
    """What a column is, judged by all rows, and what is to be said about it."""

    column: Column
    warning: str = ""
    note: str = ""


def are_few(n_texts: int, n_odd: int, n_cells: int) -> bool:
    """Whether so many different odd texts, in so many of the cells, are few."""
    return any(n_texts <= most and n_odd <= share * n_cells for most, share in _FEW)


class OddTexts:
    """Collects the odd texts of a column, batch by batch."""

    def __init__(self) -> None:
        self.n = 0
        self.places: dict[str, str] = {}
        self.counts: dict[str, int] = {}

    def add(self, found: Sequence[OddText], place: Callable[[int], str] | None = None) -> None:
        """Take in the odd texts of a batch; ``place`` names one of its rows."""
        for odd in sorted(found, key=lambda text: text.row):
            self.n += odd.times
            if odd.text not in self.counts and place is not None and len(self.places) < _SHOWN:
                self.places[odd.text] = place(odd.row)
            if odd.text in self.counts or len(self.counts) <= _FEW[-1][0]:
                self.counts[odd.text] = self.counts.get(odd.text, 0) + odd.times

    def verdict(self, column: Column, kind: str, n_numbers: int) -> Verdict:
        """Return what a column is that holds numbers besides these texts.

        Parameters
        ----------
        column : Column
            As it was inferred.
        kind : str
            What the numbers alone would be.
        n_numbers : int
            How many cells hold numbers.
        """
        n_cells = n_numbers + self.n
        if not self.n:
            return Verdict(with_kind(column, kind))
        if kind != "numeric" or n_numbers < NUMERIC_SHARE * n_cells:
            return Verdict(with_kind(column, "categorical"))
        name = column.name
        some = f"Column {name!r}: {self.n:,} of {n_cells:,} cells are not numbers ({self._shown()})"
        if are_few(len(self.counts), self.n, n_cells):
            marks = (*sorted(column.marks.words - {""}), *sorted(self.counts))
            return Verdict(
                replace(with_kind(column, "numeric"), na_values=marks),
                f"{some} and count as missing, here and in later data. If that is right, "
                f"na_values={{{name!r}: [...]}} says so; if all cells are categories, "
                f"categorical=[{name!r}].",
            )
        return Verdict(
            with_kind(column, "categorical"),
            f"{some}, so that all cells are categories. If that is right, categorical=[{name!r}] "
            f"says so; if these cells are missing, na_values={{{name!r}: [...]}} with all of them.",
        )

    def _shown(self) -> str:
        texts = list(self.counts)[:_SHOWN]
        shown = [
            f"{shorten(text)!r}"
            + (f" first in {self.places[text]}" if text in self.places else "")
            + (f", {count:,} times" if (count := self.counts[text]) > 1 else "")
            for text in texts
        ]
        more = len(self.counts) - len(texts)
        return "; ".join(shown) + (f"; {more:,} other texts" if more else "")


def with_kind(column: Column, kind: str) -> Column:
    """Return a column of another kind, as inferred: without what only its old kind has."""
    if column.kind == kind:
        return column
    return column.change(kind=kind, separator=None, transform="standardize")
