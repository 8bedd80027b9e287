"""Lists within lists end the process in Arrow if they are deep; they are refused before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fieldfare import load_data
from fieldfare.exceptions import DataError
from fieldfare.sources.arrow import column_of


def _deep(depth: int) -> list[Any]:
    inner: list[Any] = []
    for _ in range(depth):
        inner = [inner]
    return inner


def _endless() -> list[Any]:
    loop: list[Any] = []
    loop.append(loop)
    return loop


def _doubled(depth: int) -> list[Any]:
    inner: list[Any] = []
    for _ in range(depth):
        inner = [inner, inner]
    return inner


@pytest.mark.parametrize("make", [_endless, lambda: _deep(100_000), lambda: _doubled(100)])
@pytest.mark.parametrize(
    "around",
    [
        lambda deep: {"user": deep, "clicked": [1]},
        lambda deep: {"user": [deep], "clicked": [1]},
        lambda deep: {"user": [{"a": deep}], "clicked": [1]},
        lambda deep: {"user": [(1, deep), "x"], "clicked": [1, 0]},
        lambda deep: [{"user": deep, "clicked": 1}],
        lambda deep: pd.DataFrame({"user": pd.Series([deep, 1], dtype=object), "clicked": [1, 0]}),
    ],
)
def test_deep_lists_are_refused(around: Callable[[Any], Any], make: Callable[[], Any]) -> None:
    with pytest.raises(DataError, match="user.*more than 32 deep"):
        load_data(around(make()), target="clicked")


def test_lists_in_arrays_of_objects_are_looked_at() -> None:
    column = np.array([_deep(100), None], dtype=object)
    with pytest.raises(DataError, match="more than 32 deep"):
        column_of(column)


def test_usual_lists_are_read() -> None:
    assert column_of([[[1], [2]], None]).to_pylist() == [[[1], [2]], None]
    assert column_of([np.array([1.0]), [2.0]]).to_pylist() == [[1.0], [2.0]]
    assert column_of(iter(["a", 1])).to_pylist() == ["a", "1"]
