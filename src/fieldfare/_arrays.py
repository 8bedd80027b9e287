"""Arrays out of whatever users pass for one."""

from __future__ import annotations

from typing import Any

import numpy as np

from fieldfare._typing import AnyArray
from fieldfare._validation import shown
from fieldfare.exceptions import DataError


def as_array(what: str, values: Any, dtype: Any = None, ndim: int | None = None) -> AnyArray:
    """Return values as an array.

    Parameters
    ----------
    what : str
        What the values are, in words that begin a sentence: ``"The vectors"``.
    values : array-like
    dtype : dtype, optional
        What they must be convertible to.
    ndim : int, optional
        How many dimensions they must have.

    Raises
    ------
    DataError
        If they cannot be converted, or have another number of dimensions.
    """
    try:
        array: AnyArray = np.asarray(values, dtype)
    except Exception as error:
        kind = "an array" if dtype is None else "numbers"
        raise DataError(
            f"{what} must be {kind}. Got {shown(values)}: {shown(str(error))}."
        ) from error
    if ndim is not None and array.ndim != ndim:
        raise DataError(
            f"{what} must be an array of {ndim} dimension{'s' * (ndim > 1)}. Got shape "
            f"{array.shape}."
        )
    return array


def whole(array: AnyArray) -> AnyArray:
    """Return floats that are all whole as integers, and any other array as it came."""
    if array.dtype.kind != "f":
        return array
    with np.errstate(invalid="ignore"):
        numbers = array.astype(np.int64)
    return numbers if np.array_equal(numbers, array) else array


def as_places(what: str, values: Any, n: int) -> AnyArray:
    """Return whole numbers of things that are counted from 0, as they came.

    Raises
    ------
    DataError
        If they are no one-dimensional array of integers from 0 to ``n - 1``.
    """
    places = as_array(what, values, ndim=1)
    if places.size and places.dtype.kind not in "iu":
        hint = " Use np.flatnonzero(mask)." if places.dtype.kind == "b" else ""
        raise DataError(f"{what} must be an array of integers. Got {places.dtype}.{hint}")
    if places.size and not 0 <= int(places.min()) <= int(places.max()) < n:
        raise DataError(f"{what} run from 0 to {n - 1}. Got {places.min()} to {places.max()}.")
    return places.astype(np.int64, copy=False)


def distinct(what: str, values: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Return the distinct values in order, and the place of each value among them.

    Raises
    ------
    DataError
        If they have no order, because they are of several types.
    """
    try:
        names, places = np.unique(values, return_inverse=True)
    except TypeError as error:
        raise DataError(f"{what} must be of one type, none missing. {error}.") from error
    return names, places.reshape(-1)
