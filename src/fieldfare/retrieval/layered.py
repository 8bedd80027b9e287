"""Large things that change little by little: a large part that copies share, and a small one.

Readers keep the copy that they began with. A change copies the small, recent part only; once that
has grown to a share of the whole, it joins the large one, so that many small changes cost about as
much as a few large ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import numpy as np

from fieldfare._typing import AnyArray, Int64Array
from fieldfare.rows import Rows

_FEW = 4096
_SHARE = 32


def is_much(n_recent: int, n_large: int) -> bool:
    """Whether a recent part has become so large that it should join the large part."""
    return n_recent > max(_FEW, n_large // _SHARE)


@final
class LayeredMap:
    """A mapping from keys to places, copies of which are cheap.

    Parameters
    ----------
    large, recent : dict
        Of a key in both, the recent place counts; -1 says that the key is gone.
    """

    def __init__(self, large: dict[Any, int], recent: Mapping[Any, int] | None = None) -> None:
        self._large = large
        self._recent = dict(recent or {})

    def get(self, key: Any) -> int:
        """Return the place of a key, -1 if there is none."""
        found = self._recent.get(key) if self._recent else None
        return self._large.get(key, -1) if found is None else found

    def changed(self, places: Mapping[Any, int]) -> LayeredMap:
        """Return a copy with other places of some keys, -1 for those that are to go."""
        recent = {**self._recent, **places}
        if not is_much(len(recent), len(self._large)):
            return LayeredMap(self._large, recent)
        whole = {**self._large, **recent}
        return LayeredMap({key: place for key, place in whole.items() if place >= 0})

    def places(self) -> list[int]:
        """Return the places of all keys."""
        whole = {**self._large, **self._recent}
        return [place for place in whole.values() if place >= 0]


@final
class LayeredRows:
    """Rows that more can be appended to cheaply.

    Parameters
    ----------
    large, recent : Rows
        The recent rows are numbered after the large ones.
    """

    def __init__(self, large: Rows, recent: Rows | None = None) -> None:
        self._large = large
        self._recent = large.slice(0, 0) if recent is None else recent

    def __len__(self) -> int:
        return len(self._large) + len(self._recent)

    def extended(self, more: Rows) -> LayeredRows:
        """Return a copy with more rows at the end."""
        recent = Rows.concatenate([self._recent, more]) if len(self._recent) else more
        if is_much(len(recent), len(self._large)):
            return LayeredRows(Rows.concatenate([self._large, recent]))
        return LayeredRows(self._large, recent)

    def take(self, places: Int64Array) -> Rows:
        """Return some rows; a row without entries where the place is -1."""
        n_large = len(self._large)
        if len(places) == 1 and (place := int(places[0])) >= 0:  # a request: nothing is copied
            is_recent = place >= n_large
            part, at = (self._recent, place - n_large) if is_recent else (self._large, place)
            return part.slice(at, at + 1)
        if not len(self._recent) and (places >= 0).all():
            return self._large.take(places)
        if len(self._recent) and (places >= n_large).any():
            own = places[places >= 0]
            old = self._large.take(own[own < n_large])
            chosen = Rows.concatenate([old, self._recent.take(own[own >= n_large] - n_large)])
            # Those of the large part come first; bring them back into the order asked for.
            order = np.empty(len(own), np.int64)
            order[np.argsort(own >= n_large, kind="stable")] = np.arange(len(own))
            chosen = chosen.take(order)
        else:
            chosen = self._large.take(places[places >= 0])
        return with_empty_rows(chosen, places >= 0)

    def all(self) -> Rows:
        """Return all rows as one."""
        return Rows.concatenate([self._large, self._recent]) if len(self._recent) else self._large


@final
class LayeredArray:
    """An array that more rows can be appended to cheaply.

    Parameters
    ----------
    large, recent : arrays of shape (n, ...)
        The recent rows are numbered after the large ones.
    """

    def __init__(self, large: AnyArray, recent: AnyArray | None = None) -> None:
        self._large = large
        self._recent = large[:0] if recent is None else recent

    def extended(self, more: AnyArray) -> LayeredArray:
        """Return a copy with more rows at the end."""
        recent = np.concatenate([self._recent, more])
        if is_much(len(recent), len(self._large)):
            return LayeredArray(np.concatenate([self._large, recent]))
        return LayeredArray(self._large, recent)

    def take(self, places: Int64Array) -> AnyArray:
        """Return copies of some rows."""
        n_large = len(self._large)
        is_recent = places >= n_large
        if not is_recent.any():
            return np.asarray(self._large[places])
        found = np.empty((len(places), *self._large.shape[1:]), self._large.dtype)
        found[~is_recent] = self._large[places[~is_recent]]
        found[is_recent] = self._recent[places[is_recent] - n_large]
        return found

    def all(self) -> AnyArray:
        """Return all rows as one array."""
        return np.concatenate([self._large, self._recent]) if len(self._recent) else self._large


def with_empty_rows(rows: Rows, there: AnyArray) -> Rows:
    """Return the rows in the places where ``there`` is true, and empty rows in the others."""
    if there.all():
        return rows
    lengths = np.zeros(len(there), np.int64)
    lengths[there] = np.diff(rows.indptr)
    return rows.with_(indptr=np.concatenate([[0], np.cumsum(lengths)]) + rows.indptr[0])


def put_rows(rows: Rows, places: Int64Array, more: Rows) -> Rows:
    """Return rows with others put at places: in place of what is there, or from the end on."""
    n = max(len(rows), int(places.max(initial=-1)) + 1)
    order = np.arange(n)
    order[places] = len(rows) + np.arange(len(more))
    return Rows.concatenate([rows, more]).take(order)
