"""Values that no parameter, or few, can take: what users pass by mistake and what attackers pass.

Each is a function, so that generators and arrays are fresh for every call.
"""

from __future__ import annotations

import datetime
import decimal
import fractions
import io
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import scipy.sparse

NOWHERE = "nowhere/at/all.csv"
SURROGATE = "\ud800"


def _endless_list() -> list[Any]:
    loop: list[Any] = []
    loop.append(loop)
    return loop


def _deep_list(depth: int = 100_000) -> list[Any]:
    inner: list[Any] = []
    for _ in range(depth):
        inner = [inner]
    return inner


def _generator() -> Iterator[int]:
    yield from range(3)


def _frame(column: Any) -> pd.DataFrame:
    if isinstance(column, list):
        column = pd.Series(column, dtype=object)
    return pd.DataFrame({"user": column, "clicked": [0, 1] * (len(column) // 2)})


def _column(make: Callable[[], Any]) -> Callable[[], Any]:
    return lambda: _frame(make())


_CATEGORIES_OF_TUPLES = pd.Categorical([("a", 1), ("b", 2)] * 3)
_COLUMNS: dict[str, Callable[[], Any]] = {
    "periods": lambda: pd.period_range("2000", periods=6, freq="M"),
    "intervals": lambda: pd.interval_range(0, 6),
    "sparse numbers": lambda: pd.arrays.SparseArray([0, 0, 1, 0, 2, 0]),
    "complex numbers": lambda: np.arange(6) + 1j,
    "nullable integers": lambda: pd.array([1, None, 3, 4, 5, 6], dtype="Int64"),
    "nullable booleans": lambda: pd.array([True, None, False, True, None, True], dtype="boolean"),
    "categories of tuples": lambda: _CATEGORIES_OF_TUPLES,
    "surrogates": lambda: [SURROGATE, "x"] * 3,
    "lists": lambda: [[1], [2, 3]] * 3,
    "dicts": lambda: [{"a": 1}, {}] * 3,
    "objects": lambda: [object(), 1] * 3,
    "mixed types": lambda: [1, "a", None, 2.5, b"x", True],
    "huge integers": lambda: [10**40, 2**70, 1, 2, 3, 4],
    "decimals": lambda: [decimal.Decimal("1e999"), decimal.Decimal("nan")] * 3,
    "time deltas": lambda: pd.to_timedelta(range(6), unit="h"),
    "dates out of range": lambda: [datetime.date(1, 1, 1), datetime.date(9999, 12, 31)] * 3,
    "times with zones": lambda: pd.date_range("2024", periods=6, tz="Europe/Berlin"),
    "bytes": lambda: [b"\xff\xfe", b""] * 3,
    "UUIDs": lambda: [uuid.UUID(int=i) for i in range(6)],
    "nothing": lambda: [None] * 6,
    "nothing finite": lambda: [np.inf, -np.inf, np.nan] * 2,
}


def _closed() -> Any:
    file = io.BytesIO(b"a")
    file.close()
    return file


BAD_VALUES: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "True": lambda: True,
    "-1": lambda: -1,
    "0": lambda: 0,
    "1": lambda: 1,
    "2**31": lambda: 2**31,
    "2**62": lambda: 2**62,
    "2**70": lambda: 2**70,
    "10**400": lambda: 10**400,
    "0.5": lambda: 0.5,
    "-0.5": lambda: -0.5,
    "1e308": lambda: 1e308,
    "5e-324": lambda: 5e-324,
    "nan": lambda: float("nan"),
    "inf": lambda: float("inf"),
    "-inf": lambda: float("-inf"),
    "complex": lambda: 1 + 2j,
    "Decimal": lambda: decimal.Decimal("1.5"),
    "Fraction": lambda: fractions.Fraction(1, 3),
    "empty text": lambda: "",
    "text": lambda: "x",
    "null in text": lambda: "a\0b",
    "surrogate": lambda: SURROGATE,
    "62 emoji": lambda: "😀" * 62,
    "100,000 letters": lambda: "x" * 100_000,
    "bytes": lambda: b"x",
    "bytearray": lambda: bytearray(b"x"),
    "Path to nowhere": lambda: Path(NOWHERE),
    "text that is a path to nowhere": lambda: NOWHERE,
    "folder": lambda: ".",
    "empty list": list,
    "empty tuple": tuple,
    "empty dict": dict,
    "empty set": set,
    "list of None": lambda: [None],
    "list of lists": lambda: [[]],
    "ragged list": lambda: [["a", 1], [2]],
    "list of text": lambda: ["a"],
    "list of a surrogate": lambda: [SURROGATE],
    "list of dicts": lambda: [{"a": 1}],
    "list of huge integers": lambda: [10**400],
    "list of nan": lambda: [float("nan")],
    "list of objects": lambda: [object()],
    "list of bytes": lambda: [b"x"],
    "list that holds itself": _endless_list,
    "list 100,000 deep": _deep_list,
    "tuple of 1000": lambda: tuple(range(1000)),
    "dict": lambda: {"a": 1},
    "dict of numbers": lambda: {1: 2},
    "dict of a list": lambda: {"user": [[1, 2]]},
    "dict of columns of unequal length": lambda: {"user": ["a"], "item": ["b", "c"]},
    "dict of a surrogate": lambda: {SURROGATE: [SURROGATE]},
    "dict of nan": lambda: {float("nan"): float("nan")},
    "dict of tuples": lambda: {(1, 2): (3, 4)},
    "object": object,
    "function": lambda: _generator,
    "type": lambda: int,
    "module": lambda: io,
    "generator": _generator,
    "iterator of nothing": lambda: iter(()),
    "range": lambda: range(3),
    "slice": lambda: slice(None),
    "Ellipsis": lambda: ...,
    "file of bytes": lambda: io.BytesIO(b"\xff\xfe\x00"),
    "file of text": lambda: io.StringIO("a,b\n"),
    "closed file": _closed,
    "date": lambda: datetime.date(2024, 1, 1),
    "UUID": lambda: uuid.UUID(int=1),
    "array of no dimension": lambda: np.array(0),
    "empty array": lambda: np.array([]),
    "array of shape (0, 3)": lambda: np.zeros((0, 3)),
    "array of shape (2, 3)": lambda: np.zeros((2, 3)),
    "array of shape (2, 2, 2)": lambda: np.zeros((2, 2, 2)),
    "array of nan": lambda: np.array([np.nan, np.inf]),
    "array of text": lambda: np.array(["a", "b"]),
    "array of objects": lambda: np.array([object(), None], dtype=object),
    "array of huge integers": lambda: np.array([2**62, -(2**62)]),
    "array of uint64": lambda: np.array([2**64 - 1], np.uint64),
    "array of complex": lambda: np.array([1j, 2]),
    "array of dates": lambda: np.array(["2024-01-01", "NaT"], "datetime64[D]"),
    "structured array": lambda: np.zeros(2, [("a", "i4"), ("b", "f8")]),
    "masked array": lambda: np.ma.masked_all(3),
    "NumPy's nan": lambda: np.float32("nan"),
    "NumPy integer": lambda: np.int64(-(2**63)),
    "NaT": lambda: pd.NaT,
    "NA": lambda: pd.NA,
    "empty frame": pd.DataFrame,
    "frame without rows": lambda: pd.DataFrame({"user": [], "clicked": []}),
    "frame with two columns of one name": lambda: pd.DataFrame([[1, 2]], columns=["user", "user"]),
    "frame with a column named by a tuple": lambda: pd.DataFrame({("a", 1): [1, 2]}),
    "frame with a column named by a surrogate": lambda: pd.DataFrame(
        [[1], [2]], columns=pd.Index([SURROGATE], dtype=object)
    ),
    "series": lambda: pd.Series([1, 2]),
    "series of text": lambda: pd.Series(["a", None]),
    "series of categories of tuples": lambda: pd.Series(_CATEGORIES_OF_TUPLES),
    "series of periods": lambda: pd.Series(pd.period_range("2000", periods=6, freq="M")),
    "series of NA": lambda: pd.Series([pd.NA, 1], dtype="Int64"),
    "index": lambda: pd.Index(["a"]),
    "empty polars frame": pl.DataFrame,
    "polars lazy frame": lambda: pl.LazyFrame({"user": ["a"]}),
    "polars series": lambda: pl.Series(["a"]),
    "empty Arrow table": lambda: pa.table({}),
    "Arrow array": lambda: pa.array([None, 1]),
    "Arrow dictionary with a bad index": lambda: pa.table(
        {
            "user": pa.DictionaryArray.from_arrays(
                pa.array([0, 77], pa.int32()), pa.array(["x"]), safe=False
            )
        }
    ),
    "sparse matrix": lambda: scipy.sparse.csr_matrix(np.eye(3)),
    "sparse matrix of no rows": lambda: scipy.sparse.csr_matrix((0, 3)),
    "sparse matrix of nan": lambda: scipy.sparse.csc_matrix(np.full((2, 2), np.nan)),
    "sparse matrix of complex": lambda: scipy.sparse.coo_matrix(np.eye(2) * 1j),
    **{f"frame with a column of {name}": _column(make) for name, make in _COLUMNS.items()},
}
"""Each by what it is."""

BAD_TEXTS: tuple[str, ...] = (
    *("", " ", "x", "-", "--", "-1", "0", "1", "2", "0.5", "-0.5", "nan", "inf", "-inf"),
    *("1e308", "1e999", str(2**31), str(2**62), str(2**70), "9" * 400, "9" * 5000, "1_000", "٣"),
    *("True", "None", "null", ",", ",,", "1,", "1,x", "1,2,3", ":", "a:", ":1", "a:b", "a:nan"),
    *("=", "a=", "=b", "a=b", "a=b=c", "[", "{", "{}", "[]", '"', "'", "\\", "%s", "{0}", "*", "?"),
    *("é", "😀" * 62, "x" * 300, "x" * 100_000, "\udcff", "a\nb", "\r", "\t", "\x1b[0m"),
    *(NOWHERE, ".", "..", "/", "/dev/null", "/dev/full", "~nobody", "d.csv", "m.ff", "http://x"),
)
"""Words of a command line. A null byte cannot be one."""
