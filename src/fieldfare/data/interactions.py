"""Interactions: rows of queries with items, split into the distinct queries and the distinct items.

The columns of role ``item`` make up the item, all others (of users and of contexts) the query. Two
queries or items with the same features are the same, so that no column of ids has to be named.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fieldfare._typing import AnyArray, Float32Array, Int64Array
from fieldfare.exceptions import SchemaError
from fieldfare.kernels.recall import Seen
from fieldfare.rows import Rows
from fieldfare.schema.names import locate_features
from fieldfare.schema.schema import Schema


@dataclass(frozen=True, eq=False)
class Interactions:
    """Rows split into queries and items.

    Parameters
    ----------
    queries, items : Rows
        The distinct halves of the rows, in order of first appearance.
    query, item : int64 arrays of shape (n_rows,)
        The two halves of each row, by number.
    """

    queries: Rows
    items: Rows
    query: Int64Array
    item: Int64Array

    @staticmethod
    def of(rows: Rows, is_item: AnyArray) -> Interactions:
        """Split rows.

        Parameters
        ----------
        rows : Rows
        is_item : bool array of shape (n_features,)
            Which features belong to items.
        """
        queries, query = distinct(part_of(rows, ~is_item))
        items, item = distinct(part_of(rows, is_item))
        return Interactions(queries, items, query, item)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of queries and of items."""
        return len(self.queries), len(self.items)

    def seen(self, target: Float32Array | None, weight: Float32Array | None = None) -> Seen:
        """Return which items each query was seen with, and with how much weight.

        Parameters
        ----------
        target : float32 array of shape (n_rows,) or None
            Rows whose target is not positive do not count; without targets all do.
        weight : float32 array of shape (n_rows,) or None
            Ones if not given; repeated pairs add up.
        """
        weight = np.ones(len(self.query), np.float32) if weight is None else weight
        positive = weight > 0 if target is None else (target > 0) & (weight > 0)
        return Seen.of(self.query[positive], self.item[positive], weight[positive], self.shape)


def shared_by_contexts(seen: Seen, user: Int64Array) -> tuple[Seen, Float32Array]:
    """Return observations that weigh as much together as if there were no contexts.

    Parameters
    ----------
    seen : Seen
        The items of each query.
    user : int64 array of shape (n_queries,)
        Number of the user of each query.

    Returns
    -------
    seen : Seen
        An item that a user was seen with in several queries shares its weight among them.
    share : float32 array of shape (n_queries,)
        What a query counts for the items that it was not seen with: the same for all queries of
        a user, as much in total for every user, and 1 on average.
    """
    row = np.repeat(np.arange(seen.n_rows), np.diff(seen.indptr))
    pair = user[row] * seen.n_partners + seen.index
    _, number, count = np.unique(pair, return_inverse=True, return_counts=True)
    weight = (seen.weight / count[number.reshape(-1)]).astype(np.float32)
    n_queries = np.bincount(user)
    share = (len(user) / len(n_queries) / n_queries[user]).astype(np.float32)
    return replace(seen, weight=weight), share


def item_features(schema: Schema | None) -> AnyArray:
    """Return which features belong to items, a bool array of shape (n_features,).

    Raises
    ------
    SchemaError
        If the columns have no roles, or all the same.
    """
    columns = () if schema is None else schema.columns
    used = [column for column in columns if column.is_feature]
    roles = [column.role for column in used]
    if schema is None or None in roles or "item" not in roles or set(roles) == {"item"}:
        known = {column.name_in_table: column.role for column in used}
        shown = ", ".join(f"{name!r}: {role}" for name, role in known.items()) or "no columns"
        raise SchemaError(
            "Recall needs the role of every column: 'item' for what describes the item, 'user' or "
            "'context' for what makes up the query; there must be both. Columns named after them, "
            "such as 'user_id' or 'movie', get it automatically; set that of others with "
            f"schema=Schema.infer(table).edit('genre', role='item'). Got {shown}."
        )
    return _features_of(schema, "item")


def user_features(schema: Schema | None) -> AnyArray:
    """Return which features belong to users, a bool array of shape (n_features,).

    Where no column has that role, all features of queries do: every query is then a user.

    Raises
    ------
    SchemaError
        As `item_features`.
    """
    others = ~item_features(schema)
    assert schema is not None  # or there would be no roles
    users = _features_of(schema, "user")
    return users if users.any() else others


def _features_of(schema: Schema, role: str) -> AnyArray:
    found = np.zeros(schema.n_features, bool)
    places = locate_features(schema.columns, schema.fitted)
    for column, (ids, _) in zip(schema.columns, places, strict=True):
        if column.role == role:
            found[ids] = True
    return found


def part_of(rows: Rows, chosen: AnyArray) -> Rows:
    """Return rows with the entries of some features only, without target, weight and group.

    Parameters
    ----------
    rows : Rows
    chosen : bool array of shape (n_features,)
    """
    span = rows.span
    kept = chosen[rows.indices[span]]
    count = np.concatenate([[0], np.cumsum(kept)])
    arrays = {
        name: None if (array := getattr(rows, name)) is None else array[span][kept]
        for name in ("values", "fields")
    }
    return Rows(count[rows.indptr - span.start], rows.indices[span][kept], **arrays)


def distinct(rows: Rows) -> tuple[Rows, Int64Array]:
    """Return the distinct rows, in order of first appearance, and the number of each row.

    Rows with the same entries, in any order, are recognised by a hash of 64 bits.
    """
    key = rows.indices.astype(np.uint64)
    if rows.values is not None:
        key |= rows.values.view(np.uint32).astype(np.uint64) << np.uint64(32)
    total = np.concatenate([np.zeros(1, np.uint64), np.cumsum(_mixed(key), dtype=np.uint64)])
    sums = total[rows.indptr[1:]] - total[rows.indptr[:-1]]
    _, first, number = np.unique(sums, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return rows.take(first[order]), rank[number.reshape(-1)]


def _mixed(key: AnyArray) -> AnyArray:
    """Return each 64-bit number well mixed (splitmix64, Steele et al. 2014)."""
    z = key + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: AnyArray = z ^ (z >> np.uint64(31))
    return mixed
