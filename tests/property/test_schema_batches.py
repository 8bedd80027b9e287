"""Any cut of a table into batches gives the same Schema and the same Rows."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples

from fieldfare.rows import Rows
from fieldfare.schema.column import Column
from fieldfare.schema.schema import Schema

CELLS = {
    "c": st.none() | st.sampled_from(["a", "b", "2.0", "2", "True", "ü", ""]),
    "h": st.none() | st.text(max_size=5),
    "x": st.none() | st.just(float("nan")) | st.floats(-1e6, 1e6),
    "q": st.none() | st.integers(-50, 5000),
    "l": st.none() | st.integers(-3, 100_000),
    "m": st.none() | st.lists(st.sampled_from(["p", "q:2", "r:0.5"]), max_size=4),
    "t": st.none() | st.text(alphabet="aB é!", max_size=12),
    "y": st.integers(0, 1),
}
COLUMNS = [
    Column("c", min_count=2),
    Column("h", hash_buckets=16),
    Column("x", "numeric"),
    Column("q", "numeric", transform="quantile", n_bins=4),
    Column("l", "numeric", transform="log2"),
    Column("m", "multi", weight_separator=":"),
    Column("t", "text"),
]
TYPES = pa.schema(
    {
        "c": pa.string(), "h": pa.string(), "x": pa.float64(), "q": pa.int64(), "l": pa.int32(),
        "m": pa.list_(pa.string()), "t": pa.large_string(), "y": pa.int8(),
    }
)  # fmt: skip


@examples(30)
@given(st.data())
def test_batches_change_nothing(data):
    records = data.draw(st.lists(st.fixed_dictionaries(CELLS), min_size=1, max_size=30))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(records)), max_size=4)))
    table = pa.Table.from_pylist(records, schema=TYPES)
    bounds = [0, *cuts, len(records)]
    pieces = [table.slice(a, b - a) for a, b in pairwise(bounds)]
    whole = Schema(COLUMNS, target="y").fit(table)
    parts = Schema(COLUMNS, target="y").fit(iter(pieces))
    assert parts.digest == whole.digest
    ours = whole.encode(table)
    theirs = Rows.concatenate([whole.encode(piece) for piece in pieces])
    for name in ("indptr", "indices", "fields", "target"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
    ones = np.ones(ours.nnz, np.float32)
    np.testing.assert_array_equal(
        ones if ours.values is None else ours.values,
        ones if theirs.values is None else theirs.values,
    )
    ours.validate()
    assert (np.bincount(ours.indices, minlength=whole.n_features) == whole.counts)[
        np.array([not name.startswith(("x", "m", "t")) for name in whole.feature_names])
    ].all()


@examples(30)
@given(
    st.lists(st.sampled_from("abcdef"), min_size=1, max_size=20),
    st.lists(st.sampled_from("defghi"), max_size=20),
)
def test_extending_never_moves_ids(first, second):
    schema = Schema([Column("c"), Column("n", "numeric")]).fit(
        {"c": first, "n": [1.0] * len(first)}
    )
    grown = schema.extend({"c": second, "n": [2.0] * len(second)})
    assert list(grown.feature_names)[: schema.n_features] == list(schema.feature_names)
    assert len(set(grown.feature_names)) == grown.n_features
    unknown = grown.encode({"c": first + second, "n": [1.0] * (len(first) + len(second))})
    assert "c=<unknown>" not in {grown.feature_name(int(i)) for i in unknown.indices}
