"""One-hot matrices: which of their columns are the values of one field."""

from __future__ import annotations

from typing import Any

import numpy as np

from fieldfare._arrays import as_array
from fieldfare._typing import AnyArray, Int64Array
from fieldfare.exceptions import ConfigError
from fieldfare.rows import Rows
from fieldfare.sources.matrix import array_rows

# Fewer columns of zeros and ones may well be a field each.
_MANY = 16
_SHOWN = 6


def fields_of_one_hot(X: Any) -> Int64Array:
    """Return the field of each column of a one-hot matrix, for ``fields=``.

    Neighbouring columns share a field as long as no row has two of them. A column that holds other
    numbers than 0 and 1 has a field of its own.

    Parameters
    ----------
    X : array or SciPy sparse matrix of shape (n_samples, n_features)
        With the columns of a field side by side, as encoders leave them.

    Returns
    -------
    int64 array of shape (n_features,)
        Fields, numbered from 0 in the order of the columns.

    Raises
    ------
    DataError
        If it is not a matrix of finite numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from fieldfare import fields_of_one_hot
    >>> user, item = np.eye(2)[[0, 1, 0, 1]], np.eye(3)[[0, 1, 2, 0]]
    >>> fields_of_one_hot(np.hstack([user, item])).tolist()
    [0, 0, 1, 1, 1]
    """
    if not hasattr(X, "shape"):
        X = as_array("A one-hot matrix", X, ndim=2)
    return _groups(array_rows(X), int(X.shape[1]))


def require_fields(rows: Rows, n_columns: int) -> None:
    """Refuse a matrix without fields whose columns are values of a few fields.

    Parameters
    ----------
    rows : Rows
        Of a matrix, the features of each row ascending.
    n_columns : int
        Columns of the matrix.

    Raises
    ------
    ConfigError
        It names the columns that look like one field.
    """
    ones = np.bincount(rows.indices, minlength=n_columns) > 0
    ones &= ~_holds_numbers(rows, n_columns)
    if ones.sum() < _MANY:
        return
    groups = _groups(rows, n_columns)
    n_fields = len(np.unique(groups[ones]))
    if n_fields > ones.sum() // 2:
        return
    advice = "Say which columns share a field: fields=, one number or name per column."
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    per_row = np.bincount(groups[rows.indices], minlength=len(starts)) / max(1, len(rows))
    if (per_row[np.unique(groups[ones])] == 1).all():
        stops = np.append(starts[1:], n_columns) - 1
        shown = [f"{a}-{b}" if b > a else str(a) for a, b in zip(starts, stops, strict=True)]
        more = ", ..." if len(shown) > _SHOWN else ""
        advice = (
            f"The columns {', '.join(shown[:_SHOWN])}{more} look like one field each, since every "
            "row has a single one of them: pass fields=fieldfare.fields_of_one_hot(X)."
        )
    raise ConfigError(
        f"{ones.sum()} of the {n_columns} columns hold ones and zeros, and few rows agree in "
        "them: they look like the values of a few categorical fields, and a field for each column "
        f"would take {n_columns} times the parameters, and learn little. {advice} For a field per "
        f"column after all, pass fields=range({n_columns}). A DataFrame of the categories "
        "themselves needs no fields."
    )


def _groups(rows: Rows, n_columns: int) -> Int64Array:
    """Return the number of each column's group: neighbours that no row has two of."""
    ids = rows.indices.astype(np.int64)
    row = np.repeat(np.arange(rows.n_rows), np.diff(rows.indptr))
    together = row[1:] == row[:-1]
    # The last of the columns before each that some row has as well.
    before = np.full(n_columns, -1)
    np.maximum.at(before, ids[1:][together], ids[:-1][together])
    alone = _holds_numbers(rows, n_columns)
    groups = np.zeros(n_columns, np.int64)
    start = 0
    for column in range(1, n_columns):
        if before[column] >= start or alone[column] or alone[column - 1]:
            start = column
        groups[column] = groups[column - 1] + (start == column)
    return groups


def _holds_numbers(rows: Rows, n_columns: int) -> AnyArray:
    """Return whether each column holds other numbers than zeros and ones."""
    numbers = np.zeros(n_columns, bool)
    if rows.values is not None:
        numbers[rows.indices[rows.values != 1]] = True
    return numbers
