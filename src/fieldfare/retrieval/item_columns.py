"""The columns of the items as the user gave them: returned with answers, and filtered by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, final

import numpy as np

from fieldfare._typing import AnyArray, Int64Array
from fieldfare._validation import closest, shown
from fieldfare.exceptions import ConfigError, SchemaError
from fieldfare.retrieval.id_map import id_list
from fieldfare.schema import compose
from fieldfare.schema.schema import Schema

_LIMITS = ("min", "max")
_Tokens = tuple[Int64Array | None, Int64Array, dict[str | None, int]]


@final
class ItemColumns:
    """A table with one row per place; rows of removed items stay until their place is reused.

    Parameters
    ----------
    table : pyarrow Table
    schema : Schema
        Says how the cells of columns with several values are separated.
    """

    def __init__(self, table: Any, schema: Schema) -> None:
        self.table = table
        self._schema = schema

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return list(self.table.column_names)

    def put(self, places: Int64Array, table: Any) -> ItemColumns:
        """Return columns with the rows of a table at places, which may go on at the end."""
        names = [column.name for column in self._schema.columns if column.kind != "numeric"]
        return ItemColumns(compose.put_rows(self.table, places, table, names), self._schema)

    def taken(self, places: Int64Array) -> ItemColumns:
        """Return the rows at some places."""
        return ItemColumns(self.table.take(places), self._schema)

    def values(self, names: Sequence[str], places: Int64Array) -> dict[str, list[Any]]:
        """Return the cells of some columns at places, None where they are empty.

        Raises
        ------
        SchemaError
            If there is no such column.
        """
        for name in names:
            self._check(name)
        chosen = self.table.select(list(dict.fromkeys(names))).take(places)
        return {name: chosen.column(name).to_pylist() for name in chosen.column_names}

    def matching(self, where: Mapping[str, Any]) -> AnyArray:
        """Return which items hold one of the wanted values in each column, bool of shape (n,).

        Parameters
        ----------
        where : mapping from column to what is wanted
            One value; several (a list, tuple, set or array); or limits of numbers or dates, a
            mapping with ``min``, ``max`` or both, which are allowed values themselves. A date
            may be a text, such as "2024-05-31".

        Raises
        ------
        SchemaError
            If there is no such column, or it holds no numbers although limits are given.
        ConfigError
            If the limits have another name.
        """
        found = np.ones(self.table.num_rows, bool)
        for name, wanted in where.items():
            self._check(name)
            if isinstance(wanted, Mapping):
                found &= self._between(name, wanted)
            else:
                found &= self._one_of(name, id_list(wanted))
        return found

    def _between(self, name: str, limits: Mapping[str, Any]) -> AnyArray:
        odd = [limit for limit in limits if limit not in _LIMITS]
        if odd or not limits:
            raise ConfigError(
                f"Limits of column {name!r} are {{'min': ..., 'max': ...}}, or one of the two. Got "
                f"{shown(dict(limits))}."
            )
        x = self._numbers(name)
        low, high = (compose.number_of_cell(limits.get(limit), name) for limit in _LIMITS)
        if any(limit is not None and np.isnan(limit) for limit in (low, high)):
            raise ConfigError(
                f"Limits of column {name!r} must be numbers. Got {shown(dict(limits))}."
            )
        with np.errstate(invalid="ignore"):
            return (x >= (-np.inf if low is None else low)) & (
                x <= (np.inf if high is None else high)
            )

    def _one_of(self, name: str, wanted: Sequence[Any]) -> AnyArray:
        if compose.holds_dates(self.table, name):
            moments = [compose.number_of_cell(value, name) for value in wanted if value is not None]
            return np.isin(self._numbers(name), np.array(moments, np.float64))
        row, codes, places = self._tokens(name)
        chosen = np.zeros(len(places) + 1, bool)
        chosen[[places.get(compose.text_of_cell(value), len(places)) for value in wanted]] = True
        chosen[-1] = False
        hit = chosen[codes]
        if row is None:
            return hit
        return np.bincount(row[hit], minlength=self.table.num_rows) > 0

    @cached_property
    def _cache(self) -> dict[tuple[str, str], Any]:
        return {}

    def _numbers(self, name: str) -> AnyArray:
        key = ("numbers", name)
        if key not in self._cache:
            self._cache[key] = compose.numbers_or_missing(self.table, name)
        found: AnyArray = self._cache[key]
        return found

    def _tokens(self, name: str) -> _Tokens:
        """Return row and code of each value (rows are None if each has one), and codes by text."""
        key = ("tokens", name)
        if key not in self._cache:
            known = {column.name: column for column in self._schema.columns}
            self._cache[key] = compose.tokens(self.table, name, known.get(name))
        found: _Tokens = self._cache[key]
        return found

    def _check(self, name: str) -> None:
        if name not in self.names:
            raise SchemaError(
                f"The columns of the items are {', '.join(map(repr, self.names))}. Got {name!r}."
                f"{closest(name, self.names)}"
            )
