"""Whole numbers: whether those of a column name things, as ids and codes do, or measure something.

What is measured lies close together, and is about as frequent as its neighbours, more in the middle
and less at the ends: there are as many people of 41 as of 42, and few of 90. What names something
leaves gaps between its numbers, or is frequent regardless of them: shop 41 may have a hundred times
as many customers as shop 42, or all of them may have the same. This shows in the values and how
often each occurs, whatever the order of the rows. Names of columns help: one that speaks of a
measure, such as "price", is believed.

`docs/design/decisions/0020-whole-numbers.md` has the figures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fieldfare._typing import AnyArray, Float64Array, Int64Array
from fieldfare.schema import column_names
from fieldfare.schema.calendar import LIKELY_SECONDS
from fieldfare.schema.column import Column

FEW = 32
_REPEATS = 2.0
_FILLED = 0.5
# Frequencies are compared where there is more to them than chance.
_COUNTED = 4.0
_RELATED = 0.3
_CHANCE = 1.5
_NEIGHBOURS = 8
_FAR = 1000.0
# Repeats of numbers so far apart that by chance there would be a hundredth of them.
_UNLIKELY = 100.0
_SOME = 0.02
# Of fewer rows, values that never repeat say nothing.
ROWS_OF_EVIDENCE = 200
# A column without a name enumerates things if there are so many, and this share of their range.
_MANY = 300
_THROUGH = 0.6
# How far from the median the largest number is, in interquartile ranges: 3 for a normal
# distribution, 8 for an exponential one.
_HEAVY = 5.0


@dataclass(frozen=True)
class WholeNumbers:
    """What a sample of a column of whole numbers is like.

    Parameters
    ----------
    n_rows, n_values : int
        How many cells hold a number, and how many different ones there are.
    low, high : float
        The smallest and the largest.
    filled : float in (0, 1]
        Share of the numbers that occur, out of those that could, in the densest stretch that holds
        half of the different values. Numbers that are all multiples of 100, say, could be any
        multiple.
    by_chance : float
        How many repeats there would be if numbers were spread evenly over such stretches.
    repeats : float
        How often a value occurs on average, the most frequent one left aside.
    related : float in [-1, 1]
        Rank correlation of the frequencies of values that are neighbours.
    dispersion : float
        Variance of the frequencies divided by their mean: 1 where chance alone makes them differ.
    reach : float
        Distance of the farthest number from the median, in interquartile ranges.
    """

    n_rows: int
    n_values: int
    low: float
    high: float
    filled: float = 1.0
    by_chance: float = 0.0
    repeats: float = 0.0
    related: float = 1.0
    dispersion: float = 0.0
    reach: float = 0.0

    @classmethod
    def of(cls, numbers: AnyArray) -> WholeNumbers:
        """Return what whole numbers, of any integer or float type, are like; at least one."""
        values, counts = np.unique(numbers, return_counts=True)
        n_rows, n_values = len(numbers), len(values)
        low, high = float(values[0]), float(values[-1])
        if n_values == 1:
            return cls(n_rows, 1, low, high)
        places = _places(values)
        half = (n_values + 1) // 2
        stretch = float((places[half - 1 :] - places[: n_values - half + 1]).min()) + 1
        first, median, third = np.quantile(numbers.astype(np.float64), (0.25, 0.5, 0.75))
        reach = max(high - median, median - low) / (third - first) if third > first else np.inf
        return cls(
            n_rows,
            n_values,
            low,
            high,
            filled=half / stretch,
            by_chance=n_rows**2 / (4 * stretch),
            repeats=(n_rows - int(counts.max())) / (n_values - 1),
            related=_related(places, counts),
            dispersion=float(counts.var() / counts.mean()),
            reach=float(reach),
        )

    @property
    def has_gaps(self) -> bool:
        """Whether values repeat although there are gaps between them."""
        if self.repeats >= _REPEATS and self.filled < _FILLED:
            return True
        again = self.n_rows - self.n_values
        return again >= max(_SOME * self.n_rows, _UNLIKELY * self.by_chance)

    @property
    def stand_alone(self) -> bool:
        """Whether values are frequent regardless of their neighbours, or all alike."""
        alone = self.related < _RELATED or self.dispersion < _CHANCE
        return alone and self.repeats >= _COUNTED

    @property
    def is_far(self) -> bool:
        """Whether values repeat and lie, close together, far away from zero."""
        nearest = min(abs(self.low), abs(self.high))
        return self.repeats >= _REPEATS and nearest > _FAR * (self.high - self.low + 1)

    @property
    def enumerate_things(self) -> bool:
        """Whether values are many, recur, and hardly leave a number out from 0 or 1 on."""
        share = self.n_values / (self.high - self.low + 1)
        return (
            self.low in (0, 1)
            and self.n_values >= _MANY
            and share >= _THROUGH
            and self.repeats >= _COUNTED
        )

    @property
    def signs_of_codes(self) -> str:
        """What shows that they name things, in words; empty if nothing does."""
        if self.has_gaps:
            return "with gaps between them although they repeat"
        if self.is_far:
            return "far from zero compared with their range"
        if not self.stand_alone:
            return ""
        if self.dispersion < _CHANCE:
            return "all about equally frequent"
        return "frequent or rare regardless of their neighbours"

    @property
    def may_be_times(self) -> bool:
        """Whether they may be seconds since 1970, or thousandths of them and so on."""
        first, last = LIKELY_SECONDS
        return any(
            first * unit <= self.low <= self.high <= last * unit for unit in (1, 1e3, 1e6, 1e9)
        )

    @property
    def never_repeats(self) -> bool:
        """Whether there are many rows, with a number of its own in each."""
        return self.n_rows == self.n_values >= ROWS_OF_EVIDENCE

    @property
    def counts_rows(self) -> bool:
        """Whether numbers never repeat where chance would repeat some, as numbers of rows do."""
        return self.never_repeats and self.by_chance >= 10

    @property
    def is_heavy(self) -> bool:
        """Whether some numbers are far beyond most of them."""
        return self.reach > _HEAVY

    def __str__(self) -> str:
        return (
            f"{self.n_values:,} different whole numbers in {_shown(self.low)}..{_shown(self.high)}"
        )


@dataclass(frozen=True)
class Judgement:
    """What a column of whole numbers is taken for.

    Parameters
    ----------
    column : Column
    why : str
        In a few words, for `fieldfare.inspect`.
    note : str
        The decision in a line, if a user may want to overrule it; else empty.
    identifies : bool
        Whether the values look like numbers of the rows.
    """

    column: Column
    why: str
    note: str = ""
    identifies: bool = False


def judge(name: str, numbers: WholeNumbers, *, complete: bool = False) -> Judgement:
    """Return what a column is taken for.

    Parameters
    ----------
    name : str
        Name of the column.
    numbers : WholeNumbers
        What is known of its values.
    complete : bool
        Whether that is all rows of the table, so that what never repeats will not.
    """
    role = column_names.role_of(name)
    category = Column(name, "categorical", role=role)
    number = Column(name, "numeric", role=role)
    if numbers.never_repeats and role is None and column_names.names_identifiers(name):
        why = f"{numbers}, a different one in each row"
        if complete:
            note = (
                f"Column {name!r} identifies rows, with {why}: ignored. To keep it, say "
                f"categorical=[{name!r}]."
            )
            return Judgement(Column(name, "ignore"), f"{why}: it identifies rows", note)
        return Judgement(category, f"{why}; by its name an identifier")
    if column_names.names_things(name):
        return Judgement(category, f"{numbers}; by its name they name something")
    if numbers.n_values <= FEW:
        return Judgement(category, str(numbers))
    if column_names.names_a_measure(name) or numbers.may_be_times:
        return _measure(number, numbers, "; by its name a measure")
    signs = numbers.signs_of_codes
    if not signs and numbers.enumerate_things and column_names.says_nothing(name):
        # Popular things often have the low numbers, which then look like frequent small measures.
        signs = "numbered through, in a column without a name"
    if signs:
        found = f"{numbers}, {signs}"
        note = (
            f"Column {name!r} holds {found}: taken for categories. If they are numbers, say "
            f"numeric=[{name!r}]."
        )
        return Judgement(category, f"{found}: codes", note)
    return _measure(number, numbers)


def _measure(number: Column, numbers: WholeNumbers, because: str = "") -> Judgement:
    if numbers.is_heavy:
        why = f"{numbers}, some far beyond most of them{because}"
        return Judgement(number.change(transform="quantile"), why)
    note = ""
    if numbers.counts_rows and not because:
        because = ", a different one in each row, as numbers of rows are"
        note = (
            f"Column {number.name!r} holds {numbers}{because}: taken for a number. If it says "
            f"nothing about other rows, say ignore=[{number.name!r}]."
        )
    return Judgement(number, f"{numbers}{because}", note, identifies=bool(note))


def _shown(number: float) -> str:
    """Return a whole number in few letters."""
    return f"{number:.0f}" if abs(number) < 1e7 else f"{number:.3g}"


def _places(values: AnyArray) -> AnyArray:
    """Return the distance of each value from the first, counted in their common divisor."""
    if values.dtype.kind == "f":
        # What floats of this size leave out is not a gap.
        steps = np.diff(values).clip(max=2.0**62).astype(np.uint64)
    else:
        # Differences of 64-bit numbers may need all 64 bits.
        wide = np.uint64 if values.dtype.kind == "u" else np.int64
        steps = np.diff(values.astype(wide)).view(np.uint64)
    steps //= np.gcd.reduce(steps)
    # Exact for integers, whose range fits into 64 bits; that of floats need not.
    exact = np.float64 if values.dtype.kind == "f" else np.uint64
    return np.concatenate([np.zeros(1, exact), np.cumsum(steps, dtype=exact)])


def _related(places: AnyArray, counts: Int64Array) -> float:
    """Return how the frequencies of neighbouring values agree; see `WholeNumbers`."""
    near = np.diff(places) <= 2
    if near.sum() < _NEIGHBOURS:
        return 1.0
    ranks = _ranks(counts)
    first, second = ranks[:-1][near], ranks[1:][near]
    if first.std() == 0 or second.std() == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def _ranks(counts: Int64Array) -> Float64Array:
    """Return the rank of each count; equal ones share the mean of theirs."""
    _, inverse, sizes = np.unique(counts, return_inverse=True, return_counts=True)
    last = np.cumsum(sizes)
    ranks: Float64Array = (last - (sizes - 1) / 2)[inverse]
    return ranks
