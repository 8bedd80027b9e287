"""Data frames: pandas, polars and anything that speaks Arrow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fieldfare._optional import require
from fieldfare.exceptions import SchemaError
from fieldfare.sources.arrow import table_of
from fieldfare.sources.dicts import open_samples
from fieldfare.sources.format import Format
from fieldfare.sources.tables import MemoryTable


def is_frame(source: Any) -> bool:
    """Whether this is a table in memory: a DataFrame or anything Arrow."""
    speaks_arrow = hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__")
    return (speaks_arrow and not is_series(source)) or _is_pandas(source) or is_lazy(source)


def is_series(source: Any) -> bool:
    """Whether this is a Series of pandas or polars: one row or one column of a table."""
    return _is_of(source, "Series", "pandas", "polars")


def is_lazy(source: Any) -> bool:
    """Whether this is a LazyFrame of polars, which is to be collected."""
    return _is_of(source, "LazyFrame", "polars")


def open_frame(source: Any) -> MemoryTable:
    """Return the table of a DataFrame, an Arrow table, batch or reader.

    Raises
    ------
    SchemaError
        If it cannot be read as columns, or column names repeat.
    """
    return MemoryTable(_to_arrow(source), type(source).__name__)


def _to_arrow(source: Any) -> Any:
    pa = require("pyarrow", "tables")
    if isinstance(source, pa.Table):
        return source
    if isinstance(source, pa.RecordBatch):
        return pa.Table.from_batches([source])
    if _is_pandas(source):
        # One column at a time, so that one of mixed types does not spoil the others.
        return table_of((str(name), source.iloc[:, i]) for i, name in enumerate(source.columns))
    try:
        return pa.table(source.collect() if is_lazy(source) else source)
    except pa.ArrowException as error:
        raise SchemaError(
            f"The table cannot be read as columns of one type each: {error}"
        ) from error


def row_of(series: Any) -> dict[str, Any]:
    """Return a row of a pandas frame, which is a Series, as a dictionary.

    Raises
    ------
    SchemaError
        If its labels are no names of columns, so that it is rather a column.
    """
    labels = list(getattr(series, "index", []))
    if not labels or not all(isinstance(label, str) for label in labels):
        raise SchemaError(
            "A Series is one row or one column of a table, and its labels do not say which: those "
            "of a row are the names of columns. Pass table.loc[[label]] for a row, or "
            "series.to_frame() for a column."
        )
    return dict(zip(labels, series, strict=True))


def _open_series(series: Any) -> MemoryTable:
    return open_samples([row_of(series)])


def _is_pandas(source: Any) -> bool:
    return _is_of(source, "DataFrame", "pandas")


def _is_of(source: Any, name: str, *packages: str) -> bool:
    """Whether the type of an object has this name and is of one of these packages, unimported."""
    kind = type(source)
    return kind.__name__ == name and kind.__module__.partition(".")[0] in packages


def to_pandas(records: Sequence[Mapping[str, Any]], columns: Sequence[str] | None = None) -> Any:
    """Return records as a pandas DataFrame, with these columns even if there are no records.

    Raises
    ------
    MissingDependencyError
        If pandas is not installed.
    """
    return require("pandas").DataFrame(list(records), columns=columns)


FORMATS = (
    Format("a pandas or polars DataFrame, an Arrow table or reader", is_frame, open_frame),
    Format("a row of a pandas DataFrame", is_series, _open_series),
)
