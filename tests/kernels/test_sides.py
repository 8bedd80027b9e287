"""What one side of a factorization machine contributes, against NumPy, one row at a time."""

from __future__ import annotations

import numpy as np
import pytest

from fieldfare.kernels.sides import SideKeys, sum_sides
from fieldfare.rows import Rows

N_FEATURES, N_FIELDS, K = 9, 4, 5


def reference(rows, side_of, wanted, linear, factors, by_field):
    """Sum over entries, and over pairs of entries (Rendle 2010, eq. 1), in float64."""
    cross, own = [], []
    for row in range(len(rows)):
        vectors, total = [], 0.0
        for e in range(rows.indptr[row], rows.indptr[row + 1]):
            feature = int(rows.indices[e])
            key = int(rows.fields[e]) if by_field else feature
            if feature >= len(linear) or key >= len(side_of) or side_of[key] != wanted:
                continue
            x = 1.0 if rows.values is None else float(rows.values[e])
            total += x * float(linear[feature])
            vectors.append(x * factors[feature].astype(np.float64))
        pairs = (vectors[i] @ vectors[j] for j in range(len(vectors)) for i in range(j))
        cross.append(np.sum(vectors, axis=0) if vectors else np.zeros(factors.shape[1]))
        own.append(total + sum(pairs))
    return np.array(cross).reshape(len(rows), -1), np.array(own)


def rows_of(lengths, *, values=True, fields=True, seed=0):
    """Rows that repeat features, and name some that the model does not know."""
    rng = np.random.default_rng(seed)
    n = int(np.sum(lengths))
    return Rows(
        np.append(0, np.cumsum(lengths)).astype(np.int64),
        rng.integers(0, N_FEATURES + 2, n).astype(np.uint32),
        rng.normal(size=n).astype(np.float32) if values else None,
        rng.integers(0, N_FIELDS + 1, n).astype(np.uint16) if fields else None,
    )


@pytest.mark.parametrize("by_field", [False, True])
@pytest.mark.parametrize("values", [False, True])
@pytest.mark.parametrize("lengths", [[0], [1], [7], [3, 0, 20, 1, 2] * 9])
def test_sums_are_those_of_the_formula(lengths, values, by_field) -> None:
    rng = np.random.default_rng(1)
    linear = rng.normal(size=N_FEATURES).astype(np.float32)
    factors = rng.normal(size=(N_FEATURES, K)).astype(np.float32)
    side_of = rng.integers(0, 2, N_FIELDS if by_field else N_FEATURES).astype(np.uint8)
    rows, keys = rows_of(lengths, values=values), SideKeys(side_of, by_field)
    for part in (rows, rows.slice(len(rows) // 2, len(rows))):
        for wanted in (0, 1):
            expected = reference(part, side_of, wanted, linear, factors, by_field)
            for threads, dtype in ((1, "float64"), (3, "float32"), (None, "float64")):
                out = np.full((len(part), K + 2), 7, dtype)
                own = sum_sides(part, keys, wanted, linear, factors, out, threads)
                atol = 1e-12 if dtype == "float64" else 1e-5
                np.testing.assert_allclose(out[:, :K], expected[0], atol=atol)
                np.testing.assert_allclose(own, expected[1], atol=1e-12)
                assert (out[:, K:] == 7).all()


def test_arrays_that_do_not_fit_are_refused() -> None:
    linear, factors = np.zeros(N_FEATURES, np.float32), np.zeros((N_FEATURES, K), np.float32)
    keys = SideKeys(np.zeros(N_FEATURES, np.uint8), by_field=False)
    rows, out = rows_of([2, 3], fields=False), np.zeros((2, K), np.float32)
    with pytest.raises(ValueError, match="fields"):
        sum_sides(rows, keys._replace(by_field=True), 0, linear, factors, out)
    with pytest.raises(ValueError, match="weights and factors"):
        sum_sides(rows, keys, 0, linear[1:], factors, out)
    with pytest.raises(ValueError, match="wrong shape"):
        sum_sides(rows, keys, 0, linear, factors, out[:, 1:].copy())
    with pytest.raises(ValueError, match="indptr"):
        sum_sides(rows.with_(indptr=np.array([0, 4, 2])), keys, 0, linear, factors, out)
