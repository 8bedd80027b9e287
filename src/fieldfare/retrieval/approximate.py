"""Approximate neighbours through faiss: cells of items, of which those near the query are searched.

Inner product is no distance: an item of great length is near to everything, and graph indexes on
such vectors find less than half of what they should. So the items get one more number,
``sqrt(M^2 - |x|^2)`` with M above the greatest length, and the queries a zero (Bachrach et al.
2014, section 3.1). The Euclidean distance then has the order of the inner product. Items are
brought to the length one, and queries to a fixed one: were they much shorter or longer than items,
the distance in single precision would be that of the longer alone.
"""

from __future__ import annotations

import importlib.util
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from fieldfare._optional import require
from fieldfare._random import stream
from fieldfare._typing import JSON, AnyArray, Float32Array, Int64Array
from fieldfare.kernels.topk import search_items

# Head-room for longer items that come later; beyond it their order is only nearly right.
_HEAD_ROOM = 1.1
_DEPTH = 100
# The means that stand for cells are shorter than their items, and the nearer the query is to zero
# the more that counts. From 0.25 to 0.5 the fewest cells suffice.
_QUERY_LENGTH = 0.3
_BLOCK = 2**22  # of scores at once, which stay near the processor
_TIMED = 50
# Cells are the means of a sample, after a few rounds: more of either costs time and finds no more.
_CELLS_PER_ROOT, _SAMPLE_PER_CELL, _ROUNDS = 3, 39, 6


def is_installed() -> bool:
    """Whether faiss can be imported."""
    return importlib.util.find_spec("faiss") is not None


@dataclass(frozen=True)
class Point:
    """One setting: cells searched, recall on the first half of the queries, queries a second."""

    n_probe: int
    recall: float
    queries_per_second: float


@dataclass(frozen=True)
class Calibration:
    """How an approximate index was set, and what it then found of the true best items.

    Parameters
    ----------
    wanted : float
        Recall asked for.
    recall : float
        Measured with the chosen setting on queries that had no part in the choice.
    depth : int
        Number of best items that were looked for.
    n_cells, n_probe : int
        Cells in all, and searched for a query.
    curve : tuple of Point
        What was tried.
    """

    wanted: float
    recall: float
    depth: int
    n_cells: int
    n_probe: int
    curve: tuple[Point, ...]

    def __str__(self) -> str:
        lines = [f"  cells  recall@{self.depth}  queries/s"]
        lines += [
            f"  {p.n_probe:5d}  {p.recall:10.4f}  {p.queries_per_second:9,.0f}"
            + ("  <- chosen" if p.n_probe == self.n_probe else "")
            for p in self.curve
        ]
        lines.append(f"recall@{self.depth} on held-out queries: {self.recall:.4f}")
        return "\n".join(lines)

    def to_json(self) -> JSON:
        """Return plain numbers."""
        return asdict(self)

    @staticmethod
    def from_json(header: JSON) -> Calibration:
        """Return what `to_json` described."""
        return Calibration(**{**header, "curve": tuple(Point(**p) for p in header["curve"])})


@dataclass(frozen=True, eq=False)
class Neighbours:
    """An inverted file of faiss over augmented vectors.

    Parameters
    ----------
    inverted : faiss.IndexIVFFlat
    bound : float
        M, which no item's length should exceed, and by which items are divided.
    calibration : Calibration
    mapped : bool
        Whether its arrays are those of a file, which cannot be written to.
    """

    inverted: Any
    bound: float
    calibration: Calibration
    mapped: bool = False

    def __repr__(self) -> str:
        found = self.calibration
        return f"approximate with recall@{found.depth} {found.recall:.4f}"

    def nearest(self, queries: Float32Array, n: int) -> Int64Array:
        """Return the places of the items found, -1 where there are too few."""
        _, places = self.inverted.search(_padded(queries), n)
        return np.asarray(places, np.int64)

    def change(self, removed: Int64Array, added: Float32Array, first: int) -> Neighbours:
        """Return a copy without some places, and with items added at places from ``first`` on."""
        faiss = require("faiss", "ann")
        # faiss cannot clone what is mapped, but it can take a copy through bytes.
        copy = (
            faiss.deserialize_index(faiss.serialize_index(self.inverted))
            if self.mapped
            else faiss.clone_index(self.inverted)
        )
        copy.nprobe = self.calibration.n_probe
        if len(removed):
            copy.remove_ids(faiss.IDSelectorBatch(np.ascontiguousarray(removed, np.int64)))
        if len(added):
            copy.add_with_ids(augmented(added, self.bound), np.arange(first, first + len(added)))
        return replace(self, inverted=copy, mapped=False)

    def save(self, path: Path) -> None:
        """Write the inverted file."""
        require("faiss", "ann").write_index(self.inverted, str(path))

    @staticmethod
    def load(path: Path, bound: float, calibration: Calibration) -> Neighbours:
        """Map what `save` wrote into memory."""
        faiss = require("faiss", "ann")
        flag = getattr(faiss, "IO_FLAG_MMAP_IFC", 0)
        inverted = faiss.read_index(str(path), flag)
        inverted.nprobe = calibration.n_probe
        return Neighbours(inverted, bound, calibration, bool(flag))


def build(vectors: Float32Array, queries: Float32Array, wanted: float) -> Neighbours:
    """Return the neighbours of item vectors, set so that the wanted recall is reached."""
    faiss = require("faiss", "ann")
    n, d = vectors.shape
    bound = _HEAD_ROOM * float(_lengths(vectors).max(initial=0)) or 1.0
    wide = augmented(vectors, bound)
    n_cells = int(max(1, min(_CELLS_PER_ROOT * np.sqrt(n), n / _SAMPLE_PER_CELL)))
    centres = _means(wide, n_cells)
    quantizer = faiss.IndexFlatL2(d + 1)
    quantizer.add(centres)
    inverted = faiss.IndexIVFFlat(quantizer, d + 1, n_cells)
    inverted.is_trained = True
    # A product of matrices finds the cells several times as fast as `add` would.
    cells, ids = _nearest(centres, wide), np.arange(n)
    inverted.add_core(n, *map(faiss.swig_ptr, (wide, ids, cells)))
    calibration = _calibrate(inverted, vectors, queries, wanted)
    inverted.nprobe = calibration.n_probe
    return Neighbours(inverted, bound, calibration)


def augmented(vectors: Float32Array, bound: float) -> Float32Array:
    """Return the vectors over ``bound`` with the number that makes all lengths one."""
    out = np.empty((len(vectors), vectors.shape[1] + 1), np.float32)
    np.divide(vectors, bound, out=out[:, :-1])
    out[:, -1] = np.sqrt(np.maximum(1 - (_lengths(vectors) / bound) ** 2, 0))
    return out


def _means(points: Float32Array, n_cells: int) -> Float32Array:
    """Return the means of a sample of points (Lloyd 1982), from points of it; always the same."""
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
        centres[cell[order[starts]]] = sums / sizes[:, None]  # empty cells stay where they are
    return centres


def _nearest(centres: Float32Array, points: Float32Array) -> Int64Array:
    """Return the nearest centre of each point: that of the largest <x, c> - |c|^2 / 2."""
    own = np.einsum("nd,nd->n", centres, centres) / 2
    found = np.empty(len(points), np.int64)
    step = max(1, _BLOCK // len(centres))
    for low in range(0, len(points), step):
        scores = points[low : low + step] @ centres.T
        scores -= own
        np.argmax(scores, axis=1, out=found[low : low + step])
    return found


def _padded(queries: Float32Array) -> Float32Array:
    """Return the queries, all of one length, with a zero."""
    lengths = _lengths(queries) / _QUERY_LENGTH
    out = np.zeros((len(queries), queries.shape[1] + 1), np.float32)
    np.divide(queries, np.where(lengths > 0, lengths, 1)[:, None], out=out[:, :-1])
    return out


def _lengths(vectors: Float32Array) -> AnyArray:
    found: AnyArray = np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))
    return found


def _calibrate(
    inverted: Any, vectors: Float32Array, queries: Float32Array, wanted: float
) -> Calibration:
    depth = min(_DEPTH, len(vectors))
    truth, _ = search_items(vectors, queries, depth)
    asked = _padded(queries)

    def recall(rows: slice) -> AnyArray:
        _, found = inverted.search(asked[rows], depth)
        pairs = zip(found, truth[rows], strict=True)
        return np.array([np.isin(one, other).mean() for one, other in pairs])

    choosing, measuring = slice(0, None, 2), slice(1, None, 2)
    curve: list[Point] = []
    low, high = 0, 0  # fails, suffices
    n_probe = 1
    while True:
        inverted.nprobe = n_probe
        found = recall(choosing)
        times = [time.perf_counter()]
        for query in asked[choosing][:_TIMED]:
            inverted.search(query[None], depth)
            times.append(time.perf_counter())
        # The median: what else the machine does must not bend the curve.
        curve.append(Point(n_probe, float(found.mean()), 1 / float(np.median(np.diff(times)))))
        # The mean of so many queries may be too high by chance.
        if found.mean() - 2 * found.std() / np.sqrt(len(found)) >= wanted:
            high = n_probe
        else:
            low = n_probe
        if high:
            n_probe = (low + high) // 2
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
    return Calibration(wanted, measured, depth, inverted.nlist, high, tuple(curve))
