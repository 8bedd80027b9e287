"""Towers: the items and users of one model as rows of features, and queries made of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

from fieldfare._typing import AnyArray
from fieldfare._validation import closest
from fieldfare.data.schema import Schema
from fieldfare.exceptions import SchemaError
from fieldfare.models.base import Model
from fieldfare.retrieval.labels import Labels
from fieldfare.retrieval.roles import ITEM, QUERY
from fieldfare.retrieval.splitting import Split
from fieldfare.rows import Rows


@final
@dataclass(frozen=True, eq=False)
class Tower:
    """A model with the features of all items, and of the users that have a table.

    Parameters
    ----------
    split : Split
    user : str
        Column of the ids of users.
    items : Rows
        One an item, by place.
    users : Rows or None
        One a user, by place; None if there is nothing but ids.
    user_columns : tuple of str
        Columns that ``users`` holds.
    """

    split: Split
    user: str
    items: Rows
    users: Rows | None = None
    user_columns: tuple[str, ...] = ()

    @staticmethod
    def of(split: Split, user: str, items: Any, users: Any) -> Tower:
        """Encode the tables of items and users."""
        query = split.sides.columns(QUERY)
        columns: tuple[str, ...] = ()
        rows = None
        if users is not None:
            columns = tuple(name for name in query if name in users.column_names)
            rows = split.model.schema.encode(users, labelled=False, columns=columns)
        return Tower(split, user, split.sides.rows(items, ITEM), rows, columns)

    @property
    def model(self) -> Model:
        """The model, whose Schema has the roles."""
        return self.split.model

    @property
    def schema(self) -> Schema:
        """What the columns mean."""
        schema: Schema = self.model.schema
        return schema

    def with_items(self, items: Any) -> Tower:
        """Return a tower with more items, of a table, at the end."""
        more = self.split.sides.rows(items, ITEM)
        return replace(self, items=Rows.concatenate([self.items, more]))

    def queries(self, users: Sequence[Any] | None, places: Any, contexts: Any) -> Rows:
        """Return the features of requests.

        Parameters
        ----------
        users : sequence of ids or None
        places : int64 array or None
            Place of each user in the table of users; -1 if it is not there.
        contexts : mapping, table or None
            One context for all, or one a row for each.
        """
        parts = []
        if users is not None:
            parts.append(self._of_users(users, places))
        if contexts is not None:
            n = 1 if users is None else len(users)
            parts.append(self._of_contexts(contexts, n, users is None))
        return beside(parts)

    def _of_users(self, users: Sequence[Any], places: Any) -> Rows:
        """Return the features of users; none of one who is not known."""
        if self.users is not None:
            none = Rows.concatenate([self.users, _empty(self.users)])
            return none.take(np.where(places < 0, len(self.users), places))
        numbers = [c.name for c in self.schema.columns]
        assert self.schema.fitted is not None
        fitted = self.schema.fitted[numbers.index(self.user)]
        assert fitted is not None
        strangers = {fitted.missing}
        if fitted.vocabulary is not None:
            strangers.add(fitted.unknown)
        encoder = self.model._encoder()
        found = [encoder.encode({self.user: user}, (self.user,)) for user in users]
        kept = [one if one[0][0] not in strangers else ([], [], []) for one in found]
        return _rows(kept)

    def _of_contexts(self, contexts: Any, n: int, free: bool) -> Rows:
        allowed = [c for c in self.split.sides.columns(QUERY) if c not in self.user_columns]
        if self.users is None and not free:
            allowed.remove(self.user)
        if isinstance(contexts, Mapping):
            _check_columns(contexts, allowed)
            names = [name for name in allowed if name in contexts]
            one = self.model._encoder().encode(contexts, names)
            return _rows([one] * n)
        names = [name for name in allowed if name in contexts.column_names]
        rows: Rows = self.schema.encode(contexts, labelled=False, columns=names)
        if not free and len(rows) != n:
            raise SchemaError(f"There are {n} users and {len(rows)} contexts. Give one for each.")
        return rows

    def holding(self, column: str, wanted: Any) -> AnyArray:
        """Return which items hold one of some values of a column, as a bool array.

        Raises
        ------
        SchemaError
            If it is no column of the items, or one of numbers.
        """
        columns = self.split.sides.columns(ITEM)
        if column not in columns:
            raise SchemaError(
                f"Items are chosen by columns of theirs: {', '.join(map(repr, columns))}. "
                f"Got {column!r}.{closest(column, columns)}"
            )
        if self.schema.column(column).kind == "numeric":
            raise SchemaError(
                f"Column {column!r} holds numbers. Choose such items yourself, and pass their ids "
                "as candidates."
            )
        encoder = self.model._encoder()
        values = wanted if isinstance(wanted, (list, tuple, set)) else [wanted]
        ids = [encoder.encode({column: value}, (column,))[0] for value in values]
        hit = np.isin(self.items.indices, np.array([i for one in ids for i in one], np.uint32))
        row = np.repeat(np.arange(len(self.items)), np.diff(self.items.indptr))
        return np.bincount(row[hit], minlength=len(self.items)) > 0


def beside(parts: Sequence[Rows]) -> Rows:
    """Return rows that hold the entries of several rows each, in the order of the parts."""
    if len(parts) == 1:
        return parts[0]
    row = np.concatenate([np.repeat(np.arange(len(p)), np.diff(p.indptr)) for p in parts])
    order = np.argsort(row, kind="stable")
    whole = Rows.concatenate([part.with_(target=None, weight=None, group=None) for part in parts])
    indptr = np.zeros(len(parts[0]) + 1, np.int64)
    np.cumsum(np.bincount(row, minlength=len(parts[0])), out=indptr[1:])
    return Rows(
        indptr,
        whole.indices[order],
        None if whole.values is None else whole.values[order],
        None if whole.fields is None else whole.fields[order],
    )


def known_users(schema: Schema, user: str) -> Labels:
    """Return the users in the vocabulary of their column."""
    assert schema.fitted is not None
    fitted = schema.fitted[[column.name for column in schema.columns].index(user)]
    vocabulary = None if fitted is None else fitted.vocabulary
    n = 0 if vocabulary is None else len(vocabulary)
    names = [] if vocabulary is None else [vocabulary.text(place) for place in range(n)]
    return Labels(np.array(names, str))


def _check_columns(names: Iterable[str], allowed: Sequence[str]) -> None:
    for name in names:
        if name not in allowed:
            raise SchemaError(
                f"A context has columns of {', '.join(map(repr, allowed)) or 'none'}. "
                f"Got {name!r}.{closest(name, allowed)}"
            )


def _rows(found: Sequence[tuple[list[int], list[float], list[int]]]) -> Rows:
    indptr = np.zeros(len(found) + 1, np.int64)
    np.cumsum([len(ids) for ids, _, _ in found], out=indptr[1:])
    return Rows(
        indptr,
        np.array([i for ids, _, _ in found for i in ids], np.uint32),
        np.array([x for _, values, _ in found for x in values], np.float32),
        np.array([f for _, _, fields in found for f in fields], np.uint16),
    )


def _empty(like: Rows) -> Rows:
    """Return one row without entries."""
    return like.slice(0, 0).with_(indptr=np.append(like.indptr[:1], like.indptr[:1]))
