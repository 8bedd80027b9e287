"""Telling the format of a text from its content."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest

from fieldfare.exceptions import DataError
from fieldfare.sources.bytes import open_bytes
from fieldfare.sources.detect import TextFormat
from fieldfare.sources.files import detect
from fieldfare.sources.formats import open_table
from fieldfare.sources.sparse_text import read_text


def found(content: str | bytes) -> TextFormat:
    return detect(io.BytesIO(content.encode() if isinstance(content, str) else content))


@pytest.mark.parametrize(
    ("content", "kind", "labelled"),
    [
        ("1 1:2 3:4\n", "libsvm", True),
        ("1\t1:2\t3:4", "libsvm", True),
        ("1:2 3:4\n5:6\n", "libsvm", False),
        ("0 0:1:1 1:2:1\n", "libffm", True),
        ("0:1:1 1:2:1\n", "libffm", False),
        ("# a comment, with commas\n\n1 0:1:1\n", "libffm", True),
        ("1\n0\n1 4:2\n", "libsvm", True),
        ("header, of words\n1 4:2\n1 4:2\n", "libsvm", True),
        ("1 1:abc\n", "libsvm", True),
        ("1 0:1:1\n1 0:1:1\n1 5:1\n", "libffm", True),
        ("weight:2 4:1\nweight:1 4:1\n", "libsvm", True),
        ("1,1:2,3:4\n0,1:2\n", "libsvm", True),
        ("1:2,3:4\n5:6,7:1\n", "libsvm", False),
        ("0,0:1:1,1:2:1\n1,0:4:1\n", "libffm", True),
        ("0, 0:1:1, 1:2:1\n", "libffm", True),
        ("1,1:2 3:4\n0,1:2 5:1\n", "libsvm", True),
        ("1,3.0:1,4.0:0.5\n", "libsvm", True),
        ("1,1:2\n0\n1,3:1\n", "libsvm", True),
        ("1,10:15,30:45\n0,12:30\n", "libsvm", True),
        ("1,10:15,11:75\n", "libsvm", True),
        ("1,3:nan,4:1\n0,1:1\n", "libsvm", True),
        ("1,3.5:1\n0,-1:1\n", "libsvm", True),
        ("1,0:3.5:1\n0,0:1:inf\n", "libffm", True),
        ("1,\t1:2,\t3:4\r\n0,\t1:2\r\n", "libsvm", True),
        ("yes,1:2,3:4\nno,1:2\n", "libsvm", True),
    ],
)
def test_sparse(content: str, kind: str, labelled: bool) -> None:
    format_ = found(content)
    assert (format_.kind, format_.separator) == (kind, None)
    if not content.startswith("weight"):
        assert format_.labelled is labelled


def test_groups() -> None:
    assert found("1 qid:3 1:1\n").grouped
    assert not found("1 1:1\n1 qid:3 1:1\n1 2:2\n").grouped


@pytest.mark.parametrize(
    ("content", "separator", "has_header"),
    [
        ("a,b,c\n1,2,3\n4,5,6\n", ",", True),
        ("1,2,3\n4,5,6\n", ",", False),
        ("a\tb\n1\tx\n0\ty\n", "\t", True),
        ("1\tx\n0\ty\n1\tx\n", "\t", False),
        ("x;1\ny;2\nx;3\n", ";", False),
        ("name;size\ny;2,5\nx;3,5\n", ";", True),
        ("color,shape\nred,square\nblue,round\n", ",", True),
        ("red,square\nblue,round\nred,round\n", ",", False),
        ('id,text\n1,"a, b, c"\n2,"d"\n', ",", True),
        ("id,when\n1,12:30:45\n2,13:00:00\n", ",", True),
        ("1 2 3\n4 5 6\n", " ", False),
        ("only\n1\n2\n", ",", True),
        ("1\n2\n", ",", False),
        ("a,b\n,\n,\n", ",", True),
        ("a,b\nNA,1\n3,NA\n", ",", True),
        ("id|genre\n1|x y z\n2|x y\n", "|", True),
        ("1,08:30,09:15\n0,10:00,11:45\n", ",", False),
        ("1,12:30:45\n2,13:00:00\n", ",", False),
        ("label,a,b\n1,3:1,4:2\n0,5:1,6:1\n", ",", True),
        ("user,liked\n1,3:1 4:2\n2,5:1\n", ",", True),
        ("5,2024-01-01 12:30:00,3\n6,2024-01-02 12:30:00,4\n", ",", False),
        ("x,y\nx:3,y:4\nx:1,y:2\n", ",", True),
        ("1,http://a.b/c:d,2\n", ",", False),
        ("1,2024-01-01T12:30:00\n0,2024-01-02T12:30:00\n", ",", False),
        ("1,12:30pm,1:45am\n0,2:15pm,3:00am\n", ",", False),
        ("1,a.b:8080\n0,c.d:8081\n", ",", False),
    ],
)
def test_tables(content: str, separator: str, has_header: bool) -> None:
    format_ = found(content)
    assert format_.kind == "csv"
    assert (format_.separator, format_.has_header) == (separator, has_header)


def test_compression_is_told() -> None:
    assert found(gzip.compress(b"1 1:1\n")).compression == "gzip"


def test_a_quote_that_is_never_closed_is_part_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "t").write_text('label\ttext\n1\t"hello, world\n0\tfoo\n')
    table = open_table(tmp_path / "t")
    assert [n for batch in table.batches() for n in batch.data.column(1).to_pylist()] == [
        '"hello, world',
        "foo",
    ]


def test_utf16_is_read_as_well() -> None:
    for order in ("utf-16", "utf-16-be"):
        mark = b"\xfe\xff" if order.endswith("be") else b""
        content = mark + "1 1:2\n0 3:4\n".encode(order)
        assert found(content).kind == "libsvm"
        assert sum(map(len, read_text(io.BytesIO(content)))) == 2
    with pytest.raises(DataError, match="cannot be read to its end"):
        found("a,b\n".encode("utf-16") + b"\x00")


def test_looking_does_not_consume() -> None:
    stream = open_bytes(io.BytesIO(b"1 1:1\n0 2:1\n"))
    assert detect(stream).kind == "libsvm"
    assert sum(map(len, read_text(stream))) == 2


def test_names_mean_nothing(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("1 0:1:1\n")
    assert detect(tmp_path / "data.csv").kind == "libffm"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PAR1\0\0\0", "not text"),
        ("a,b\n".encode("utf-16-le"), "zero bytes"),
        (b"\n\n  \n", "no samples"),
        (b"", "empty"),
    ],
)
def test_what_is_no_text(content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        found(content)
