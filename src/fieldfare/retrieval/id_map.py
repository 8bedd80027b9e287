"""Ids, as tables hold them, and places, as arrays count them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, final

import numpy as np

from fieldfare._typing import AnyArray, Int64Array
from fieldfare.exceptions import DataError, SchemaError
from fieldfare.schema import compose


@final
class IdMap:
    """The id of each place, a whole number or a text, and the place of each id.

    Parameters
    ----------
    values : int64 or str array of shape (n,)
        An id that occurs twice has the later of its places.
    """

    def __init__(self, values: AnyArray) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def _place_of(self) -> dict[Any, int]:
        return {id_: place for place, id_ in enumerate(self.values.tolist())}

    def place(self, id_: Any) -> int:
        """Return the place of an id, -1 if it is unknown."""
        return self._place_of.get(self._converted(id_), -1)

    def places(self, ids: Iterable[Any]) -> Int64Array:
        """Return the place of each id, -1 where it is unknown."""
        return np.array([self.place(id_) for id_ in ids], np.int64)

    def in_use(self) -> AnyArray:
        """Return whether each place is the one that its id leads to, bool of shape (n,)."""
        found = np.zeros(len(self.values), bool)
        found[list(self._place_of.values())] = True
        return found

    def at(self, places: Int64Array) -> AnyArray:
        """Return the ids at places; -1 or an empty text for the place -1."""
        if not len(self.values):
            return np.full(places.shape, self.no_id, self.values.dtype)
        return np.where(places < 0, self.no_id, self.values[places]).astype(self.values.dtype)

    def extended(self, values: AnyArray) -> IdMap:
        """Return a map with more ids at the end, converted to the type of the present ones."""
        more = [self._converted(id_) for id_ in values.tolist()]
        return IdMap(np.concatenate([self.values, np.array(more, type(self.no_id))]))

    @property
    def no_id(self) -> int | str:
        """Placeholder where there is no id: -1 among numbers, "" among texts."""
        return -1 if self.values.dtype.kind == "i" else ""

    def _converted(self, id_: Any) -> Any:
        """Return an id in the type of this map, so that 17 and "17" are the same id."""
        if self.values.dtype.kind != "i":
            return str(id_)
        try:
            return int(id_)
        except (TypeError, ValueError):
            return None


def read_ids(table: Any, name: str) -> AnyArray:
    """Return a column of ids of a pyarrow Table: int64 if it holds whole numbers, else texts.

    Raises
    ------
    SchemaError
        If there is no such column, or one of its cells is empty.
    """
    column = compose.column_of(table, name)
    if column.null_count:
        raise SchemaError(
            f"Every row needs an id. Column {name!r} has {column.null_count:,} empty cells: fill "
            "them in, or remove those rows."
        )
    found = np.asarray(column.to_pylist())
    if found.dtype.kind in "iub" and len(found):
        return found.astype(np.int64)
    return found.astype(str)


def check_distinct(values: AnyArray, what: str) -> AnyArray:
    """Return the ids of a table.

    Raises
    ------
    DataError
        If an id occurs more than once.
    """
    _, first, counts = np.unique(values, return_index=True, return_counts=True)
    if (counts > 1).any():
        repeated = values[first[int(np.argmax(counts > 1))]].item()
        raise DataError(
            f"A table of {what} must have one row per id. The id {repeated!r} has several: remove "
            "all but one."
        )
    return values
