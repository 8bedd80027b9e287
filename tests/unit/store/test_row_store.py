"""RowStore: what it keeps, how it is built, the cache and the fingerprints."""

from __future__ import annotations

import json
import os
import pickle
import sys
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from tests.unit.sources.batches import NAMES, assert_same, make_rows

from fieldfare.exceptions import ConfigError, DataError, DataWarning, StoreError
from fieldfare.rows import Rows
from fieldfare.schema.schema import Column, Schema
from fieldfare.store import cache
from fieldfare.store import files as _storefile
from fieldfare.store import row_store as store
from fieldfare.store.row_store import RowStore, cache_folder, cached, file_fingerprint


@pytest.mark.parametrize("without", [(), ("fields",), ("values", "weight", "group"), NAMES[2:]])
def test_what_is_built_comes_back(tmp_path: Path, without: tuple[str, ...]) -> None:
    batches = [make_rows(seed, without=without) for seed in range(3)]
    built = RowStore.build(batches, tmp_path / "rows", metadata={"b": [1, 2.5, "é"], "a": None})
    expected = Rows.concatenate(batches)
    for found in (built, RowStore.open(tmp_path / "rows", verify=True)):
        assert_same(found.rows, expected)
        assert found.metadata == {"b": [1, 2.5, "é"], "a": None}
        assert (found.n_features, found.n_fields) == (expected.n_features, expected.n_fields)
        assert found.nbytes == sum(f.stat().st_size for f in (tmp_path / "rows").glob("*.bin"))
        assert len(found) == 150
    names = {file.stem for file in (tmp_path / "rows").glob("*.bin")}
    assert names == {name for name in NAMES if name not in without}
    assert [file.name for file in tmp_path.iterdir()] == ["rows"]


def test_the_schema_comes_back(tmp_path: Path) -> None:
    table = {"name": ["ada", "bob", "ada", "\u00e9"] * 3, "size": [1.5, 2.5, 3.5, -1.0] * 3}
    schema = Schema((Column("name"), Column("size", "numeric", transform="quantile", n_bins=2)))
    schema = schema.fit(table)
    RowStore.build([schema.encode(table)], tmp_path / "rows", schema=lambda: schema)
    found = RowStore.open(tmp_path / "rows", verify=True).schema
    assert found is not None
    assert found.digest == schema.digest
    assert list(found.feature_names) == list(schema.feature_names)
    assert RowStore.build([make_rows()], tmp_path / "without").schema is None


def test_slices_keep_only_their_own(tmp_path: Path) -> None:
    rows = make_rows(n_rows=60)
    batches = [rows.slice(i, i + 7) for i in range(0, 60, 7)]
    assert_same(RowStore.build(batches, tmp_path / "rows").rows, rows)


def test_values_and_weights_of_one_are_not_stored(tmp_path: Path) -> None:
    rows = make_rows()
    ones = rows.with_(values=np.ones(rows.nnz, np.float32), weight=np.ones(len(rows), np.float32))
    found = RowStore.build([ones], tmp_path / "rows").rows
    assert found.values is None
    assert found.weight is None


def test_batches_that_lack_an_array_are_filled_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_storefile, "_BLOCK_BYTES", 10)
    bare = ("values", "weight", "fields")
    batches = [make_rows(0, without=bare), make_rows(1), make_rows(2, without=bare), make_rows(3)]
    found = RowStore.build(batches, tmp_path / "rows").verify()
    assert_same(found.rows, Rows.concatenate(batches))


@pytest.mark.parametrize("name", ["target", "group"])
@pytest.mark.parametrize("order", [1, -1])
def test_targets_and_groups_are_in_all_batches_or_in_none(
    tmp_path: Path, name: str, order: int
) -> None:
    batches = [make_rows(0), make_rows(1, without=(name,))][::order]
    with pytest.raises(DataError, match=f"have a {name} and some have none"):
        RowStore.build(batches, tmp_path / "rows")
    assert list(tmp_path.iterdir()) == []


def test_no_rows_at_all(tmp_path: Path) -> None:
    built = RowStore.build([make_rows(n_rows=0)], tmp_path / "rows").verify()
    assert len(built) == 0
    assert built.n_features == 0
    built.evict()


def test_arrays_cannot_be_written_to(tmp_path: Path) -> None:
    rows = RowStore.build([make_rows()], tmp_path / "rows").rows
    with pytest.raises(ValueError, match="read-only"):
        rows.indices[0] = 1


def test_rows_outlive_the_store_and_its_files(tmp_path: Path) -> None:
    rows = RowStore.build([make_rows()], tmp_path / "rows").rows
    for file in (tmp_path / "rows").iterdir():
        file.unlink()
    assert_same(rows, make_rows())


def test_pickling_keeps_the_path(tmp_path: Path) -> None:
    built = RowStore.build([make_rows()], tmp_path / "rows")
    again = pickle.loads(pickle.dumps(built))
    assert again.path == built.path
    assert_same(again.rows, built.rows)


@pytest.mark.parametrize(
    "rows", [None, [], [0], [49, 3, 4], range(50), range(0, 50, 2), range(10, 20)]
)
def test_evicted_rows_stay_usable(
    tmp_path: Path, rows: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_MAX_RUNS", 20)
    built = RowStore.build([make_rows(n_rows=50)], tmp_path / "rows")
    built.evict(None if rows is None else np.array(rows, np.int64))  # type: ignore[call-overload]
    assert_same(built.rows, make_rows(n_rows=50))


@pytest.mark.skipif(not os.path.exists("/proc/self/smaps_rollup"), reason="needs Linux")
def test_eviction_gives_memory_back(tmp_path: Path) -> None:
    def resident() -> int:
        total, inside = 0, False
        for line in Path("/proc/self/smaps").read_text().splitlines():
            if "-" in line.split()[0]:
                inside = str(tmp_path / "rows" / "indices.bin") in line
            elif inside and line.startswith("Rss:"):
                total += int(line.split()[1])
        return total

    n = 1 << 18
    rows = Rows(np.arange(n + 1, dtype=np.int64), np.zeros(n, np.uint32))
    built = RowStore.build([rows], tmp_path / "rows")
    assert int(built.rows.indices.sum()) == 0
    assert resident() == 1024
    built.evict(np.arange(n // 2))
    assert resident() == 512
    built.evict()
    assert resident() == 0


def test_batches_are_not_kept(tmp_path: Path) -> None:
    """The builder asks for one batch after the other and holds none of them."""
    seen: list[weakref.ref[Rows]] = []

    def batches() -> Iterator[Rows]:
        for seed in range(5):
            assert sum(ref() is not None for ref in seen) <= 1
            batch = make_rows(seed)
            seen.append(weakref.ref(batch))
            yield batch
            del batch

    assert len(RowStore.build(batches(), tmp_path / "rows")) == 250


def test_metadata_must_be_json(tmp_path: Path) -> None:
    for metadata in ({"a": object()}, {"a": float("nan")}):
        with pytest.raises(StoreError, match="metadata"):
            RowStore.build([make_rows()], tmp_path / "rows", metadata=metadata)
    with pytest.raises(ConfigError, match="metadata"):
        RowStore.build([make_rows()], tmp_path / "rows", metadata=["a"])  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FIELDFARE_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("FIELDFARE_CACHE")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "fieldfare"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "fieldfare"


def test_cached_builds_once() -> None:
    built: list[Path] = []

    def build(path: Path) -> RowStore:
        built.append(path)
        return RowStore.build([make_rows()], path)

    first, second = cached("key", build), cached("key", build)
    assert built == [cache_folder() / "rows" / "key"] == [second.path]
    assert_same(first.rows, second.rows)
    with pytest.raises(StoreError, match="letters, digits"):
        cached("../key", build)


def test_cached_builds_a_store_of_an_older_version_again() -> None:
    def build(path: Path) -> RowStore:
        return RowStore.build([make_rows()], path)

    path = cached("key", build).path / "header.json"
    header = json.loads(path.read_text()) | {"version": 3}
    path.write_text(json.dumps(header))
    with pytest.raises(StoreError, match="of version 3.*knows 6.*build it again"):
        RowStore.open(path.parent)
    assert len(cached("key", build)) == len(make_rows())
    assert json.loads(path.read_text())["version"] == 6


def test_cached_builds_a_damaged_store_again() -> None:
    def build(path: Path) -> RowStore:
        return RowStore.build([make_rows()], path)

    path = cached("key", build).path
    for damage in (b"", None):
        name = path / "indices.bin"
        name.write_bytes(bytes(name.stat().st_size) if damage is None else damage)
        with pytest.warns(DataWarning, match=r"read again, because .* is damaged"):
            assert_same(cached("key", build).rows, make_rows())
    assert_same(cached("key", build).rows, make_rows())
    assert [file.name for file in path.parent.iterdir()] == ["key"]


def test_of_several_builders_one_wins() -> None:
    def batches() -> Iterator[Rows]:
        yield from (make_rows(seed) for seed in range(5))

    def build(path: Path) -> RowStore:
        return RowStore.build(batches(), path)

    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(lambda _: cached("key", build), range(8)))
    for found in stores:
        assert_same(found.rows, Rows.concatenate(list(batches())))
    assert [file.name for file in (cache_folder() / "rows").iterdir()] == ["key"]


def test_fingerprint_is_of_the_content(tmp_path: Path) -> None:
    a, b, c = (tmp_path / name for name in "abc")
    a.write_text("1 1:1\n")
    b.write_text("1 1:1\n")
    c.write_text("1 1:2\n")
    assert file_fingerprint(a) == file_fingerprint([b]) != file_fingerprint(c)
    assert file_fingerprint([a, c]) != file_fingerprint([c, a])
    with pytest.raises(DataError, match="cannot be read"):
        file_fingerprint(tmp_path / "none")
    with pytest.raises(DataError, match="Standard input"):
        file_fingerprint("-")


def test_fingerprint_reads_an_unchanged_file_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[object] = []
    digest = cache.file_checksum

    def counted(path: Path) -> str:
        read.append(path)
        return digest(path)

    monkeypatch.setattr(cache, "file_checksum", counted)
    path = tmp_path / "a"
    path.write_text("1 1:1\n")
    first = file_fingerprint(path)
    assert file_fingerprint(path) == first
    assert len(read) == 2  # too young to be remembered
    os.utime(path, (1, 1))
    assert [file_fingerprint(path) for _ in range(3)] == [first] * 3
    assert len(read) == 3
    path.write_text("1 1:2\n")
    os.utime(path, (2, 2))
    assert file_fingerprint(path) != first


@pytest.mark.parametrize("content", ["", "[]", "{", '{"x": 1}', '{"x": {"y": "z"}}', "[" * 100000])
def test_fingerprint_survives_a_damaged_list(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a"
    path.write_text("1 1:1\n")
    os.utime(path, (1, 1))
    expected = file_fingerprint(path)
    (cache_folder() / "fingerprints.json").write_text(content)
    assert file_fingerprint(path) == expected
