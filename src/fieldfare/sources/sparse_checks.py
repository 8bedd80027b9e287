"""SciPy matrices from outside, checked before anybody's native code follows their indices.

SciPy does not check what it was given, nor what was written into its arrays later, and its routines
(and those of scikit-learn) read and write wherever the numbers point.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fieldfare._typing import AnyArray
from fieldfare.exceptions import DataError


def is_sparse(source: Any) -> bool:
    """Whether this is a SciPy sparse matrix or array, or of a class derived from one."""
    modules = (getattr(base, "__module__", "") for base in type(source).__mro__)
    return hasattr(source, "tocsr") and any(name.startswith("scipy.sparse") for name in modules)


def check_sparse(matrix: Any) -> Any:
    """Return a SciPy matrix whose numbers may be followed.

    Parameters
    ----------
    matrix : SciPy sparse matrix or array
        Of any format.

    Returns
    -------
    SciPy sparse matrix or array
        The same; a dictionary of keys in the form of coordinates.

    Raises
    ------
    DataError
        If it holds no real numbers, its arrays do not belong together, or an index lies outside its
        shape; the message names the first at fault.
    """
    shape, kind = tuple(matrix.shape), str(matrix.format)
    if len(shape) != 2:
        raise DataError(
            f"A matrix must have 2 dimensions, samples and features. Got shape {shape}. Use "
            "X.reshape(-1, 1) for one feature or X.reshape(1, -1) for one sample."
        )
    if kind == "dok":
        matrix, kind = _from_keys(matrix), "coo"
    if kind not in _CHECKS:
        raise DataError(f"A sparse matrix may be {', '.join(_CHECKS)} or dok. Got {kind}.")
    data = matrix.data
    if kind != "lil" and (not isinstance(data, np.ndarray) or data.dtype.kind not in "buif"):
        found = data.dtype if isinstance(data, np.ndarray) else type(data).__name__
        raise DataError(f"A matrix must hold real numbers. Got dtype {found}.")
    _CHECKS[kind](matrix)
    return matrix


def _from_keys(matrix: Any) -> Any:
    try:
        return matrix.tocoo()
    except (ValueError, TypeError, OverflowError) as error:
        raise _malformed("dok", f"its keys cannot be read ({error})") from error


def _check_compressed(matrix: Any) -> None:
    kind, by_row = matrix.format, matrix.format != "csc"
    indptr, indices, data = matrix.indptr, matrix.indices, matrix.data
    n_outer, n_inner = matrix.shape if by_row else matrix.shape[::-1]
    if kind == "bsr":
        n_outer, n_inner = _blocks(matrix)
    elif data.ndim != 1:
        raise _malformed(kind, f"its data have the shape {data.shape}")
    _check_integers(kind, "indptr", indptr)
    _check_integers(kind, "indices", indices)
    if len(indptr) != n_outer + 1:
        raise _malformed(kind, f"indptr must have {n_outer + 1} elements, and has {len(indptr)}")
    if len(indices) != len(data):
        raise _malformed(kind, f"there are {len(indices)} indices, and {len(data)} values")
    _check_indptr(kind, "row" if by_row else "column", indptr, len(indices))
    used = indices[: int(indptr[-1])]
    at = _first_outside(used, n_inner)
    if at is not None:
        owner = int(np.searchsorted(indptr, at, side="right")) - 1
        inner, outer = ("column", "row") if by_row else ("row", "column")
        raise _outside(matrix, f"{outer} {owner}", inner, used[at], n_inner)


def _blocks(matrix: Any) -> tuple[int, int]:
    """Return the numbers of blocks of a matrix of blocks, down and across."""
    data, (n_rows, n_columns) = matrix.data, matrix.shape
    if data.ndim != 3 or 0 in data.shape[1:]:
        raise _malformed("bsr", f"its data have the shape {data.shape}")
    height, width = data.shape[1:]
    if n_rows % height or n_columns % width:
        raise _malformed("bsr", f"blocks of {height} by {width} do not fill its shape")
    return n_rows // height, n_columns // width


def _check_indptr(kind: str, line: str, indptr: AnyArray, n_entries: int) -> None:
    if indptr[0] != 0:
        raise _malformed(kind, f"indptr must begin with 0, and begins with {indptr[0]}")
    falls = indptr[1:] < indptr[:-1]
    if falls.any():
        at = int(np.argmax(falls))
        raise _malformed(
            kind, f"indptr decreases at {line} {at}, from {indptr[at]} to {indptr[at + 1]}"
        )
    if int(indptr[-1]) > n_entries:
        at = int(np.argmax(indptr > n_entries)) - 1
        raise _malformed(
            kind, f"{line} {at} ends at entry {indptr[at + 1]}, and there are {n_entries} entries"
        )


def _check_coordinates(matrix: Any) -> None:
    pairs = zip(("row", "column"), (matrix.row, matrix.col), matrix.shape, strict=True)
    for name, coordinates, size in pairs:
        _check_integers("coo", f"the {name}s", coordinates)
        if coordinates.shape != matrix.data.shape:
            raise _malformed(
                "coo", f"there are {len(coordinates)} {name}s, and {matrix.data.size} values"
            )
        at = _first_outside(coordinates, size)
        if at is not None:
            raise _outside(matrix, f"entry {at}", name, coordinates[at], size)


def _check_diagonals(matrix: Any) -> None:
    offsets, data, (n_rows, n_columns) = matrix.offsets, matrix.data, matrix.shape
    _check_integers("dia", "offsets", offsets)
    if data.ndim != 2 or len(data) != len(offsets):
        raise _malformed("dia", f"there are {len(offsets)} offsets, and data of shape {data.shape}")
    outside = (offsets <= -max(n_rows, 1)) | (offsets >= max(n_columns, 1))
    if outside.any():
        at = int(np.argmax(outside))
        raise _malformed("dia", f"diagonal {offsets[at]} lies outside its shape {matrix.shape}")


def _check_lists(matrix: Any) -> None:
    n_rows, n_columns = matrix.shape
    for name, lists in (("rows", matrix.rows), ("data", matrix.data)):
        if not isinstance(lists, np.ndarray) or lists.shape != (n_rows,):
            raise _malformed("lil", f"its {name} are not an array of {n_rows} lists")
    for number, (columns, values) in enumerate(zip(matrix.rows, matrix.data, strict=True)):
        if not isinstance(columns, list) or not isinstance(values, list):
            raise _malformed("lil", f"row {number} is not a list")
        if len(columns) != len(values):
            raise _malformed(
                "lil", f"row {number} has {len(columns)} columns and {len(values)} values"
            )
        for column in columns:
            if not isinstance(column, (int, np.integer)):
                raise _malformed("lil", f"row {number} names the column {column!r}")
            if not 0 <= column < n_columns:
                raise _outside(matrix, f"row {number}", "column", column, n_columns)
        for value in values:
            if not isinstance(value, (int, float, np.integer, np.floating, np.bool_)):
                found = type(value).__name__
                raise DataError(f"A matrix must hold real numbers. Row {number} holds a {found}.")


_CHECKS: dict[str, Callable[[Any], None]] = {
    "csr": _check_compressed,
    "csc": _check_compressed,
    "bsr": _check_compressed,
    "coo": _check_coordinates,
    "dia": _check_diagonals,
    "lil": _check_lists,
}


def _check_integers(kind: str, name: str, array: Any) -> None:
    if not isinstance(array, np.ndarray) or array.ndim != 1 or array.dtype.kind not in "iu":
        found = type(array).__name__
        if isinstance(array, np.ndarray):
            found = f"{array.dtype} of shape {array.shape}"
        raise _malformed(kind, f"{name} must be a 1-d array of whole numbers. Got {found}")


def _first_outside(indices: AnyArray, size: int) -> int | None:
    """Return the place of the first index that is not one of 0 to ``size - 1``."""
    if not len(indices) or 0 <= int(indices.min()) <= int(indices.max()) < size:
        return None
    return int(np.argmax((indices < 0) | (indices >= size)))


def _outside(matrix: Any, where: str, what: str, index: Any, size: int) -> DataError:
    return DataError(
        f"The {matrix.format} matrix of shape {tuple(matrix.shape)} is malformed: {where} names "
        f"{what} {index}, and {what}s run from 0 to {size - 1}. Give it the shape that it has, or "
        "make it again."
    )


def _malformed(kind: str, what: str) -> DataError:
    return DataError(f"The {kind} matrix is malformed: {what}. Make it again from its entries.")
