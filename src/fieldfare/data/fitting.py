"""Fitting: what a column's values were, learned batch by batch.

Every accumulator gives the same result however the rows were cut into batches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from fieldfare._typing import AnyArray, Float64Array, Int64Array
from fieldfare.data.canonical import dictionary, log2_texts, numbers, split_cells
from fieldfare.data.column import Column
from fieldfare.data.origin import Batch, Origin
from fieldfare.data.vocabulary import Vocabulary, hash64

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


def tokens_of(
    column: Column, array: Any, origin: Origin
) -> tuple[Int64Array, Sequence[str | None]]:
    """Return (codes, distinct texts) of what a one-valued column looks up.

    Missing cells have the code ``len(texts)``, or a text that is ``None``.
    """
    if column.kind == "numeric":
        return log2_texts(numbers(array, origin, column.name))
    codes, uniques = dictionary(array)
    return codes, uniques.to_pylist()


def split_weights(column: Column, words: list[str]) -> tuple[list[str], list[str]]:
    """Cut ``rock:0.5`` into "rock" and "0.5"; without a weight the second is "1"."""
    mark = column.weight_separator
    if mark is None:
        return words, []
    parts = [word.rpartition(mark) for word in words]
    names = [name if sep else rest for name, sep, rest in parts]
    return names, [rest if sep else "1" for _, sep, rest in parts]


class Fitter(Protocol):
    """Learns one column."""

    def update(self, array: Any, origin: Origin) -> None:
        """Take in the next rows."""

    def finish(self, missing: int) -> Fitted:
        """Return what was learned, with ids from ``missing``."""


def make_fitter(column: Column) -> Fitter | None:
    """Return the accumulator that a column needs, ``None`` for ignored columns."""
    if column.kind == "ignore":
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
        self.counts: Counter[str] = Counter()
        self.n_missing = 0

    def update(self, array: Any, origin: Origin) -> None:
        column = self.column
        words: Sequence[str | None]
        if column.kind in ("multi", "text"):
            tokens, _, lengths = split_cells(array, column.separator, column.kind == "text")
            codes, uniques = dictionary(tokens)
            words, _ = split_weights(column, uniques.to_pylist())
            self.n_missing += int((lengths == 0).sum())
        else:
            codes, words = tokens_of(column, array, origin)
        seen = np.bincount(codes, minlength=len(words) + 1).tolist()
        counts = self.counts
        for word, count in zip(words, seen, strict=False):
            if word is None:
                self.n_missing += count
            elif count:
                counts[word] += count
        self.n_missing += seen[-1]

    def finish(self, missing: int) -> Fitted:
        if self.column.is_hashed:
            n = self.column.hash_buckets or 1
            words = list(self.counts)
            buckets = (hash64(words) % np.uint64(n)).astype(np.int64)
            weights = np.fromiter(self.counts.values(), np.int64, len(words))
            total = np.zeros(n, np.int64)
            np.add.at(total, buckets, weights)
            return Fitted(missing, 1 + n, self.n_missing, counts=total)
        words = Vocabulary.ordered(self.counts, self.column.min_count)
        kept = [self.counts[word] for word in words]
        return Fitted(
            missing,
            2 + len(words),
            self.n_missing,
            sum(self.counts.values()) - sum(kept),
            Vocabulary.build(words, kept, missing + 2),
        )

    def extend(self, fitted: Fitted, next_id: int) -> Fitted:
        """Return ``fitted`` with new values appended from ``next_id`` on."""
        if fitted.vocabulary is None:
            return fitted
        known = fitted.vocabulary.positions
        totals = fitted.vocabulary.counts.copy()
        for word, count in self.counts.items():
            if word in known:
                totals[known[word]] += count
        fresh = {word: count for word, count in self.counts.items() if word not in known}
        words = Vocabulary.ordered(fresh, self.column.min_count)
        kept = [fresh[word] for word in words]
        grown = replace(fitted.vocabulary, counts=totals).joined(
            Vocabulary.build(words, kept, next_id)
        )
        return replace(
            fitted,
            vocabulary=grown,
            n_missing=fitted.n_missing + self.n_missing,
            n_unknown=fitted.n_unknown + sum(fresh.values()) - sum(kept),
        )


class Moments:
    """Mean and standard deviation, merged from blocks of fixed length (Chan et al. 1979).

    The blocks are cut by count and not by batch, so that float rounding can not depend on batches.
    """

    def __init__(self, column: Column) -> None:
        self.column = column
        self.n, self.mean, self.m2, self.n_missing = 0, 0.0, 0.0, 0
        self.held: list[Float64Array] = []
        self.n_held = 0

    def update(self, array: Any, origin: Origin) -> None:
        x = numbers(array, origin, self.column.name)
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
        mean = float(block.mean())
        total, delta = self.n + len(block), mean - self.mean
        self.m2 += float(((block - mean) ** 2).sum()) + delta**2 * self.n * len(block) / total
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
        scale = float(np.sqrt(self.m2 / self.n)) or 1.0
        return Fitted(missing, 2, self.n_missing, mean=self.mean, scale=scale, counts=count)


class Quantiles:
    """Bin edges of equal count: exact up to a million values, from a fixed sample of rows beyond.

    A row is in the sample if the hash of its number is below a threshold, which is halved whenever
    the sample grows too large: the final sample depends on the rows alone.
    """

    def __init__(self, column: Column) -> None:
        self.column = column
        self.row, self.n, self.n_missing = 0, 0, 0
        self.bits = 0
        self.values: Float64Array = np.zeros(0)
        self.keys: AnyArray = np.zeros(0, np.uint64)

    def update(self, array: Any, origin: Origin) -> None:
        x = numbers(array, origin, self.column.name)
        keys = _mix(np.arange(self.row, self.row + len(x), dtype=np.uint64))
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
        steps = np.arange(1, self.column.n_bins) / self.column.n_bins
        edges = np.unique(np.quantile(self.values, steps)) if len(self.values) else np.zeros(0)
        bins = np.searchsorted(edges, self.values, side="right")
        counts = np.bincount(bins, minlength=len(edges) + 1).astype(np.int64)
        return Fitted(missing, 2 + len(edges), self.n_missing, edges=edges, counts=counts)


def _mix(keys: AnyArray) -> AnyArray:
    """Scatter row numbers over 64 bits (the finaliser of SplitMix64)."""
    keys = (keys + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return keys ^ (keys >> np.uint64(31))


def _below(keys: AnyArray, bits: int) -> AnyArray:
    below: AnyArray = keys <= np.uint64((2**64 - 1) >> bits)
    return below


class Classes:
    """Collects the classes of a target that is not a number."""

    _LIMIT = 10_000

    def __init__(self, name: str) -> None:
        self.name = name
        self.seen: set[str] = set()

    def update(self, batch: Batch) -> None:
        array = batch.data.column(self.name)
        if len(self.seen) > self._LIMIT or str(array.type) in _NUMERIC_TYPES:
            return
        _, uniques = dictionary(array)
        self.seen.update(text for text in uniques.to_pylist() if text is not None)

    def finish(self) -> tuple[str, ...] | None:
        """Return the sorted classes, or ``None`` if the targets are numbers."""
        from fieldfare.data.canonical import parse_number

        if not self.seen or all(parse_number(text) is not None for text in self.seen):
            return None
        return tuple(sorted(self.seen))


_NUMERIC_TYPES = frozenset(
    [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
    + ["float", "double", "halffloat"]
)
