"""Items made ahead: the same items, errors in their turn, and no thread left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from fieldfare.sources.prefetch import ahead


def n_workers() -> int:
    return sum(thread.name == "fieldfare-ahead" for thread in threading.enumerate())


@pytest.mark.parametrize("n", [0, 1, 2, 3, 50])
def test_items_come_in_order(n: int) -> None:
    assert list(ahead(range(n))) == list(range(n))
    assert n_workers() == 0


def test_an_error_comes_after_the_items_before_it() -> None:
    def source() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("third")

    found = []
    with pytest.raises(ValueError, match="third"):
        for item in ahead(source()):
            found.append(item)
    assert found == [1, 2]
    assert n_workers() == 0


def test_leaving_early_ends_the_thread_and_the_source() -> None:
    made: list[int] = []

    def source() -> Iterator[int]:
        for i in range(10**9):
            made.append(i)
            yield i

    items = ahead(source(), 2)
    assert next(items) == 0
    items.close()
    assert n_workers() == 0
    assert len(made) <= 5
