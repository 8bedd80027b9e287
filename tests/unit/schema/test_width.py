"""Width: the work per column does not grow with the number of columns, and is little."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fieldfare.data.loading import load
from fieldfare.exceptions import SchemaError
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


def calls(function: Callable[[], Any]) -> int:
    """Return how many functions are called, those of libraries included."""
    seen = 0

    def counted(frame: Any, event: str, argument: Any) -> None:
        nonlocal seen
        seen += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        function()
    finally:
        sys.setprofile(before)
    return seen


def wide(n_columns: int, kind: str, source: str, folder: Path) -> Any:
    """Return a table of 50 rows and so many columns of numbers or texts."""
    random = np.random.default_rng(0)
    if kind == "numbers":
        cells = np.round(random.normal(size=(n_columns, 50)), 3)
    else:
        cells = random.choice(["red", "green", "blue"], (n_columns, 50))
    table = {f"c{i}": column for i, column in enumerate(cells)} | {"y": np.arange(50) % 2}
    if source == "columns":
        return table
    if source == "pandas":
        pandas = pytest.importorskip("pandas", reason="pandas is not installed")
        return pandas.DataFrame(table)
    path = folder / f"{n_columns}.csv"
    lines = [
        ",".join(table),
        *(",".join(map(str, row)) for row in zip(*cells, table["y"], strict=True)),
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


# Per column, with room for a third more. Of a text file, cells are looked at to tell its form.
CALLS = {
    ("numbers", "columns"): 800, ("numbers", "pandas"): 1500, ("numbers", "csv"): 2250,
    ("texts", "columns"): 960, ("texts", "pandas"): 1660, ("texts", "csv"): 3500,
}  # fmt: skip


@pytest.mark.parametrize(("kind", "source"), CALLS)
def test_a_column_takes_few_calls_however_many_there_are(
    kind: str, source: str, tmp_path: Path
) -> None:
    def work(n_columns: int) -> int:
        table = wide(n_columns, kind, source, tmp_path)

        def load_and_encode() -> None:
            data = load(table, target="y", cache=False)
            assert data.schema.encode(table).n_rows == 50

        return calls(load_and_encode)

    work(10)  # what is imported and cached once
    small, middle, large = map(work, (50, 100, 200))
    assert (large - middle) / 100 <= 1.1 * (middle - small) / 50
    assert (large - middle) / 100 <= CALLS[kind, source]


def test_the_limit_of_fields_is_stated_before_columns_are_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fieldfare.schema.infer.MAX_FIELDS", 3)
    monkeypatch.setattr("fieldfare.schema.infer._guess", None)  # not reached
    table = {name: ["x", "y"] for name in "abcd"}
    with pytest.raises(SchemaError, match=r"3 columns .* Got 4\. Leave out columns \(ignore="):
        Schema.infer(table)
