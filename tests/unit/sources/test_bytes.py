"""Bytes from files, folders, globs, standard input and file objects."""

from __future__ import annotations

import gzip
import io
import os
import sys
import threading
from pathlib import Path

import pytest

from fieldfare.exceptions import DataError, MissingDependencyError, OutputError
from fieldfare.sources.bytes import open_bytes
from fieldfare.sources.files import expand
from fieldfare.sources.write import open_output

CONTENT = b"1 1:1\n" * 1000


def zstd(content: bytes) -> bytes:
    pyarrow = pytest.importorskip("pyarrow")
    return bytes(pyarrow.compress(content, codec="zstd", asbytes=True))


def read(source: object) -> bytes:
    with open_bytes(source) as stream:  # type: ignore[arg-type]
        return stream.read()


class Trickle(io.RawIOBase):
    """A pipe that gives one byte at a time."""

    def __init__(self, content: bytes) -> None:
        self._inner = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        return self._inner.readinto(memoryview(buffer)[:1])


class OnlyRead:
    """A file object with the least of methods."""

    def __init__(self, content: bytes) -> None:
        self._inner = io.BytesIO(content)

    def read(self, size: int = -1) -> bytes:
        return self._inner.read(size)


@pytest.mark.parametrize("wrap", [io.BytesIO, Trickle, OnlyRead])
def test_plain_and_compressed(wrap: type, tmp_path: Path) -> None:
    for content in (CONTENT, gzip.compress(CONTENT), zstd(CONTENT)):
        assert read(wrap(content)) == CONTENT
        (tmp_path / "file").write_bytes(content)
        assert read(tmp_path / "file") == CONTENT


def test_short_sources() -> None:
    for content in (b"1", b"12", b"1\n2"):
        assert read(io.BytesIO(content)) == content


def test_several_members() -> None:
    assert read(io.BytesIO(gzip.compress(b"1\n") + gzip.compress(b"2\n"))) == b"1\n2\n"
    assert read(io.BytesIO(zstd(b"1\n") + zstd(b"2\n"))) == b"1\n2\n"


@pytest.mark.parametrize("cut", [-1, -9, 25])
def test_truncated_gzip(tmp_path: Path, cut: int) -> None:
    content = gzip.compress(os.urandom(100) + CONTENT)
    (tmp_path / "file.gz").write_bytes(content[:cut])
    with pytest.raises(DataError, match=r"file\.gz cannot be read to its end"):
        read(tmp_path / "file.gz")


def test_truncated_zstd(tmp_path: Path) -> None:
    (tmp_path / "file.zst").write_bytes(zstd(os.urandom(1000) + CONTENT)[:-20])
    with pytest.raises(DataError, match=r"file\.zst cannot be read to its end"):
        read(tmp_path / "file.zst")


def test_damaged_gzip(tmp_path: Path) -> None:
    content = bytearray(gzip.compress(os.urandom(1000)))
    content[500] ^= 255
    (tmp_path / "file.gz").write_bytes(content)
    with pytest.raises(DataError, match="cannot be read to its end"):
        read(tmp_path / "file.gz")


def test_zstd_without_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    content = zstd(CONTENT)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingDependencyError, match=r"fieldfare\[tables\]"):
        read(io.BytesIO(content))


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(CONTENT))))
    with open_bytes("-") as stream:
        assert stream.label == "<stdin>"
        assert stream.read() == CONTENT
    assert not sys.stdin.closed


def test_named_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(CONTENT,))
    writer.start()
    assert read(tmp_path / "pipe") == CONTENT
    writer.join()


def test_what_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train.csv").write_bytes(b"")
    cases = {
        tmp_path / "trian.csv": r"no file .*trian\.csv\. Did you mean 'train\.csv'\?",
        tmp_path / "no" / "file": "no folder",
        tmp_path: "is a folder",
        tmp_path / "train.csv": r"train\.csv is empty",
    }
    for path, message in cases.items():
        with pytest.raises(DataError, match=message):
            open_bytes(path)

    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(io, "FileIO", refuse)
    with pytest.raises(DataError, match="cannot be opened: Permission denied"):
        open_bytes(tmp_path / "train.csv")
    with pytest.raises(DataError, match="Got int"):
        open_bytes(3)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="binary mode"):
        open_bytes(io.StringIO("1 1:1"))  # type: ignore[arg-type]


def test_expand(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", ".hidden", "_SUCCESS", "[1].txt"):
        (tmp_path / name).write_text("1")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "c.txt").write_text("1")
    a, b, odd = (str(tmp_path / name) for name in ("a.txt", "b.txt", "[1].txt"))
    assert expand(tmp_path) == [odd, a, b]
    assert expand(str(tmp_path / "?.txt")) == [a, b]
    assert expand(str(tmp_path / "**" / "*.txt"))[-1] == str(tmp_path / "sub" / "c.txt")
    assert expand(odd) == [odd]
    assert expand([b, "-", a]) == [b, "-", a]
    file = io.BytesIO(b"1")
    assert expand(file) == [file]


def test_nothing_to_expand(tmp_path: Path) -> None:
    for source, message in [
        (tmp_path, "holds no files"),
        (str(tmp_path / "*.txt"), "No file matches"),
        ([], "empty list"),
        (tmp_path / "x", "no file"),
        (3.5, "Got float"),
    ]:
        with pytest.raises(DataError, match=message):
            expand(source)  # type: ignore[arg-type]


def test_output_keeps_the_old_one_on_failure(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("old")

    def write(error: BaseException) -> None:
        with open_output(path) as file:
            file.write(b"half")
            raise error

    with pytest.raises(KeyboardInterrupt):
        write(KeyboardInterrupt())
    with pytest.raises(OutputError, match="No space left"):
        write(OSError(28, "No space left on device"))
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["out"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_output_does_not_replace_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with open_output(path) as file:
            file.write(b"through")
        assert os.read(reader, 100) == b"through"
    finally:
        os.close(reader)
    assert path.is_fifo()
    assert list(tmp_path.iterdir()) == [path]


def test_output_keeps_a_symbolic_link(tmp_path: Path) -> None:
    link, path = tmp_path / "link", tmp_path / "file"
    path.write_bytes(b"old")
    link.symlink_to(path)
    with open_output(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert path.read_bytes() == b"new"
