"""Training from disk, under any memory limit, equals training in memory."""

from __future__ import annotations

import numpy as np
import pytest

from fieldfare.data.loading import Dataset
from fieldfare.rows import Rows
from fieldfare.schema.schema import Schema
from fieldfare.store.row_store import RowStore
from fieldfare.training.functions import train
from fieldfare.training.loop.callbacks import Checkpoint, parameter_arrays

N, PER_ROW, N_FEATURES = 200_000, 8, 64


@pytest.fixture(scope="module")
def rows() -> Rows:
    """Rows of more than one window, so that the order across windows counts."""
    random = np.random.default_rng(0)
    fields = np.tile(np.arange(PER_ROW, dtype=np.uint16), N)
    indices = (random.integers(0, 8, N * PER_ROW) + 8 * fields).astype(np.uint32)
    indptr = np.arange(0, N * PER_ROW + 1, PER_ROW, dtype=np.int64)
    target = (indices.reshape(N, PER_ROW).sum(axis=1) % 2).astype(np.float32)
    return Rows(indptr, indices, fields=fields, target=target)


@pytest.fixture(scope="module")
def store(rows, tmp_path_factory) -> RowStore:
    parts = (rows.slice(start, start + 40_000) for start in range(0, N, 40_000))
    return RowStore.build(parts, tmp_path_factory.mktemp("store") / "rows")


def _train(data, **options):
    return train(data, model="fm", n_factors=2, max_iter=2, random_state=1, n_jobs=1,
                 early_stopping=True, **options)  # fmt: skip


def assert_same(a, b) -> None:
    for name, array in parameter_arrays(a.model).items():
        np.testing.assert_array_equal(array, parameter_arrays(b.model)[name])


@pytest.mark.parametrize("limit", [None, 1, 1000])
def test_disk_equals_memory(rows, store, limit) -> None:
    dataset = Dataset(store.rows, Schema.indexed(N_FEATURES, PER_ROW), store)
    assert_same(_train(rows), _train(dataset, memory_limit=limit))


def test_resume_from_disk_what_began_in_memory(rows, store, tmp_path) -> None:
    path = tmp_path / "run.ckpt"
    options = {"model": "fm", "n_factors": 2, "random_state": 1, "n_jobs": 1}
    whole = train(rows, max_iter=2, **options)
    train(rows, max_iter=1, callbacks=[Checkpoint(path)], **options)
    assert_same(whole, train(store, max_iter=2, memory_limit=1, resume=path, **options))
