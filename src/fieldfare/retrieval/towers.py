"""Towers: the items and users of one model as rows of features, and queries made from them."""

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
from fieldfare.retrieval.id_map import IdMap
from fieldfare.retrieval.roles import ITEM, QUERY, FeatureSides
from fieldfare.rows import Rows
from fieldfare.schema.encode_one import SampleEncoder
from fieldfare.schema.fit import Fitted
from fieldfare.schema.schema import Schema

# The ids, values and fields of the features of one row.
_Features = tuple[list[int], list[float], list[int]]


@final
@dataclass(frozen=True, eq=False)
class Tower:
    """A model with the features of all items and, if there is a table of users, of all users.

    Parameters
    ----------
    sides : FeatureSides
        The model, and which of its features belong to the item.
    user, item : str
        Columns of the user and item ids.
    items : Rows
        One row per item, by place.
    users : Rows or None
        One row per user, by place; None if users are only ids.
    user_columns : tuple of str
        Columns of the table of users.
    """

    sides: FeatureSides
    user: str
    item: str
    items: Rows
    users: Rows | None = None
    user_columns: tuple[str, ...] = ()

    @staticmethod
    def of(sides: FeatureSides, ids: tuple[str, str], items: Any, users: Any) -> Tower:
        """Encode the tables of items and users (or None); ``ids`` names their id columns."""
        query = sides.columns(QUERY)
        columns: tuple[str, ...] = ()
        rows = None
        if users is not None:
            columns = tuple(name for name in query if name in users.column_names)
            rows = _schema_of(sides).encode(users, labelled=False, columns=columns)
        return Tower(sides, *ids, sides.rows(items, ITEM), rows, columns)

    @property
    def model(self) -> Model:
        """The model, whose Schema has the roles."""
        return self.sides.model

    @property
    def schema(self) -> Schema:
        """The Schema of the model."""
        return _schema_of(self.sides)

    @cached_property
    def encoder(self) -> SampleEncoder:
        """Encoder of single users and contexts."""
        return self.schema.sample_encoder()

    def with_items(self, items: Any) -> Tower:
        """Return a tower with the items of a table added at the end."""
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
            One context for all requests, or one row per request.

        Returns
        -------
        Rows
            One row per user or, without users, per row of the contexts.

        Raises
        ------
        SchemaError
            If the contexts have no column that the model knows, or do not match the users in
            number.
        """
        parts = []
        if users is not None:
            parts.append(self._of_users(users, places))
        if contexts is not None:
            n = 1 if users is None else len(users)
            parts.append(self._of_contexts(contexts, n, users is None))
        return hstack_rows(parts)

    def _of_users(self, users: Sequence[Any], places: Any) -> Rows:
        """Return the features of users; an unknown user has none."""
        if self.users is not None:
            # A row without entries at the end serves all unknown users.
            with_empty = Rows.concatenate([self.users, _empty(self.users)])
            return with_empty.take(np.where(places < 0, len(self.users), places))
        fitted = self._fitted_users
        not_known = {fitted.missing}
        if fitted.vocabulary is not None:
            not_known.add(fitted.unknown)
        encoder = self.encoder
        found = [encoder.encode({self.user: user}, (self.user,)) for user in users]
        kept = [one if one[0][0] not in not_known else ([], [], []) for one in found]
        return _rows(kept)

    def _of_contexts(self, contexts: Any, n: int, without_users: bool) -> Rows:
        """Return the features of one context for n requests, or of a table of contexts."""
        # Columns of the table of users, and the ids if users are given, come from these instead.
        allowed = [c for c in self.sides.columns(QUERY) if c not in self.user_columns]
        if self.users is None and not without_users:
            allowed.remove(self.user)
        if isinstance(contexts, Mapping):
            _check_columns(contexts, allowed)
            names = [name for name in allowed if name in contexts]
            one = self.encoder.encode(contexts, names)
            return _rows([one] * n)
        names = [name for name in allowed if name in contexts.column_names]
        if without_users and not names:
            known, found = (", ".join(map(repr, c)) for c in (allowed, contexts.column_names))
            raise SchemaError(
                f"A table of requests needs at least one of the columns {known}. Got {found}."
            )
        none: list[_Features] = [([], [], [])] * contexts.num_rows
        rows = self.schema.encode(contexts, labelled=False, columns=names) if names else _rows(none)
        if not without_users and len(rows) != n:
            raise SchemaError(f"There are {n} users and {len(rows)} contexts. Give one per user.")
        return rows

    @cached_property
    def _fitted_users(self) -> Fitted:
        """What the Schema has learned about the column of user ids."""
        place = [column.name for column in self.schema.columns].index(self.user)
        assert self.schema.fitted is not None
        fitted = self.schema.fitted[place]
        assert fitted is not None
        return fitted

    def known_users(self) -> IdMap:
        """Return the ids in the vocabulary of the user column."""
        vocabulary = self._fitted_users.vocabulary
        n = 0 if vocabulary is None else len(vocabulary)
        names = [] if vocabulary is None else [vocabulary.text(place) for place in range(n)]
        return IdMap(np.array(names, str))

    def channels(self, names: Sequence[Sequence[str]], column: str) -> Rows:
        """Return the features of the channels that proposed each item.

        Parameters
        ----------
        names : sequence of sequences of str
            The channels of each item.
        column : str
            Column that holds the names of channels.

        Raises
        ------
        SchemaError
            If there is no such column.
        """
        declared = self.schema.column(column)
        as_list = declared.kind == "multi" and declared.separator is None
        features = {
            name: self.encoder.encode({column: [name] if as_list else name}, (column,))
            for name in {name for own in names for name in own}
        }
        return _rows([_concatenated([features[name] for name in own]) for own in names])

    def items_with(self, column: str, wanted: Any) -> AnyArray:
        """Return which items hold one of the wanted values in a column.

        Parameters
        ----------
        column : str
            A column of the items that does not hold numbers or dates.
        wanted : value, or list, tuple or set of values

        Returns
        -------
        bool array of shape (n_items,)

        Raises
        ------
        SchemaError
            If the items have no such column, or it holds numbers or dates.
        """
        columns = self.sides.columns(ITEM)
        if column not in columns:
            raise SchemaError(
                f"Items can be filtered by their columns {', '.join(map(repr, columns))}. "
                f"Got {column!r}.{closest(column, columns)}"
            )
        if self.schema.column(column).kind in ("numeric", "datetime"):
            raise SchemaError(
                f"Column {column!r} holds numbers or dates, by which items cannot be filtered. "
                "Select the items yourself, and pass their ids as candidates."
            )
        encoder = self.encoder
        values = wanted if isinstance(wanted, (list, tuple, set)) else [wanted]
        ids = [encoder.encode({column: value}, (column,))[0] for value in values]
        hit = np.isin(self.items.indices, np.array([i for one in ids for i in one], np.uint32))
        row = np.repeat(np.arange(len(self.items)), np.diff(self.items.indptr))
        return np.bincount(row[hit], minlength=len(self.items)) > 0


def hstack_rows(parts: Sequence[Rows]) -> Rows:
    """Return rows with the entries of the corresponding rows of all parts, one part after another.

    Parameters
    ----------
    parts : sequence of Rows
        Of the same length. Targets, weights and groups are dropped if there are several parts.
    """
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
                f"A context may have the columns {', '.join(map(repr, allowed)) or '(none)'}. "
                f"Got {name!r}.{closest(name, allowed)}"
            )


def _concatenated(parts: Sequence[_Features]) -> _Features:
    ids, values, fields = zip(*parts, strict=True)
    return list(chain(*ids)), list(chain(*values)), list(chain(*fields))


def _rows(found: Sequence[_Features]) -> Rows:
    """Return features as Rows, one row for each element."""
    indptr = np.zeros(len(found) + 1, np.int64)
    np.cumsum([len(ids) for ids, _, _ in found], out=indptr[1:])
    return Rows(
        indptr,
        np.array([i for ids, _, _ in found for i in ids], np.uint32),
        np.array([x for _, values, _ in found for x in values], np.float32),
        np.array([f for _, _, fields in found for f in fields], np.uint16),
    )


def _empty(like: Rows) -> Rows:
    """Return one row without entries, with the same arrays as ``like``."""
    return like.slice(0, 0).with_(indptr=np.append(like.indptr[:1], like.indptr[:1]))


def _schema_of(sides: FeatureSides) -> Schema:
    """Return the Schema of a model whose features are columns."""
    assert sides.model.schema is not None
    return sides.model.schema
