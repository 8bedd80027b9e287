"""The arrays that Rows are made of: their names, dtypes and limits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fieldfare._arguments import checked
from fieldfare._arrays import as_array, as_places
from fieldfare._typing import AnyArray, Int64Array
from fieldfare._validation import OneOf, check, shown
from fieldfare.exceptions import DataError

MAX_INDEX = 2**32 - 2
MAX_FIELD = 2**16 - 2
MAX_FIELDS = MAX_FIELD + 1

PER_ENTRY = ("values", "fields")
"""Optional arrays with one element per entry."""

PER_ROW = ("target", "weight", "group", "split_by")
"""Optional arrays with one element per row."""

DTYPES: dict[str, np.dtype[Any]] = {
    "indptr": np.dtype(np.int64),
    "indices": np.dtype(np.uint32),
    "values": np.dtype(np.float32),
    "fields": np.dtype(np.uint16),
    "target": np.dtype(np.float32),
    "weight": np.dtype(np.float32),
    "group": np.dtype(np.int64),
    "split_by": np.dtype(np.int64),
}


def largest(array: AnyArray) -> int:
    """Return the largest element of an integer array, -1 if it is empty."""
    return int(array.max()) if len(array) else -1


def check_row_numbers(rows: Any, n_rows: int) -> Int64Array:
    """Return row numbers as an int64 array.

    Raises
    ------
    DataError
        If it is no 1-d array of integers from 0 to ``n_rows - 1``.
    """
    return as_places("The numbers of rows", rows, n_rows)


def check_parts(parts: Sequence[object], kind: type) -> None:
    """Raise DataError unless all parts to be concatenated are of a kind."""
    if isinstance(parts, str) or not isinstance(parts, Sequence):
        raise DataError(f"The parts must be a list, each item {kind.__name__}. Got {shown(parts)}.")
    for part in parts:
        if not isinstance(part, kind):
            raise DataError(
                f"{kind.__name__} can be concatenated with others of their kind. Got "
                f"{type(part).__name__}: RelatedRows become Rows by join()."
            )


def check_array(name: str, array: object, dtype: np.dtype[Any]) -> None:
    """Raise DataError unless an array is 1-d, contiguous and of a dtype."""
    if not isinstance(array, np.ndarray) or array.ndim != 1 or array.dtype != dtype:
        got = (
            f"{array.dtype} of shape {array.shape}"
            if isinstance(array, np.ndarray)
            else type(array).__name__
        )
        raise DataError(f"Rows need {name} as a 1-d {dtype} array. Got {got}.")
    if not array.flags.c_contiguous:
        raise DataError(f"Rows need {name} to be contiguous. Got a strided view.")


@checked
def per_row(name: str, values: Any, n_rows: int) -> AnyArray | None:
    """Return a target, weight or group as the array of Rows that it is, ``None`` for ``None``.

    Raises
    ------
    DataError
        If the length differs, or a value is not a finite number.
    """
    check("name", name, OneOf(PER_ROW), "per_row")
    if values is None:
        return None
    array = as_array(f"The {name}", values)
    try:
        if array.ndim == 2 and array.shape[1] == 1:
            array = array[:, 0]
        with np.errstate(over="ignore", invalid="ignore"):
            out = np.ascontiguousarray(array.astype(DTYPES[name]))
    except (TypeError, ValueError) as error:
        raise DataError(f"The {name} must be numbers. {error}.") from error
    if name == "group" and array.dtype.kind not in "iub" and not np.array_equal(out, array):
        raise DataError("Every group must be a whole number of 64 bits. Number the groups first.")
    if out.shape != (n_rows,):
        raise DataError(f"There must be one {name} per row ({n_rows}). Got shape {out.shape}.")
    if not np.isfinite(out).all():
        row = int(np.argmax(~np.isfinite(out)))
        raise DataError(f"Every {name} must be a finite number. Row {row} has {array[row]}.")
    return out
