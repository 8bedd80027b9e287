"""DMatrix, and writing arrays as text for xLearn."""

from __future__ import annotations

from typing import Any

import numpy as np

from fieldfare import Rows
from fieldfare._files import atomic_write
from fieldfare._typing import PathLike
from fieldfare.compat.xlearn import _files, _reading
from fieldfare.exceptions import DataError

__all__ = ["DMatrix", "write_data_to_xlearn_format"]


class DMatrix:
    """Samples in memory.

    Parameters
    ----------
    data : array, data frame, list or sparse matrix of shape (n_rows, n_columns)
        Finite numbers. Zeros of dense data count as entries, as in xLearn.
    label : sequence of shape (n_rows,), or of one row or column, optional
    field_map : sequence of shape (n_columns,), optional
        The field of each column, from 0. Without it all columns are in one field.

    Raises
    ------
    DataError
        If the shapes do not fit, or a value is not a finite number.
    """

    def __init__(self, data: Any, label: Any = None, field_map: Any = None) -> None:
        rows = _reading.matrix_rows(data, field_map)
        if label is not None:
            rows = rows.with_(target=_reading.column("label", label, len(rows)))
        self.rows: Rows = rows
        self.n_columns: int = int(np.shape(data)[1])

    def __repr__(self) -> str:
        return f"DMatrix({len(self.rows)} rows, {self.n_columns} columns)"


def write_data_to_xlearn_format(X: Any, y: Any, filepath: PathLike, fields: Any = None) -> None:
    """Write an array or sparse matrix as libsvm text, or with fields as libffm text.

    Parameters
    ----------
    X : array, data frame or sparse matrix of shape (n_rows, n_columns)
    y : sequence of shape (n_rows,), or of one row or column, or None
        Labels.
    filepath : path
        File to write or replace.
    fields : sequence of shape (n_columns,), optional
        The field of each column.

    Raises
    ------
    DataError
        If the shapes do not fit.
    """
    columns, values, bounds = _reading.entries(X, skip_zeros=True, dtype=np.float64)
    n_rows = len(bounds) - 1
    labels = None if y is None else _reading.column("y", y, n_rows, np.float64)
    names = [str(j) for j in range(np.shape(X)[1])]
    if fields is not None:
        numbers = _reading.field_numbers(fields, len(names))
        names = [f"{field}:{name}" for field, name in zip(numbers, names, strict=True)]
    if labels is None and fields is None and n_rows and (np.diff(bounds) == 0).any():
        raise DataError("A row without label and entries cannot be written. Give labels.")
    with atomic_write(_files.path_of("filepath", filepath)) as file:
        for row in range(n_rows):
            own = range(bounds[row], bounds[row + 1])
            head = [] if labels is None else [f"{labels[row]:.17g}"]
            line = head + [f"{names[columns[at]]}:{values[at]:.17g}" for at in own]
            file.write((" ".join(line) + "\n").encode())
