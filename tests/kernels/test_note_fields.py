"""The field of each feature, noted from rows."""

from __future__ import annotations

import numpy as np
import pytest

from fieldfare.kernels.text import note_fields
from fieldfare.rows import Rows


def test_fields_are_noted_by_feature() -> None:
    of = np.zeros(5, np.uint16)
    indices, fields = np.array([4, 1, 3, 1], np.uint32), np.array([7, 2, 9, 5], np.uint16)
    rows = Rows(np.array([1, 2, 4]), indices, fields=fields)
    note_fields(of, rows)
    assert of.tolist() == [0, 5, 0, 9, 0]


def test_fields_of_features_beyond_the_table_are_refused() -> None:
    rows = Rows(np.array([0, 1]), np.array([5], np.uint32), fields=np.zeros(1, np.uint16))
    with pytest.raises(ValueError, match="not below the length"):
        note_fields(np.zeros(5, np.uint16), rows)
