"""Histories: what each user did, and steps that turn it into features of a row."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fieldfare._typing import AnyArray, Float64Array, Int64Array
from fieldfare.exceptions import SchemaError
from fieldfare.schema import compose
from fieldfare.schema.column import Column

# Shrinks the mean rating of an item towards the overall mean; the value of Koren 2010.
_SHRINKAGE = 25.0


@dataclass(frozen=True)
class Names:
    """The columns of an interactions table; ``None`` where a recipe does not need one."""

    user: str
    item: str
    target: str | None = None
    time: str | None = None


@dataclass(frozen=True, eq=False)
class Baseline:
    """What to expect of an item: b_j = mu + sum of (r - mu) / (25 + n_j) over its n_j ratings."""

    items: Any
    offsets: Float64Array
    mean: float

    @staticmethod
    def of(table: Any, names: Names) -> Baseline:
        """Learn from training interactions."""
        assert names.target is not None
        rating = compose.numbers(table, names.target)
        place, items = places(table, names.item)
        mean = float(rating.mean()) if len(rating) else 0.0
        total = np.bincount(place, rating - mean, len(items))
        return Baseline(
            items, total / (_SHRINKAGE + np.bincount(place, minlength=len(items))), mean
        )

    def of_items(self, array: Any) -> Float64Array:
        """Return b_j of each cell; the mean for items that are not known."""
        place, _ = compose.positions(array, self.items)
        return self.mean + np.append(self.offsets, 0.0)[place]


@dataclass(frozen=True, eq=False)
class History:
    """The items of each user, each once: user u has ``items[indptr[u]:indptr[u + 1]]``."""

    users: Any
    names: Any
    indptr: Int64Array
    items: Int64Array
    values: Float64Array

    @staticmethod
    def of(table: Any, names: Names, baseline: Baseline | None) -> History:
        """Collect a table of interactions; values are ratings less the baseline, or ones."""
        user, users = places(table, names.user)
        item, items = places(table, names.item)
        pairs, first, pair = np.unique(
            user * max(1, len(items)) + item, return_index=True, return_inverse=True
        )
        values = np.ones(len(pairs))
        if baseline is not None:
            assert names.target is not None
            surprise = compose.numbers(table, names.target) - baseline.of_items(
                compose.column_of(table, names.item)
            )
            values = np.bincount(pair.reshape(-1), surprise) / np.bincount(pair.reshape(-1))
        return History(users, items, starts(user[first], len(users)), item[first], values)


@dataclass(frozen=True, eq=False)
class Rated:
    """The items that the user of a row has rated, with weight value / sqrt(their number)."""

    column: Column
    names: Names
    history: History
    baseline: Baseline | None
    leave_out: bool

    def make(self, table: Any) -> Any:
        """Return the lists of rated items."""
        history = self.history
        user, _ = compose.positions(compose.column_of(table, self.names.user), history.users)
        indptr, entries = ranges(history.indptr, user)
        items = history.items[entries]
        if self.leave_out:
            own, _ = compose.positions(compose.column_of(table, self.names.item), history.names)
            row = np.repeat(np.arange(len(user)), np.diff(indptr))
            other = items != own[row]
            entries, items = entries[other], items[other]
            indptr = starts(row[other], len(user))
        size = np.diff(indptr)
        weights = history.values[entries] / np.sqrt(np.repeat(size, size))
        return compose.weighted_lists(indptr, history.names, items, weights)

    def on(self, history: Any) -> Rated:
        """Return the step over the ratings of another table."""
        return replace(self, history=History.of(history, self.names, self.baseline))


@dataclass(frozen=True, eq=False)
class Baskets:
    """The baskets of each user in order of time: basket b holds ``items[indptr[b]:indptr[b + 1]]``.

    ``keys`` hold user and time of each basket, sorted by both.
    """

    users: Any
    names: Any
    keys: AnyArray
    indptr: Int64Array
    items: Int64Array

    @staticmethod
    def of(table: Any, names: Names) -> Baskets:
        """Collect a table of interactions; those of one user and time are one basket."""
        assert names.time is not None
        user, users = places(table, names.user)
        item, items = places(table, names.item)
        time = compose.numbers(table, names.time)
        order = np.lexsort((item, time, user))
        keys = np.stack([user, time, item], axis=1)[order]
        change = np.any(np.diff(keys, axis=0) != 0, axis=1)
        keys = keys[np.append(True, change)] if len(keys) else keys
        baskets, basket = np.unique(keys[:, :2], axis=0, return_inverse=True)
        return Baskets(
            users,
            items,
            baskets,
            starts(basket.reshape(-1), len(baskets)),
            keys[:, 2].astype(np.int64),
        )

    def before(self, user: Int64Array, time: Float64Array) -> Int64Array:
        """Return the number of the last basket of each user before a time; -1 if there is none."""
        # Ranks make one sorted key of user and time.
        times, rank = np.unique(np.concatenate([self.keys[:, 1], time]), return_inverse=True)
        rank = rank.reshape(-1)
        known = self.keys[:, 0].astype(np.int64) * len(times) + rank[: len(self.keys)]
        asked = user * len(times) + rank[len(self.keys) :]
        last = np.searchsorted(known, asked) - 1
        same = (last >= 0) & (user >= 0)
        same[same] &= self.keys[last[same], 0] == user[same]
        return np.where(same, last, -1)


@dataclass(frozen=True, eq=False)
class LastBasket:
    """The items of the user's last basket before the row, each with weight 1 / their number."""

    column: Column
    names: Names
    baskets: Baskets

    def make(self, table: Any) -> Any:
        """Return the lists of items."""
        assert self.names.time is not None
        baskets = self.baskets
        user, _ = compose.positions(compose.column_of(table, self.names.user), baskets.users)
        last = baskets.before(user, compose.numbers(table, self.names.time))
        indptr, entries = ranges(baskets.indptr, last)
        size = np.diff(indptr)
        weights = 1 / np.repeat(size, size)
        return compose.weighted_lists(indptr, baskets.names, baskets.items[entries], weights)

    def on(self, history: Any) -> LastBasket:
        """Return the step over the baskets of another table."""
        return replace(self, baskets=Baskets.of(history, self.names))


def places(table: Any, name: str) -> tuple[Int64Array, Any]:
    """Return the place of each cell of a column among its distinct values, and these.

    Raises
    ------
    SchemaError
        If a cell is missing.
    """
    place, names = compose.positions(compose.column_of(table, name))
    if (place < 0).any():
        raise SchemaError(
            f"Every interaction needs a value in column {name!r}. Row {int(np.argmax(place < 0))} "
            "has none. Remove such rows."
        )
    return place, names


def starts(owner: Int64Array, n: int) -> Int64Array:
    """Return where the entries of each of ``n`` owners start, the owners being sorted."""
    indptr = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(owner, minlength=n), out=indptr[1:])
    return indptr


def ranges(indptr: Int64Array, which: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Return the entries of chosen owners (-1: none), and where those of each start."""
    begin, end = indptr[:-1], indptr[1:]
    if not len(begin):
        return np.zeros(len(which) + 1, np.int64), np.zeros(0, np.int64)
    size = np.where(which >= 0, end[which] - begin[which], 0)
    out = np.zeros(len(which) + 1, np.int64)
    np.cumsum(size, out=out[1:])
    return out, np.repeat(begin[which] - out[:-1], size) + np.arange(out[-1])
