"""Indexes: they find the items whose vectors have the largest inner products with a query.

An exact `Index` looks at every item, in the compiled core. One with `approximate.Neighbours` looks
only at the items in the cells nearest to the query. The scores are exact either way. An index never
changes: `change` returns a new one, so that a running search still sees a consistent index.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, final

import numpy as np

from fieldfare._arguments import checked
from fieldfare._arrays import as_array, as_places
from fieldfare._typing import AnyArray, Float32Array, Float64Array, Int64Array
from fieldfare._validation import Number, OneOf, check
from fieldfare.exceptions import ConfigError, DataError, SettingWarning
from fieldfare.kernels.topk import Excluded, score_items, search_items

if TYPE_CHECKING:
    from fieldfare.retrieval.approximate import Calibration, Neighbours

EXACT_UP_TO = 100_000
_ADDED_AT_ONCE = 2**14
Kind = Literal["auto", "exact", "approximate"]


@final
@dataclass(frozen=True, eq=False)
class Index:
    """Item vectors by place; made by `build_index`.

    Parameters
    ----------
    vectors : float32 array of shape (n_places, d)
    alive : bool array of shape (n_places,)
        False where an item was removed. Its place is free for the next one.
    neighbours : Neighbours or None
        The cells of an approximate index; None for an exact one.
    measured : Calibration or None
        Of an exact index that was chosen because an approximate one would be slower.
    """

    vectors: Float32Array
    alive: AnyArray
    neighbours: Neighbours | None = None
    measured: Calibration | None = None

    def __len__(self) -> int:
        return self._n_items

    @cached_property
    def _n_items(self) -> int:
        return int(np.count_nonzero(self.alive))

    @cached_property
    def gram(self) -> Float64Array:
        """The sum of the outer products of all items' vectors, float64 of shape (d, d)."""
        total = np.zeros((self.vectors.shape[1],) * 2)
        for low in range(0, len(self.vectors), _ADDED_AT_ONCE):
            part = slice(low, low + _ADDED_AT_ONCE)
            vectors = self.vectors[part][self.alive[part]].astype(np.float64)
            total += vectors.T @ vectors
        return total

    def __repr__(self) -> str:
        kind = "exact" if self.neighbours is None else repr(self.neighbours)
        if self.measured is not None:
            kind += ", since approximate search would be slower"
        return f"Index({len(self):,} items, {self.vectors.shape[1]} numbers each, {kind})"

    @property
    def calibration(self) -> Calibration | None:
        """Recall and speed measured when the index was built.

        None for an exact index, unless an approximate one was tried and found to be slower.
        """
        return self.measured if self.neighbours is None else self.neighbours.calibration

    def search(
        self,
        queries: Float32Array,
        n: int,
        *,
        allowed: AnyArray | None = None,
        excluded: Excluded | None = None,
    ) -> tuple[Int64Array, Float32Array]:
        """Return the places of the best items of each query, and their inner products.

        Parameters
        ----------
        queries : float32 array of shape (n_queries, d)
        n : int
        allowed : bool array of shape (n_places,), optional
            Which items may be found. Such a search always looks at every item.
        excluded : Excluded, optional
            Places that each query leaves out.

        Returns
        -------
        places : int64 array of shape (n_queries, n)
            Best first, the lower place first among equal scores; -1 where there are too few items.
        scores : float32 array of shape (n_queries, n)
            -inf where there are too few items.

        Raises
        ------
        DataError
            If the queries do not have the length of the item vectors.
        """
        if queries.ndim != 2 or queries.shape[1] != self.vectors.shape[1]:
            raise DataError(
                f"Queries of this index must have shape (n, {self.vectors.shape[1]}). "
                f"Got shape {queries.shape}."
            )
        queries = np.ascontiguousarray(queries, np.float32)
        near = self.neighbours
        # The cells searched may hold hardly any of the allowed items.
        if near is None or allowed is not None:
            return self._among_all(queries, n, allowed, excluded)
        more = 0 if excluded is None else int(np.diff(excluded.indptr).max(initial=0))
        if 4 * (n + more) > len(self.vectors):  # cells save nothing
            return self._among_all(queries, n, allowed, excluded)
        places = near.nearest(queries, n + more)
        if excluded is not None:
            places = _without(places, excluded, len(self.vectors))
        places, scores = _best(places, score_items(self.vectors, queries, places), n)
        # The cells searched may hold fewer items than are wanted.
        too_few = np.flatnonzero(places[:, -1] < 0)
        if len(too_few):
            rest = None if excluded is None else excluded.take(too_few)
            places[too_few], scores[too_few] = self._among_all(queries[too_few], n, None, rest)
        return places, scores

    def _among_all(
        self, queries: Float32Array, n: int, allowed: AnyArray | None, excluded: Excluded | None
    ) -> tuple[Int64Array, Float32Array]:
        """Look at every item."""
        if allowed is not None:
            allowed = allowed & self.alive
        elif len(self) < len(self.alive):
            allowed = self.alive
        return search_items(self.vectors, queries, n, allowed=allowed, excluded=excluded)

    def free_places(self, n: int) -> Int64Array:
        """Return places for n more items: those of removed items, and then those at the end."""
        check("n", n, Number(0, 2**32, integer=True), "Index.free_places")
        free = np.flatnonzero(~self.alive)[:n]
        return np.append(free, len(self.vectors) + np.arange(n - len(free)))

    def change(
        self, removed: Int64Array, added: Float32Array, places: Int64Array | None = None
    ) -> Index:
        """Return an index without the items at some places, and with others.

        Parameters
        ----------
        removed : int64 array of shape (n_removed,)
            Places that hold an item.
        added : float array of shape (n_added, d)
        places : int64 array of shape (n_added,), optional
            Where to put them: free places or removed ones, and those at the end without a gap. By
            default those of the removed items, and then `free_places`.

        Raises
        ------
        DataError
            If the added vectors have another length or are not finite, or cannot be put there.
        """
        added = checked_vectors(added, self.vectors.shape[1])
        removed = as_places("The places to remove", removed, len(self.vectors))
        if places is None:
            own = np.sort(removed)[: len(added)]
            places = np.append(own, self.free_places(len(added) - len(own)))
        else:
            places = self._to_fill(places, removed, len(added))
        n = max(len(self.vectors), int(places.max(initial=-1)) + 1)
        vectors = self.vectors
        if len(added):
            vectors = np.empty((n, vectors.shape[1]), np.float32)
            vectors[: len(self.vectors)] = self.vectors
            vectors[places] = added
        alive = np.zeros(n, bool)
        alive[: len(self.alive)] = self.alive
        alive[removed] = False
        alive[places] = True
        near = self.neighbours
        if near is not None:
            near = near.change(removed, added, places)
        return Index(vectors, alive, near, self.measured)

    def _to_fill(self, places: Int64Array, removed: Int64Array, n_added: int) -> Int64Array:
        n = len(self.vectors)
        places = as_places("The places to fill", places, n + n_added)
        taken = np.append(self.alive, np.zeros(n_added, bool))
        taken[removed] = False
        beyond = np.sort(places[places >= n])
        if (
            len(places) != n_added
            or len(np.unique(places)) != n_added
            or taken[places].any()
            or not np.array_equal(beyond, n + np.arange(len(beyond)))
        ):
            raise DataError(
                f"The places to fill must be one per added vector, all different: free or removed "
                f"ones, or those from {n} on without a gap. Leave them out to have them chosen."
            )
        return places

    def taken(self, places: Int64Array) -> Index:
        """Return an index of the items at some places, in ascending order, without any gap.

        Raises
        ------
        DataError
            If the places are not in ascending order, or hold no item.
        """
        places = as_places("The places to take", places, len(self.vectors))
        if (np.diff(places) <= 0).any() or not self.alive[places].all():
            raise DataError("The places to take must hold items and be in ascending order.")
        vectors, near = self.vectors[places], self.neighbours
        if near is not None:
            near = near.renumbered(places, vectors)
        return Index(vectors, np.ones(len(places), bool), near, self.measured)


@checked
def build_index(
    vectors: AnyArray,
    kind: Kind = "auto",
    *,
    recall: float = 0.99,
    queries: AnyArray | None = None,
) -> Index:
    """Return an index of item vectors.

    Parameters
    ----------
    vectors : float array of shape (n_items, d)
        For instance those that `Split.items` returns. They are stored as float32.
    kind : {"auto", "exact", "approximate"}, default="auto"
        ``auto`` is exact up to 100,000 items. Above that it is approximate if faiss is installed,
        there are at least two queries, and approximate search turns out to be faster on them. An
        approximate index of 10,000 items or more that would be slower is exact, with a warning.
    recall : float in (0, 1), default=0.99
        Share of the true best 100 items that an approximate index has to find on the queries.
    queries : float array of shape (n_queries, d), optional
        For an approximate index: queries like those it will answer, at least 200 and preferably
        1,000. One half serves to choose the setting, the other half to measure the recall.

    Returns
    -------
    Index

    Raises
    ------
    ConfigError
        If an approximate index has fewer than two queries to measure itself on, or a parameter is
        not allowed.
    DataError
        If vectors are not finite or do not have the same length as the queries.
    MissingDependencyError
        If faiss is needed and not installed.
    """
    check("kind", kind, OneOf(("auto", "exact", "approximate")), "build_index")
    check("recall", recall, Number(0, 1, low_open=True, high_open=True), "build_index")
    vectors = checked_vectors(vectors)
    index = Index(vectors, np.ones(len(vectors), bool))
    from fieldfare.retrieval import approximate

    is_asked_for = kind == "approximate"
    if kind == "auto":
        large = len(vectors) > EXACT_UP_TO and queries is not None and len(queries) > 1
        kind = "approximate" if large and approximate.is_installed() else "exact"
    if kind == "exact":
        return index
    if queries is None or len(queries) < 2:
        raise ConfigError(
            "An approximate index measures itself on queries like those it will answer. Pass "
            "several hundred as queries=, for instance those of past users. Got "
            f"{0 if queries is None else len(queries)}."
        )
    asked = checked_vectors(queries, vectors.shape[1])
    near = approximate.build(vectors, asked, recall)
    if near.calibration.is_slower and len(vectors) >= approximate.LEAST_COMPARED:
        if is_asked_for:
            warnings.warn(
                f"An approximate index of these vectors would be slower than an exact one: "
                f"{near.calibration.exact_queries_per_second:,.0f} queries/s when every item is "
                "searched. The index is exact; lower recall for an approximate one.",
                SettingWarning,
                stacklevel=3,
            )
        return Index(vectors, index.alive, None, near.calibration)
    return Index(vectors, index.alive, near)


def checked_vectors(vectors: AnyArray, d: int | None = None) -> Float32Array:
    """Return vectors as a contiguous float32 matrix.

    Raises
    ------
    DataError
        If they are not a matrix (of ``d`` columns, if given), or not finite in float32.
    """
    vectors = as_array("The vectors", vectors)
    if vectors.ndim != 2 or (d is not None and vectors.shape[1] != d):
        raise DataError(
            f"Vectors must be a matrix{'' if d is None else f' with {d} columns'}. Got shape "
            f"{vectors.shape}."
        )
    found = np.ascontiguousarray(as_array("The vectors", vectors, np.float32))
    finite = np.isfinite(found).all(axis=1)
    if not finite.all():
        raise DataError(f"Vectors must be finite in float32. Row {int(np.argmin(finite))} is not.")
    return found


def _without(places: Int64Array, excluded: Excluded, n_places: int) -> Int64Array:
    """Return the places found, with -1 in the place of those that their query leaves out."""
    # One number per pair of query and place, so that a single isin serves all queries.
    row = np.arange(len(places))
    left_out = np.repeat(row * n_places, np.diff(excluded.indptr)) + excluded.ids
    hit = np.isin(places + (row * n_places)[:, None], left_out)
    return np.where(hit, -1, places)


def _best(places: Int64Array, scores: Float32Array, n: int) -> tuple[Int64Array, Float32Array]:
    """Return the n best of the scored places, in the same order as an exact search."""
    order = np.lexsort((places, -scores), axis=1)[:, :n]
    return np.take_along_axis(places, order, axis=1), np.take_along_axis(scores, order, axis=1)
