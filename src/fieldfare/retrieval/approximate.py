"""Approximate neighbours through faiss: only the cells of items nearest to a query are searched.

The inner product is not a distance: a very long item vector is close to every query, and graph
indexes on such vectors find less than half of what they should. Therefore each item vector gets one
more coordinate, ``sqrt(M^2 - |x|^2)`` with M above the largest length, and each query a zero
(Bachrach et al. 2014, section 3.1). Ordering by Euclidean distance is then the same as ordering by
inner product. Items are scaled to length one and queries to another fixed length: if one were much
longer than the other, the shorter one would vanish in a distance computed in single precision.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from fieldfare._optional import require
from fieldfare._random import stream
from fieldfare._typing import JSON, AnyArray, Float32Array, Int64Array
from fieldfare.kernels.topk import score_items, search_items

# Headroom for longer items that are added later. Even longer ones are ordered only approximately.
_HEADROOM = 1.1
# Recall is measured on the best 100 items.
_DEPTH = 100
# The mean of a cell is shorter than its items, which matters more the closer a query is to zero.
# With query lengths from 0.25 to 0.5 the fewest cells have to be searched.
_QUERY_LENGTH = 0.3
# Scores computed at once: 16 MB, about what the processor's caches hold.
_BLOCK = 2**22
# Queries of which the search time is measured.
_TIMED = 50
# Below so many items either search takes microseconds, and the comparison says little.
LEAST_COMPARED = 10_000
# Items added at once when cells are read from a file, which bounds the memory for copies.
_ADDED = 2**16
# A build has 3 sqrt(n) cells, the means of 39 sampled items per cell after 6 rounds. More of either
# takes longer and does not find more.
_CELLS_PER_ROOT, _SAMPLE_PER_CELL, _ROUNDS = 3, 39, 6


def is_installed() -> bool:
    """Whether faiss can be imported."""
    return importlib.util.find_spec("faiss") is not None


@dataclass(frozen=True)
class Point:
    """One setting: cells searched, recall on the choosing queries, and queries per second."""

    n_probe: int
    recall: float
    queries_per_second: float


@dataclass(frozen=True)
class Calibration:
    """The setting of an approximate index, and the share of the true best items that it finds.

    Parameters
    ----------
    wanted : float in (0, 1)
        The recall that was asked for.
    recall : float in [0, 1]
        Recall with the chosen setting, on queries that were not used to choose it.
    depth : int
        Number of best items that were looked for.
    n_cells : int
        Number of cells.
    n_probe : int
        Cells searched per query.
    exact_queries_per_second : float
        Speed of a search that looks at every item, measured in turns with the settings.
    curve : tuple of Point
        The settings that were tried, up to the first that is slower than the exact search.
    """

    wanted: float
    recall: float
    depth: int
    n_cells: int
    n_probe: int
    exact_queries_per_second: float
    curve: tuple[Point, ...]

    @property
    def is_slower(self) -> bool:
        """Whether the chosen setting is slower than an exact search."""
        speeds = {point.n_probe: point.queries_per_second for point in self.curve}
        return speeds[self.n_probe] < self.exact_queries_per_second

    def __str__(self) -> str:
        lines = [f"  cells  recall@{self.depth}  queries/s"]
        lines += [
            f"  {p.n_probe:5d}  {p.recall:10.4f}  {p.queries_per_second:9,.0f}"
            + ("  <- chosen" if p.n_probe == self.n_probe else "")
            for p in self.curve
        ]
        last = "  <- faster: every item is searched" if self.is_slower else ""
        lines.append(f"    all      1.0000  {self.exact_queries_per_second:9,.0f}{last}")
        lines.append(f"recall@{self.depth} on held-out queries: {self.recall:.4f}")
        return "\n".join(lines)

    def to_json(self) -> JSON:
        """Return numbers and lists, ready for JSON."""
        return asdict(self)

    @staticmethod
    def from_json(header: JSON) -> Calibration:
        """Return the calibration that `to_json` wrote."""
        return Calibration(**{**header, "curve": tuple(Point(**p) for p in header["curve"])})


@dataclass(frozen=True, eq=False)
class Neighbours:
    """A faiss inverted file over augmented vectors.

    Parameters
    ----------
    inverted : faiss.IndexIVFFlat
    bound : float
        M: item vectors are divided by it, and none should be longer.
    calibration : Calibration
    """

    inverted: Any
    bound: float
    calibration: Calibration

    def __repr__(self) -> str:
        found = self.calibration
        return f"approximate with recall@{found.depth} {found.recall:.4f}"

    def nearest(self, queries: Float32Array, n: int) -> Int64Array:
        """Return the places of the items found.

        Parameters
        ----------
        queries : float32 array of shape (n_queries, d)
        n : int

        Returns
        -------
        int64 array of shape (n_queries, n)
            -1 where the cells searched hold too few items.
        """
        _, places = self.inverted.search(_padded(queries), n)
        return np.asarray(places, np.int64)

    def change(self, removed: Int64Array, added: Float32Array, places: Int64Array) -> Neighbours:
        """Return a copy without some places, and with items added at places that are free then."""
        faiss = require("faiss", "ann")
        copy = faiss.clone_index(self.inverted)
        copy.nprobe = self.calibration.n_probe
        if len(removed):
            copy.remove_ids(faiss.IDSelectorBatch(np.ascontiguousarray(removed, np.int64)))
        if len(added):
            copy.add_with_ids(augmented(added, self.bound), np.ascontiguousarray(places, np.int64))
        return replace(self, inverted=copy)

    def renumbered(self, places: Int64Array, vectors: Float32Array) -> Neighbours:
        """Return a copy in which the item at ``places[i]`` is item i, with their vectors."""
        arrays = self.arrays()
        arrays["places"] = np.searchsorted(places, arrays["places"]).astype(np.uint32)
        return Neighbours.from_arrays(arrays, vectors, self.bound, self.calibration)

    def arrays(self) -> dict[str, AnyArray]:
        """Return the cells as plain arrays, of which `from_arrays` makes the same object again.

        Returns
        -------
        dict
            ``centres``: float32 of shape (n_cells, d + 1). ``indptr``: int64 of shape
            (n_cells + 1,). ``places``: uint32 of shape (n_items,); cell c holds the items
            ``places[indptr[c]:indptr[c + 1]]``, in the order in which they are searched.
        """
        faiss = require("faiss", "ann")
        lists, n_cells = self.inverted.invlists, self.inverted.nlist
        sizes = [lists.list_size(cell) for cell in range(n_cells)]
        places = [
            faiss.rev_swig_ptr(lists.get_ids(cell), size).astype(np.uint32)
            for cell, size in enumerate(sizes)
            if size
        ]
        return {
            "centres": self.inverted.quantizer.reconstruct_n(0, n_cells),
            "indptr": np.append(0, np.cumsum(sizes, dtype=np.int64)),
            "places": np.concatenate([np.zeros(0, np.uint32), *places]),
        }

    @staticmethod
    def from_arrays(
        arrays: Mapping[str, AnyArray],
        vectors: Float32Array,
        bound: float,
        calibration: Calibration,
    ) -> Neighbours:
        """Return the object of which `arrays` returned the cells, with the vectors of all places.

        Nothing is searched or learned, so this takes little more than copying the vectors.
        """
        cells = np.repeat(np.arange(len(arrays["centres"])), np.diff(arrays["indptr"]))
        places = arrays["places"].astype(np.int64)
        inverted = _empty(arrays["centres"])
        for low in range(0, len(places), _ADDED):
            some = places[low : low + _ADDED]
            _add(inverted, augmented(vectors[some], bound), some, cells[low : low + _ADDED])
        inverted.nprobe = calibration.n_probe
        return Neighbours(inverted, bound, calibration)


def build(vectors: Float32Array, queries: Float32Array, wanted: float) -> Neighbours:
    """Build an inverted file of item vectors and choose its setting.

    Parameters
    ----------
    vectors : float32 array of shape (n_items, d)
    queries : float32 array of shape (n_queries, d)
        Every other one serves to choose the setting, the others to measure its recall.
    wanted : float in (0, 1)
        Recall to reach on the queries.

    Raises
    ------
    MissingDependencyError
        If faiss is not installed.
    """
    require("faiss", "ann")  # before the work
    n = len(vectors)
    bound = _HEADROOM * float(lengths(vectors).max(initial=0)) or 1.0
    wide = augmented(vectors, bound)
    n_cells = int(max(1, min(_CELLS_PER_ROOT * np.sqrt(n), n / _SAMPLE_PER_CELL)))
    centres = _means(wide, n_cells)
    inverted = _empty(centres)
    # Our matrix product assigns items to cells several times as fast as faiss' own `add`.
    _add(inverted, wide, np.arange(n), _nearest(centres, wide))
    calibration = _calibrate(inverted, vectors, queries, wanted)
    inverted.nprobe = calibration.n_probe
    return Neighbours(inverted, bound, calibration)


def _empty(centres: Float32Array) -> Any:
    """Return an inverted file with these centres and no items."""
    faiss = require("faiss", "ann")
    n_cells, d = centres.shape
    quantizer = faiss.IndexFlatL2(d)
    quantizer.add(centres)
    inverted = faiss.IndexIVFFlat(quantizer, d, n_cells)
    inverted.is_trained = True
    return inverted


def _add(inverted: Any, wide: Float32Array, places: Int64Array, cells: Int64Array) -> None:
    """Add augmented vectors to cells that are known."""
    faiss = require("faiss", "ann")
    inverted.add_core(len(wide), *map(faiss.swig_ptr, (wide, places, cells)))


def augmented(vectors: Float32Array, bound: float) -> Float32Array:
    """Divide the vectors by ``bound`` and append the coordinate that makes each length one."""
    out = np.empty((len(vectors), vectors.shape[1] + 1), np.float32)
    np.divide(vectors, bound, out=out[:, :-1])
    out[:, -1] = np.sqrt(np.maximum(1 - (lengths(vectors) / bound) ** 2, 0))
    return out


def _means(points: Float32Array, n_cells: int) -> Float32Array:
    """Return cell centres: k-means (Lloyd 1982) on a sample of the points, with a fixed seed."""
    rng = stream(0, "cells")
    chosen = rng.permutation(len(points))[: n_cells * _SAMPLE_PER_CELL]
    sample = points[np.sort(chosen)]
    centres = points[chosen[:n_cells]].copy()
    for _ in range(_ROUNDS):
        cell = _nearest(centres, sample)
        order = np.argsort(cell, kind="stable")
        starts = np.flatnonzero(np.diff(cell[order], prepend=-1))
        sizes = np.diff(starts, append=len(sample))
        sums = np.add.reduceat(sample[order], starts, axis=0)
        # Only cells with points are assigned to, so that the others keep their centres.
        centres[cell[order[starts]]] = sums / sizes[:, None]
    return centres


def _nearest(centres: Float32Array, points: Float32Array) -> Int64Array:
    """Return the nearest centre of each point, int64 of shape (n_points,).

    |x - c|^2 = |x|^2 - 2 (<x, c> - |c|^2 / 2) is smallest where <x, c> - |c|^2 / 2 is largest.
    """
    half_squares = np.einsum("nd,nd->n", centres, centres) / 2
    found = np.empty(len(points), np.int64)
    step = max(1, _BLOCK // len(centres))
    for low in range(0, len(points), step):
        scores = points[low : low + step] @ centres.T
        scores -= half_squares
        np.argmax(scores, axis=1, out=found[low : low + step])
    return found


def _padded(queries: Float32Array) -> Float32Array:
    """Scale the queries to the common length and append a zero."""
    scaled = lengths(queries) / _QUERY_LENGTH
    out = np.zeros((len(queries), queries.shape[1] + 1), np.float32)
    np.divide(queries, np.where(scaled > 0, scaled, 1)[:, None], out=out[:, :-1])
    return out


def lengths(vectors: Float32Array) -> AnyArray:
    """Return the Euclidean length of each vector, float64 of shape (n,)."""
    found: AnyArray = np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))
    return found


def _calibrate(
    inverted: Any, vectors: Float32Array, queries: Float32Array, wanted: float
) -> Calibration:
    """Find how many cells must be searched: doubling until it suffices, then bisection."""
    depth = min(_DEPTH, len(vectors))
    truth, _ = search_items(vectors, queries, depth)
    padded = _padded(queries)

    def recall(rows: slice) -> AnyArray:
        _, found = inverted.search(padded[rows], depth)
        lists = zip(found, truth[rows], strict=True)
        return np.array([np.isin(items, best).mean() for items, best in lists])

    choosing, measuring = slice(0, None, 2), slice(1, None, 2)
    curve: list[Point] = []
    exact: list[float] = []
    low, high = 0, 0  # the largest number that fails, the smallest that suffices (0: none yet)
    n_probe = 1
    while True:
        inverted.nprobe = n_probe
        found = recall(choosing)
        times = []
        for query, raw in zip(padded[choosing][:_TIMED], queries[choosing], strict=False):
            start = time.perf_counter()
            _, places = inverted.search(query[None], depth)
            score_items(vectors, raw[None], places)
            middle = time.perf_counter()
            search_items(vectors, raw[None], depth)
            times.append(middle - start)
            exact.append(time.perf_counter() - middle)
        # Medians, so that other load on the machine does not distort the curve.
        speed = 1 / float(np.median(times))
        curve.append(Point(n_probe, float(found.mean()), speed))
        if speed * float(np.median(exact)) < 1 and len(vectors) >= LEAST_COMPARED:
            high = n_probe
            break
        # Two standard errors below the mean, which may be too high by chance.
        if found.mean() - 2 * found.std() / np.sqrt(len(found)) >= wanted:
            high = n_probe
        else:
            low = n_probe
        if high:
            n_probe = (low + high) // 2
            # An eighth more cells than necessary costs less than finding the exact number.
            if high - low <= max(1, high // 8):
                break
        elif low == inverted.nlist:
            high = low
            break
        else:
            n_probe = min(2 * n_probe, inverted.nlist)
    inverted.nprobe = high
    curve.sort(key=lambda point: point.n_probe)
    measured = float(recall(measuring).mean())
    all_items = 1 / float(np.median(exact))
    return Calibration(wanted, measured, depth, inverted.nlist, high, all_items, tuple(curve))
