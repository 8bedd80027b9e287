"""Width: the work per column does not grow with the number of columns."""

from __future__ import annotations

import numpy as np
import pytest

from fieldfare.schema.column import Column
from fieldfare.schema.schema import Schema


def comparisons(n_columns: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return how often names or columns are compared when a table of this width is encoded."""
    seen = 0
    equal = Column.__eq__

    def counted(one: Column, other: object) -> bool:
        nonlocal seen
        seen += 1
        return bool(equal(one, other))

    table = {f"c{i}": np.array(["a", "b"]) for i in range(n_columns)} | {"y": np.array([0, 1])}
    schema = Schema.infer(table, "y", categorical=[f"c{i}" for i in range(n_columns)])
    with monkeypatch.context() as patch:
        patch.setattr(Column, "__eq__", counted)
        schema.fit(table).encode(table)
    return seen


def test_columns_are_not_compared_with_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    assert comparisons(100, monkeypatch) <= 10 * 100
