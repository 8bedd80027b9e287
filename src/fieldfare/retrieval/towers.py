"""Towers: the items and users of one model as rows of features, and queries made from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import Any, final

import numpy as np

from fieldfare._typing import AnyArray, Int64Array
from fieldfare.data.interactions import part_of
from fieldfare.models.base import Model
from fieldfare.retrieval.id_map import IdMap
from fieldfare.retrieval.layered import LayeredRows, put_rows
from fieldfare.retrieval.roles import ITEM, QUERY, FeatureSides
from fieldfare.rows import Rows
from fieldfare.schema.encode_one import SampleEncoder, rows_of
from fieldfare.schema.fit import Fitted
from fieldfare.schema.names import locate_features
from fieldfare.schema.schema import Schema

GIVEN = -2
"""In place of the place of a user whose features come with the request."""

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
    users : LayeredRows or None
        One row per user, by place; None if users are only ids.
    user_columns : tuple of str
        Columns of the table of users.
    """

    sides: FeatureSides
    user: str
    item: str
    items: Rows
    users: LayeredRows | None = None
    user_columns: tuple[str, ...] = ()

    @staticmethod
    def of(sides: FeatureSides, ids: tuple[str, str], items: Any, users: Any) -> Tower:
        """Encode the tables of items and users (or None); ``ids`` names their id columns."""
        query = sides.columns(QUERY)
        columns: tuple[str, ...] = ()
        rows = None
        if users is not None:
            columns = tuple(name for name in query if name in users.column_names)
            rows = LayeredRows(_schema_of(sides).encode(users, labelled=False, columns=columns))
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

    def with_items(self, items: Any, places: Int64Array) -> Tower:
        """Return a tower with the items of a table at places, which may go on at the end."""
        return replace(self, items=put_rows(self.items, places, self.sides.rows(items, ITEM)))

    def with_users(self, users: Any) -> Tower:
        """Return a tower with the users of a table added at the end.

        Raises
        ------
        SchemaError
            If a column of the table of users is missing.
        """
        assert self.users is not None
        more = self.schema.encode(users, labelled=False, columns=self.user_columns)
        return replace(self, users=self.users.extended(more))

    def taken(self, items: Int64Array | None, users: Int64Array | None) -> Tower:
        """Return a tower of the items and users at some places; None: all as they are."""
        own = self.users
        if users is not None and own is not None:
            own = LayeredRows(own.take(users))
        return replace(
            self, items=self.items if items is None else self.items.take(items), users=own
        )

    def context_columns(self, without_users: bool, with_features: bool = False) -> list[str]:
        """Return the columns that a context may have.

        Columns of the table of users come from there instead, and so do the ids if users are given.
        """
        columns = self.sides.columns(QUERY)
        if not with_features:
            columns = [name for name in columns if name not in self.user_columns]
        if not without_users:
            columns = [name for name in columns if name != self.user]
        return columns

    def queries(
        self, users: Sequence[Any] | None, places: Int64Array | None, contexts: Any, n: int = 1
    ) -> Rows:
        """Return the features of requests.

        Parameters
        ----------
        users : sequence of ids or None
            None among the ids stands for no user.
        places : int64 array or None
            Place of each user in the table of users; -1 if it is not there, -2 if the features of
            the user are among the contexts.
        contexts : mapping, list of mappings, table or None
            One context for all requests, or one per request. Columns that this model does not know
            are not looked at; those that a mapping leaves out add nothing.
        n : int
            Number of requests, if there are no users.
        """
        with_features = _come_along(places)
        # What is encoded one by one goes into one batch of rows: stacking two would cost as much.
        singles: list[Sequence[_Features]] = []
        parts: list[Rows] = []
        if users is not None:
            n = len(users)
            if self.users is not None and places is not None and not with_features:
                parts.append(self.users.take(places))
            else:
                singles.append(self._of_users(users, with_features=with_features))
        names = self.context_columns(users is None, with_features=with_features)
        if isinstance(contexts, Mapping):
            singles.append([self._of_context(contexts, names)] * n)
        elif isinstance(contexts, list):
            singles.append([self._of_context(one, names) for one in contexts])
        if singles:
            parts.append(rows_of([_concatenated(own) for own in zip(*singles, strict=True)]))
        if contexts is not None and not isinstance(contexts, (Mapping, list)):
            parts.append(self._of_table(contexts, names))
        return hstack_rows(parts) if parts else rows_of([([], [], [])] * n)

    def _of_users(self, users: Sequence[Any], *, with_features: bool) -> list[_Features]:
        """Return the features of user ids; an unknown user has none.

        If other features are given, the id stands beside them as in a table: known or unknown.
        """
        fitted = self._fitted_users
        not_known = {fitted.missing}
        if fitted.vocabulary is not None and not with_features:
            not_known.add(fitted.unknown)
        encoder = self.encoder
        found = [encoder.encode({self.user: user}, (self.user,)) for user in users]
        return [one if one[0][0] not in not_known else ([], [], []) for one in found]

    def _of_table(self, contexts: Any, allowed: Sequence[str]) -> Rows:
        """Return the features of a table of contexts, one row per request."""
        names = [name for name in allowed if name in contexts.column_names]
        if not names:
            return rows_of([([], [], [])] * contexts.num_rows)
        return self.schema.encode(contexts, labelled=False, columns=names)

    def _of_context(self, context: Mapping[str, Any], allowed: Sequence[str]) -> _Features:
        return self.encoder.encode(context, [name for name in allowed if name in context])

    @cached_property
    def _fitted_users(self) -> Fitted:
        """What the Schema has learned about the column of user ids."""
        place = [column.name for column in self.schema.columns].index(self.user)
        assert self.schema.fitted is not None
        fitted = self.schema.fitted[place]
        assert fitted is not None
        return fitted

    def knows(self, user: Any) -> bool:
        """Whether the id of a user was seen in training."""
        fitted = self._fitted_users
        ids, _, _ = self.encoder.encode({self.user: user}, (self.user,))
        has_unknown = fitted.vocabulary is not None
        return ids[0] != fitted.missing and not (has_unknown and ids[0] == fitted.unknown)

    def without_ids(self, rows: Rows) -> Rows:
        """Return the features of requests without those of the user ids."""
        return part_of(rows, ~self._is_user_id)

    @cached_property
    def _is_user_id(self) -> AnyArray:
        """Whether each feature stands for a user id."""
        schema = self.schema
        found = np.zeros(schema.n_features, bool)
        places = locate_features(schema.columns, schema.fitted)
        for column, (ids, _) in zip(schema.columns, places, strict=True):
            if column.name == self.user:
                found[ids] = True
        return found

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
        return rows_of([_concatenated([features[name] for name in own]) for own in names])


def _come_along(places: Int64Array | None) -> bool:
    """Whether the features of the users come with the requests: of all of them, or of none."""
    return places is not None and len(places) > 0 and bool(places[0] == GIVEN)


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


def _concatenated(parts: Sequence[_Features]) -> _Features:
    if len(parts) == 1:
        return parts[0]
    ids, values, fields = zip(*parts, strict=True)
    return list(chain(*ids)), list(chain(*values)), list(chain(*fields))


def _schema_of(sides: FeatureSides) -> Schema:
    """Return the Schema of a model whose features are columns."""
    assert sides.model.schema is not None
    return sides.model.schema
