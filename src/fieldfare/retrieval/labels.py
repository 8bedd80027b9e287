"""Labels: the ids that people use, and the places that arrays use."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, final

import numpy as np

from fieldfare._typing import AnyArray, Int64Array
from fieldfare.exceptions import DataError, SchemaError
from fieldfare.schema import compose


@final
class Labels:
    """Distinct ids, whole numbers or texts, by place.

    Parameters
    ----------
    values : int64 or str array of shape (n,)
        An id that stands twice counts where it stands last.
    """

    def __init__(self, values: AnyArray) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def _place_of(self) -> dict[Any, int]:
        return {label: place for place, label in enumerate(self.values.tolist())}

    def place(self, label: Any) -> int:
        """Return the place of an id, -1 if it is not known."""
        return self._place_of.get(self._own(label), -1)

    def places(self, labels: Iterable[Any]) -> Int64Array:
        """Return the place of each id, -1 where it is not known."""
        return np.array([self.place(label) for label in labels], np.int64)

    def at(self, places: Int64Array) -> AnyArray:
        """Return the ids at places; -1 or an empty text for the place -1."""
        if not len(self.values):
            return np.full(places.shape, self.nothing, self.values.dtype)
        return np.where(places < 0, self.nothing, self.values[places]).astype(self.values.dtype)

    def extended(self, values: AnyArray) -> Labels:
        """Return labels with more of them at the end, as the type of these."""
        own = [self._own(label) for label in values.tolist()]
        return Labels(np.concatenate([self.values, np.array(own, type(self.nothing))]))

    @property
    def nothing(self) -> int | str:
        """What stands for no id."""
        return -1 if self.values.dtype.kind == "i" else ""

    def _own(self, label: Any) -> Any:
        """Return an id as these labels have it: whole numbers and their texts are the same."""
        if self.values.dtype.kind != "i":
            return str(label)
        try:
            return int(label)
        except (TypeError, ValueError):
            return None


def labels_of(table: Any, name: str) -> AnyArray:
    """Return a column of ids of a pyarrow Table: int64 if it holds whole numbers, else texts.

    Raises
    ------
    SchemaError
        If there is no such column, or a cell is missing.
    """
    column = compose.column_of(table, name)
    if column.null_count:
        raise SchemaError(f"Every row needs an id. Column {name!r} has cells without one.")
    found = np.asarray(column.to_pylist())
    if found.dtype.kind in "iub" and len(found):
        return found.astype(np.int64)
    return found.astype(str)


def distinct(values: AnyArray, what: str) -> AnyArray:
    """Return ids, or refuse them if one repeats."""
    _, first, counts = np.unique(values, return_index=True, return_counts=True)
    if (counts > 1).any():
        twice = values[first[int(np.argmax(counts > 1))]].item()
        raise DataError(f"A table of {what} has one row for each. {twice!r} has several.")
    return values
