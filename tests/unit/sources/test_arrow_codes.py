"""Dictionary-encoded columns whose codes have no value are refused, naming the column."""

from __future__ import annotations

import pyarrow as pa
import pytest

import fieldfare
from fieldfare.exceptions import DataError


@pytest.mark.parametrize("code", [-1, 2, 77])
def test_a_code_without_a_value_is_refused(code: int) -> None:
    codes = pa.array([0, 1, code, None], pa.int32())
    city = pa.DictionaryArray.from_arrays(codes, pa.array(["x", "y"]), safe=False)
    with pytest.raises(DataError, match="'city' is dictionary-encoded.* for 2 values"):
        fieldfare.load_data(pa.table({"city": city, "y": [0, 1, 0, 1]}), target="y")
