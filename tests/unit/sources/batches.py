"""Batches of Rows with everything that Rows can have, and when two are the same."""

from __future__ import annotations

import numpy as np

from fieldfare.rows import Rows

NAMES = ("indptr", "indices", "values", "fields", "target", "weight", "group")


def make_rows(seed: int = 0, n_rows: int = 50, without: tuple[str, ...] = ()) -> Rows:
    """Draw rows of none to four entries."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 5, n_rows)
    indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    nnz = int(indptr[-1])
    parts = {
        "values": rng.normal(size=nnz).astype(np.float32),
        "fields": rng.integers(0, 7, nnz).astype(np.uint16),
        "target": rng.normal(size=n_rows).astype(np.float32),
        "weight": rng.random(n_rows).astype(np.float32),
        "group": rng.integers(0, 9, n_rows),
    }
    kept = {name: array for name, array in parts.items() if name not in without}
    return Rows(indptr, rng.integers(0, 100, nnz).astype(np.uint32), **kept)


def assert_same(found: Rows, expected: Rows) -> None:
    """Check that all arrays are there or not in both, with the same bits."""
    for name in NAMES:
        one, other = getattr(found, name), getattr(expected, name)
        assert (one is None) == (other is None), name
        if one is not None:
            assert (one.dtype, one.tobytes()) == (other.dtype, other.tobytes()), name
    assert (found.n_features, found.n_fields) == (expected.n_features, expected.n_fields)
