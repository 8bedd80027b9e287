"""Columns are worked on by as many threads as were asked for, and as the process may use."""

from __future__ import annotations

import threading

import pytest

from fieldfare.schema import columnwise
from fieldfare.schema.columnwise import each


def threads_used(n_threads: int | None, n_columns: int = 16) -> set[str]:

    def work(_: int) -> str:
        return threading.current_thread().name

    return set(each(10_000, work, range(n_columns), n_threads=n_threads))


def test_one_thread_works_in_the_caller() -> None:
    assert threads_used(1) == {threading.current_thread().name}


@pytest.mark.parametrize("n_threads", [None, -1])
def test_cores_that_the_process_may_not_use_are_not_counted(
    monkeypatch: pytest.MonkeyPatch, n_threads: int | None
) -> None:
    monkeypatch.setattr(columnwise, "available_cores", lambda: 1)
    assert threads_used(n_threads) == {threading.current_thread().name}
    monkeypatch.setattr(columnwise, "available_cores", lambda: 3)
    assert 1 <= len(threads_used(n_threads)) <= 3
    assert threading.current_thread().name not in threads_used(n_threads)


def test_results_keep_their_order_and_the_first_error_is_raised() -> None:
    assert each(10_000, lambda i: i * i, range(50), n_threads=2) == [i * i for i in range(50)]

    def fail(i: int) -> None:
        raise ValueError(f"column {i}")

    with pytest.raises(ValueError, match="column 0"):
        each(10_000, fail, range(9), n_threads=2)
