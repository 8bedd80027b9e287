"""What scikit-learn users pass as X, told apart once.

- A *source* carries its own target: a path, several paths, a file object, Rows, a RowStore, a
  Dataset, a JoinedTable.
- A *table* has named columns of any type: data frames, Arrow tables, lists of dicts, and 2-d arrays
  of text, whose columns are called x0, x1, ... as scikit-learn does.
- Everything else is an *array*: its columns are the features.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from fieldfare._arrays import as_array
from fieldfare._typing import AnyArray, UInt16Array
from fieldfare.data.dataset import Dataset, RelatedDataset
from fieldfare.data.side_tables import JoinedTable
from fieldfare.estimators._checks import column_or_1d
from fieldfare.exceptions import ConfigError, DataError
from fieldfare.rows import MAX_FIELD, RelatedRows, Rows
from fieldfare.schema.hints import NO_HINTS, Hints
from fieldfare.schema.missing import OF_TARGETS
from fieldfare.schema.schema import Schema
from fieldfare.sources import frames
from fieldfare.sources.batch import stacked
from fieldfare.sources.formats import open_table
from fieldfare.sources.matrix import is_matrix
from fieldfare.sources.sparse_checks import is_sparse
from fieldfare.store.row_store import RowStore

_PATHS = (str, os.PathLike)
_SOURCES = (*_PATHS, Rows, RelatedRows, RowStore, Dataset, RelatedDataset, JoinedTable)
_FRAME_MARKS = ("__arrow_c_stream__", "__dataframe__")


def is_source(X: Any) -> bool:
    """Whether X carries its own target."""
    if isinstance(X, list):
        return bool(X) and isinstance(X[0], _PATHS)
    return isinstance(X, _SOURCES) or hasattr(X, "read")


def in_memory(X: Any) -> Any:
    """Return X, or as an Arrow table what is a dict of columns, or comes in parts or only once."""
    in_parts = isinstance(X, (list, tuple)) and bool(X) and frames.is_frame(X[0])
    # SciPy's dictionary of keys is a mapping, too.
    if hasattr(X, "read") or is_matrix(X) or not (in_parts or isinstance(X, (Iterator, Mapping))):
        return X
    return stacked([batch.data for batch in open_table(X).batches()])


def is_frame(X: Any) -> bool:
    """Whether X is a data frame or an Arrow table.

    A pandas frame whose columns are numbered rather than named is an array: its columns mean
    nothing but their place.
    """
    if not any(hasattr(X, mark) for mark in _FRAME_MARKS) or not hasattr(X, "columns"):
        return False  # not, or a single column
    return any(isinstance(name, str) for name in column_names(X))


def is_records(X: Any) -> bool:
    """Whether X is a list of dicts."""
    return isinstance(X, list) and bool(X) and isinstance(X[0], Mapping)


def is_text_array(X: Any) -> bool:
    """Whether X is a 2-d array that holds something other than numbers."""
    if isinstance(X, list) and X and isinstance(X[0], (list, tuple)):
        # Through object, because NumPy would turn a list of text and numbers into text.
        X = np.array(X, dtype=object)
    elif hasattr(X, "iloc"):
        X = np.asarray(X)
    if not isinstance(X, np.ndarray) or X.ndim != 2:
        return False
    return X.dtype.kind in "US" or (X.dtype.kind == "O" and not _reads_as_numbers(X))


def records(X: Any, names: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Return the rows of a 2-d array as dicts, so that they can be read as a table."""
    cells = np.array(X, dtype=object)
    names = names if names is not None else [f"x{j}" for j in range(cells.shape[1])]
    return [{name: _scalar(cell) for name, cell in zip(names, row, strict=True)} for row in cells]


def column_names(X: Any) -> list[str]:
    """Return the column names of a data frame, an Arrow table or a list of dicts."""
    if isinstance(X, list):
        return list(dict.fromkeys(name for row in X for name in row))
    names = X.column_names if hasattr(X, "column_names") else X.columns
    return list(names)


def column(X: Any, name: str) -> AnyArray:
    """Return one column of a data frame, an Arrow table or a list of dicts."""
    names = column_names(X)
    if name not in names:
        raise DataError(
            f"There is no column {name!r} to take the target or the weights from. The columns are "
            f"{', '.join(map(str, names))}."
        )
    if isinstance(X, list):
        return np.array([row.get(name) for row in X])
    return np.asarray(X[name])


def without_columns(X: Any, names: Iterable[str]) -> Any:
    """Return a data frame or an Arrow table without some of its columns, if it has them."""
    present = column_names(X)
    kept = [name for name in present if name not in set(names)]
    if len(kept) == len(present):
        return X
    return X.select(kept) if hasattr(X, "select") else X[kept]


def labels(y: Any) -> AnyArray:
    """Return y as a 1-d array without gaps.

    Raises
    ------
    ValueError
        If y is not one-dimensional.
    DataError
        If a label is missing, or y is sparse.
    """
    if is_sparse(y):
        raise DataError(
            "y must be dense, one label per sample. Got a sparse matrix. Pass y.toarray()."
        )
    missing = _missing(y)
    if missing.any():
        raise DataError(
            f"Input y contains NaN: row {int(np.argmax(missing))} has no target (of "
            f"{len(missing):,} rows, {int(missing.sum()):,} have none). Remove rows without one; "
            "for a data frame, table.dropna(subset=['target column']) does that."
        )
    array: AnyArray = column_or_1d(y, warn=True)
    return array


def _missing(y: Any) -> AnyArray:
    """Return which labels are missing: null, NaN, or a mark that cannot be a class."""
    array = as_array("The target y", y)
    if array.dtype.kind == "f":
        gaps: AnyArray = np.isnan(array.ravel())
        return gaps
    if array.dtype.kind not in "OU":
        return np.zeros(array.size, bool)
    return np.array([_is_missing(label) for label in array.ravel().tolist()], bool)


def _is_missing(label: Any) -> bool:
    if isinstance(label, str):
        return OF_TARGETS.mean(label)
    try:
        return label is None or bool(label != label)
    except (TypeError, ValueError):  # pandas.NA answers no comparison
        return type(label).__name__ == "NAType"


def fit_schema(
    schema: Schema | None,
    table: Any,
    roles: Mapping[str, Any],
    fields: Any = None,
    hints: Hints = NO_HINTS,
    n_threads: int | None = None,
) -> Schema:
    """Return the Schema to use for a table: the given one, fitted if it is not, or an inferred one.

    Raises
    ------
    DataError
        If the given Schema takes the target for a feature, or the fields or hints do not fit its
        columns.
    """
    if schema is None:
        schema = Schema.inferred(open_table(table), hints, **roles)
    else:
        schema = schema.with_hints(hints)
    if fields is not None:
        schema = schema.with_fields(fields)
    for role, name in roles.items():
        if any(item.name == name and item.kind != "ignore" for item in schema.columns):
            raise DataError(
                f"The {role} column {name!r} is a feature in the given schema. Make the Schema "
                f"with Schema.infer(table, {role}={name!r})."
            )
    return schema if schema.is_fitted else schema.fit(table, n_threads=n_threads)


def numbered_fields(fields: Any, n_features: int) -> tuple[UInt16Array, list[str]]:
    """Return the field number of each column of an array, and the names of the fields.

    Parameters
    ----------
    fields : array-like of shape (n_features,) or None
        Numbers or names, one per column; ``None`` gives each column a field of its own.
    n_features : int
        Number of columns.

    Raises
    ------
    ConfigError
        If there is not one field per column, or there are too many fields.
    """
    if fields is None:
        given: AnyArray = np.arange(n_features)
    else:
        try:
            given = np.asarray(fields)
        except ValueError:
            given = np.empty(())
    if given.shape != (n_features,):
        raise ConfigError(
            f"The 'fields' parameter must hold one field per column of X ({n_features}). Got shape "
            f"{given.shape}."
        )
    if given.dtype.kind not in "biuU" and not all(isinstance(f, (int, str)) for f in given):
        raise ConfigError(
            f"The 'fields' parameter must hold names or whole numbers. Got {given.tolist()!r:.100}."
        )
    names, numbers = np.unique(given, return_inverse=True)
    if len(names) > MAX_FIELD:
        raise ConfigError(
            f"There may be at most {MAX_FIELD} fields. Got {len(names)}: pass fields=, so that "
            "related columns share one."
        )
    return numbers.astype(np.uint16), [str(name) for name in names]


def fields_of_columns(schema: Schema) -> list[int] | list[str] | dict[str, str] | None:
    """Return the fields that the columns of a Schema were given.

    Returns
    -------
    list of int or str, of shape (n_columns,), or dict from column to field, or None
        A list if each column was given one. ``None``: every column has its own field, or there are
        no fields.
    """
    if not schema.is_indexed:
        shared = {(c.name, c.field) for c in schema.columns}
        given = {
            c.name: c.field
            for c in schema.columns
            if c.field is not None and (c.source, c.field) not in shared
        }
        listed = list(given) == schema.names_in_table
        return (list(given.values()) if listed else given) or None
    numbers = schema.field_of.tolist()
    if not schema.n_fields or numbers == list(range(len(numbers))):
        return None
    names = [schema.field_names[number] for number in numbers]
    return [int(name) for name in names] if all(map(str.isdecimal, names)) else names


def _reads_as_numbers(X: AnyArray) -> bool:
    if any(isinstance(cell, (str, bytes)) for cell in X.flat):
        return False
    try:
        X.astype(np.float64)
    except (TypeError, ValueError):
        return False
    return True


def _scalar(cell: Any) -> Any:
    """Return what a table may hold; anything outlandish counts as its text."""
    if isinstance(cell, np.generic):
        cell = cell.item()
    return cell if cell is None or isinstance(cell, (str, int, float)) else str(cell)
