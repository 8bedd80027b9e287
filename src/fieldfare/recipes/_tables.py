"""Attributes of users and items from side tables, and rows that were not observed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fieldfare._random import stream
from fieldfare._typing import AnyArray
from fieldfare.exceptions import SchemaError
from fieldfare.recipes._histories import places
from fieldfare.schema import compose
from fieldfare.schema.column import Column


@dataclass(frozen=True, eq=False)
class Attribute:
    """A column of a side table, looked up by the user or item of each row.

    Parameters
    ----------
    column : Column
    key : str
        Column of the user or item, in the interactions.
    names : Arrow array
        The keys of the side table.
    cells : Arrow array
        The attribute of each key.
    """

    column: Column
    key: str
    names: Any
    cells: Any

    def make(self, table: Any) -> Any:
        """Return the attribute of each row; missing if its key is not in the side table."""
        place, _ = compose.positions(compose.column_of(table, self.key), self.names)
        return compose.take(self.cells, place)

    def with_history(self, history: Any) -> Attribute:
        """Return itself, since it has no history."""
        return self


def attributes(side: Any, key: str, role: str) -> list[Attribute]:
    """Return a step for each column of a side table except its key.

    Raises
    ------
    SchemaError
        If the key is not a column, or one of its cells is empty or repeated.
    """
    table = compose.read(side)
    place, names = places(table, key)
    if len(names) < len(place):
        row = int(np.argmax(np.bincount(place)[place] > 1))
        raise SchemaError(
            f"A side table needs one row per {key!r}. {names[int(place[row])].as_py()!r} has "
            "several: keep one, or combine them."
        )
    return [
        Attribute(
            compose.infer(table, name).change(role=role),
            key,
            names,
            compose.column_of(table, name),
        )
        for name in table.column_names
        if name != key
    ]


@dataclass(frozen=True)
class UnobservedRows:
    """Negative samples: random rows that were not observed.

    Parameters
    ----------
    given : tuple of str
        Columns that form the context, copied from the observed row.
    drawn : str
        Column whose value is drawn uniformly from all its values but those observed in the context.
    n : int
        Rows per observed row; fewer in contexts in which nearly every value was observed.
    seed : int
    """

    given: tuple[str, ...]
    drawn: str
    n: int
    seed: int

    def add(self, table: Any, target: str) -> Any:
        """Return the rows, each followed by its negatives; the target of these is 0, of those 1."""
        context, _ = compose.positions(
            compose.crossed([compose.column_of(table, name) for name in self.given])
        )
        value, values = places(table, self.drawn)
        rows = np.repeat(np.arange(len(value)), self.n)
        drawn = self._draw(context[rows], len(values), np.unique(context * len(values) + value))
        rows, drawn = rows[drawn >= 0], drawn[drawn >= 0]
        row = np.concatenate([np.arange(len(value)), rows])
        order = np.argsort(row, kind="stable")
        row = row[order]
        columns: dict[str, Any] = {
            name: (compose.take(compose.column_of(table, name), row), None) for name in self.given
        }
        chosen = np.concatenate([value, drawn])[order]
        columns[self.drawn] = (compose.take(values, chosen), None)
        columns[target] = ((order < len(value)).astype(np.int64), None)
        return compose.table_of(columns)

    def _draw(self, context: AnyArray, n_values: int, seen: AnyArray) -> AnyArray:
        """Return an unobserved value for each context; -1 where twenty draws did not find one.

        ``seen`` holds context * n_values + value of everything observed, sorted.
        """
        random = stream(self.seed, "sample")
        drawn = np.full(len(context), -1, np.int64)
        pending = np.arange(len(context))
        for _ in range(20):
            trial = random.integers(n_values, size=len(pending))
            keys = context[pending] * n_values + trial
            place = np.minimum(np.searchsorted(seen, keys), len(seen) - 1)
            new = seen[place] != keys
            drawn[pending[new]] = trial[new]
            pending = pending[~new]
            if not len(pending):
                break
        return drawn
