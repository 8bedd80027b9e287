"""Parquet files are read in pieces, however they are cut."""

from __future__ import annotations

import numpy as np
import pytest

from fieldfare.sources.formats import open_table

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


def test_a_large_row_group_is_never_held_whole(tmp_path):
    path, n = tmp_path / "one_group.parquet", 1_000_000
    rng = np.random.default_rng(0)
    table = pa.table({f"x{i}": rng.normal(size=n) for i in range(10)})
    parquet.write_table(table, path, row_group_size=n, use_dictionary=False)
    del table
    size, before, most, rows = path.stat().st_size, pa.total_allocated_bytes(), 0, 0
    assert parquet.ParquetFile(path).num_row_groups == 1
    for batch in open_table(path).batches():
        most = max(most, pa.total_allocated_bytes() - before)
        rows += batch.data.num_rows
    assert rows == n
    assert most < size / 2
