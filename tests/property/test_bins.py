"""Quantile bins: heavy values alone, the others in bins of equal count."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples

from fieldfare.schema.column import Column
from fieldfare.schema.fit import bin_edges
from fieldfare.schema.schema import Schema

NUMBERS = st.lists(st.integers(-3, 6).map(float) | st.floats(-1e9, 1e9), min_size=1, max_size=80)


@examples(200)
@given(numbers=NUMBERS, n_bins=st.integers(2, 12))
def test_no_bin_is_empty_and_heavy_values_are_alone(numbers, n_bins):
    x = np.array(numbers)
    edges = bin_edges(x, n_bins)
    assert (np.diff(edges) > 0).all()
    bins = np.searchsorted(edges, x, side="right")
    counts = np.bincount(bins, minlength=len(edges) + 1)
    assert (counts > 0).all()
    values, times = np.unique(x, return_counts=True)
    heavy = values[times * n_bins > len(x)]
    for value in heavy:
        assert set(x[bins == bins[x == value][0]]) == {value}
    assert len(counts) <= max(n_bins, 2 * len(heavy) + 1)
    if len(values) <= n_bins and not len(heavy):
        assert len(counts) <= len(values)


@examples(50)
@given(seed=st.integers(0, 999), n_bins=st.integers(2, 40))
def test_numbers_without_ties_are_shared_equally(seed, n_bins):
    x = np.random.default_rng(seed).permutation(400).astype(float)
    counts = np.bincount(np.searchsorted(bin_edges(x, n_bins), x, side="right"))
    assert len(counts) == n_bins
    assert counts.max() - counts.min() <= 1


def test_many_zeros_do_not_make_a_column_constant():
    x = [0.0] * 92 + [float(i) for i in range(1, 9)]
    column = Column("x", "numeric", transform="quantile", n_bins=5)
    schema = Schema([column]).fit({"x": x})
    assert schema.counts.tolist() == [0, 92, 2, 2, 2, 2]


@pytest.mark.parametrize("x", [[], [3.0], [3.0, 3.0]])
def test_one_value_or_none_needs_no_edge(x):
    assert bin_edges(np.array(x), 4).tolist() == []
