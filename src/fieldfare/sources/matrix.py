"""NumPy and SciPy matrices as Rows: the id of a feature is the number of its column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from fieldfare._arrays import as_array, whole
from fieldfare._optional import require
from fieldfare._typing import AnyArray, Float32Array, Int64Array
from fieldfare.exceptions import DataError
from fieldfare.rows import MAX_FIELD, MAX_INDEX, Rows, per_row
from fieldfare.sources.dicts import is_structured, is_value, open_columns
from fieldfare.sources.format import Format
from fieldfare.sources.source import Ids, Numbered, Source
from fieldfare.sources.sparse_checks import check_sparse, is_sparse
from fieldfare.sources.tables import MemoryTable


def is_matrix(source: Any) -> bool:
    """Whether this is a NumPy array, but none with named columns, or a SciPy sparse matrix."""
    return is_sparse(source) or (isinstance(source, np.ndarray) and not is_structured(source))


def are_rows(source: Any) -> bool:
    """Whether this is a list of rows, which are lists or arrays of single values."""
    if not isinstance(source, (list, tuple)) or not source:
        return False
    first = source[0]
    return (
        isinstance(first, (list, tuple, np.ndarray))
        and len(first) > 0
        and all(map(is_value, first))
    )


def array_rows(
    matrix: Any,
    *,
    fields: Sequence[int] | AnyArray | None = None,
    target: Any = None,
    weight: Any = None,
    group: Any = None,
) -> Rows:
    """Turn a matrix into Rows.

    Parameters
    ----------
    matrix : 2-d array or SciPy sparse matrix of shape (n_samples, n_features)
        Numbers or booleans, finite. Zeros are not stored; duplicates of a sparse matrix add up.
    fields : sequence of int of shape (n_features,) or None
        Field of each column.
    target, weight : array of numbers of shape (n_samples,) or None
    group : array of integers of shape (n_samples,) or None

    Returns
    -------
    Rows

    Raises
    ------
    DataError
        If it is not 2-d, not numeric, or holds NaN or infinity, naming row and column.
    """
    if is_sparse(matrix):
        indptr, indices, data = _from_sparse(matrix)
    else:
        matrix = _as_dense(matrix)
        indptr, indices, data = _from_dense(matrix)
    values: Float32Array | None = _to_float32(data, indptr, indices)
    if values is not None and (values == 1).all():
        values = None
    numbers = None if fields is None else field_numbers(fields, matrix.shape[1])[indices]
    n = matrix.shape[0]
    return Rows(
        indptr,
        indices.astype(np.uint32),
        values,
        numbers,
        per_row("target", target, n),
        per_row("weight", weight, n),
        per_row("group", group, n),
    ).validate()


def _as_dense(matrix: Any) -> AnyArray:
    array = as_array("A matrix", matrix)
    _check_shape(array)
    if array.dtype.kind in "buif":
        return array
    problem = (
        f"A matrix must hold real numbers. Got dtype {array.dtype}. "
        "For text use a DataFrame, whose columns may hold categories."
    )
    if array.dtype.kind not in "OUS":
        raise DataError(problem)
    try:
        return array.astype(np.float64)
    except (ValueError, TypeError) as error:
        raise DataError(f"{problem} {error}.") from error


def _check_shape(matrix: Any) -> None:
    if len(matrix.shape) != 2:
        raise DataError(
            f"A matrix must have 2 dimensions, samples and features. Got shape {matrix.shape}. "
            "Use X.reshape(-1, 1) for one feature or X.reshape(1, -1) for one sample."
        )
    if matrix.shape[1] > MAX_INDEX + 1:
        raise DataError(f"At most {MAX_INDEX + 1} columns are possible. Got {matrix.shape[1]}.")


def _from_dense(array: AnyArray) -> tuple[Int64Array, AnyArray, AnyArray]:
    row, column = np.nonzero(array)
    indptr = np.zeros(len(array) + 1, np.int64)
    np.cumsum(np.bincount(row, minlength=len(array)), out=indptr[1:])
    return indptr, column, array[row, column]


def _from_sparse(matrix: Any) -> tuple[Int64Array, AnyArray, AnyArray]:
    _check_shape(matrix)
    csr = check_sparse(matrix).tocsr()
    if csr.dtype.kind == "f" and csr.dtype not in (np.float32, np.float64):
        csr = csr.astype(np.float64)  # SciPy cannot add up floats of other lengths
    # Made again, because what SciPy remembers of its form may be older than its arrays.
    csr = type(csr)((csr.data, csr.indices, csr.indptr), shape=csr.shape)
    if not csr.has_canonical_format:
        csr = csr.copy()
        csr.sum_duplicates()
    indptr, indices, data = csr.indptr.astype(np.int64), csr.indices, csr.data
    keep = data != 0
    if not keep.all():
        total = np.concatenate([[0], np.cumsum(keep)])
        indptr, indices, data = total[indptr], indices[keep], data[keep]
    return indptr, indices, data


def _to_float32(data: AnyArray, indptr: Int64Array, indices: AnyArray) -> Float32Array:
    with np.errstate(over="ignore"):
        values = np.ascontiguousarray(data, np.float32)
    bad = ~np.isfinite(values)
    if bad.any():
        entry = int(np.argmax(bad))
        row = int(np.searchsorted(indptr, entry, side="right")) - 1
        raise DataError(
            "Feature values must be finite and fit into float32; NaN and infinity are not allowed. "
            f"Row {row}, column {int(indices[entry])} holds {data[entry]}. Impute missing values, "
            "or use a DataFrame, where a missing value is a feature of its own."
        )
    return values


def field_numbers(fields: Any, width: int) -> AnyArray:
    """Check the field of each column and return uint16."""
    array = whole(as_array("The fields of columns", fields))
    if array.shape != (width,) or array.dtype.kind not in "iu":
        raise DataError(
            f"There must be one field number per column ({width}). "
            f"Got {array.dtype} of shape {array.shape}."
        )
    if width and not 0 <= int(array.min()) <= int(array.max()) <= MAX_FIELD:
        raise DataError(
            f"Fields run from 0 to {MAX_FIELD}. Got {array.min()} to {array.max()}. Number them "
            "from 0 without gaps, or let related columns share a field."
        )
    return array.astype(np.uint16)


class Matrix(Numbered):
    """A matrix of numbers: the id of a feature is the number of its column.

    Parameters
    ----------
    matrix : 2-d array or SciPy sparse matrix of shape (n_samples, n_features)
    fields : sequence of int of shape (n_features,) or None
        Field of each column.
    """

    def __init__(self, matrix: Any, fields: Any = None) -> None:
        _check_shape(matrix)
        self.description = type(matrix).__name__
        self._matrix = matrix
        self._fields = fields

    @property
    def ids(self) -> Ids:  # type: ignore[override]
        """The numbers of the columns and, if they were given, their fields."""
        width = int(self._matrix.shape[1])
        if self._fields is None:
            return Ids(width, 0)
        fields = field_numbers(self._fields, width)
        return Ids(width, int(fields.max()) + 1 if width else 0, fields)

    def with_fields(self, fields: Any) -> Matrix:
        """Return the same matrix with the field of each column."""
        return Matrix(self._matrix, fields)

    def rows(self, *, labelled: bool | None = None, n_threads: int | None = None) -> Iterator[Rows]:
        """Yield all samples at once; a matrix holds no targets."""
        del labelled, n_threads
        yield array_rows(self._matrix, fields=self._fields)

    def no_column(self, what: str, name: str | int) -> DataError:
        """Return the error for a target, weight or group that is asked for by name."""
        return DataError(
            f"A matrix has no columns with names, so {what} must be an array. Got {name!r}."
        )


class TextMatrix(MemoryTable):
    """A matrix of texts or mixed values: a table with the columns x0, x1, ..."""

    def __init__(self, matrix: AnyArray) -> None:
        columns = {f"x{i}": matrix[:, i].tolist() for i in range(matrix.shape[1])}
        super().__init__(open_columns(columns).table, "ndarray")
        self._matrix = matrix

    def as_numbered(self) -> Matrix:
        """Return the cells as numbers, for features that are numbered by their columns."""
        return Matrix(self._matrix)


def open_matrix(source: Any) -> Source:
    """Return a matrix of numbers as numbered features, one of texts as a table."""
    if isinstance(source, np.ndarray) and source.ndim == 2 and source.dtype.kind in "OUS":
        return TextMatrix(source)
    return Matrix(source)


def _open_rows(source: Any) -> Source:
    return open_matrix(cells_of(source))


def cells_of(rows: Sequence[Any]) -> AnyArray:
    """Return a list of rows as a 2-d array, of numbers if that is all they hold, else of objects.

    Raises
    ------
    DataError
        If the rows differ in length.
    """
    width = len(rows[0])
    for number, row in enumerate(rows):
        if not isinstance(row, (list, tuple, np.ndarray)) or len(row) != width:
            found = f"{len(row)} values" if hasattr(row, "__len__") else type(row).__name__
            raise DataError(
                f"All rows must have as many values as the first, {width}. Row {number} is {found}."
            )
    # Through object, because NumPy would turn a row of text and numbers into text.
    cells = np.empty((len(rows), width), object)
    for number, row in enumerate(rows):
        cells[number] = row
    return cells.astype(np.float64) if read_as_numbers(cells) else cells


def read_as_numbers(cells: AnyArray) -> bool:
    """Whether all cells of an array of objects are numbers."""
    if any(isinstance(cell, (str, bytes)) for cell in cells.flat):
        return False
    try:
        cells.astype(np.float64)
    except (TypeError, ValueError):
        return False
    return True


def csr(values: AnyArray, indices: AnyArray, indptr: AnyArray, shape: tuple[int, int]) -> Any:
    """Return a sparse matrix of SciPy in compressed sparse rows, for packages that take one."""
    return require("scipy.sparse").csr_matrix((values, indices, indptr), shape=shape)


FORMATS = (
    Format("a 2-d NumPy array, a SciPy sparse matrix", is_matrix, open_matrix),
    Format("a list of rows", are_rows, _open_rows),
)
