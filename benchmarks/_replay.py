"""The memory-replay limit: see ``native/replay.cpp``, which is compiled here when it is needed."""

from __future__ import annotations

import ctypes
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fieldfare.rows import Rows

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "native" / "replay.cpp"
LIBRARY = HERE.parent / "build" / "benchmarks" / "replay.so"
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
    """

    def __init__(self, n_features: int, stride: int, used: int) -> None:
        self.stride, self.used = stride, used
        spare = 16  # floats of a cache line, at which the table starts
        cells = np.ones(n_features * stride + spare, np.float32)
        start = (-cells.ctypes.data % 64) // 4
        self.cells = cells[start : start + n_features * stride]

    def __call__(self, rows: Rows, order: npt.NDArray[np.int64], n_threads: int) -> None:
        def place(array: npt.NDArray[Any]) -> ctypes.c_void_p:
            return ctypes.c_void_p(array.ctypes.data)

        _library().fieldfare_replay(
            place(rows.indptr), place(rows.indices), place(order), ctypes.c_int64(len(order)),
            place(self.cells), ctypes.c_int64(self.stride), ctypes.c_int64(self.used),
            ctypes.c_int(n_threads),
        )  # fmt: skip
