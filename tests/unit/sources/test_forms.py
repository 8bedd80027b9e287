"""What people have is read as what it is: format, separator, header, names and rows."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import feather, parquet
from tests.unit.sources.forms import FORMS, Form

import fieldfare as ff
from fieldfare.exceptions import DataError, DataWarning, TextFormatError
from fieldfare.sources.cells import WITH_COMMA, WITH_POINT
from fieldfare.sources.files import Files
from fieldfare.sources.formats import open_source
from fieldfare.sources.source import Numbered, Table


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.title)
def test_form(tmp_path: Path, form: Form) -> None:
    path = tmp_path / "data"
    path.write_bytes(form.content.encode() if isinstance(form.content, str) else form.content)
    found = Files(path).text
    assert (found.kind, found.separator, found.has_header) == (
        form.format,
        form.separator,
        form.header,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        source = open_source(path)
        if isinstance(source, Table):
            assert tuple(source.names) == form.names
            n_rows = sum(batch.data.num_rows for batch in source.batches())
        else:
            assert isinstance(source, Numbered)
            n_rows = sum(map(len, source.rows()))
    assert n_rows == form.rows


ROWS = [{"city": f"c{i % 5}", "price": i / 2, "bought": i % 2} for i in range(40)]
CSV = "city,price,bought\n" + "".join(f"{r['city']},{r['price']},{r['bought']}\n" for r in ROWS)


def zipped(text: bytes, path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("train.csv", text)


def by(compress: Callable[[bytes], bytes]) -> Callable[[bytes, Path], object]:
    return lambda text, path: path.write_bytes(compress(text))


PACKED: dict[str, Callable[[bytes, Path], object]] = {
    "gzip": by(gzip.compress),
    "bz2": by(bz2.compress),
    "xz": by(lzma.compress),
    "zstd": by(lambda text: pa.compress(text, "zstd", asbytes=True)),
    "zip": zipped,
}


@pytest.mark.parametrize("compression", PACKED)
def test_compressed(tmp_path: Path, compression: str) -> None:
    PACKED[compression](CSV.encode(), tmp_path / "data")
    source = open_source(tmp_path / "data")
    assert source.description == f"CSV, separator ',', header, {compression}"
    assert len(ff.load_data(tmp_path / "data", target="bought")) == 40


WRITTEN: dict[str, Callable[[pa.Table, str], object]] = {
    "Parquet": parquet.write_table,
    "Arrow IPC": feather.write_feather,
    "JSON lines": lambda table, path: Path(path).write_text(
        "".join(json.dumps(row) + "\n" for row in table.to_pylist())
    ),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_typed(tmp_path: Path, name: str) -> None:
    path = tmp_path / "data"
    WRITTEN[name](pa.Table.from_pylist(ROWS), str(path))
    source = open_source(path)
    assert isinstance(source, Table)
    assert source.description.startswith(name)
    assert source.names == ["city", "price", "bought"]
    assert len(ff.load_data(path, target="bought")) == 40


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1 |user age:0.3 city=Rome |item x y\n-1 |user age:0.2 |item z\n", "Vowpal Wabbit"),
        ("1 2.0 'tag| a:1 b\n", "Vowpal Wabbit"),
        ("% title\n@RELATION iris\n@ATTRIBUTE a REAL\n@DATA\n5.1\n", "ARFF"),
    ],
)
def test_text_of_other_programs_is_refused_by_name(
    tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "data").write_text(content)
    with pytest.raises(DataError, match=message):
        open_source(tmp_path / "data")


def test_a_table_that_passes_for_libsvm_is_read_as_it_is_said_to_be(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_text("".join(f"{i % 2} a:{i % 5} b:{i % 7}\n" for i in range(40)))
    with pytest.raises(TextFormatError, match=r"data:1:3: .*format='csv'"):
        ff.load_data(path)
    data = ff.load_data(path, format="csv", target=0)
    assert (len(data), [column.name for column in data.schema.columns]) == (40, ["f1", "f2"])


def test_a_format_that_is_said_and_not_there_is_an_error_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_text(CSV)
    with pytest.raises(TextFormatError, match=r"data:1:1: "):
        ff.load_data(path, format="libsvm")


def test_decimal_commas_are_numbers(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_text("price;word;y\n" + "".join(f"{i},5;a,{i % 2};{i % 2}\n" for i in range(60)))
    data = ff.load_data(path, target="y")
    assert [column.kind for column in data.schema.columns] == ["numeric", "categorical"]
    points = ff.load_data(write_points(path), target="y")
    assert data.rows.values.tolist() == points.rows.values.tolist()


BY_PEOPLE = [
    (";", "1.234.567,50", 1234567.5),
    (";", "1 234,5", 1234.5),
    (";", "-3,25 €", -3.25),
    (";", "2.000", 2000.0),
    (",", '"1,234,567.50"', 1234567.5),
    (",", '"$1,234.5"', 1234.5),
    (",", '"-$1,000"', -1000.0),
    ("\t", "1'234.5", 1234.5),
    ("|", "£ 12.75", 12.75),
]


@pytest.mark.parametrize(("separator", "written", "value"), BY_PEOPLE)
def test_numbers_are_read_as_people_write_them(
    tmp_path: Path, separator: str, written: str, value: float
) -> None:
    mark = "," if separator == ";" else "."
    (tmp_path / "data").write_text(
        f"price{separator}y\n{written}{separator}0\n"
        + "".join(f"{i}{mark}5{separator}{i % 2}\n" for i in range(60))
    )
    (tmp_path / "plain").write_text(
        f"price{separator}y\n{value}{separator}0\n"
        + "".join(f"{i}.5{separator}{i % 2}\n" for i in range(60))
    )
    data, plain = (ff.load_data(tmp_path / name, target="y") for name in ("data", "plain"))
    assert data.schema.column("price").kind == "numeric"
    assert data.rows.values.tolist() == plain.rows.values.tolist()


@pytest.mark.parametrize(
    "cell", ["101,205,7", "192.168.100.200", "1.2.3", "$5.50 or €{i}.50", "{i}.5% or {i}.5"]
)
def test_lists_addresses_versions_and_mixed_units_are_no_numbers(cell: str) -> None:
    cells = [c.format(i=i) for i in range(40) for c in cell.split(" or ")]
    assert not any(notation.is_that_of(cells) for notation in (WITH_POINT, WITH_COMMA))


def write_points(path: Path) -> Path:
    other = path.with_name("points")
    rows = [line.split(";") for line in path.read_text().splitlines()]
    other.write_text("".join(";".join([a.replace(",", "."), *b]) + "\n" for a, *b in rows))
    return other
