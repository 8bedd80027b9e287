"""What scikit-learn users pass as X, told apart once.

- A *source* carries its own target: a path, several paths, a file object, Rows, a RowStore, a
  Dataset, a JoinedTable.
- A *table* has named columns of any type, which are found by name: data frames, Arrow tables,
  dictionaries of columns, lists of dicts, a single sample, and 2-d arrays of text, whose columns
  are called x0, x1, ... as scikit-learn does.
- Everything else is an *array*: its columns are the features.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence, Set
from decimal import Decimal
from typing import Any

import numpy as np

from fieldfare._arrays import as_array, whole
from fieldfare._typing import AnyArray, Float32Array, UInt16Array
from fieldfare.data.dataset import Dataset, RelatedDataset
from fieldfare.data.side_tables import JoinedTable
from fieldfare.estimators._checks import coded, column_or_1d, num_samples
from fieldfare.exceptions import ConfigError, DataError
from fieldfare.rows import MAX_FIELDS, RelatedRows, Rows
from fieldfare.schema.hints import NO_HINTS, Hints
from fieldfare.schema.missing import OF_TARGETS
from fieldfare.schema.schema import Schema
from fieldfare.sources import dicts, frames, matrix
from fieldfare.sources.arrow import values_of
from fieldfare.sources.batch import column_at, is_position, require_column, stacked
from fieldfare.sources.formats import open_table
from fieldfare.sources.source import Table
from fieldfare.sources.sparse_checks import is_sparse
from fieldfare.sources.tables import MemoryTable
from fieldfare.store.row_store import RowStore

_PATHS = (str, os.PathLike)
_SOURCES = (*_PATHS, Rows, RelatedRows, RowStore, Dataset, RelatedDataset, JoinedTable)


def is_source(X: Any) -> bool:
    """Whether X carries its own target."""
    if isinstance(X, list):
        is_first = bool(X) and isinstance(X[0], _PATHS)
        return is_first and all(isinstance(item, _PATHS) or hasattr(item, "read") for item in X)
    return isinstance(X, _SOURCES) or hasattr(X, "read")


def is_name(y: Any) -> bool:
    """Whether a target, weights or groups are a column of X: by name, number or position."""
    return isinstance(y, str) or is_position(y)


def in_memory(X: Any) -> Any:
    """Return X, or as a table what is read once, comes in parts or is made of plain Python.

    A frame that is lazy is collected.
    """
    if isinstance(X, Table) or is_source(X) or is_sparse(X):
        return X
    X = dicts.with_names(X)
    if frames.is_lazy(X):
        return X.collect()
    in_parts = (
        isinstance(X, (list, tuple))
        and len(X) > 0
        and (frames.is_frame(X[0]) or frames.is_series(X[0]))
    )
    if (
        not in_parts
        and not frames.is_series(X)
        and not isinstance(X, (Iterator, Mapping))
        and not _is_records(X)
    ):
        return X
    table = open_table(X)
    return table if isinstance(table, MemoryTable) else _gathered(table)


def as_table(X: Any, *, by_number: bool = False) -> Table | None:
    """Return what `in_memory` returned as a table, ``None`` if it is an array.

    A pandas frame of numbers whose columns are numbered rather than named is an array: they mean
    nothing but their place. With ``by_number``, one of them is asked for by its number.
    """
    if isinstance(X, Table):
        return X
    if not (frames.is_frame(X) or dicts.is_structured(X)):
        return None
    return open_table(X) if by_number or not _is_numbered_array(X) else None


def column_numbers(X: Any) -> list[int] | None:
    """Return the numbers that name the columns of a pandas frame, ``None`` for anything else."""
    if not frames.is_frame(X) or not all(map(is_position, getattr(X, "columns", [""]))):
        return None
    return [int(number) for number in X.columns]


def has_numbers_of(X: Any, schema: Schema | None) -> bool:
    """Whether the columns of a pandas frame are numbers, by which a Schema calls its columns."""
    if schema is None or schema.is_indexed:
        return False
    return set(schema.names_in_table) <= set(map(str, column_numbers(X) or ()))


def _is_numbered_array(X: Any) -> bool:
    if not column_numbers(X):
        return False
    return np.asarray(X).dtype.kind in "buif" or not is_text_array(X)


def _gathered(table: Table) -> MemoryTable:
    return MemoryTable(stacked([batch.data for batch in table.batches()]), table.description)


def _is_records(X: Any) -> bool:
    return bool(dicts.are_samples(X)) and len(X) > 0


def n_samples(X: Any) -> int:
    """Return the number of samples of a table or an array."""
    table = as_table(X)
    if table is None:
        return int(num_samples(X))
    return sum(batch.data.num_rows for batch in table.batches())


def is_text_array(X: Any) -> bool:
    """Whether X is a 2-d array that holds something other than numbers."""
    if matrix.are_rows(X):
        X = matrix.cells_of(X)
    elif hasattr(X, "iloc"):
        X = np.asarray(X)
    if not isinstance(X, np.ndarray) or X.ndim != 2:
        return False
    return X.dtype.kind in "US" or (X.dtype.kind == "O" and not matrix.read_as_numbers(X))


def require_samples(X: Any, names: Sequence[str]) -> None:
    """Refuse what is neither a table nor a 2-d array, where columns of these names are needed.

    Raises
    ------
    DataError
    """
    if not matrix.are_rows(X) and len(getattr(X, "shape", ())) != 2:
        listed = ", ".join(map(repr, names[:10]))
        raise DataError(
            f"X must be a table with the columns {listed}{', ...' if len(names) > 10 else ''}, a "
            "2-d array of them in this order, or one sample as a dict. Got "
            f"{type(X).__name__}{' of one dimension' if hasattr(X, '__len__') else ''}."
        )


def to_predict(X: Any, names: Sequence[str]) -> Any:
    """Return samples to predict, of a table of these columns; one with lists in its cells as such.

    Raises
    ------
    DataError
        If X is a bare list of texts, which are neither files nor told apart by a name.
    """
    if is_sparse(X):  # one of which is a mapping, too
        return X
    if isinstance(X, Mapping) and any(map(dicts.is_value, X.values())):
        return [X]
    is_row = isinstance(X, list) and len(X) == len(names) and is_source(X)
    if is_row and all(isinstance(item, str) and not os.path.exists(item) for item in X):
        require_samples(X, names)
    return X


def refuse_columns(X: Any, n_samples: int) -> None:
    """Refuse a list of columns, as networks with several inputs take them, for rows.

    Raises
    ------
    DataError
        If there is not an item for each sample, and each item has a cell for each sample.
    """
    if not isinstance(X, (list, tuple)) or len(X) in (0, n_samples):
        return
    items = [item for item in X if hasattr(item, "__len__") and not isinstance(item, str)]
    with coded():  # NumPy refuses lists that are nested too deeply
        are_columns = all(np.shape(item)[:1] == (n_samples,) for item in items)
    if len(items) == len(X) and are_columns:
        raise DataError(
            f"X is a list of {len(X)} columns of {n_samples:,} cells, and the items of a list are "
            "samples. Pass a table, which names the columns: {'user': users, 'item': items}, say, "
            "with categorical=['user', 'item'] for numbers that are ids."
        )


def table_of_cells(X: Any, names: Sequence[str] | None = None) -> Table:
    """Return a 2-d array as a table."""
    cells = np.array(matrix.cells_of(X) if matrix.are_rows(X) else X, dtype=object)
    if cells.ndim != 2:  # a sparse matrix is one object to NumPy
        raise DataError(
            f"X must be a table or a dense 2-d array. Got {type(X).__name__}. Pass the columns "
            "that the estimator was fitted on, by name."
        )
    names = names if names is not None else [f"x{j}" for j in range(cells.shape[1])]
    return dicts.open_columns({name: cells[:, j].tolist() for j, name in enumerate(names)})


def column(X: Any, column: str | int) -> tuple[str, AnyArray]:
    """Return the name and the values of a column of a table that holds targets, weights or groups.

    Raises
    ------
    DataError
        If there is none.
    """
    table = as_table(X, by_number=is_position(column))
    if table is None:
        raise DataError(
            f"X is an array, whose columns have no names. Got the column {column!r} to take the "
            "target, weights or groups from. Pass an array, or a table with named columns."
        )
    name = column_at(table.names, column)
    require_column(name, table.names)
    parts = [batch.data.select([name]) for batch in table.batches()]
    return name, values_of(stacked(parts).column(0))


def weights(name: str, values: AnyArray) -> Float32Array:
    """Return the values of a column of weights as numbers.

    Raises
    ------
    DataError
        If they are none.
    """
    try:
        return np.ascontiguousarray(values, np.float32)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"The column {name!r} of sample weights must hold numbers: {error}. Name another "
            "column, or leave sample_weight out."
        ) from error


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
    if isinstance(y, (Mapping, Set)) or not (hasattr(y, "__len__") or hasattr(y, "__array__")):
        raise DataError(
            "y should be a 1d array, one label per sample, or the name of a column of X. Got "
            f"{type(y).__name__}."
        )
    missing = _missing(y)
    if missing.any():
        raise DataError(
            f"Input y contains NaN: row {int(np.argmax(missing))} has no target (of "
            f"{len(missing):,} rows, {int(missing.sum()):,} have none). Remove rows without one; "
            "for a data frame, table.dropna(subset=['target column']) does that."
        )
    # scikit-learn makes floats of the labels of pandas that may be missing, and are not.
    kind = getattr(getattr(y, "dtype", None), "numpy_dtype", None)
    if kind is not None and kind.kind in "biu":
        y = y.to_numpy(dtype=kind)
    if as_array("The target y", y).dtype.kind == "c":
        raise DataError(
            "Complex data not supported: y must hold labels or real numbers. Got complex numbers. "
            "Pass their real parts, y.real."
        )
    array: AnyArray = column_or_1d(y, warn=True)
    # Labels that are all of one plain type may come as objects.
    kinds = {type(label) for label in array.tolist()} if array.dtype.kind == "O" else set()
    if kinds == {Decimal}:
        return array.astype(np.float64)
    return np.array(array.tolist()) if kinds in ({bool}, {int}) else array


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
    given = whole(given)
    if given.dtype.kind not in "biuU" and not all(isinstance(f, (int, str)) for f in given):
        raise ConfigError(
            f"The 'fields' parameter must hold names or whole numbers. Got {given.tolist()!r:.100}."
        )
    names, numbers = np.unique(given, return_inverse=True)
    if len(names) > MAX_FIELDS:
        raise ConfigError(
            f"There may be at most {MAX_FIELDS} fields. Got {len(names)}: pass fields=, so that "
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
