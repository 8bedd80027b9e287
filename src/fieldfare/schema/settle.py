"""Settling: what a column was taken for after its first rows, held against all rows.

Inference looks at the first rows. The pass over all rows, in which a Schema is fitted, collects
what would have been decided had they all been looked at, so that the outcome does not depend on
their order: whole numbers that get fractions, texts among numbers, values in a column that began
without any. Where the kind turns out to be another, the column is fitted once more.

Only guesses are settled. A kind that was stated stays, and a cell that does not fit it is an error.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from fieldfare._optional import require
from fieldfare._typing import Float64Array
from fieldfare.exceptions import DataWarning
from fieldfare.schema.calendar import DATED, DAY
from fieldfare.schema.canonical import OddText, read_numbers, refuse_infinite
from fieldfare.schema.classes import Classes
from fieldfare.schema.column import Column
from fieldfare.schema.fit import (
    Fitted,
    Fitter,
    Learned,
    Moments,
    Quantiles,
    ValueCounts,
    accumulate,
    make_fitter,
    number_columns,
)
from fieldfare.schema.free_text import judge_texts
from fieldfare.schema.infer import BAR, are_many_bars, has_bar, judge_numbers, looks_numeric
from fieldfare.schema.moments import moments_of
from fieldfare.schema.odd import OddTexts, Verdict, with_kind
from fieldfare.schema.whole_numbers import Judgement
from fieldfare.sources.arrow import array_of, is_string
from fieldfare.sources.batch import SourceLocation
from fieldfare.sources.source import Table

_MOST_VALUES = 1_000_000
_MOST_CELLS = 10_000_000
_SETTLED = ("kind", "separator", "transform")


class Guess(Fitter, Protocol):
    """Fits a column as what it was taken for, and collects what tells whether that was right."""

    def verdict(self) -> Verdict:
        """Return what all rows say that the column is."""


def learn_guessed(
    columns: Sequence[Column],
    guessed: Collection[str],
    target: Classes | None,
    table: Table,
    n_threads: int | None = None,
) -> Learned:
    """Settle and learn columns, some of which were guessed.

    Parameters
    ----------
    columns : sequence of Column
    guessed : collection of str
        Names of those whose kind was inferred from the first rows.
    target : Classes or None
    table : Table
        That can be read twice.
    n_threads : int or None
        As for `fieldfare.schema.columnwise.each`.
    """
    fitters = [
        _guess(column, table) if column.name in guessed else make_fitter(column)
        for column in columns
    ]
    n_rows = accumulate(columns, fitters, target, table.batches(), n_threads)
    settled = [_verdict(column, fitter) for column, fitter in zip(columns, fitters, strict=True)]
    changed = [
        i
        for i, (old, new) in enumerate(zip(columns, settled, strict=True))
        if any(getattr(new.column, name) != getattr(old, name) for name in _SETTLED)
    ]
    if changed:
        again: list[Fitter | None] = [None] * len(columns)
        for i in changed:
            again[i] = fitters[i] = _guess(settled[i].column, table)
        kinds = [verdict.column for verdict in settled]
        accumulate(kinds, again, None, table.batches(), n_threads)
        for i in changed:
            second = _verdict(kinds[i], fitters[i])
            settled[i] = Verdict(
                replace(second.column, kind=kinds[i].kind),
                settled[i].warning or second.warning,
                settled[i].note,
            )
    for verdict in settled:
        if verdict.warning:
            warnings.warn(DataWarning(verdict.warning), stacklevel=2)
    final = tuple(verdict.column for verdict in settled)
    fitters = [f if c.is_feature else None for c, f in zip(final, fitters, strict=True)]
    notes = tuple(verdict.note for verdict in settled if verdict.note)
    return Learned(final, number_columns(fitters), n_rows, notes)


def _verdict(column: Column, fitter: Fitter | None) -> Verdict:
    if isinstance(fitter, (GuessedNumbers, GuessedValues, GuessedDates)):
        return fitter.verdict()
    return Verdict(column)


def _guess(column: Column, table: Table) -> Guess:
    if column.kind == "datetime":
        return GuessedDates(column)
    if column.kind == "numeric":
        return GuessedNumbers(column)
    return GuessedValues(column, untyped=table.untyped or column.name in table.mixed)


class GuessedNumbers:
    """A column that was taken for numbers."""

    def __init__(self, column: Column) -> None:
        inner = make_fitter(column)
        assert isinstance(inner, (Moments, Quantiles))
        self._column, self._inner = column, inner
        self._whole = WholeValues()
        self._odd = OddTexts()
        self._n = 0

    def update(self, array: Any, location: SourceLocation) -> None:
        """Take in the next rows."""
        x, odd = read_numbers(array, self._column.name, self._column.marks)
        refuse_infinite(x, array, location, self._column.name)
        self._odd.add(odd, location.place)
        self._inner.take(x)
        present = x[~np.isnan(x)]
        self._n += len(present)
        self._whole.add(present)

    def finish(self, missing: int) -> Fitted:
        """Return what was learned, with ids from ``missing``; odd texts are missing."""
        return self._inner.finish(missing)

    def verdict(self) -> Verdict:
        """Return what all rows say that the column is."""
        judged = None
        if self._n and (cells := self._whole.cells()) is not None:
            judged = judge_numbers(self._column.name, array_of(cells))
        return _settled(self._column, judged, self._odd, self._n, otherwise="numeric")


class GuessedValues:
    """A column that was taken for categories, several values or text, or that had no value."""

    def __init__(self, column: Column, *, untyped: bool) -> None:
        self._column, self._untyped = column, untyped
        self._inner = ValueCounts(with_kind(column, "categorical") if _is_empty(column) else column)
        # Of a text, the cells are counted besides the words: they tell whether it is one.
        is_text = column.kind == "text"
        self._whole = ValueCounts(with_kind(column, "categorical")) if is_text else self._inner
        self._n_cells = self._n_bars = 0
        self._holds_texts = False

    def update(self, array: Any, location: SourceLocation) -> None:
        """Take in the next rows."""
        pa = require("pyarrow", "tables")
        kind = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
        self._holds_texts |= is_string(kind)
        if self._column.kind == "multi" and self._holds_texts:
            cells = array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
            cells = self._column.marks.without(cells).drop_null()
            self._n_cells += len(cells)
            self._n_bars += int(has_bar(cells).sum())
        self._inner.update(array, location)
        if self._whole is not self._inner:
            self._whole.update(array, location)

    def finish(self, missing: int) -> Fitted:
        """Return what was learned, with ids from ``missing``."""
        return self._inner.finish(missing)

    def verdict(self) -> Verdict:
        """Return what all rows say that the column is."""
        column = self._column
        if column.kind == "multi":
            return Verdict(column if self._many_bars() else with_kind(column, "categorical"))
        words, counts = self._whole.counted()
        if not len(words):
            return self._without_values()
        column = with_kind(column, "categorical")
        if self._holds_texts:
            self._n_cells, self._n_bars = int(counts.sum()), int(counts[has_bar(words)].sum())
            if self._many_bars():
                return Verdict(column.change(kind="multi", separator=BAR))
            if not self._untyped or not looks_numeric(words, counts):
                free = judge_texts(column.name, words, counts)
                if free is None:
                    return Verdict(column)
                return Verdict(with_kind(column, "text"), note=free.note)
        x, found = read_numbers(words, column.name, column.marks)
        odd = OddTexts()
        odd.add([OddText(text.text, int(counts[text.row]), text.row) for text in found])
        present = ~np.isnan(x) & np.isfinite(x)
        n = int(counts[present].sum())
        cells = _repeated(x[present], counts[present])
        judged = judge_numbers(column.name, array_of(cells)) if n else None
        return _settled(column, judged, odd, n, otherwise="categorical")

    def _many_bars(self) -> bool:
        return are_many_bars(self._n_bars, self._n_cells)

    def _without_values(self) -> Verdict:
        column = self._column
        if not _is_empty(column):
            return Verdict(column)
        return Verdict(column, f"Column {column.name!r} is ignored: it has no values.")


class GuessedDates:
    """A column of dates, the first of which had no time of day."""

    def __init__(self, column: Column) -> None:
        self._column = column
        self._first_time = ""

    def update(self, array: Any, location: SourceLocation) -> None:
        """Take in the next rows."""
        if self._first_time:
            return
        moments = moments_of(array, self._column.date_format, self._column.marks)
        timed = (moments.state == DATED) & (moments.ticks % DAY != 0)
        if timed.any():
            self._first_time = location.place(int(np.argmax(timed)))

    def finish(self, missing: int) -> Fitted:
        """Return that a column of dates is no feature itself."""
        return Fitted(missing, 0)

    def verdict(self) -> Verdict:
        """Return the column as it is, and say what is lost."""
        if not self._first_time:
            return Verdict(self._column)
        name, parts = self._column.name, ("hour", *(self._column.parts or ()))
        return Verdict(
            self._column,
            f"Column {name!r}: {self._first_time} and others have a time of day, and the first "
            f"rows have none, so that it is not used. schema.edit({name!r}, parts={parts}) uses "
            "the hour.",
        )


class WholeValues:
    """The distinct whole numbers of a column and how often each occurs, while all are whole."""

    def __init__(self) -> None:
        self._parts: list[tuple[Float64Array, Any]] = []
        self._n_loose = self._n_merged = 0
        self._are_whole = True

    def add(self, x: Float64Array) -> None:
        """Take in the numbers of the next rows."""
        if not self._are_whole:
            return
        self._are_whole = bool((np.floor(x) == x).all())
        if not self._are_whole:
            self._parts = []
            return
        values, counts = np.unique(x, return_counts=True)
        self._parts.append((values, counts))
        self._n_loose += len(values)
        if self._n_loose > max(2 * self._n_merged, 1 << 18):
            self._merge()
            self._are_whole &= self._n_merged <= _MOST_VALUES
        if not self._are_whole:
            self._parts = []

    def _merge(self) -> None:
        values, places = np.unique(np.concatenate([p[0] for p in self._parts]), return_inverse=True)
        counts = np.bincount(places, np.concatenate([p[1] for p in self._parts]))
        self._parts = [(values, counts.astype(np.int64))]
        self._n_loose = self._n_merged = len(values)

    def cells(self) -> Float64Array | None:
        """Return all cells in order of size; ``None`` if one was no whole number."""
        if not self._are_whole or not self._parts:
            return None
        self._merge()
        return _repeated(*self._parts[0])


def _repeated(values: Float64Array, counts: Any) -> Float64Array:
    """Return each value as often as it occurs, all proportionally fewer if that is very often."""
    fewer = max(1.0, counts.sum() / _MOST_CELLS) if len(counts) else 1.0
    return np.repeat(values, np.maximum(1, counts // fewer).astype(np.int64))


def _settled(
    column: Column, judged: Judgement | None, odd: OddTexts, n_numbers: int, *, otherwise: str
) -> Verdict:
    """Return what a column of numbers and odd texts is, the numbers being judged if they can be."""
    kind = otherwise if judged is None else judged.column.kind
    found = odd.verdict(column, kind, n_numbers)
    if judged is None or found.column.kind != kind:
        return found
    if judged.column.transform == "quantile":
        found = replace(found, column=found.column.change(transform="quantile"))
    return replace(found, note=judged.note)


def _is_empty(column: Column) -> bool:
    return column.kind == "ignore"
