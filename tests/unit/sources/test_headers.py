"""Headers are told from data by several signs; doubts are said, with the parameter to decide."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

import fieldfare as ff
from fieldfare.data.loading import load
from fieldfare.exceptions import DataWarning, SchemaError, TextFormatError
from fieldfare.sources.formats import open_table
from fieldfare.sources.headers import judge


def table(first: str, row: Callable[[int], str], n: int = 60) -> list[list[str]]:
    return [line.split(",") for line in [first, *map(row, range(n))]]


@pytest.mark.parametrize(
    ("first", "row", "is_header", "is_certain"),
    [
        ("a,b", lambda i: f"x{i % 3},{i}", True, True),
        ("when,who", lambda i: f"2024-01-{i % 28 + 1:02d},u{i % 3}", True, True),
        ("hash,site", lambda i: f"68fd1e{i:02x},s{i % 3}", True, True),
        ("0,1,2", lambda i: f"{i % 2},{i / 7:.3f},{i / 9:.3f}", True, True),
        (",0,1", lambda i: f"{i},{i % 2},{i / 7:.3f}", True, True),
        ("0,1,2", lambda i: f"{i % 3},{i % 2},{i % 4}", False, True),
        ("country,2001,2002,2003", lambda i: f"c{i % 4},{i}.5,{i}.25,{i}.75", True, True),
        ("x1,x2,x3", lambda i: f"p{i % 3},q{i % 4},r{i % 5}", True, True),
        ("ad_id,title", lambda i: f"a{i},t{i}", True, True),
        ("anna,berlin", lambda i: f"name{i},town{i}", True, False),
        ("a,b,c", lambda i: f"{'abc'[i % 3]},{'bca'[i % 3]},{'cab'[i % 3]}", False, True),
        ("a,b,c", lambda i: f"{'abc'[i % 3]},{'bca'[i % 3]},{'ab'[i % 2]}", False, False),
        ("user,item", lambda i: f"{['user', 'guest'][i % 2]},x{i % 3}", True, False),
        ("x,1", lambda i: f"x{i % 3},{i}", False, True),
        ("5", lambda i: "", False, True),
        ("a,a", lambda i: f"x{i % 3},y{i % 3}", False, True),
        ("2024-01-01,5", lambda i: f"2024-01-{i % 28 + 1:02d},{i}", False, True),
    ],
)
def test_judgement(
    first: str, row: Callable[[int], str], is_header: bool, is_certain: bool
) -> None:
    verdict = judge(table(first, row))
    assert (verdict.is_header, not verdict.doubt) == (is_header, is_certain)


def test_names_that_are_asked_for_decide(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = [f"{'abc'[i % 3]},{'bca'[i % 3]},{'xy'[i % 2]}\n" for i in range(60)]
    path.write_text("".join(["a,b,y\n", *rows]))
    assert len(load(path, target="y")) == 60
    with pytest.warns(DataWarning, match="first column is taken for the target"):
        assert len(load(path)) == 61


def test_a_doubt_is_said_once_with_what_decides(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("anna,berlin\n" + "".join(f"name{i},town{i}\n" for i in range(60)))
    with pytest.warns(DataWarning, match=r"\('anna', 'berlin'\) is taken for the header") as seen:
        open_table(path)
    assert len(seen) == 1
    assert "header=False (--no-header)" in str(seen[0].message)


def test_headers_inside_are_left_out_with_a_warning_that_names_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(("y,a\n" + "".join(f"{i % 2},x{i % 5}\n" for i in range(300))) * 3)
    with pytest.warns(DataWarning, match=r"repeats its header inside \(line 302, 603\)"):
        data = load(path, target="y")
    assert len(data) == 900


def test_faults_behind_a_repeated_header_are_located(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("y,a\n1,2.5\n0,3.5\ny,a\n1,4.5\n0,5.5\n" + "0,1.5\n" * 50 + "1,x\n")
    schema = ff.Schema([ff.Column("a", "numeric")], target="y")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        with pytest.raises(TextFormatError, match=r"t.csv:57:3: Column 'a'"):
            load(path, schema=schema)


def test_part_files_have_their_headers_or_only_the_first(tmp_path: Path) -> None:
    for folder, again in (("spark", "y,a\n"), ("split", "")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "_SUCCESS").write_text("")
        for part in range(3):
            head = "y,a\n" if part == 0 else again
            text = head + "".join(f"{i % 2},x{i % 5}\n" for i in range(20))
            (tmp_path / folder / f"part-{part:05d}").write_text(text)
        assert len(load(tmp_path / folder, target="y")) == 60
    (tmp_path / "split" / "part-00003").write_text("y,b\n1,x\n0,y\n")
    with pytest.raises(SchemaError, match="have different columns"):
        load(tmp_path / "split", target="y")
