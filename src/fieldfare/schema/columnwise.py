"""Work on the columns of a batch side by side: Arrow and NumPy release the GIL for most of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

T = TypeVar("T")
_MAX_THREADS = 8
_FEW_ROWS = 4096  # for so few, threads cost more than they save


def each(n_rows: int, function: Callable[..., T], *arguments: Iterable[Any]) -> list[T]:
    """Return ``list(map(function, *arguments))``; the first error in order is raised.

    ``n_rows`` says how much work one call is.
    """
    if n_rows < _FEW_ROWS:
        return list(map(function, *arguments))
    return list(_pool(os.getpid()).map(function, *arguments))


@cache
def _pool(pid: int) -> ThreadPoolExecutor:  # noqa: ARG001 - a forked process needs its own
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(min(_MAX_THREADS, os.cpu_count() or 1), "fieldfare-columns")
