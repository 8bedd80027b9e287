"""Dictionaries: one of columns, or one per sample. NumPy's structured arrays are columns, too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fieldfare._optional import require
from fieldfare.exceptions import SchemaError
from fieldfare.sources.arrow import table_of
from fieldfare.sources.format import Format
from fieldfare.sources.tables import MemoryTable


def open_columns(source: Mapping[Any, Any]) -> MemoryTable:
    """Return the table of a dictionary of columns.

    Raises
    ------
    SchemaError
        If the columns do not fit together, or some of them are single values.
    """
    pa = require("pyarrow", "tables")
    for name, values in source.items():
        if is_value(values) or isinstance(values, Mapping):
            what = "a dictionary" if isinstance(values, Mapping) else f"the value {values!r:.60}"
            raise SchemaError(
                f"In a dictionary of columns, each is a list or an array of values. {name!r} is "
                f"{what}. For one sample pass [sample]; of a DataFrame, table.to_dict('list')."
            )
    try:
        table = table_of((str(name), values) for name, values in source.items())
    except pa.ArrowException as error:
        raise SchemaError(
            f"The table cannot be read as columns of one type each: {error}"
        ) from error
    return MemoryTable(table, type(source).__name__)


def is_value(item: Any) -> bool:
    """Whether this is one value rather than a column or a list of them."""
    if isinstance(item, np.ndarray):
        return item.ndim == 0
    return isinstance(item, (str, bytes)) or not (
        hasattr(item, "__len__") or hasattr(item, "__iter__") or hasattr(item, "__arrow_c_array__")
    )


def is_sample(source: Any) -> bool:
    """Whether this is a dictionary of one value per column."""
    return isinstance(source, Mapping) and len(source) > 0 and all(map(is_value, source.values()))


def with_names(source: Any) -> Any:
    """Return a row that is a named tuple, as of DataFrame.itertuples, as a dictionary."""
    return source._asdict() if isinstance(source, tuple) and hasattr(source, "_asdict") else source


def is_structured(source: Any) -> bool:
    """Whether this is a structured or a record array, which has named columns."""
    return isinstance(source, np.ndarray) and source.dtype.names is not None


def _open_structured(source: Any) -> MemoryTable:
    return open_columns({name: source[name] for name in source.dtype.names})


def are_samples(source: Any) -> bool:
    """Whether this is a list with one dictionary per sample."""
    return isinstance(source, (list, tuple)) and all(isinstance(row, Mapping) for row in source)


def open_samples(rows: Sequence[Mapping[Any, Any]]) -> MemoryTable:
    """Return the table of a list of dictionaries; keys that one lacks are missing there.

    The parts of a dictionary within one are columns named ``key.part``.

    Raises
    ------
    SchemaError
        If a key and a part have one name.
    """
    if any(isinstance(value, Mapping) for row in rows for value in row.values()):
        rows = [flat_row(row) for row in rows]
    names = dict.fromkeys(str(name) for row in rows for name in row)
    # What is missing in some samples and a dictionary in others has its parts as columns.
    parents = {name[:i] for name in names for i, sign in enumerate(name) if sign == "."}
    columns = {name: [row.get(name) for row in rows] for name in names}
    for name in parents & columns.keys():
        if all(value is None for value in columns[name]):
            del columns[name]
    return MemoryTable(open_columns(columns).table, "dicts")


def flat_row(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return a dictionary with the parts of those within it, at any depth, as ``key.part``.

    Raises
    ------
    SchemaError
        If a key and a part have one name.
    """
    found: dict[str, Any] = {}
    waiting = [(str(name), value) for name, value in reversed(list(row.items()))]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, Mapping):
            waiting += [(f"{name}.{part}", inner) for part, inner in reversed(list(value.items()))]
        elif name in found:
            raise SchemaError(f"A sample has two values named {name!r}. Rename one of them.")
        else:
            found[name] = value
    return found


FORMATS = (
    Format("one sample as a dict", is_sample, lambda source: open_samples([source])),
    Format("a NumPy array with named columns", is_structured, _open_structured),
    Format("a dict of columns", lambda source: isinstance(source, Mapping), open_columns),
    Format("an iterable of dicts", are_samples, open_samples),
)
