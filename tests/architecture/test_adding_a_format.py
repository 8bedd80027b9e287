"""A format is one module and one line in the registry: loading, training and predicting know it."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tests.architecture.scratch_format import FORMATS, MAGIC

import fieldfare
from fieldfare.data.loading import stream
from fieldfare.exceptions import DataError, TextFormatError
from fieldfare.sources.formats import register, unregister

ROWS = [{"user": f"u{i % 7}", "item": f"i{i % 5}", "y": str(i % 2)} for i in range(2500)]


def zstd(data: bytes) -> bytes:
    return bytes(pa.compress(data, "zstd", asbytes=True))


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    for form in FORMATS:
        register(form)
    lines = (" ".join(f"{name}={value}" for name, value in row.items()) for row in ROWS)
    file = tmp_path / "samples"
    file.write_bytes(MAGIC + "\n".join(lines).encode())
    yield file
    for form in FORMATS:
        unregister(form)


def test_a_format_of_one_module_goes_the_whole_road(path: Path) -> None:
    loaded, expected = fieldfare.load_data(path, target="y"), fieldfare.load_data(ROWS, target="y")
    np.testing.assert_array_equal(loaded.rows.indices, expected.rows.indices)
    settings = {"target": "y", "max_iter": 1, "random_state": 0, "n_jobs": 1}
    model = fieldfare.train(path, **settings).model
    same = fieldfare.train(ROWS, **settings).model
    np.testing.assert_array_equal(model.factors, same.factors)
    predicted = fieldfare.predict(model, path)
    np.testing.assert_array_equal(predicted, fieldfare.predict(model, ROWS))
    assert sum(map(len, stream(path, schema=model.schema))) == len(ROWS)
    assert fieldfare.inspect(path, target="y").format == "name=value pairs"


def test_it_can_be_named(path: Path) -> None:
    assert len(fieldfare.load_data(path, target="y", format="pairs")) == len(ROWS)
    path.write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="is not name=value pairs, which format='pairs' says"):
        fieldfare.load_data(path, target="b", format="pairs")


@pytest.mark.parametrize("pack", [gzip.compress, zstd], ids=["gzip", "zstd"])
def test_it_is_read_compressed(path: Path, pack: Callable[[bytes], bytes]) -> None:
    expected = fieldfare.load_data(path, target="y").rows
    path.write_bytes(pack(path.read_bytes()))
    found = fieldfare.load_data(path, target="y").rows
    np.testing.assert_array_equal(found.indices, expected.indices)


@pytest.mark.parametrize(
    ("cells", "column", "words"),
    [
        ("user=u0 y=1", 12, "The row has no item.*Found 'user=u0 y=1'"),
        ("user=u0 item=i1 y=1 hour=7", 21, "the columns user, item, y, once each.*Found 'hour=7'"),
        ("user=u0 item=i1 y=1 y=0", 21, "once each.*Found 'y=0'"),
        ("user=u0 item y=1", 9, "must be name=value.*Found 'item'"),
    ],
)
def test_faults_are_found_where_they_are(path: Path, cells: str, column: int, words: str) -> None:
    """Also where all rows of a batch have them."""
    lines = path.read_bytes().split(b"\n")[:1001]
    path.write_bytes(b"\n".join([*lines, *[cells.encode()] * 1500]))
    with pytest.raises(TextFormatError, match=words) as caught:
        fieldfare.load_data(path, target="y")
    assert (caught.value.file, caught.value.line, caught.value.column) == (str(path), 1002, column)


def test_its_name_is_among_what_is_accepted(path: Path) -> None:
    with pytest.raises(DataError, match="name=value pairs"):
        fieldfare.load_data(3)


def test_a_format_that_was_taken_out_is_not_asked(path: Path) -> None:
    for form in FORMATS:
        unregister(form)
    with pytest.raises(DataError):
        fieldfare.load_data(path, target="y")
    for form in FORMATS:
        register(form)
