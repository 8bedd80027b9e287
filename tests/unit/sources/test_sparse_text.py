"""Reading and writing libsvm and libffm text."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from fieldfare.exceptions import DataError, OutputError, TextFormatError
from fieldfare.rows import Rows
from fieldfare.sources import sparse_text as text
from fieldfare.sources.sparse_text import read_text, write_text


def read(content: str | bytes, **options: object) -> Rows:
    raw = content.encode() if isinstance(content, str) else content
    return Rows.concatenate(list(read_text(io.BytesIO(raw), **options)))  # type: ignore[arg-type]


def lists(rows: Rows) -> list[list[tuple[float, ...]]]:
    """Return the entries of each row as (id, value) or (field, id, value)."""
    columns = [rows.indices, np.ones(len(rows.indices)) if rows.values is None else rows.values]
    if rows.fields is not None:
        columns.insert(0, rows.fields)
    entries = list(zip(*(column.tolist() for column in columns), strict=True))
    bounds = rows.indptr.tolist()
    return [entries[a:b] for a, b in pairwise(bounds)]


def test_libsvm() -> None:
    rows = read("1 1:0.5 7:2\n-1 3:1\n")
    assert lists(rows) == [[(1, 0.5), (7, 2)], [(3, 1)]]
    assert rows.target is not None
    assert rows.target.tolist() == [1, -1]
    assert all(part is None for part in (rows.fields, rows.weight, rows.group))


def test_libffm() -> None:
    rows = read("0 0:1:0.5 65534:4294967294:2\n+1 2:3:1\n")
    assert lists(rows) == [[(0, 1, 0.5), (65534, 4294967294, 2)], [(2, 3, 1)]]
    assert rows.target is not None
    assert rows.target.tolist() == [0, 1]


def test_values_of_one_are_not_stored() -> None:
    assert read("1 1:1 2:1.0 3:1e0 4:10e-1\n").values is None
    assert read("1 1:1 2:1.0000001\n").values is not None


def test_targets_are_any_numbers() -> None:
    rows = read("3.5 1:1\n-2e3 1:1\n+.5 1:1\n5. 1:1\n")
    assert rows.target is not None
    assert rows.target.tolist() == [3.5, -2000, 0.5, 5]


@pytest.mark.parametrize(
    "content",
    [
        "1 1:2 2:3\n0 1:1\n",
        "1 1:2 2:3\n0 1:1",
        "1 1:2 2:3\r\n0 1:1\r\n",
        "1 1:2 2:3\r\n0 1:1\r",
        "\n\n1 1:2 2:3\n \t\n0 1:1\n\n\n",
        "# head\n1 1:2 2:3 # tail 5:5\n  # more\n0 1:1#\n#",
        "  1\t1:2  2:3 \t\n0 1:1 \n",
        "\ufeff1 1:2 2:3\n0 1:1\n",
        "1,1:2,2:3\n0,1:1\n",
        "1, 1:2, 2:3,\r\n0,1:1,, # 1,2\r\n",
        "1 1.0:2 2.00:3\n0 1:1\n",
    ],
    ids=[
        *("plain", "no newline", "CRLF", "CR at end", "blank", "comments", "blanks", "BOM"),
        *("commas", "commas and blanks", "whole floats"),
    ],
)
def test_same_rows_however_written(content: str) -> None:
    if content.endswith("\r"):
        content += "\n"
    rows = read(content)
    assert lists(rows) == [[(1, 2), (2, 3)], [(1, 1)]]
    assert rows.target is not None
    assert rows.target.tolist() == [1, 0]


def test_commas_and_whole_floats_in_libffm() -> None:
    rows = read("1,0:1:0.5,65534.0:4294967294.0:2\n0,2:3:1\n")
    assert lists(rows) == [[(0, 1, 0.5), (65534, 4294967294, 2)], [(2, 3, 1)]]
    rows = read("1,qid:7.0,weight:2,1:1\n0,qid:8,3:1\n")
    assert rows.group is not None
    assert rows.group.tolist() == [7, 8]


@pytest.mark.parametrize(
    ("line", "column", "token", "words"),
    [
        ("1 3.5:1", 3, "3.5:1", "whole number in digits"),
        ("1 3.:1", 3, "3.:1", "whole number in digits"),
        ("1 .0:1", 3, ".0:1", "whole number in digits"),
        ("1 3e0:1", 3, "3e0:1", "whole number in digits"),
        ("1,4:1,3.05:1", 7, "3.05:1", "whole number in digits"),
        ("1 4294967295.0:1", 3, "4294967295.0:1", "at most 4294967294"),
        ("1 3:0,5 4:1", 7, "5", "decimals with a point"),
        ("1 0:1:1 0.5:2:1", 9, "0.5:2:1", "field must be a whole number"),
        ("1,0:1:1,65535:2:1", 9, "65535:2:1", r"at most 65534.* without gaps"),
        ("1 0:1:1 70000.0:2:1", 9, "70000.0:2:1", r"at most 65534.* without gaps"),
    ],
)
def test_what_is_no_entry_is_named(line: str, column: int, token: str, words: str) -> None:
    with pytest.raises(TextFormatError, match=words) as caught:
        read(f"{line}\n", kind="libffm" if line.count(":") > 3 else "libsvm")
    assert (caught.value.line, caught.value.column) == (1, column)
    assert caught.value.text == token


def test_row_of_a_target_only() -> None:
    rows = read("1 1:2\n0\n1 \n0 2:1\n")
    assert lists(rows) == [[(1, 2)], [], [], [(2, 1)]]


def test_order_and_repeats_of_features_are_kept() -> None:
    assert lists(read("1 5:1 2:3 5:2\n")) == [[(5, 1), (2, 3), (5, 2)]]


def test_zeros_are_kept() -> None:
    assert lists(read("1 5:0 2:-0.0\n")) == [[(5, 0), (2, 0)]]


def test_weights_and_groups() -> None:
    rows = read("1 weight:2 qid:7 1:1\n0 qid:7 weight:0.5\n1 qid:8 2:1\n")
    assert rows.weight is not None
    assert rows.weight.tolist() == [2, 0.5, 1]
    assert rows.group is not None
    assert rows.group.tolist() == [7, 7, 8]
    assert read("1 weight:1 1:1\n").weight is None


def test_without_targets() -> None:
    rows = read("1:2 2:3\nweight:2 4:1\n")
    assert rows.target is None
    assert lists(rows) == [[(1, 2), (2, 3)], [(4, 1)]]
    assert lists(read("0:1:2\n3:4:5\n")) == [[(0, 1, 2)], [(3, 4, 5)]]


def test_labelled_false_drops_targets() -> None:
    rows = read("1 1:2\n0 2:1\n", labelled=False)
    assert rows.target is None
    assert lists(rows) == [[(1, 2)], [(2, 1)]]
    assert read("1:2\n2:1\n", labelled=False).target is None


def test_labelled_true_demands_targets() -> None:
    with pytest.raises(TextFormatError, match="no target"):
        read("1:2\n2:1\n", labelled=True)


def test_kind_may_be_given() -> None:
    assert lists(read("1\n0\n", kind="libsvm")) == [[], []]
    with pytest.raises(DataError, match="looks like a table"):
        read("1\n0\n")


@pytest.mark.parametrize("n_threads", [1, 2, 3, 7])
def test_any_number_of_threads(n_threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "BATCH_BYTES", 500)
    content = "".join(
        f"{i % 2} weight:{i % 3 + 1} qid:{i} "
        + " ".join(f"{j}:{i + j}:{j / 4}" for j in range(i % 9))
        + " # 1:2:3\n" * (i % 2) + "\n"
        for i in range(200)
    )  # fmt: skip
    rows = read(content, n_threads=n_threads)
    assert lists(rows) == [[(j, i + j, j / 4) for j in range(i % 9)] for i in range(200)]
    assert rows.group is not None
    assert rows.group.tolist() == list(range(200))
    assert rows.weight is not None
    assert rows.weight.tolist() == [i % 3 + 1 for i in range(200)]


def test_line_longer_than_the_buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "BATCH_BYTES", 16)
    content = "1 " + " ".join(f"{i}:1" for i in range(1000)) + "\n0 5:1\n"
    rows = read(content)
    assert np.diff(rows.indptr).tolist() == [1000, 1]


def test_batches_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "BATCH_BYTES", 100)
    batches = list(read_text(io.BytesIO(b"1 1:1\n" * 100)))
    assert len(batches) >= 6
    assert sum(map(len, batches)) == 100


def test_several_files(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("1 2:1")
    (tmp_path / "a.txt").write_text("0 1:1\n")
    for source in (tmp_path, str(tmp_path / "*.txt"), [tmp_path / "a.txt", tmp_path / "b.txt"]):
        assert lists(Rows.concatenate(list(read_text(source)))) == [[(1, 1)], [(2, 1)]]  # type: ignore[arg-type]


def test_errors_name_the_file_and_its_own_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text, "BATCH_BYTES", 16)
    good = "# head\n\n" + "1 1:1\n" * 50
    (tmp_path / "a").write_text(good)
    (tmp_path / "b").write_text(good + "1  3:x 4:1\n")
    with pytest.raises(TextFormatError) as caught:
        list(read_text(tmp_path))
    error = caught.value
    assert (error.file, error.line, error.column) == (str(tmp_path / "b"), 53, 4)
    assert error.text == "3:x"
    assert "3:x" in str(error)
    assert f"{tmp_path / 'b'}:53:4" in str(error)


def test_round_trip(tmp_path: Path) -> None:
    rows = Rows(
        np.array([0, 2, 2, 3]),
        np.array([5, 4294967294, 0], np.uint32),
        np.array([0.1, -3.4028235e38, 1e-45], np.float32),
        np.array([0, 65534, 3], np.uint16),
        np.array([1, -1, 1 / 3], np.float32),
        np.array([1, 0, 2.5], np.float32),
        np.array([3, 3, 2**62]),
    )
    for kind, fields in (("libffm", rows.fields), ("libsvm", None)):
        write_text(rows, tmp_path / "out", kind)  # type: ignore[arg-type]
        again = Rows.concatenate(list(read_text(tmp_path / "out")))
        for name in ("indptr", "indices", "values", "target", "weight", "group"):
            np.testing.assert_array_equal(getattr(again, name), getattr(rows, name), name)
        np.testing.assert_array_equal(again.fields, fields)  # type: ignore[arg-type]


def test_written_form(tmp_path: Path) -> None:
    rows = read("1 weight:2 1:1 2:0.5\n-1 3:1e10\n")
    write_text([rows, rows.slice(0, 1)], tmp_path / "out", "libsvm")
    assert (tmp_path / "out").read_text() == (
        "1 weight:2 1:1 2:0.5\n-1 weight:1 3:1e+10\n1 weight:2 1:1 2:0.5\n"
    )
    assert [file.name for file in tmp_path.iterdir()] == ["out"]


def test_what_cannot_be_written(tmp_path: Path) -> None:
    rows = read("1 1:1\n0\n")
    with pytest.raises(DataError, match="rows with fields"):
        write_text(rows, tmp_path / "out", "libffm")
    with pytest.raises(DataError, match="blank line"):
        write_text(rows.with_(target=None), tmp_path / "out", "libsvm")
    with pytest.raises(DataError, match="'libsvm' or 'libffm'"):
        write_text(rows, tmp_path / "out", "csv")  # type: ignore[arg-type]
    with pytest.raises(OutputError, match="does not exist"):
        write_text(rows, tmp_path / "no" / "out", "libsvm")
    assert list(tmp_path.iterdir()) == []


def test_demo_data_of_peers(shared_data: Path) -> None:
    ffm = Rows.concatenate(list(read_text(shared_data / "xlearn-demos" / "small_train.txt")))
    assert len(ffm) == 200
    assert ffm.fields is not None
    svm = Rows.concatenate(list(read_text(shared_data / "xlearn-demos" / "agaricus_train.txt.gz")))
    assert svm.fields is None
    assert svm.values is None
    assert len(svm) == 6513
