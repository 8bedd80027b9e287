"""Work on the columns of a batch side by side: Arrow and NumPy release the GIL for most of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from fieldfare.kernels.machine import available_cores

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

T = TypeVar("T")
_MAX_THREADS = 8
_FEW_ROWS = 4096  # for so few, threads cost more than they save


def each(
    n_rows: int,
    function: Callable[..., T],
    *arguments: Iterable[Any],
    n_threads: int | None = None,
) -> list[T]:
    """Return ``list(map(function, *arguments))``; the first error in order is raised.

    Parameters
    ----------
    n_rows : int
        Of the batch: how much work one call is.
    function : callable
    *arguments : iterables
    n_threads : int or None
        ``None`` or -1: one per core that this process may use.
    """
    wanted = n_threads if n_threads and n_threads > 0 else available_cores()
    wanted = min(wanted, _MAX_THREADS)
    if n_rows < _FEW_ROWS or wanted == 1:
        return list(map(function, *arguments))
    return list(_pool(os.getpid(), wanted).map(function, *arguments))


@lru_cache(maxsize=4)
def _pool(pid: int, n_threads: int) -> ThreadPoolExecutor:  # noqa: ARG001 - a fork needs its own
    from concurrent.futures import ThreadPoolExecutor  # only when there is much to do

    return ThreadPoolExecutor(n_threads, "fieldfare-columns")
