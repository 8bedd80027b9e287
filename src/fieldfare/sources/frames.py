"""Data frames: pandas, polars and anything that speaks Arrow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fieldfare._optional import require
from fieldfare.exceptions import SchemaError
from fieldfare.sources.arrow import table_of
from fieldfare.sources.format import Format
from fieldfare.sources.tables import MemoryTable


def is_frame(source: Any) -> bool:
    """Whether this is a table in memory: a DataFrame or anything Arrow."""
    return (
        hasattr(source, "__arrow_c_stream__")
        or hasattr(source, "__arrow_c_array__")
        or _is_pandas(source)
        or _is_lazy_polars(source)
    )


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
        return pa.table(source.collect() if _is_lazy_polars(source) else source)
    except pa.ArrowException as error:
        raise SchemaError(
            f"The table cannot be read as columns of one type each: {error}"
        ) from error


def _is_pandas(source: Any) -> bool:
    kind = type(source)
    return kind.__module__.partition(".")[0] == "pandas" and kind.__name__ == "DataFrame"


def _is_lazy_polars(source: Any) -> bool:
    kind = type(source)
    return kind.__module__.partition(".")[0] == "polars" and kind.__name__ == "LazyFrame"


def to_pandas(records: Sequence[Mapping[str, Any]]) -> Any:
    """Return records as a pandas DataFrame.

    Raises
    ------
    MissingDependencyError
        If pandas is not installed.
    """
    return require("pandas").DataFrame(list(records))


FORMATS = (Format("a pandas or polars DataFrame, an Arrow table or reader", is_frame, open_frame),)
