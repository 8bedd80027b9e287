"""Numbers whose squares are no floating-point numbers are refused, and can be put into bins."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import fieldfare as ff
from fieldfare.exceptions import SchemaError
from fieldfare.schema.column import Column
from fieldfare.schema.schema import Schema


def column(*values: float) -> dict[str, np.ndarray]:
    return {"x": np.tile(np.array(values, np.float64), 30), "y": np.arange(30 * len(values)) % 2}


@pytest.mark.parametrize(
    "values",
    [(1.5, 1e300), (-1e300, 1e300), (1e300, 0.5e300), (1.7e308, 1.6e308), (1e-310, 0.5e-310)],
)
def test_numbers_that_cannot_be_standardised_are_refused(values: tuple[float, ...]) -> None:
    table = column(*values)
    with pytest.raises(SchemaError, match=r"Column 'x': numbers from .*bins="):
        Schema([Column("x", kind="numeric")], target="y").fit(table)
    assert ff.load_data(table, target="y", bins={"x": 4}).schema.n_features > 2


@pytest.mark.parametrize("value", [1e300, 5e-324, -0.0, 0.1])
def test_one_constant_of_any_size_can_be_standardised(value: float) -> None:
    schema = Schema([Column("x", kind="numeric")], target="y").fit(column(value, value))
    assert schema.encode(column(value, value)).nnz == 0


def test_far_numbers_do_not_depend_on_how_the_rows_come() -> None:
    table = column(1e150, 2.5)
    schema = Schema([Column("x", kind="numeric")], target="y")
    parts = [pa.table(table).slice(0, 31), pa.table(table).slice(31)]
    assert schema.fit(table).digest == schema.fit(parts).digest
