"""Folders of arrays: a reader sees the old contents or the new, whatever happens to the writer."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from fieldfare.exceptions import ModelFileError
from fieldfare.retrieval import folder as folders

WRITE_FOR_EVER = """
import sys
from pathlib import Path
import numpy as np
from fieldfare.retrieval import folder
number = 0
while True:
    number += 1
    arrays = {name: np.full(20_000, number) for name in ("a", "b", "c")}
    folder.write(Path(sys.argv[1]), {"number": number}, arrays)
    if number == 1:
        print("go", flush=True)
"""


def contents(path):
    """Return the number in a folder, after checking that all its parts have it."""
    header, arrays = folders.read(path)
    for array in arrays.values():
        assert (array == header["number"]).all()
    return header["number"]


def write(path, number, names=("a", "b", "c")):
    folders.write(path, {"number": number}, {name: np.full(50, number) for name in names})


def file_names(path):
    return sorted(entry.name for entry in path.iterdir())


@pytest.fixture
def writer(tmp_path):
    """Another process that replaces the contents of a folder again and again."""
    path = tmp_path / "x.index"

    def start():
        process = subprocess.Popen(
            [sys.executable, "-c", WRITE_FOR_EVER, str(path)], stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "go\n"
        return process

    started: list[subprocess.Popen[str]] = []
    yield path, start
    for process in started:
        with process:
            process.kill()


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.arange(6, dtype=np.float32).reshape(2, 3).T,
        np.arange(5, dtype=np.int64)[::2],
        np.array([True, False]),
        np.array(["a", "äöü", "😀"]),
        np.zeros(0, "<U1"),
        np.zeros((0, 4), np.float32),
        np.array([2**32 - 1], np.uint32),
    ],
    ids=lambda array: f"{array.dtype.str}{array.shape}",
)
def test_arrays_come_back_as_they_were(array, tmp_path) -> None:
    folders.write(tmp_path, {"x": [1.5, "é"]}, {"a.b": array})
    header, arrays = folders.read(tmp_path)
    assert header["x"] == [1.5, "é"]
    assert arrays["a.b"].dtype == array.dtype
    assert not arrays["a.b"].flags.writeable
    np.testing.assert_array_equal(arrays["a.b"], array)
    np.testing.assert_array_equal(np.load(tmp_path / header["files"]["a.b"]), array)


def test_a_save_leaves_only_its_own_files_and_those_of_others(tmp_path) -> None:
    write(tmp_path, 1)
    others = [".notes.tmp", "b.npy", "x.faiss", f"{'a' * 5}-{'0' * 8}.npy"]
    digits = "0123456789ab"
    left = [f".index.json.{digits}.tmp", f"a-{'0' * 32}.npy", f".a-{'1' * 32}.npy.{digits}.tmp"]
    for name in (*others, *left):
        (tmp_path / name).write_bytes(b"x")
    write(tmp_path, 2, "ab")
    header, _ = folders.read(tmp_path)
    assert file_names(tmp_path) == sorted(["index.json", *header["files"].values(), *others])


def test_a_damaged_file_of_the_same_contents_is_written_again(tmp_path) -> None:
    write(tmp_path, 1)
    for path in tmp_path.glob("*.npy"):
        path.write_bytes(b"damaged")
    with pytest.raises(ModelFileError, match=r"a-.*\.npy is damaged"):
        folders.read(tmp_path)
    write(tmp_path, 1)
    assert contents(tmp_path) == 1


def test_killed_writers_leave_a_whole_folder_and_the_next_cleans_up(writer) -> None:
    path, start = writer
    for attempt in range(6):
        process = start()
        time.sleep(0.01 + 0.02 * attempt)
        process.kill()
        process.wait()
        contents(path)
    write(path, 3)
    assert len(file_names(path)) == 4


def test_readers_see_the_old_or_the_new_while_it_is_replaced(writer) -> None:
    path, start = writer
    start()
    seen = []
    end = time.monotonic() + 2
    while time.monotonic() < end:
        seen.append(contents(path))
    assert seen == sorted(seen)
    assert len(set(seen)) > 1


def test_writers_take_turns(tmp_path) -> None:
    def write_often(start):
        for number in range(start, start + 10):
            write(tmp_path, number)
            contents(tmp_path)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write_often, range(0, 400, 100)))
    assert len(file_names(tmp_path)) == 4


@pytest.mark.parametrize("there", [False, True])
def test_a_full_disk_leaves_what_was_there(there, tmp_path) -> None:
    path = tmp_path / "x.index"
    if there:
        write(path, 1)
    before = file_names(path) if there else None
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
        with pytest.raises(ModelFileError, match=r"Cannot write the index .*x\.index: File too"):
            folders.write(path, {"number": 2}, {"a": np.zeros(10), "b": np.zeros(5000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    if there:
        assert file_names(path) == before
        assert contents(path) == 1
    else:
        assert not path.exists()


def test_what_is_no_folder_is_refused(tmp_path) -> None:
    path = tmp_path / "file"
    path.write_text("mine")
    with pytest.raises(ModelFileError, match="Cannot write the index"):
        write(path, 1)
    with pytest.raises(ModelFileError, match="holds no index"):
        folders.read(path)
    assert path.read_text() == "mine"
    for odd in ("a\0b", "\ud800", "x" * 300):
        with pytest.raises(ModelFileError, match="Cannot write the index"):
            write(tmp_path / odd, 1)
        with pytest.raises(ModelFileError, match="holds no index"):
            folders.read(tmp_path / odd)


def test_links_are_not_followed_out_of_the_folder(tmp_path) -> None:
    path, outside = tmp_path / "x.index", tmp_path / "outside"
    write(path, 1)
    for name in file_names(path):
        (path / name).rename(outside)
        (path / name).symlink_to(outside)
        before = outside.read_bytes()
        with pytest.raises(ModelFileError, match="is a link"):
            write(path, 1)
        assert outside.read_bytes() == before
        (path / name).unlink()
        outside.rename(path / name)


def test_pipes_and_folders_in_place_of_files_do_not_block(tmp_path) -> None:
    write(tmp_path, 1)
    for name in file_names(tmp_path):
        path = tmp_path / name
        data = path.read_bytes()
        path.unlink()
        for make in (os.mkfifo, os.mkdir):
            make(path)
            with pytest.raises(ModelFileError, match=name.split("-")[0]):
                folders.read(tmp_path)
            with pytest.raises(ModelFileError, match="no regular file"):
                write(tmp_path, 1)
            path.rmdir() if path.is_dir() else path.unlink()
        path.write_bytes(data)
    assert contents(tmp_path) == 1


def test_missing_rights_are_reported(tmp_path, monkeypatch) -> None:
    write(tmp_path, 1)
    opened, forbidden = os.open, [""]

    def open_without_rights(path, flags, *mode):
        if forbidden[0] in str(path):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return opened(path, flags, *mode)

    monkeypatch.setattr(os, "open", open_without_rights)
    for name in file_names(tmp_path):
        forbidden[0] = name
        with pytest.raises(ModelFileError, match=f"{name}.*Permission denied"):
            folders.read(tmp_path)
    for name in (str(tmp_path), ".tmp"):
        forbidden[0] = name
        with pytest.raises(ModelFileError, match="Permission denied"):
            write(tmp_path, 2)
    monkeypatch.undo()
    assert contents(tmp_path) == 1
    assert len(file_names(tmp_path)) == 4


def test_a_header_that_is_too_large_is_not_written(tmp_path, monkeypatch) -> None:
    write(tmp_path, 1)
    monkeypatch.setattr(folders, "MAX_HEADER", 100)
    with pytest.raises(ModelFileError, match="more than 100 bytes"):
        write(tmp_path, 2)
    monkeypatch.undo()
    assert contents(tmp_path) == 1
