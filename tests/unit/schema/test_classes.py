"""Classes of a text target: their limit is stated, and batches decide nothing."""

from __future__ import annotations

import pytest

from fieldfare.exceptions import DataError, DataWarning
from fieldfare.schema.column import Column
from fieldfare.schema.schema import Schema

SCHEMA = Schema((Column("u"),), target="y")


def cut(values: list[str], size: int) -> list[list[dict[str, str]]]:
    parts = [values[start : start + size] for start in range(0, len(values), size)]
    return [[{"u": "a", "y": value} for value in part] for part in parts]


@pytest.fixture(autouse=True)
def _few_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fieldfare.schema.classes.MAX_CLASSES", 20)


@pytest.mark.parametrize("size", [1, 7, 100])
def test_as_many_classes_as_allowed_are_learned(size: int) -> None:
    values = [f"c{i}" for i in range(20)] * 3
    assert SCHEMA.fit(cut(values, size)).target_classes == tuple(sorted(set(values)))


@pytest.mark.parametrize("size", [1, 7, 100])
@pytest.mark.parametrize("order", [1, -1])
def test_too_many_classes_are_refused_however_batches_are_cut(size: int, order: int) -> None:
    values = [*map(str, range(20)), "word"][::order]
    with pytest.raises(DataError, match=r"column 'y'.*at most 20 classes.*Got 'word'"):
        SCHEMA.fit(cut(values, size))


@pytest.mark.parametrize("size", [1, 7, 100])
def test_any_number_of_numbers_is_a_regression(size: int) -> None:
    assert SCHEMA.fit(cut([*map(str, range(90)), "1e3", "NA"], size)).target_classes is None


def test_classes_that_never_come_back_are_warned_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fieldfare.schema.classes.MAX_CLASSES", 100)
    values = [f"${i}" for i in range(60)]
    with pytest.warns(DataWarning, match=r"target 'y' holds 60 different texts in 60 rows"):
        SCHEMA.fit(cut(values, 7))
    assert len(SCHEMA.fit(cut(values * 2, 7)).target_classes or ()) == 60
