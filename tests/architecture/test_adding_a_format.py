"""A format is one module and one line in the registry: loading, training and predicting know it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.architecture.scratch_format import FORMATS, MAGIC

import fieldfare
from fieldfare.data.loading import stream
from fieldfare.exceptions import DataError
from fieldfare.sources.formats import register, unregister

ROWS = [{"user": f"u{i % 7}", "item": f"i{i % 5}", "y": str(i % 2)} for i in range(2500)]


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
