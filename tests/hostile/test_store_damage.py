"""RowStores that are truncated, flipped, forged, or built where they cannot be."""

from __future__ import annotations

import json
import os
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fieldfare.exceptions import DataError, OutputError, StoreError
from fieldfare.rows import Rows
from fieldfare.schema.schema import Schema
from fieldfare.sources.sparse_text import write_text
from fieldfare.store import cache
from fieldfare.store import files as _storefile
from fieldfare.store.files import VERSION
from fieldfare.store.row_store import RowStore, cached


def make_rows() -> Rows:
    n = 2000
    return Rows(
        np.arange(n + 1, dtype=np.int64),
        np.arange(n, dtype=np.uint32),
        np.linspace(0, 1, n, dtype=np.float32),
        (np.arange(n) % 5).astype(np.uint16),
        np.zeros(n, np.float32),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    schema = Schema.indexed(2000, 5, field_of=(np.arange(2000) % 5).astype(np.uint16))
    path = tmp_path / "rows"
    return RowStore.build([make_rows()], path, metadata={"source": "x"}, schema=schema).path


def path_of(folder: Path, name: str) -> Path:
    return folder / (_storefile.SCHEMA if name == "schema" else f"{name}.bin")


def forge(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the header and give it the checksum that it would have."""
    content = json.loads((folder / "header.json").read_text())
    del content["checksum"]
    change(content)
    content["checksum"] = _storefile._checksum(content)
    (folder / "header.json").write_text(json.dumps(content))


def test_forging_is_otherwise_accepted(folder: Path) -> None:
    forge(folder, lambda header: header["metadata"].update(source="y"))
    assert RowStore.open(folder, verify=True).metadata == {"source": "y"}


@pytest.mark.parametrize("name", ["n_rows", "n_entries", "n_features", "n_fields"])
@pytest.mark.parametrize("value", [-1, 2**63, 10**400, 1.0, True, "1", None, [], {}])
def test_impossible_counts(folder: Path, name: str, value: object) -> None:
    forge(folder, lambda header: header.update({name: value}))
    with pytest.raises(StoreError, match="damaged"):
        RowStore.open(folder)


@pytest.mark.parametrize("name", ["n_rows", "n_entries"])
@pytest.mark.parametrize("value", [0, 1999, 2001, 2**50])
def test_wrong_counts(folder: Path, name: str, value: int) -> None:
    forge(folder, lambda header: header.update({name: value}))
    with pytest.raises(StoreError, match="damaged"):
        RowStore.open(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda h: h.pop("arrays"),
        lambda h: h.update(arrays=[]),
        lambda h: h.update(arrays={}),
        lambda h: h["arrays"].pop("indices"),
        lambda h: h["arrays"].update(indices="x"),
        lambda h: h["arrays"].update(indices={}),
        lambda h: h["arrays"]["indices"].update(dtype="float64"),
        lambda h: h["arrays"]["indices"].update(dtype=["uint32"]),
        lambda h: h["arrays"]["indices"].update(checksum=3),
        lambda h: h["arrays"].update({"../secret": h["arrays"]["indices"]}),
        lambda h: h["arrays"].update(group=h["arrays"]["indptr"]),
        lambda h: h.pop("metadata"),
        lambda h: h.update(metadata=3),
        lambda h: h.pop("schema") and h.update(schema=3),
        lambda h: h.update(schema={}),
        lambda h: h["schema"].update(checksum=1),
        lambda h: h["schema"].update(n_bytes=True),
        lambda h: h["schema"].update(n_bytes=-1),
        lambda h: h["schema"].update(n_bytes=2**60),
        lambda h: h.pop("n_rows"),
    ],
)
def test_wrong_header(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    forge(folder, change)
    with pytest.raises(StoreError, match="damaged"):
        RowStore.open(folder)


@pytest.mark.parametrize("value", [1, 4, VERSION - 1, VERSION + 1, str(VERSION), None])
def test_other_versions(folder: Path, value: object) -> None:
    forge(folder, lambda header: header.update(version=value))
    with pytest.raises(StoreError, match="build it again"):
        RowStore.open(folder)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"3", b"\xff\xfe", b"{}", b"[" * 100_000, b'{"format": 1}']
)
def test_header_that_is_none(folder: Path, content: bytes) -> None:
    (folder / "header.json").write_bytes(content)
    with pytest.raises(StoreError):
        RowStore.open(folder)


def test_header_of_a_huge_size(folder: Path) -> None:
    os.truncate(folder / "header.json", 1 << 40)  # sparse: takes no space
    with pytest.raises(StoreError, match="too large"):
        RowStore.open(folder)


def test_no_store_at_all(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "none", tmp_path, tmp_path / "file"):
        with pytest.raises(StoreError, match="is not a RowStore"):
            RowStore.open(path)


def test_every_flipped_bit_of_the_header_is_seen(folder: Path) -> None:
    path = folder / "header.json"
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    good = RowStore.open(folder)
    for at in rng.choice(len(content), 150, replace=False):
        changed = bytearray(content)
        changed[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(changed)
        try:
            found = RowStore.open(folder)
        except StoreError:
            continue
        assert found._header == good._header  # blanks between tokens mean nothing


@pytest.mark.parametrize("name", ["indptr", "indices", "values", "fields", "target", "schema"])
class TestFile:
    def test_missing(self, folder: Path, name: str) -> None:
        path_of(folder, name).unlink()
        with pytest.raises(StoreError, match="missing"):
            RowStore.open(folder)

    @pytest.mark.parametrize("change", [-1, 1, -4000])
    def test_of_wrong_size(self, folder: Path, name: str, change: int) -> None:
        path = path_of(folder, name)
        os.truncate(path, max(0, path.stat().st_size + change))
        with pytest.raises(StoreError, match="bytes instead of"):
            RowStore.open(folder)

    def test_flipped_bit(self, folder: Path, name: str) -> None:
        path = path_of(folder, name)
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 4
        path.write_bytes(content)
        RowStore.open(folder, verify=False)
        with pytest.raises(StoreError, match=f"(checksum of {name}|{name}.*match their checksum)"):
            RowStore.open(folder)


def test_forged_arrays_are_seen_by_verify(folder: Path) -> None:
    """The checksum fits, but the rows are impossible."""
    for name, array in [
        ("indptr", np.concatenate([[0], np.arange(2000)[::-1] + 1, [2000]])[:2001]),
        ("values", np.full(2000, np.nan, np.float32)),
        ("indices", np.full(2000, 2**32 - 1, np.uint32)),
        ("fields", np.full(2000, 9, np.uint16)),
    ]:
        path = folder / f"{name}.bin"
        good = path.read_bytes()
        array = array.astype(_storefile.DTYPES[name])
        if name == "indptr":
            array[-1] = 2000
        path.write_bytes(array.tobytes())
        forge(
            folder,
            lambda header, name=name, path=path: header["arrays"][name].update(  # type: ignore[misc]
                checksum=cache.file_checksum(path)
            ),
        )
        with pytest.raises(StoreError, match="damaged"):
            RowStore.open(folder)
        path.write_bytes(good)


def test_indptr_beyond_the_entries(folder: Path) -> None:
    indptr = np.arange(2001)
    indptr[-1] = 10**9
    (folder / "indptr.bin").write_bytes(indptr.tobytes())
    with pytest.raises(StoreError, match="damaged"):
        RowStore.open(folder)


# ---- Builds that fail leave nothing behind.


@pytest.mark.parametrize("fails_at", [1, 2, 5, 7])
def test_disk_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int) -> None:
    append = _storefile.ArrayFile.append
    calls = []

    def full(self: _storefile.ArrayFile, array: np.ndarray[Any, Any]) -> None:
        calls.append(1)
        if len(calls) >= fails_at:
            raise OSError(28, "No space left on device")
        append(self, array)

    monkeypatch.setattr(_storefile.ArrayFile, "append", full)
    with pytest.raises(StoreError, match="No space left on device"):
        RowStore.build([make_rows(), make_rows()], tmp_path / "rows")
    assert list(tmp_path.iterdir()) == []


def test_disk_full_for_real(tmp_path: Path) -> None:
    """A limit on the size of files refuses a write halfway, as a full disk does."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, limits[1]))
    try:
        with pytest.raises(StoreError, match="cannot be written"):
            RowStore.build([make_rows()], tmp_path / "rows")
        with pytest.raises(OutputError, match="cannot be written"):
            write_text(make_rows(), tmp_path / "text", "libffm")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("call", ["fsync", "rename"])
def test_failure_of_the_last_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def fail(*args: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(StoreError, match="Input/output error"):
        RowStore.build([make_rows()], tmp_path / "rows")
    assert list(tmp_path.iterdir()) == []


def test_interrupted(tmp_path: Path) -> None:
    def batches() -> Any:
        yield make_rows()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        RowStore.build(batches(), tmp_path / "rows")
    assert list(tmp_path.iterdir()) == []


def test_permission_denied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, **options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(StoreError, match=r"Permission denied.*FIELDFARE_CACHE"):
        cached("key", lambda path: RowStore.build([make_rows()], path))
    assert list(tmp_path.iterdir()) == []


def test_bad_rows_are_not_stored(tmp_path: Path) -> None:
    rows = make_rows().with_(values=np.full(2000, np.inf, np.float32))
    with pytest.raises(DataError, match="finite"):
        RowStore.build([make_rows(), rows], tmp_path / "rows")
    assert list(tmp_path.iterdir()) == []


def test_existing_folder_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "mine").write_text("x")
    with pytest.raises(StoreError, match="exists"):
        RowStore.build([make_rows()], tmp_path / "rows")
    assert [file.name for file in (tmp_path / "rows").iterdir()] == ["mine"]


def test_folder_that_appears_meanwhile_wins(tmp_path: Path) -> None:
    def batches() -> Any:
        (tmp_path / "rows").mkdir()
        (tmp_path / "rows" / "mine").write_text("x")
        yield make_rows()

    with pytest.raises(StoreError, match="exists"):
        RowStore.build(batches(), tmp_path / "rows")
    assert [file.name for file in tmp_path.iterdir()] == ["rows"]
