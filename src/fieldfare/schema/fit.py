"""Fitting: what a column's values were, learned batch by batch.

Every accumulator gives the same result however the rows were cut into batches.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np

from fieldfare._optional import require
from fieldfare._typing import AnyArray, Float64Array, Int64Array
from fieldfare.exceptions import SchemaError
from fieldfare.schema.canonical import (
    dictionary,
    log2_texts,
    numbers,
    split_cells,
)
from fieldfare.schema.classes import Classes
from fieldfare.schema.column import Column
from fieldfare.schema.columnwise import each
from fieldfare.schema.derive import with_parts
from fieldfare.schema.vocabulary import Vocabulary, hash64
from fieldfare.sources.arrow import array_of, numpy_of, texts_of
from fieldfare.sources.batch import Batch, SourceLocation, require_columns

_BLOCK = 65536
_QUANTILE_SAMPLE = 1_000_000


@dataclass(frozen=True, eq=False)
class Fitted:
    """What was learned of one column, and the feature ids it owns.

    Its first ``size`` ids are consecutive from ``missing``: the missing id, the unknown id if there
    is a vocabulary, then values, bins, buckets or the one numeric feature. Ids of values that came
    later (`Schema.extend`) lie elsewhere and are known to the vocabulary alone.
    """

    missing: int
    size: int
    n_missing: int = 0
    n_unknown: int = 0
    vocabulary: Vocabulary | None = None
    mean: float = 0.0
    scale: float = 1.0
    edges: Float64Array | None = None
    counts: Int64Array | None = None

    @property
    def unknown(self) -> int:
        """Id of values that the vocabulary does not hold."""
        return self.missing + 1

    @property
    def first(self) -> int:
        """Id of the first value, bin or bucket."""
        return self.missing + (2 if self.vocabulary is not None else 1)


class Learned(NamedTuple):
    """Columns, what was learned of each, from how many rows, and what to say about guesses."""

    columns: tuple[Column, ...]
    fitted: tuple[Fitted | None, ...]
    n_rows: int
    notes: tuple[str, ...] = ()


def learn(
    columns: Sequence[Column],
    classes: Classes | None,
    batches: Iterable[Batch],
    n_threads: int | None = None,
) -> Learned:
    """Learn all columns, and the classes of the target."""
    fitters = [make_fitter(column) for column in columns]
    n_rows = accumulate(columns, fitters, classes, batches, n_threads)
    return Learned(tuple(columns), number_columns(fitters), n_rows)


def accumulate(
    columns: Sequence[Column],
    fitters: Sequence[Fitter | None],
    classes: Classes | None,
    batches: Iterable[Batch],
    n_threads: int | None = None,
) -> int:
    """Show all batches to the accumulators of columns and target; return the number of rows."""
    n_rows = 0
    for batch in batches:
        n_rows += _update(columns, fitters, batch, n_threads)
        if classes is not None and classes.name in batch.data.schema.names:
            classes.update(batch)
    return n_rows


def number_columns(fitters: Sequence[Fitter | None]) -> tuple[Fitted | None, ...]:
    """Return what was learned of each column, with consecutive ids."""
    fitted: list[Fitted | None] = []
    next_id = 0
    for fitter in fitters:
        learned = None if fitter is None else fitter.finish(next_id)
        fitted.append(learned)
        next_id += 0 if learned is None else learned.size
    return tuple(fitted)


def learn_more(
    columns: Sequence[Column],
    fitted: Sequence[Fitted | None],
    next_id: int,
    batches: Iterable[Batch],
    n_threads: int | None = None,
) -> tuple[tuple[Fitted | None, ...], int]:
    """Give new values of vocabularies ids from ``next_id`` on; return also the number of rows."""
    fitters = [ValueCounts(column) if column.has_vocabulary else None for column in columns]
    n_rows = sum(_update(columns, fitters, batch, n_threads) for batch in batches)
    extended = list(fitted)
    for i, (fitter, old) in enumerate(zip(fitters, fitted, strict=True)):
        if fitter is None or old is None or old.vocabulary is None:
            continue
        new = fitter.extend(old, next_id)
        assert new.vocabulary is not None
        next_id += len(new.vocabulary) - len(old.vocabulary)
        extended[i] = new
    return tuple(extended), n_rows


def _update(
    columns: Sequence[Column],
    fitters: Sequence[Fitter | None],
    batch: Batch,
    n_threads: int | None,
) -> int:
    """Show a batch to the accumulators of all columns; return its number of rows."""
    fitted = [c for c, fitter in zip(columns, fitters, strict=True) if fitter is not None]
    batch = with_parts(columns, batch, fitted, n_threads)

    names = batch.data.schema.names
    there = frozenset(names)

    def update(column: Column, fitter: Fitter | None) -> None:
        if fitter is not None and column.name in there:
            fitter.update(batch.data.column(column.name), batch.location)

    require_columns((c.name for c in columns if c.is_feature and c.source is None), names)
    each(batch.data.num_rows, update, columns, fitters, n_threads=n_threads)
    return int(batch.data.num_rows)


def tokens_of(column: Column, array: Any, location: SourceLocation) -> tuple[Int64Array, Any]:
    """Return (codes, distinct texts as an Arrow array) of what a one-valued column looks up.

    Missing cells have the code ``len(texts)``, or a text that is null.
    """
    if column.kind == "numeric":
        codes, words = log2_texts(numbers(array, location, column.name, column.marks))
        return codes, texts_of(words)
    try:
        return dictionary(array, column.marks)
    except SchemaError as error:
        raise SchemaError(f"Column {column.name!r}: {error.args[0]}") from error


def split_weights(column: Column, words: Any) -> tuple[Any, list[str]]:
    """Cut ``rock:0.5`` into "rock" and "0.5"; without a weight the second is "1"."""
    mark = column.weight_separator
    if mark is None:
        return words, []
    parts = [word.rpartition(mark) for word in words.to_pylist()]
    names = [name if sep else rest for name, sep, rest in parts]
    return texts_of(names), [rest if sep else "1" for _, sep, rest in parts]


class Fitter(Protocol):
    """Learns one column."""

    def update(self, array: Any, location: SourceLocation) -> None:
        """Take in the next rows."""

    def finish(self, missing: int) -> Fitted:
        """Return what was learned, with ids from ``missing``."""


def make_fitter(column: Column) -> Fitter | None:
    """Return the accumulator that a column needs, ``None`` if it is not a feature itself."""
    if not column.is_feature:
        return None
    if column.has_vocabulary or column.is_hashed:
        return ValueCounts(column)
    if column.transform == "quantile":
        return Quantiles(column)
    return Moments(column)


class ValueCounts:
    """Counts of each value, for vocabularies and hashed columns."""

    def __init__(self, column: Column) -> None:
        self.column = column
        self.n_missing = 0
        self.parts: list[tuple[Any, Int64Array]] = []
        self.n_loose = 0
        self.n_merged = 0

    def update(self, array: Any, location: SourceLocation) -> None:
        column = self.column
        if column.kind in ("multi", "text"):
            codes, uniques, _, lengths = split_cells(
                array, column.separator, column.kind == "text", column.marks
            )
            words, _ = split_weights(column, uniques)
            self.n_missing += int((lengths == 0).sum())
        else:
            codes, words = tokens_of(column, array, location)
        seen = np.bincount(codes, minlength=len(words) + 1)
        absent = numpy_of(words.is_null())
        self.n_missing += int(seen[-1] + seen[:-1][absent].sum())
        keep = ~absent & (seen[:-1] > 0)
        if not keep.all():
            words = words.filter(array_of(keep))
        self.parts.append((words, seen[:-1][keep]))
        self.n_loose += len(words)
        if self.n_loose > max(1 << 20, self.n_merged):
            self.counted()

    def counted(self) -> tuple[Any, Int64Array]:
        """Merge what was seen; return the distinct texts (Arrow) and how often each occurs."""
        pa = require("pyarrow", "tables")
        if not self.parts:
            return texts_of([]), np.zeros(0, np.int64)
        if self.n_loose:
            # A look-up rather than Arrow's group_by, which brings along its query engine.
            words, counts = zip(*self.parts, strict=True)
            encoded = pa.concat_arrays(words).dictionary_encode()
            total = np.bincount(numpy_of(encoded.indices), np.concatenate(counts))
            self.parts = [(encoded.dictionary, total.astype(np.int64))]
            self.n_loose, self.n_merged = 0, len(total)
        return self.parts[0]

    def finish(self, missing: int) -> Fitted:
        words, counts = self.counted()
        if self.column.is_hashed:
            n = self.column.hash_buckets or 1
            buckets = (hash64(words) % np.uint64(n)).astype(np.int64)
            total = np.bincount(buckets, counts, minlength=n)
            return Fitted(missing, 1 + n, self.n_missing, counts=total.astype(np.int64))
        vocabulary, n_unknown = self._vocabulary(words, counts, missing + 2)
        return Fitted(missing, 2 + len(vocabulary), self.n_missing, n_unknown, vocabulary)

    def _vocabulary(self, words: Any, counts: Int64Array, first_id: int) -> tuple[Vocabulary, int]:
        """Number the texts seen often enough, most frequent first, ties by text."""
        pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
        often = counts >= self.column.min_count
        n_unknown = int(counts[~often].sum())
        if not often.all():
            words, counts = words.filter(array_of(often)), counts[often]
        table = pa.RecordBatch.from_arrays([words, array_of(counts)], ["text", "count"])
        order = pc.sort_indices(table, [("count", "descending"), ("text", "ascending")])
        counts = counts[numpy_of(order).astype(np.int64)]
        return Vocabulary.from_arrow(words.take(order), counts, first_id), n_unknown

    def extend(self, fitted: Fitted, next_id: int) -> Fitted:
        """Return ``fitted`` with new values appended from ``next_id`` on."""
        old = fitted.vocabulary
        if old is None:
            return fitted
        words, counts = self.counted()
        found = old.find(words)
        new = found < 0
        totals = old.counts.copy()
        totals[found[~new]] += counts[~new]
        fresh, n_unknown = self._vocabulary(words.filter(array_of(new)), counts[new], next_id)
        return replace(
            fitted,
            vocabulary=replace(old, counts=totals).followed_by(fresh),
            n_missing=fitted.n_missing + self.n_missing,
            n_unknown=fitted.n_unknown + n_unknown,
        )


class Moments:
    """Mean and standard deviation, merged from blocks of fixed length (Chan et al. 1979).

    The blocks are cut by count and not by batch, so that float rounding can not depend on batches.
    """

    def __init__(self, column: Column) -> None:
        self.column = column
        self.n, self.mean, self.m2, self.n_missing = 0, 0.0, 0.0, 0
        self.low, self.high = np.inf, -np.inf
        self.held: list[Float64Array] = []
        self.n_held = 0

    def update(self, array: Any, location: SourceLocation) -> None:
        self.take(numbers(array, location, self.column.name, self.column.marks))

    def take(self, x: Float64Array) -> None:
        """Take in the numbers of the next rows, NaN where missing."""
        present = x[~np.isnan(x)]
        self.n_missing += len(x) - len(present)
        self.held.append(present)
        self.n_held += len(present)
        if self.n_held >= _BLOCK:
            pool = np.concatenate(self.held)
            whole = len(pool) - len(pool) % _BLOCK
            for start in range(0, whole, _BLOCK):
                self._merge(pool[start : start + _BLOCK])
            self.held, self.n_held = [pool[whole:]], len(pool) - whole

    def _merge(self, block: Float64Array) -> None:
        if not len(block):
            return
        self.low = min(self.low, float(block.min()))
        self.high = max(self.high, float(block.max()))
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            mean = float(block.mean())
            squares = float(((block - mean) ** 2).sum())
        total, delta = self.n + len(block), mean - self.mean
        self.m2 += squares + delta * delta * self.n * len(block) / total
        self.mean += delta * len(block) / total
        self.n = total

    def finish(self, missing: int) -> Fitted:
        if self.held:
            # A copy, because the blocks above were contiguous too.
            self._merge(np.concatenate(self.held))
            self.held = []
        count = np.array([self.n], np.int64)
        if self.column.transform == "none" or self.n == 0:
            return Fitted(missing, 2, self.n_missing, counts=count)
        if self.low == self.high:  # exactly, while a mean is rounded
            return Fitted(missing, 2, self.n_missing, mean=self.low, counts=count)
        scale = float(np.sqrt(self.m2 / self.n))
        if scale == 0.0 or not (np.isfinite(self.mean) and np.isfinite(scale)):
            name = self.column.name
            raise SchemaError(
                f"Column {name!r}: numbers from {self.low:g} to {self.high:g} cannot be "
                "standardised, because the squares of their differences are no floating-point "
                f"numbers. Put them into bins (bins={{{name!r}: 32}}), measure them in another "
                f"unit, or, if some stand for missing values, name these in na_values."
            )
        return Fitted(missing, 2, self.n_missing, mean=self.mean, scale=scale, counts=count)


class Quantiles:
    """Edges of bins; see `bin_edges`: exact up to a million values, beyond from a sample of rows.

    A row is in the sample if the hash of its number is below a threshold, which is halved whenever
    the sample grows too large: the final sample depends on the rows alone.
    """

    def __init__(self, column: Column) -> None:
        self.column = column
        self.row, self.n, self.n_missing = 0, 0, 0
        self.bits = 0
        self.values: Float64Array = np.zeros(0)
        self.keys: AnyArray = np.zeros(0, np.uint64)

    def update(self, array: Any, location: SourceLocation) -> None:
        self.take(numbers(array, location, self.column.name, self.column.marks))

    def take(self, x: Float64Array) -> None:
        """Take in the numbers of the next rows, NaN where missing."""
        keys = scatter(np.arange(self.row, self.row + len(x), dtype=np.uint64))
        self.row += len(x)
        present = ~np.isnan(x)
        self.n += int(present.sum())
        self.n_missing += len(x) - int(present.sum())
        present &= _below(keys, self.bits)
        self.values = np.concatenate([self.values, x[present]])
        self.keys = np.concatenate([self.keys, keys[present]])
        while len(self.values) > _QUANTILE_SAMPLE:
            self.bits += 1
            keep = _below(self.keys, self.bits)
            self.values, self.keys = self.values[keep], self.keys[keep]

    def finish(self, missing: int) -> Fitted:
        edges = bin_edges(self.values, self.column.n_bins)
        bins = np.searchsorted(edges, self.values, side="right")
        counts = np.bincount(bins, minlength=len(edges) + 1).astype(np.int64)
        return Fitted(missing, 2 + len(edges), self.n_missing, edges=edges, counts=counts)


def bin_edges(x: Float64Array, n_bins: int) -> Float64Array:
    """Return the edges between bins of equal count; a bin begins at its lower edge.

    A value that fills a bin alone, because it is at least one in ``n_bins`` of the numbers, has a
    bin of its own, and the other numbers share the bins that are left.

    Parameters
    ----------
    x : float64 array
        Finite numbers, in any order.
    n_bins : int
        How many bins there are at most; but the numbers before, between and after heavy values
        have at least one bin each.

    Returns
    -------
    float64 array of shape (n_bins - 1,) or shorter
        Ascending. Each bin holds at least one of the numbers.
    """
    values, counts = np.unique(x, return_counts=True)
    if len(values) < 2:
        return np.zeros(0)
    heavy = counts * n_bins > len(x)
    stretch = np.cumsum(heavy | np.append(False, heavy[:-1]))
    stretch -= stretch[0]
    sizes = np.bincount(stretch, counts)
    is_heavy = np.bincount(stretch, heavy) > 0
    shares = np.ones(len(sizes))
    most = np.bincount(stretch)
    for _ in range(n_bins - len(sizes)):
        per_bin = np.where((shares < most) & ~is_heavy, sizes / shares, 0.0)
        shares[np.argmax(per_bin)] += per_bin.max() > 0
    before = np.cumsum(counts) - counts
    begin = (np.cumsum(sizes) - sizes)[stretch]
    # A value that reaches across a boundary belongs to the bin that holds its middle.
    place = np.floor((before - begin + counts / 2) * (shares / sizes)[stretch])
    edges: Float64Array = values[1:][(np.diff(stretch) > 0) | (np.diff(place) > 0)]
    return edges


def scatter(keys: AnyArray) -> AnyArray:
    """Scatter numbers over 64 bits (the finaliser of SplitMix64)."""
    keys = (keys + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: AnyArray = keys ^ (keys >> np.uint64(31))
    return mixed


def _below(keys: AnyArray, bits: int) -> AnyArray:
    below: AnyArray = keys <= np.uint64((2**64 - 1) >> bits)
    return below
