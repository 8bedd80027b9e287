"""Files that change while they are in use: an error or the old contents, never a dead process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.unit.sources.batches import make_rows

import fieldfare
from fieldfare import RowStore
from fieldfare.exceptions import DataWarning, StoreError
from fieldfare.kernels.mapped import MappedFile
from fieldfare.training.loop.callbacks import Callback

NAMES = ("indptr", "indices", "values", "target")
posix = pytest.mark.skipif(os.name == "nt", reason="Windows does not cut mapped files short")


def large_text(path: Path) -> Path:
    line = "".join(f"{i % 2} {i % 7}:1 {10 + i % 5}:0.5\n" for i in range(70))
    path.write_text(line * 20_000)
    return path


@posix
@pytest.mark.parametrize("name", NAMES)
def test_a_store_that_is_cut_short_or_written_to_is_an_error(tmp_path: Path, name: str) -> None:
    built = RowStore.build([make_rows(n_rows=5000)], tmp_path / "rows")
    path, rows = tmp_path / "rows" / f"{name}.bin", built.rows
    content = path.read_bytes()
    assert built.check() is None
    os.truncate(path, 0)
    # What was taken before reads as zeros where nothing is left.
    assert int(np.asarray(getattr(rows, name))[-1]) == 0
    for call in (built.check, lambda: built.rows):
        with pytest.raises(StoreError, match=f"changed while it was in use: {name}.bin"):
            call()
    path.write_bytes(content)
    with pytest.raises(StoreError, match="changed"):
        built.check()
    assert len(RowStore.open(tmp_path / "rows")) == 5000


@posix
def test_a_store_that_is_replaced_or_deleted_stays_as_it_was(tmp_path: Path) -> None:
    store = RowStore.build([make_rows()], tmp_path / "rows")
    shutil.rmtree(tmp_path / "rows")
    assert store.check() is None
    assert np.array_equal(store.rows.indices, make_rows().indices)


@posix
def test_training_notices_a_store_that_changes_between_blocks(tmp_path: Path) -> None:
    store = RowStore.build([make_rows(n_rows=5000)], tmp_path / "rows")

    class Cut(Callback):
        def on_block(self, state: object) -> None:
            os.truncate(tmp_path / "rows" / "indices.bin", 0)

    with pytest.raises(StoreError, match="changed while it was in use"):
        fieldfare.train(store, max_iter=3, callbacks=[Cut()], random_state=0, early_stopping=False)


@posix
def test_faults_of_others_still_end_the_process(tmp_path: Path) -> None:
    """The handler answers for its own mappings only."""
    code = (
        "import mmap, os, sys\nfrom pathlib import Path\n"
        "from fieldfare.kernels.mapped import MappedFile\n"
        "path = Path(sys.argv[1]); path.write_bytes(bytes(100_000))\n"
        "ours = MappedFile(path)\n"
        "file = open(path, 'rb'); theirs = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)\n"
        "os.truncate(path, 0)\n"
        "assert ours.bytes[50_000] == 0 and ours.changed\n"
        "print('read', flush=True); theirs[50_000]"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "x"], capture_output=True, check=False
    )
    assert ran.stdout == b"read\n", ran.stderr
    assert ran.returncode != 0  # a sanitizer turns the signal into an exit code


def test_only_regular_files_are_mapped() -> None:
    with pytest.raises(OSError, match="regular"):
        MappedFile(Path(os.devnull))


class TestTheCache:
    @pytest.fixture
    def text(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("FIELDFARE_CACHE", str(tmp_path / "cache"))
        return large_text(tmp_path / "t.svm")

    def test_a_changed_cell_is_noticed_and_the_cache_heals(self, text: Path) -> None:
        right = fieldfare.load_data(text).rows.indices.copy()
        (path,) = text.parent.glob("cache/rows/*/indices.bin")
        cells = np.memmap(path, np.uint32, "r+")
        cells[1000] += 1
        cells.flush()
        with pytest.warns(DataWarning, match=r"read again, because .*indices"):
            assert np.array_equal(fieldfare.load_data(text).rows.indices, right)
        assert np.array_equal(fieldfare.load_data(text).rows.indices, right)

    @posix
    def test_a_cache_that_cannot_be_written_is_done_without(
        self, text: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (text.parent / "file").write_text("")
        monkeypatch.setenv("FIELDFARE_CACHE", str(text.parent / "file" / "cache"))
        with pytest.warns(DataWarning, match="read into memory instead of the cache"):
            data = fieldfare.load_data(text)
        assert data.store is None
        assert len(data) == 1_400_000
