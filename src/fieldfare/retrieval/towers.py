"""Towers: the items and users of one model as rows of features, and queries made of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import Any, final

import numpy as np

from fieldfare._typing import AnyArray
from fieldfare._validation import closest
from fieldfare.exceptions import SchemaError
from fieldfare.models.base import Model
from fieldfare.retrieval.labels import Labels
from fieldfare.retrieval.roles import ITEM, QUERY, Sides
from fieldfare.rows import Rows
from fieldfare.schema.encode_one import SampleEncoder
from fieldfare.schema.fit import Fitted
from fieldfare.schema.schema import Schema

# Ids, values and fields of the features of one row.
_Features = tuple[list[int], list[float], list[int]]


@final
@dataclass(frozen=True, eq=False)
class Tower:
    """A model with the features of all items, and of the users that have a table.

    Parameters
    ----------
    sides : Sides
        The model, and which of its features belong to the item.
    user, item : str
        Columns of the ids of users and items.
    items : Rows
        One an item, by place.
    users : Rows or None
        One a user, by place; None if there is nothing but ids.
    user_columns : tuple of str
        Columns that ``users`` holds.
    """

    sides: Sides
    user: str
    item: str
    items: Rows
    users: Rows | None = None
    user_columns: tuple[str, ...] = ()

    @staticmethod
    def of(sides: Sides, ids: tuple[str, str], items: Any, users: Any) -> Tower:
        """Encode the tables of items and users, whose ids are in columns of these names."""
        query = sides.columns(QUERY)
        columns: tuple[str, ...] = ()
        rows = None
        if users is not None:
            columns = tuple(name for name in query if name in users.column_names)
            rows = sides.model.schema.encode(users, labelled=False, columns=columns)
        return Tower(sides, *ids, sides.rows(items, ITEM), rows, columns)

    @property
    def model(self) -> Model:
        """The model, whose Schema has the roles."""
        return self.sides.model

    @property
    def schema(self) -> Schema:
        """What the columns mean."""
        schema: Schema = self.model.schema
        return schema

    @cached_property
    def encoder(self) -> SampleEncoder:
        """Encodes single users and contexts."""
        return self.schema.sample_encoder()

    def with_items(self, items: Any) -> Tower:
        """Return a tower with more items, of a table, at the end."""
        more = self.sides.rows(items, ITEM)
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
        fitted = self._fitted_users
        strangers = {fitted.missing}
        if fitted.vocabulary is not None:
            strangers.add(fitted.unknown)
        encoder = self.encoder
        found = [encoder.encode({self.user: user}, (self.user,)) for user in users]
        kept = [one if one[0][0] not in strangers else ([], [], []) for one in found]
        return _rows(kept)

    def _of_contexts(self, contexts: Any, n: int, free: bool) -> Rows:
        allowed = [c for c in self.sides.columns(QUERY) if c not in self.user_columns]
        if self.users is None and not free:
            allowed.remove(self.user)
        if isinstance(contexts, Mapping):
            _check_columns(contexts, allowed)
            names = [name for name in allowed if name in contexts]
            one = self.encoder.encode(contexts, names)
            return _rows([one] * n)
        names = [name for name in allowed if name in contexts.column_names]
        if free and not names:
            known, found = (", ".join(map(repr, c)) for c in (allowed, contexts.column_names))
            raise SchemaError(f"A table of requests needs some column of {known}. Got {found}.")
        none: list[_Features] = [([], [], [])] * contexts.num_rows
        rows = self.schema.encode(contexts, labelled=False, columns=names) if names else _rows(none)
        if not free and len(rows) != n:
            raise SchemaError(f"There are {n} users and {len(rows)} contexts. Give one for each.")
        return rows

    @cached_property
    def _fitted_users(self) -> Fitted:
        """What the Schema knows of the column of users."""
        place = [column.name for column in self.schema.columns].index(self.user)
        assert self.schema.fitted is not None
        fitted = self.schema.fitted[place]
        assert fitted is not None
        return fitted

    def known_users(self) -> Labels:
        """Return the users in the vocabulary of their column."""
        vocabulary = self._fitted_users.vocabulary
        n = 0 if vocabulary is None else len(vocabulary)
        names = [] if vocabulary is None else [vocabulary.text(place) for place in range(n)]
        return Labels(np.array(names, str))

    def channels(self, names: Sequence[Sequence[str]], column: str) -> Rows:
        """Return the features of the channels that proposed each item.

        Raises
        ------
        SchemaError
            If there is no such column.
        """
        meaning = self.schema.column(column)
        as_list = meaning.kind == "multi" and meaning.separator is None
        features = {
            name: self.encoder.encode({column: [name] if as_list else name}, (column,))
            for name in {name for own in names for name in own}
        }
        return _rows([_joined([features[name] for name in own]) for own in names])

    def holding(self, column: str, wanted: Any) -> AnyArray:
        """Return which items hold one of some values of a column, as a bool array.

        Raises
        ------
        SchemaError
            If it is no column of the items, or one of numbers.
        """
        columns = self.sides.columns(ITEM)
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
        encoder = self.encoder
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


def _check_columns(names: Iterable[str], allowed: Sequence[str]) -> None:
    for name in names:
        if name not in allowed:
            raise SchemaError(
                f"A context has columns of {', '.join(map(repr, allowed)) or 'none'}. "
                f"Got {name!r}.{closest(name, allowed)}"
            )


def _joined(parts: Sequence[_Features]) -> _Features:
    ids, values, fields = zip(*parts, strict=True)
    return list(chain(*ids)), list(chain(*values)), list(chain(*fields))


def _rows(found: Sequence[_Features]) -> Rows:
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
