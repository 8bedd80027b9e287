"""Compressed files: told by their first bytes, read as streams, and damage named."""

from __future__ import annotations

import bz2
import io
import lzma
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from fieldfare.exceptions import DataError
from fieldfare.sources import compression
from fieldfare.sources.bytes import open_bytes
from fieldfare.sources.compression import compression_of
from fieldfare.sources.files import Files, unpacked

CONTENT = b"1 1:1\n" * 1000

Pack = Callable[[bytes], bytes]
PACKERS = {"bz2": bz2.compress, "xz": lzma.compress}


@pytest.fixture(params=list(PACKERS.values()), ids=list(PACKERS))
def pack(request: pytest.FixtureRequest) -> Pack:
    return request.param  # type: ignore[no-any-return]


def read(content: bytes, tmp_path: Path) -> bytes:
    (tmp_path / "file").write_bytes(content)
    with open_bytes(tmp_path / "file") as stream:
        return stream.read()


def test_it_is_told_by_content_and_undone(pack: Pack, tmp_path: Path) -> None:
    assert read(pack(CONTENT), tmp_path) == CONTENT
    with open_bytes(io.BytesIO(pack(CONTENT))) as stream:
        assert PACKERS[stream.compression or ""] is pack
        assert stream.read() == CONTENT


def test_several_streams_are_one(pack: Pack, tmp_path: Path) -> None:
    assert read(pack(b"1\n") + pack(b"2\n") + pack(b""), tmp_path) == b"1\n2\n"


def test_xz_may_be_padded(tmp_path: Path) -> None:
    padded = lzma.compress(b"1\n") + bytes(200_000) + lzma.compress(b"2\n") + bytes(8)
    assert read(padded, tmp_path) == b"1\n2\n"


@pytest.mark.parametrize("cut", [-1, -9, 40])
def test_a_truncated_file_is_named(pack: Pack, tmp_path: Path, cut: int) -> None:
    with pytest.raises(DataError, match=r"file cannot be read to its end.*truncated"):
        read(pack(os.urandom(100) + CONTENT)[:cut], tmp_path)


def test_a_damaged_file_is_named(pack: Pack, tmp_path: Path) -> None:
    content = bytearray(pack(os.urandom(1000)))
    content[500] ^= 255
    with pytest.raises(DataError, match="file cannot be read to its end"):
        read(bytes(content), tmp_path)


def test_text_that_begins_like_a_compressed_file_is_text(tmp_path: Path) -> None:
    for content in (b"BZh1,b,c\n1,2,3\n", b"BZh9", b"PK,b\n1,2\n", b"\xfd7z\n"):
        assert compression_of(content) is None
        assert read(content, tmp_path) == content


def test_xz_may_not_ask_for_more_memory_than_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compression, "_XZ_MEMORY", 1 << 20)
    with pytest.raises(DataError, match=r"file cannot be read.*[Mm]emory"):
        read(lzma.compress(CONTENT), tmp_path)


def test_a_bomb_is_read_in_bounded_memory(pack: Pack, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(pack(bytes(40 << 20)))
    tracemalloc.start()
    with open_bytes(tmp_path / "file") as stream:
        assert len(stream.head()) == 1 << 20
        for _ in range(20):
            stream.read(1 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


def test_what_is_unpacked_goes_with_its_file(pack: Pack, tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(CONTENT)
    plain = Files(tmp_path / "plain")[0]
    assert unpacked(plain) is plain
    (tmp_path / "packed").write_bytes(pack(CONTENT))
    copy = unpacked(Files(tmp_path / "packed")[0])
    path = Path(copy.path)
    assert path.read_bytes() == CONTENT
    assert str(copy) == str(tmp_path / "packed")
    del copy
    assert not path.exists()
