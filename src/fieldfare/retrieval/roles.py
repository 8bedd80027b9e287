"""Roles: which features of a model belong to the item, and which to the query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fieldfare._typing import AnyArray, Int64Array
from fieldfare._validation import closest
from fieldfare.exceptions import ConfigError, SchemaError
from fieldfare.explain.entries import entries_of
from fieldfare.models.base import Model
from fieldfare.rows import Rows
from fieldfare.schema.column import ROLES
from fieldfare.schema.names import locate_features
from fieldfare.schema.schema import Schema

QUERY, ITEM = 0, 1

Roles = Mapping[str, str | Sequence[str]]


def with_roles(schema: Schema, roles: Roles | None) -> Schema:
    """Return the Schema with the roles of some columns changed.

    Parameters
    ----------
    schema : Schema
    roles : mapping from role to one column or several, or None
        Such as ``{"user": "user", "item": ["movie", "genres"], "context": "hour"}``.

    Raises
    ------
    ConfigError
        If there is no such role.
    SchemaError
        If there is no such column.
    """
    for role, names in (roles or {}).items():
        if role not in ROLES:
            allowed = ", ".join(map(repr, ROLES))
            raise ConfigError(
                f"A role is one of {allowed}. Got {role!r} instead.{closest(str(role), ROLES)}"
            )
        for name in [names] if isinstance(names, str) else names:
            schema = schema.edit(name, role=role)
    return schema


@dataclass(frozen=True, eq=False)
class Side:
    """The entries of one side of some rows, as the model sees them, in the order of the rows."""

    n_rows: int
    row: Int64Array
    ids: Int64Array
    fields: Int64Array
    values: AnyArray


@dataclass(frozen=True, eq=False)
class Sides:
    """Says of every entry on which side it is.

    Parameters
    ----------
    model : Model
        Its Schema has the roles.
    of_feature : uint8 array of shape (n_features,) or None
        Side of each feature; None where the fields tell.
    of_field : uint8 array of shape (n_fields,) or None
        Side of each field; None where the features tell.
    fields : (int64 array, int64 array)
        The fields of the query and of the item; they may share some.
    """

    model: Model
    of_feature: AnyArray | None
    of_field: AnyArray | None
    fields: tuple[Int64Array, Int64Array]

    @staticmethod
    def of(model: Model, roles: Roles | None) -> Sides:
        """Find the sides of a model's features.

        Raises
        ------
        SchemaError
            If a column has no role, or one of the sides has no columns.
        """
        schema = model.schema
        if schema is None or schema.is_indexed:
            return _of_numbered(model, roles)
        schema = with_roles(schema, roles)
        used = [column for column in schema.columns if column.kind != "ignore"]
        lost = [column.name for column in used if column.role is None]
        if lost:
            raise SchemaError(
                f"Retrieval needs the role of every column: user, item or context. "
                f"{', '.join(map(repr, lost))} has none. Say it in roles, such as "
                f"roles={{'context': {lost[0]!r}}}, or in the Schema before training."
            )
        sides = [int(column.role == "item") for column in schema.columns]
        _both({side for column, side in zip(schema.columns, sides, strict=True) if column in used})
        of_feature = np.zeros(max(schema.n_features, model.n_features), np.uint8)
        for side, (ids, _) in zip(
            sides, locate_features(schema.columns, schema.fitted), strict=True
        ):
            of_feature[ids] = side
        numbers = {name: number for number, name in enumerate(schema.field_names)}
        fields = [
            sorted({numbers[c.field_name] for c in used if int(c.role == "item") == side})
            for side in (QUERY, ITEM)
        ]
        found = _numbers(fields[QUERY]), _numbers(fields[ITEM])
        return Sides(_with_schema(model, schema), of_feature, None, found)

    def columns(self, side: int) -> list[str]:
        """Return the columns of a side; none where features are numbered."""
        schema = self.model.schema
        if schema is None or schema.is_indexed:
            return []
        return [
            column.name
            for column in schema.columns
            if column.kind != "ignore" and int(column.role == "item") == side
        ]

    def rows(self, data: Any, side: int) -> Rows:
        """Return Rows as they are, and of a table the columns of one side."""
        if isinstance(data, Rows):
            return data
        columns = self.columns(side)
        if not columns:
            raise SchemaError(
                "Features of this model are numbered, so that tables have no meaning for it. Pass "
                f"Rows of feature ids. Got {type(data).__name__}."
            )
        rows: Rows = self.model.schema.encode(data, labelled=False, columns=columns)
        return rows

    def select(self, rows: Rows, side: int) -> Side:
        """Return the entries of one side."""
        seen = entries_of(self.model, rows)
        fields = np.zeros(len(seen.ids), np.int64) if seen.fields is None else seen.fields
        if self.of_feature is not None:
            keep = self.of_feature[seen.ids] == side
        else:
            assert self.of_field is not None
            known = np.minimum(fields, len(self.of_field) - 1)
            keep = (self.of_field[known] == side) & (known == fields)
        return Side(len(rows), seen.row[keep], seen.ids[keep], fields[keep], seen.values[keep])


def _of_numbered(model: Model, roles: Roles | None) -> Sides:
    """Find the sides of a model whose features are numbered: its fields have the roles."""
    names = () if model.schema is None else tuple(model.schema.field_names)
    if not names:
        names = tuple(map(str, range(model.n_fields)))
    if not names or roles is None:
        raise SchemaError(
            "Features of this model are numbered, so that its Schema has no roles. Give them by "
            "field, such as roles={'user': ['0', '1'], 'item': '2'}. "
            + (f"The fields are {', '.join(names)}." if names else "But this model has no fields.")
        )
    of_field = np.full(len(names), 255, np.uint8)
    for role, chosen in roles.items():
        if role not in ROLES:
            raise ConfigError(f"A role is one of {', '.join(map(repr, ROLES))}. Got {role!r}.")
        for name in [chosen] if isinstance(chosen, str) else chosen:
            if name not in names:
                raise SchemaError(f"There is no field {name!r}. The fields are {', '.join(names)}.")
            of_field[names.index(name)] = role == "item"
    if (of_field == 255).any():
        lost = [name for name, side in zip(names, of_field, strict=True) if side == 255]
        raise SchemaError(f"Retrieval needs the role of every field. {', '.join(lost)} has none.")
    _both(set(of_field.tolist()))
    found = np.flatnonzero(of_field == QUERY), np.flatnonzero(of_field == ITEM)
    return Sides(model, None, of_field, (_numbers(found[0]), _numbers(found[1])))


def _both(sides: set[int]) -> None:
    if sides != {QUERY, ITEM}:
        lost = "item" if ITEM not in sides else "user or context"
        raise SchemaError(
            f"Retrieval needs features of the item and of the user or context. None is {lost}. "
            "Give each column its role, in roles or in the Schema."
        )


def _numbers(fields: Any) -> Int64Array:
    return np.asarray(fields, np.int64)


def _with_schema(model: Model, schema: Schema) -> Model:
    if schema is model.schema:
        return model
    return model.with_(schema=schema)


def id_column(model: Model, roles: Roles | None, role: str) -> str:
    """Return the column of the ids of users or items: the first of that role.

    Raises
    ------
    SchemaError
        If there is none.
    """
    named = (roles or {}).get(role)
    if named:
        return named if isinstance(named, str) else next(iter(named))
    schema = model.schema
    for column in () if schema is None else schema.columns:
        if column.role == role and column.kind != "ignore":
            return str(column.name)
    raise SchemaError(
        f"A recommender needs a column of role {role!r}, whose ids it asks for and returns. Train "
        "on a table with columns of users and items."
    )


def roles_in(model: Model, roles: Roles | None) -> Roles | None:
    """Return the roles of the columns that a model has."""
    if roles is None or model.schema is None:
        return roles
    there = {column.name for column in model.schema.columns}
    return {
        role: [name for name in ([names] if isinstance(names, str) else names) if name in there]
        for role, names in roles.items()
    }
