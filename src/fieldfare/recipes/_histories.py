"""Histories: the past interactions of each user, and steps that turn them into features."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fieldfare._typing import AnyArray, Float64Array, Int64Array
from fieldfare.exceptions import SchemaError
from fieldfare.schema import compose
from fieldfare.schema.column import Column

# Shrinks the mean rating of an item towards the overall mean. The value is that of Koren 2010.
_SHRINKAGE = 25.0


@dataclass(frozen=True)
class InteractionColumns:
    """Names of the columns of a table of interactions; None for those a recipe does not need."""

    user: str
    item: str
    target: str | None = None
    time: str | None = None


@dataclass(frozen=True, eq=False)
class ItemBaseline:
    """The expected rating of an item, b_j = mu + sum of (r - mu) / (25 + n_j) over its n_j ratings.

    Parameters
    ----------
    items : Arrow array of n_items ids
    offsets : float64 array of shape (n_items,)
        b_j - mu.
    mean : float
        mu, the mean of all ratings.
    """

    items: Any
    offsets: Float64Array
    mean: float

    @staticmethod
    def of(table: Any, names: InteractionColumns) -> ItemBaseline:
        """Learn from training interactions."""
        assert names.target is not None
        rating = compose.numbers(table, names.target)
        place, items = places(table, names.item)
        mean = float(rating.mean()) if len(rating) else 0.0
        total = np.bincount(place, rating - mean, len(items))
        return ItemBaseline(
            items, total / (_SHRINKAGE + np.bincount(place, minlength=len(items))), mean
        )

    def of_items(self, array: Any) -> Float64Array:
        """Return b_j for each cell of an array of items; mu for unknown items."""
        place, _ = compose.positions(array, self.items)
        # Unknown items have place -1, which is the appended zero.
        return self.mean + np.append(self.offsets, 0.0)[place]


@dataclass(frozen=True, eq=False)
class UserHistory:
    """The items of each user, each once.

    Parameters
    ----------
    users, names : Arrow arrays
        The ids of users and items.
    indptr : int64 array of shape (n_users + 1,)
    items : int64 array of shape (n,)
        User u has the items ``items[indptr[u]:indptr[u + 1]]``, as positions in ``names``.
    values : float64 array of shape (n,)
        Value of each of these items: the mean rating less the baseline, or one.
    """

    users: Any
    names: Any
    indptr: Int64Array
    items: Int64Array
    values: Float64Array

    @staticmethod
    def of(table: Any, names: InteractionColumns, baseline: ItemBaseline | None) -> UserHistory:
        """Read a table of interactions; without a baseline all values are one."""
        user, users = places(table, names.user)
        item, items = places(table, names.item)
        distinct, first, inverse = np.unique(
            user * max(1, len(items)) + item, return_index=True, return_inverse=True
        )
        values = np.ones(len(distinct))
        if baseline is not None:
            assert names.target is not None
            surprise = compose.numbers(table, names.target) - baseline.of_items(
                compose.column_of(table, names.item)
            )
            values = np.bincount(inverse.reshape(-1), surprise) / np.bincount(inverse.reshape(-1))
        return UserHistory(users, items, starts(user[first], len(users)), item[first], values)


@dataclass(frozen=True, eq=False)
class Rated:
    """The items that the user of a row has rated, each with the weight value / sqrt(n).

    Parameters
    ----------
    column : Column
    names : InteractionColumns
    history : UserHistory
    baseline : ItemBaseline or None
    leave_out : bool
        Whether to leave out the item of the row itself.
    """

    column: Column
    names: InteractionColumns
    history: UserHistory
    baseline: ItemBaseline | None
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

    def with_history(self, history: Any) -> Rated:
        """Return the step with the ratings of another table."""
        return replace(self, history=UserHistory.of(history, self.names, self.baseline))


@dataclass(frozen=True, eq=False)
class Baskets:
    """The baskets of each user, in order of time.

    Parameters
    ----------
    users, names : Arrow arrays
        The ids of users and items.
    keys : array of shape (n_baskets, 2)
        User (as position in ``users``) and time of each basket, sorted by both.
    indptr : int64 array of shape (n_baskets + 1,)
    items : int64 array
        Basket b holds ``items[indptr[b]:indptr[b + 1]]``, as positions in ``names``.
    """

    users: Any
    names: Any
    keys: AnyArray
    indptr: Int64Array
    items: Int64Array

    @staticmethod
    def of(table: Any, names: InteractionColumns) -> Baskets:
        """Read a table of interactions; those of one user at one time form a basket."""
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
        """Return the number of each user's last basket before a time; -1 if there is none."""
        # With times replaced by their ranks, user and time are one integer that can be searched.
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
    """The n items of the user's last basket before the time of a row, each with weight 1 / n."""

    column: Column
    names: InteractionColumns
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

    def with_history(self, history: Any) -> LastBasket:
        """Return the step with the baskets of another table."""
        return replace(self, baskets=Baskets.of(history, self.names))


def places(table: Any, name: str) -> tuple[Int64Array, Any]:
    """Return the position of each cell among the distinct values of a column, and these values.

    Raises
    ------
    SchemaError
        If there is no such column, or a cell is empty.
    """
    place, names = compose.positions(compose.column_of(table, name))
    if (place < 0).any():
        raise SchemaError(
            f"Every interaction needs a value in column {name!r}. Row {int(np.argmax(place < 0))} "
            "has none: remove such rows."
        )
    return place, names


def starts(owner: Int64Array, n: int) -> Int64Array:
    """Return where the entries of each of ``n`` owners start, given the sorted owner of each."""
    indptr = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(owner, minlength=n), out=indptr[1:])
    return indptr


def ranges(indptr: Int64Array, which: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Return where the entries of each chosen owner start, and these; owner -1 has none.

    Returns
    -------
    starts : int64 array of shape (len(which) + 1,)
    entries : int64 array of shape (starts[-1],)
        Positions among the entries that ``indptr`` delimits.
    """
    begin, end = indptr[:-1], indptr[1:]
    if not len(begin):
        return np.zeros(len(which) + 1, np.int64), np.zeros(0, np.int64)
    size = np.where(which >= 0, end[which] - begin[which], 0)
    out = np.zeros(len(which) + 1, np.int64)
    np.cumsum(size, out=out[1:])
    return out, np.repeat(begin[which] - out[:-1], size) + np.arange(out[-1])
