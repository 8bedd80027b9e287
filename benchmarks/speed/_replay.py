"""The memory-replay limit: see ``native/replay.cpp``, which is compiled here when it is needed."""

from __future__ import annotations

import ctypes
import os
import subprocess
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.common.report import HERE, WORK
from fieldfare.kernels.machine import aligned
from fieldfare.rows import Rows

SOURCE = HERE / "native" / "replay.cpp"
LIBRARY = WORK / "replay.so"
FLAGS = ["-std=c++20", "-O3", "-march=native", "-shared", "-fPIC", "-pthread"]


@cache
def _library() -> ctypes.CDLL:
    if not LIBRARY.exists() or LIBRARY.stat().st_mtime < SOURCE.stat().st_mtime:
        LIBRARY.parent.mkdir(parents=True, exist_ok=True)
        compiler = os.environ.get("CXX", "c++")
        subprocess.run([compiler, *FLAGS, str(SOURCE), "-o", str(LIBRARY)], check=True)
    return ctypes.CDLL(str(LIBRARY))


class Replay:
    """A table of the size and shape of a training table, to be touched and not computed with.

    Parameters
    ----------
    n_features : int
    stride, used : int
        Floats from one row to the next, and floats of a row that a kernel reads and writes.
    with_fields : bool
        Whether the kernel reads the fields of the entries.
    """

    def __init__(self, n_features: int, stride: int, used: int, *, with_fields: bool) -> None:
        self.stride, self.used, self.with_fields = stride, used, with_fields
        self.cells = aligned((n_features, stride))  # as the training table lies
        self.cells[:] = 1

    def __call__(self, rows: Rows, order: npt.NDArray[np.int64], n_threads: int) -> None:
        def place(array: npt.NDArray[Any] | None) -> ctypes.c_void_p:
            return ctypes.c_void_p(None if array is None else array.ctypes.data)

        fields = rows.fields if self.with_fields else None

        _library().fieldfare_replay(
            place(rows.indptr), place(rows.indices), place(rows.values), place(fields),
            place(rows.target), place(order), ctypes.c_int64(len(order)), place(self.cells),
            ctypes.c_int64(self.stride), ctypes.c_int64(self.used),
            ctypes.c_int(n_threads),
        )  # fmt: skip
