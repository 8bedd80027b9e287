"""Roles: which features of a model belong to the item, and which to the query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fieldfare._checksum import Checksum
from fieldfare._typing import AnyArray, Float64Array, Int64Array
from fieldfare._validation import closest
from fieldfare.exceptions import ConfigError, DataError, SchemaError
from fieldfare.explain.entries import entries_of, fields_of_features
from fieldfare.kernels.sides import SideKeys
from fieldfare.models.base import Model
from fieldfare.rows import Rows
from fieldfare.schema.column import ROLES
from fieldfare.schema.names import locate_features
from fieldfare.schema.schema import Schema

QUERY, ITEM = 0, 1
_NO_SIDE = 255

Roles = Mapping[str, str | Sequence[str]]


def checksum_of(model: Model) -> str:
    """Return a checksum of the parameters of a model (XXH3-128)."""
    checksum = Checksum()
    for array in model.arrays().values():
        checksum.update(np.ascontiguousarray(array).data.cast("B"))
    return checksum.hexdigest()


def with_roles(schema: Schema, roles: Roles | None) -> Schema:
    """Return the Schema with the roles of some columns changed.

    Parameters
    ----------
    schema : Schema
    roles : mapping from role to one column or several, or None
        For instance ``{"user": "user", "item": ["movie", "genres"], "context": "hour"}``.

    Raises
    ------
    ConfigError
        If there is no such role.
    SchemaError
        If there is no such column.
    """
    for role, names in (roles or {}).items():
        _check_role(role)
        for name in _as_list(names):
            schema = schema.edit(name, role=role)
    return schema


def _check_role(role: str) -> None:
    if role not in ROLES:
        allowed = ", ".join(map(repr, ROLES))
        raise ConfigError(
            f"A role must be one of {allowed}. Got {role!r}.{closest(str(role), ROLES)}"
        )


def _as_list(names: str | Sequence[str]) -> Sequence[str]:
    return [names] if isinstance(names, str) else names


@dataclass(frozen=True, eq=False)
class SideEntries:
    """The entries of some rows that belong to one side, as the model sees them, ordered by row.

    Parameters
    ----------
    n_rows : int
    row : int64 array of shape (m,)
        Row of each entry.
    ids, fields : int64 arrays of shape (m,)
        Feature and field of each entry; field 0 where there are no fields.
    values : float64 array of shape (m,)
        After instance normalisation if the model has it.
    """

    n_rows: int
    row: Int64Array
    ids: Int64Array
    fields: Int64Array
    values: AnyArray

    def sum(self, x: AnyArray) -> Float64Array:
        """Return the sum of the numbers of the entries of each row, float64 of shape (n_rows,)."""
        return np.bincount(self.row, x, self.n_rows).astype(np.float64, copy=False)


@dataclass(frozen=True, eq=False)
class FeatureSides:
    """Which features of a model belong to the query, and which to the item.

    Parameters
    ----------
    model : Model
        Its Schema has the roles.
    of_feature : uint8 array of shape (n_features,) or None
        Side of each feature, ``QUERY`` or ``ITEM``; None if the side is determined by the field.
    of_field : uint8 array of shape (n_fields,) or None
        Side of each field; None if the side is determined by the feature.
    fields : (int64 array, int64 array)
        The fields of the query and those of the item, sorted. They may share some.
    """

    model: Model
    of_feature: AnyArray | None
    of_field: AnyArray | None
    fields: tuple[Int64Array, Int64Array]

    @cached_property
    def checksum(self) -> str:
        """Checksum of the parameters of the model, see `checksum_of`."""
        return checksum_of(self.model)

    @staticmethod
    def of(model: Model, roles: Roles | None) -> FeatureSides:
        """Return the side of each of a model's features.

        Parameters
        ----------
        model : Model
        roles : mapping from role to one column or several, or None
            Override the roles in the Schema. For models with numbered features, the columns are
            fields.

        Raises
        ------
        ConfigError
            If there is no such role.
        SchemaError
            If a column has no role, or one of the sides has no column.
        """
        schema = model.schema
        if schema is None or schema.is_indexed:
            return _of_numbered(model, roles)
        schema = with_roles(schema, roles)
        used = [column for column in schema.columns if column.is_feature]
        lost = list(dict.fromkeys(c.name_in_table for c in used if c.role is None))
        if lost:
            raise SchemaError(
                f"Retrieval needs the role of every column: user, item or context. "
                f"{', '.join(map(repr, lost))} has none. Pass it as "
                f"roles={{'context': {lost[0]!r}}}, or set it in the Schema before training."
            )
        sides = [int(column.role == "item") for column in schema.columns]
        _check_both({int(column.role == "item") for column in used})
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
        both = _field_array(fields[QUERY]), _field_array(fields[ITEM])
        return FeatureSides(_with_schema(model, schema), of_feature, None, both)

    def columns(self, side: int) -> list[str]:
        """Return the names, in a table, of the columns on a side; none if features are numbered."""
        schema = self.model.schema
        if schema is None or schema.is_indexed:
            return []
        used = (column for column in schema.columns if column.is_feature)
        chosen = (column for column in used if int(column.role == "item") == side)
        return list(dict.fromkeys(column.name_in_table for column in chosen))

    def rows(self, data: Any, side: int) -> Rows:
        """Return Rows as they are, and encode the columns on one side of a table.

        Raises
        ------
        SchemaError
            If a table is given for a model whose features are numbered, or a column is missing.
        """
        if isinstance(data, Rows):
            return data
        schema, columns = self.model.schema, self.columns(side)
        if schema is None or not columns:
            raise SchemaError(
                "The features of this model are numbered, so it cannot read a table. Pass Rows of "
                f"feature ids. Got {type(data).__name__}."
            )
        return schema.encode(data, labelled=False, columns=columns)

    def keys(self, rows: Rows) -> SideKeys:
        """Return the side of each feature, or of each field of the rows.

        Raises
        ------
        DataError
            If sides are those of fields, which neither the rows nor the Schema have.
        """
        if self.of_feature is not None:
            return SideKeys(self.of_feature, by_field=False)
        assert self.of_field is not None
        if rows.fields is not None:
            return SideKeys(self.of_field, by_field=True)
        field_of = fields_of_features(self.model)
        if field_of is None:
            raise DataError(
                "The roles are those of fields, and these rows have none. Pass Rows with fields."
            )
        known = np.append(self.of_field, np.uint8(_NO_SIDE))
        return SideKeys(known[np.minimum(field_of, len(self.of_field))], by_field=False)

    def select(self, rows: Rows, side: int) -> SideEntries:
        """Return the entries that belong to one side."""
        entries = entries_of(self.model, rows)
        fields = np.zeros(len(entries.ids), np.int64) if entries.fields is None else entries.fields
        if self.of_feature is not None:
            keep = self.of_feature[entries.ids] == side
        else:
            assert self.of_field is not None
            # Fields that the model does not know are on neither side.
            known = np.minimum(fields, len(self.of_field) - 1)
            keep = (self.of_field[known] == side) & (known == fields)
        return SideEntries(
            len(rows), entries.row[keep], entries.ids[keep], fields[keep], entries.values[keep]
        )


def _of_numbered(model: Model, roles: Roles | None) -> FeatureSides:
    """Return the sides of a model with numbered features, whose fields have the roles."""
    names = () if model.schema is None else tuple(model.schema.field_names)
    if not names:
        names = tuple(map(str, range(model.n_fields)))
    if not names or roles is None:
        raise SchemaError(
            "The features of this model are numbered, so its Schema has no roles. "
            + (
                "Pass the role of each field, for instance roles={'user': ['0', '1'], 'item': "
                f"'2'}}. The fields are {', '.join(names)}."
                if names
                else "It has no fields to give roles to, either. Train on a table, or "
                "on data with fields."
            )
        )
    of_field = np.full(len(names), _NO_SIDE, np.uint8)
    for role, chosen in roles.items():
        _check_role(role)
        for name in _as_list(chosen):
            if name not in names:
                raise SchemaError(f"There is no field {name!r}. The fields are {', '.join(names)}.")
            of_field[names.index(name)] = role == "item"
    if (of_field == _NO_SIDE).any():
        lost = [name for name, side in zip(names, of_field, strict=True) if side == _NO_SIDE]
        raise SchemaError(
            f"Retrieval needs the role of every field. {', '.join(lost)} has none. Add it to roles."
        )
    _check_both(set(of_field.tolist()))
    both = np.flatnonzero(of_field == QUERY), np.flatnonzero(of_field == ITEM)
    return FeatureSides(model, None, of_field, (_field_array(both[0]), _field_array(both[1])))


def _check_both(sides: set[int]) -> None:
    if sides != {QUERY, ITEM}:
        lost = "item" if ITEM not in sides else "user or context"
        raise SchemaError(
            "Retrieval needs features of the item and features of the user or context. No column "
            f"has the role {lost}. Set the role of each column, in roles or in the Schema."
        )


def _field_array(fields: Any) -> Int64Array:
    return np.asarray(fields, np.int64)


def _with_schema(model: Model, schema: Schema) -> Model:
    if schema is model.schema:
        return model
    return model.with_(schema=schema)


def id_column(model: Model, roles: Roles | None, role: str) -> str:
    """Return the column of user or item ids, which is the first column with that role.

    Raises
    ------
    SchemaError
        If no column has the role.
    """
    named = (roles or {}).get(role)
    if named:
        return named if isinstance(named, str) else next(iter(named))
    schema = model.schema
    for column in () if schema is None else schema.columns:
        if column.role == role and column.is_feature and column.source is None:
            return str(column.name)
    raise SchemaError(
        f"A recommender needs a column with the role {role!r}, for the ids that it takes and "
        "returns. Train on a table with columns of user ids and item ids."
    )


def roles_in(model: Model, roles: Roles | None) -> Roles | None:
    """Return the given roles, restricted to the columns that a model has."""
    if roles is None or model.schema is None:
        return roles
    there = {column.name for column in model.schema.columns}
    return {
        role: [name for name in _as_list(names) if name in there] for role, names in roles.items()
    }
