"""Work on the columns of a batch side by side: Arrow and NumPy release the GIL for most of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")
_MAX_THREADS = 8


def each(function: Callable[..., T], *arguments: Iterable[Any]) -> list[T]:
    """Return ``list(map(function, *arguments))``; the first error in order is raised."""
    return list(_pool(os.getpid()).map(function, *arguments))


@cache
def _pool(pid: int) -> ThreadPoolExecutor:  # noqa: ARG001 - a forked process needs its own
    return ThreadPoolExecutor(min(_MAX_THREADS, os.cpu_count() or 1), "fieldfare-columns")
