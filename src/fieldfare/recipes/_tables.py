"""Tables beside the interactions: attributes of users and items, and interactions that were not."""

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
    """A column of a side table, looked up by the user or item of each row."""

    column: Column
    key: str
    names: Any
    cells: Any

    def make(self, table: Any) -> Any:
        """Return the attribute of each row; missing for a key that is not in the side table."""
        place, _ = compose.positions(compose.column_of(table, self.key), self.names)
        return compose.take(self.cells, place)

    def on(self, history: Any) -> Attribute:
        """Return itself."""
        return self


def attributes(side: Any, key: str, role: str) -> list[Attribute]:
    """Return a step for each column of a side table but its key.

    Raises
    ------
    SchemaError
        If the key is not a column, is missing somewhere, or repeats.
    """
    table = compose.read(side)
    place, names = places(table, key)
    if len(names) < len(place):
        row = int(np.argmax(np.bincount(place)[place] > 1))
        raise SchemaError(
            f"A side table needs one row for each {key!r}. {names[int(place[row])].as_py()!r} has "
            "several: remove or join them."
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
class Negatives:
    """Rows that were not observed, drawn to be told from those that were.

    Parameters
    ----------
    given : tuple of str
        Columns that make the context, copied from the observed row.
    drawn : str
        Column that is drawn evenly from all its values but those seen in the context.
    n : int
        Rows for each observed one; fewer in contexts where nearly everything was seen.
    seed : int
    """

    given: tuple[str, ...]
    drawn: str
    n: int
    seed: int

    def add(self, table: Any, target: str) -> Any:
        """Return the rows, each followed by its negatives, with a target of ones and zeros."""
        context, _ = compose.positions(
            compose.crossed([compose.column_of(table, name) for name in self.given])
        )
        value, values = places(table, self.drawn)
        rows = np.repeat(np.arange(len(value)), self.n)
        drawn = self._draw(context[rows], len(values), np.unique(context * len(values) + value))
        rows, drawn = rows[drawn >= 0], drawn[drawn >= 0]
        every = np.concatenate([np.arange(len(value)), rows])
        order = np.argsort(every, kind="stable")
        every = every[order]
        columns: dict[str, Any] = {
            name: (compose.take(compose.column_of(table, name), every), None) for name in self.given
        }
        chosen = np.concatenate([value, drawn])[order]
        columns[self.drawn] = (compose.take(values, chosen), None)
        columns[target] = ((order < len(value)).astype(np.int64), None)
        return compose.table_of(columns)

    def _draw(self, context: AnyArray, n_values: int, seen: AnyArray) -> AnyArray:
        """Return a value for each context, -1 where twenty draws found none that was not seen."""
        random = stream(self.seed, "sample")
        drawn = np.full(len(context), -1, np.int64)
        open_ = np.arange(len(context))
        for _ in range(20):
            trial = random.integers(n_values, size=len(open_))
            keys = context[open_] * n_values + trial
            place = np.minimum(np.searchsorted(seen, keys), len(seen) - 1)
            new = seen[place] != keys
            drawn[open_[new]] = trial[new]
            open_ = open_[~new]
            if not len(open_):
                break
        return drawn
