"""Zip archives: one member, several as parts, one by name, and what is refused."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from tests.unit.sources.batches import assert_same

from fieldfare.data.loading import load
from fieldfare.exceptions import DataError
from fieldfare.sources.files import Files, expand

CSV = "city,age,y\nRome,3.5,1\nOslo,4.5,0\n"
MORE = "city,age,y\nBonn,5.5,1\n"


def archive(path: Path, method: int = zipfile.ZIP_DEFLATED, **files: str | bytes) -> Path:
    with zipfile.ZipFile(path, "w", method) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return path


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
def test_the_only_file_is_read(tmp_path: Path, method: int) -> None:
    (tmp_path / "plain.csv").write_text(CSV)
    expected = load(tmp_path / "plain.csv", target="y").rows
    path = archive(tmp_path / "data.zip", method, **{"train.csv": CSV})
    assert_same(load(path, target="y").rows, expected)
    assert_same(load(io.BytesIO(path.read_bytes()), target="y").rows, expected)
    assert str(Files(path)[0]) == f"{path}:train.csv"


def test_members_are_parts_in_the_order_of_their_names(tmp_path: Path) -> None:
    extra = {"sub/": "", "__MACOSX/._a.csv": b"\0\0", ".hidden": "x", "sub/.git/x": "x", "_OK": ""}
    path = archive(tmp_path / "data.zip", **extra, **{"sub/b.csv": MORE, "sub/a.csv": CSV})
    assert [str(file) for file in expand(path)] == [f"{path}:sub/a.csv", f"{path}:sub/b.csv"]
    data = load(path, target="y")
    assert data.rows.target.tolist() == [1, 0, 1]
    assert "city=Bonn" in data.schema.feature_names
    assert Files(path).n_bytes == path.stat().st_size


def test_archives_stand_among_other_files(tmp_path: Path) -> None:
    archive(tmp_path / "b.zip", **{"x.csv": MORE})
    (tmp_path / "a.csv").write_text(CSV)
    for source in (tmp_path, str(tmp_path / "*"), [tmp_path / "a.csv", tmp_path / "b.zip"]):
        assert load(source, target="y").rows.target.tolist() == [1, 0, 1]


def test_a_member_can_be_named(tmp_path: Path) -> None:
    path = archive(tmp_path / "data.zip", **{"train.csv": CSV, "sub/test.csv": MORE})
    assert len(load(f"{path}:sub/test.csv", target="y")) == 1
    with pytest.raises(DataError, match=r"no file .*data\.zip:tset\.csv"):
        load(f"{path}:tset.csv")


def test_unlike_members_are_named_with_the_way_out(tmp_path: Path) -> None:
    for name, other in {
        "README.txt": "Read me first.\n",
        "item.csv": "item;year\n1;2000\n",
        "rows.svm": "1 3:1 4:2\n0 3:1\n",
        "picture.png": b"\x89PNG\0\0",
    }.items():
        path = archive(tmp_path / "data.zip", **{"a.csv": CSV, name: other})
        with pytest.raises(
            DataError, match=rf"data\.zip holds .*{name}.*Name one of them"
        ) as error:
            load(path, target="y")
        assert "data.zip:" in str(error.value)
        assert len(load(f"{path}:a.csv", target="y")) == 2


def test_large_archives_are_cached_by_content_and_member(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fieldfare.data.loading.SMALL_BYTES", 0)
    path = archive(tmp_path / "data.zip", **{"a.csv": CSV, "b.csv": MORE})
    for _ in range(2):
        whole, one, other = (load(f"{path}{end}", target="y") for end in ("", ":a.csv", ":b.csv"))
        assert whole.store is not None
        assert [len(data) for data in (whole, one, other)] == [3, 2, 1]


def test_a_compressed_member_is_undone(tmp_path: Path) -> None:
    path = archive(tmp_path / "data.zip", **{"a.csv.gz": gzip.compress(CSV.encode())})
    assert len(load(path, target="y")) == 2


def test_faults_name_archive_member_and_line(tmp_path: Path) -> None:
    path = archive(tmp_path / "data.zip", **{"a.csv": CSV + "Bonn,1\n"})
    with pytest.raises(DataError, match=r"data\.zip:a\.csv:4:1: The line has 2 cells"):
        load(path, target="y")


def test_a_damaged_member_is_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    text = "a,y\n" + "".join(f"{x},1\n" for x in rng.normal(size=500))
    path = archive(tmp_path / "data.zip", **{"a.csv": text})
    content = bytearray(path.read_bytes())
    content[1000] ^= 255
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"data\.zip:a\.csv cannot be read to its end"):
        load(path, target="y")
    path.write_bytes(content[:1000])
    with pytest.raises(DataError, match=r"data\.zip cannot be read.*truncated or damaged"):
        load(path, target="y")


def test_what_is_no_archive_of_samples_is_refused(tmp_path: Path) -> None:
    inner = archive(tmp_path / "inner.zip", **{"a.csv": CSV}).read_bytes()
    cases: dict[str, dict[str, str | bytes]] = {
        "is a zip archive inside another archive": {"inner.zip": inner},
        "holds no files": {"sub/": ""},
        "is an Office document": {"[Content_Types].xml": "", "xl/workbook.xml": ""},
        "is an OpenDocument file": {"mimetype": "", "content.xml": ""},
        "archive of NumPy arrays": {"data.npy": b"\x93NUMPY"},
        r"a\.csv is empty": {"a.csv": ""},
    }
    for message, files in cases.items():
        with pytest.raises(DataError, match=message):
            load(archive(tmp_path / "data.zip", **files), target="y")
    empty = archive(tmp_path / "data.zip")
    with pytest.raises(DataError, match="holds no files"):
        load(empty)


def test_encrypted_members_and_unusual_methods_are_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "data.zip", **{"a.csv": CSV})
    content = path.read_bytes()
    central = content.rindex(b"PK\x01\x02")
    encrypted = bytearray(content)
    for at in (6, central + 8):
        encrypted[at] |= 1
    path.write_bytes(encrypted)
    with pytest.raises(DataError, match=r"data\.zip:a\.csv is encrypted"):
        load(path, target="y")
    archive(path, zipfile.ZIP_LZMA, **{"a.csv": CSV})
    with pytest.raises(DataError, match=r"packed by a method \(number 14\)"):
        load(path, target="y")


def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as packed:
        packed.writestr("a.csv", CSV)
        with pytest.warns(UserWarning, match="Duplicate name"):
            packed.writestr("a.csv", MORE)
    with pytest.raises(DataError, match=r"two files named a\.csv"):
        load(tmp_path / "data.zip")
