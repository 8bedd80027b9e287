"""Formats that are known and not read are refused by name, with what to do."""

from __future__ import annotations

import gzip
import io
import pickle
import sqlite3
import tarfile
from pathlib import Path

import numpy as np
import pytest

from fieldfare.exceptions import DataError
from fieldfare.sources.formats import open_source


def examples(folder: Path) -> dict[str, bytes]:
    array, packed = io.BytesIO(), io.BytesIO()
    np.save(array, np.zeros(3))
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("a.csv"))
    with sqlite3.connect(folder / "base") as base:
        base.execute("create table t (a)")
    return {
        "a NumPy array": array.getvalue(),
        "a tar archive": packed.getvalue(),
        "an SQLite database": (folder / "base").read_bytes(),
        "a pickle": pickle.dumps([{"a": 1}], protocol=4),
        "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(50),
        "an Excel workbook": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(50),
        "ORC": b"ORC\x08\x03" + bytes(50),
        "Avro": b"Obj\x01\x04\x14avro.codec",
        "data of R": gzip.compress(b"X\n\0\0\0\x03\0\4\1\0"),
        "a 7z archive": b"7z\xbc\xaf\x27\x1c\0\4",
        "a RAR archive": b"Rar!\x1a\x07\x01\0",
        "a PDF document": b"%PDF-1.7\n",
        "encrypted Parquet": b"PARE" + bytes(50),
    }


def test_each_is_named_with_the_way_out(tmp_path: Path) -> None:
    for name, content in examples(tmp_path).items():
        (tmp_path / "file").write_bytes(content)
        with pytest.raises(DataError, match=rf"file is {name}, which cannot be read directly\. \w"):
            open_source(tmp_path / "file")


def test_text_is_never_taken_for_one(tmp_path: Path) -> None:
    for text in (
        "ORCA,b\n1,2\n",
        "Rar!,b\n1,2\n",
        "Objects,b\n1,2\n",
        "FEA1,b\n1,2\n",
        "PARENT,b\n1,2\n",
        "ORC\n1\n2\n",
        "X\n1\n2\n",
    ):
        (tmp_path / "file").write_text(text)
        assert "CSV" in open_source(tmp_path / "file").description
