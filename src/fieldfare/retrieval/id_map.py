"""Ids, as tables hold them, and places, as arrays count them.

An id has one form, whatever type it comes in: 17, 17.0, "17" and "17.0" are the same id, as they
are the same category in training (`fieldfare.schema.canonical`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, final

import numpy as np

from fieldfare._typing import AnyArray, Int64Array
from fieldfare._validation import shown
from fieldfare.exceptions import DataError, SchemaError
from fieldfare.retrieval.layered import LayeredMap
from fieldfare.schema import compose

_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,18}")
_LARGEST = 2**63 - 1
# What is no single value, and so no id.
_SEVERAL = (list, tuple, set, frozenset, dict)


@final
class IdMap:
    """The id of each place, a whole number or a text, and the place of each id.

    It never changes: what changes it returns another map, which shares most of this one.

    Parameters
    ----------
    values : int64 or str array of shape (n,)
        Texts in their canonical form. An id that occurs twice has the later of its places.
    """

    def __init__(self, values: AnyArray) -> None:
        self._parts = [values]
        self._n = len(values)
        self._kind = values.dtype.kind
        self._ready: LayeredMap | None = None

    def __len__(self) -> int:
        return self._n

    @cached_property
    def values(self) -> AnyArray:
        """The id of each place, int64 or str array of shape (n,)."""
        if len(self._parts) > 1:
            self._parts = [np.concatenate(self._parts)]
        return self._parts[0]

    @property
    def _place_of(self) -> LayeredMap:
        if self._ready is None:
            self._ready = LayeredMap(dict(zip(self.values.tolist(), range(self._n), strict=True)))
        return self._ready

    def ready(self) -> None:
        """Build the table that the first look-up would otherwise wait for."""
        _ = self._place_of

    def place(self, id_: Any) -> int:
        """Return the place of an id, -1 if it is unknown."""
        return self._place_of.get(self._key(id_))

    def places(self, ids: Iterable[Any]) -> Int64Array:
        """Return the place of each id, -1 where it is unknown."""
        given = ids.tolist() if isinstance(ids, np.ndarray) else ids
        find, key = self._place_of.get, self._key
        return np.array([find(key(id_)) for id_ in given], np.int64)

    def in_use(self) -> AnyArray:
        """Return whether each place is the one that its id leads to, bool of shape (n,)."""
        found = np.zeros(self._n, bool)
        found[self._place_of.places()] = True
        return found

    def at(self, places: Int64Array) -> AnyArray:
        """Return the ids at places; -1 or an empty text for the place -1."""
        if not self._n:
            return np.full(places.shape, self.no_id, self.values.dtype)
        if (places >= 0).all():
            return self.values[places]
        return np.where(places < 0, self.no_id, self.values[places]).astype(self.values.dtype)

    def extended(self, ids: AnyArray) -> IdMap:
        """Return a map with more ids at the end."""
        same = self._with_room_for(ids)
        own = same._converted(ids)
        found = same._copy([*same._parts, own])
        keys = zip(own.tolist(), range(same._n, found._n), strict=True)
        found._ready = same._place_of.changed(dict(keys))
        return found

    def replaced(self, places: Int64Array, ids: AnyArray) -> IdMap:
        """Return a map with other ids at places, which may go on at the end without a gap."""
        same = self._with_room_for(ids)
        own = same._converted(ids)
        n = max(same._n, int(places.max(initial=-1)) + 1)
        values = np.empty(n, np.promote_types(same.values.dtype, own.dtype))
        values[: same._n] = same.values
        old = values[places[places < same._n]].tolist()
        values[places] = own
        find = same._place_of.get
        free = set(places.tolist())
        gone = {key: -1 for key in old if find(key) in free}
        found = same._copy([values])
        found._ready = same._place_of.changed(
            gone | dict(zip(own.tolist(), places.tolist(), strict=True))
        )
        return found

    def without(self, places: Int64Array) -> IdMap:
        """Return a map in which the ids at places are unknown."""
        found = self._copy(self._parts)
        found._ready = self._place_of.changed(dict.fromkeys(self.values[places].tolist(), -1))
        return found

    def taken(self, places: Int64Array) -> IdMap:
        """Return a map of the ids at some places, numbered anew."""
        return IdMap(self.values[places])

    @property
    def no_id(self) -> int | str:
        """Placeholder where there is no id: -1 among numbers, "" among texts."""
        return -1 if self._kind == "i" else ""

    def _copy(self, parts: list[AnyArray]) -> IdMap:
        found = IdMap(parts[0])
        found._parts = list(parts)
        found._n = sum(map(len, parts))
        return found

    def _key(self, id_: Any) -> Any:
        """Return an id as this map holds it."""
        if self._kind == "U":
            return id_text(id_)
        if type(id_) is int:
            return id_
        text = id_text(id_)
        return int(text) if text is not None and _WHOLE.fullmatch(text) else text

    def _converted(self, ids: AnyArray) -> AnyArray:
        if self._kind == ids.dtype.kind:
            return ids
        return ids.astype(np.int64) if self._kind == "i" else ids.astype(str)

    def _with_room_for(self, ids: AnyArray) -> IdMap:
        """Return this map, as one of texts if some of the ids are not numbers."""
        if not self._n:
            return IdMap(ids[:0])
        if self._kind == "i" and ids.dtype.kind != "i" and not _are_numbers(ids):
            return IdMap(self.values.astype(str))
        return self


def id_text(id_: Any) -> str | None:
    """Return the canonical text of an id; None if it is missing or no single value."""
    kind = type(id_)
    if kind is not str and kind is not int:
        if hasattr(id_, "item") and getattr(id_, "ndim", 1) == 0:
            id_ = id_.item()
        if isinstance(id_, _SEVERAL):
            return None
    return compose.text_of_cell(id_)


def _are_numbers(texts: AnyArray) -> bool:
    return all(_WHOLE.fullmatch(text) and abs(int(text)) <= _LARGEST for text in texts.tolist())


def read_ids(table: Any, name: str) -> AnyArray:
    """Return a column of ids of a pyarrow Table: int64 if it holds whole numbers, else texts.

    Whole numbers may be floats, as in a data frame in which some of them were missing. Texts are
    canonical, and remain texts even if they look like numbers.

    Raises
    ------
    SchemaError
        If there is no such column, or one of its cells is empty.
    """
    ids = compose.ids(compose.column_of(table, name))
    if ids is None:
        raise SchemaError(
            f"Every row needs an id. Column {name!r} has empty cells: fill them in, or remove "
            "those rows."
        )
    return ids


def is_single_id(ids: Any) -> bool:
    """Return whether this is one id, rather than a list, array or column of ids."""
    if isinstance(ids, (str, bytes)) or getattr(ids, "ndim", 1) == 0:
        return True
    return not hasattr(ids, "__len__") and not hasattr(ids, "__iter__")


def id_list(ids: Any) -> list[Any]:
    """Return ids, or one, as a list of Python numbers and strings.

    Raises
    ------
    DataError
        If they are neither an id nor a list of ids.
    """
    listed = listed_of(ids)
    odd = next(
        (one for one in listed if isinstance(one, _SEVERAL) or getattr(one, "ndim", None)), None
    )
    if odd is not None:
        raise DataError(f"Each id must be a single value. Got {shown(odd)} among the ids.")
    return listed


def listed_of(given: Any) -> list[Any]:
    """Return what was passed as a list, or one value, as a list of Python objects.

    Raises
    ------
    DataError
        If it cannot be listed, or would be listed as something else: a table as the names of its
        columns, a mapping as its keys.
    """
    if is_single_id(given):
        return [given.item() if getattr(given, "ndim", None) == 0 else given]
    if isinstance(given, Mapping) or hasattr(given, "columns"):
        raise DataError(
            f"Ids must be a list, an array or a column of ids. Got {shown(given)}. Pass its column "
            "of ids."
        )
    try:
        return list(given.tolist()) if hasattr(given, "tolist") else list(given)
    except Exception as error:  # of whatever was passed for a list
        raise DataError(
            f"Ids must be a list, an array or a column of ids. Got {shown(given)}: "
            f"{shown(str(error))}."
        ) from error


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
