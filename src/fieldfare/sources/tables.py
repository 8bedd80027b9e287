"""Tables: anything tabular as batches of Arrow columns, streamed where the source is a file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from fieldfare._optional import require
from fieldfare.exceptions import DataError, SchemaError
from fieldfare.sources.batch import Batch, SourceLocation

BATCH_ROWS = 131_072
ACCEPTED = (
    "a path (CSV, TSV, libsvm, libffm, Parquet, a RowStore, a folder of Parquet, a glob, or '-'), "
    "a list of paths, a pandas or polars DataFrame, an Arrow table or reader, a list of dicts, "
    "a dict of columns, a 2-d NumPy array, a SciPy sparse matrix, or Rows"
)


class Table(Protocol):
    """A table that can be read more than once, batch by batch.

    ``untyped`` says that all columns are text because the format has no types (CSV).
    """

    names: list[str]
    untyped: bool

    def batches(self) -> Iterator[Batch]:
        """Yield the rows in order, in batches of bounded size."""

    def head(self, n: int) -> Any:
        """Return the first ``n`` rows as one RecordBatch."""


def is_table(source: Any) -> bool:
    """Whether `open_table` takes this as one table (rather than as an iterable of tables)."""
    if isinstance(source, (str, os.PathLike, Mapping)) or is_frame(source):
        return True
    return isinstance(source, (list, tuple)) and bool(source) and isinstance(source[0], Mapping)


def is_frame(source: Any) -> bool:
    """Whether this is a table in memory: a DataFrame or anything Arrow."""
    return (
        hasattr(source, "__arrow_c_stream__")
        or hasattr(source, "__arrow_c_array__")
        or _is_pandas(source)
        or _is_lazy_polars(source)
    )


def _is_pandas(source: Any) -> bool:
    kind = type(source)
    return kind.__module__.partition(".")[0] == "pandas" and kind.__name__ == "DataFrame"


def _is_lazy_polars(source: Any) -> bool:
    kind = type(source)
    return kind.__module__.partition(".")[0] == "polars" and kind.__name__ == "LazyFrame"


def open_table(source: Any) -> Table:
    """Return a table of anything tabular.

    Parameters
    ----------
    source : path, DataFrame, Arrow object, dict of columns, or iterable of dicts
        Paths lead to CSV, TSV (also gzip or zstd) or Parquet files, folders of Parquet, or globs.

    Raises
    ------
    DataError
        If it is nothing tabular, naming what is accepted.
    SchemaError
        If column names repeat.
    """
    if isinstance(source, (MemoryTable, ParquetFiles)) or hasattr(source, "batches"):
        table: Table = source
        return table
    if isinstance(source, (str, os.PathLike)):
        return open_files([os.fspath(source)])
    if isinstance(source, Batch):
        return MemoryTable(require("pyarrow", "tables").table(source.data))
    return MemoryTable(to_arrow(source))


def open_files(paths: Iterable[str]) -> Table:
    """Return the table that one or several files hold together, in order."""
    from fieldfare.sources.bytes import expand
    from fieldfare.sources.csv import CsvFiles

    files = [str(file) for file in expand(list(paths))]
    parquet = [is_parquet(file) for file in files]
    if any(parquet):
        if not all(parquet):
            raise DataError(f"{files[parquet.index(False)]} is not Parquet, but other files are.")
        return ParquetFiles(files)
    return CsvFiles(files)


def is_parquet(path: str) -> bool:
    """Whether a file begins as Parquet files do."""
    file = Path(path)
    if not file.is_file():
        return False
    with file.open("rb") as stream:
        return stream.read(4) == b"PAR1"


def to_arrow(source: Any) -> Any:
    """Return a pyarrow Table of a table in memory.

    Raises
    ------
    DataError
        If it is nothing tabular.
    """
    pa = require("pyarrow", "tables")
    if isinstance(source, pa.Table):
        return source
    if isinstance(source, pa.RecordBatch):
        return pa.Table.from_batches([source])
    if _is_pandas(source):
        return _from_pandas(source)
    if _is_lazy_polars(source):
        source = source.collect()
    try:
        if isinstance(source, Mapping):
            return pa.table({str(name): _column(values) for name, values in source.items()})
        if hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__"):
            return pa.table(source)
        if isinstance(source, Iterable) and not isinstance(source, (str, bytes)):
            return _from_dicts(source)
    except pa.ArrowException as error:
        raise SchemaError(
            f"The table cannot be read as columns of one type each: {error}"
        ) from error
    raise DataError(f"Samples can be {ACCEPTED}. Got {type(source).__name__}.")


def _column(values: Any) -> Any:
    """Return one column; values of mixed types become text."""
    pa = require("pyarrow", "tables")
    if isinstance(values, (pa.Array, pa.ChunkedArray)):
        return values
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([None if _is_missing(v) else str(v) for v in values], pa.string())


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)


def _from_pandas(frame: Any) -> Any:
    pa = require("pyarrow", "tables")
    # One column at a time, so that one of mixed types does not spoil the others.
    columns = [_column(frame.iloc[:, i]) for i in range(frame.shape[1])]
    return pa.Table.from_arrays(columns, names=[str(name) for name in frame.columns])


def _from_dicts(source: Iterable[Any]) -> Any:
    pa = require("pyarrow", "tables")
    rows = []
    for row in source:
        if not isinstance(row, Mapping):
            raise DataError(
                f"Samples can be {ACCEPTED}. Got an iterable that holds {type(row).__name__}."
            )
        rows.append(row)
    names = dict.fromkeys(str(name) for row in rows for name in row)
    return pa.table({name: _column([row.get(name) for row in rows]) for name in names})


def batches_of(source: Any) -> Iterator[Batch]:
    """Return batches of whatever holds tables: one table, or an iterable of them."""
    if isinstance(source, Batch):
        yield source
    elif is_table(source) or not isinstance(source, Iterable):
        yield from open_table(source).batches()
    else:
        for part in source:
            yield from batches_of(part)


def check_names(names: list[str], where: str) -> list[str]:
    """Refuse repeated column names."""
    for i, name in enumerate(names):
        if name in names[:i]:
            raise SchemaError(f"{where} has two columns named {name!r}. Rename one of them.")
    return names


def first_rows(names: list[str], batches: Iterable[Batch], n: int) -> Any:
    """Return the first rows of batches as one RecordBatch."""
    pa = require("pyarrow", "tables")
    parts, have = [], 0
    for batch in batches:
        parts.append(batch.data.slice(0, n - have))
        have += parts[-1].num_rows
        if have >= n:
            break
    if not parts:
        return pa.RecordBatch.from_arrays([pa.nulls(0) for _ in names], names=names)
    return pa.Table.from_batches(parts).combine_chunks().to_batches()[0] if have else parts[0]


@dataclass
class MemoryTable:
    """A pyarrow Table."""

    table: Any
    untyped: bool = False

    def __post_init__(self) -> None:
        pa = require("pyarrow", "tables")
        self.names = check_names(list(self.table.column_names), "The table")
        for i, field in enumerate(self.table.schema):
            if str(field.type) == "string_view":  # of polars; few compute functions know it
                column = self.table.column(i).cast(pa.large_string())
                self.table = self.table.set_column(i, field.name, column)

    def batches(self) -> Iterator[Batch]:
        """Yield slices of the table."""
        for row in range(0, self.table.num_rows, BATCH_ROWS):
            # Joined, because each batch costs a look-up per distinct value.
            part = self.table.slice(row, BATCH_ROWS).combine_chunks()
            yield Batch(part.to_batches()[0], SourceLocation("", row))
        if not self.table.num_rows:
            pa, schema = require("pyarrow", "tables"), self.table.schema
            empty = [pa.array([], kind) for kind in schema.types]
            yield Batch(pa.RecordBatch.from_arrays(empty, schema=schema))

    def head(self, n: int) -> Any:
        """Return the first rows."""
        return first_rows(self.names, self.batches(), n)


@dataclass
class ParquetFiles:
    """Parquet files with the same columns, streamed by row group."""

    files: list[str]
    untyped: bool = False

    def __post_init__(self) -> None:
        if not self.files:
            raise DataError("There is no Parquet file to read.")
        self.names = check_names(list(self._open(self.files[0]).schema_arrow.names), self.files[0])

    def _open(self, file: str) -> Any:
        pa, parquet = require("pyarrow", "tables"), require("pyarrow.parquet", "tables")
        try:
            return parquet.ParquetFile(file)
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{file} is not a readable Parquet file: {error}") from error

    def batches(self) -> Iterator[Batch]:
        """Yield batches of the row groups of each file in turn."""
        pa = require("pyarrow", "tables")
        for file in self.files:
            opened, row = self._open(file), 0
            if list(opened.schema_arrow.names) != self.names:
                raise SchemaError(f"{file} and {self.files[0]} have different columns.")
            try:
                for part in opened.iter_batches(batch_size=BATCH_ROWS):
                    yield Batch(part, SourceLocation(file, row))
                    row += part.num_rows
            except (pa.ArrowException, OSError) as error:
                raise DataError(f"{file} is damaged after row {row}: {error}") from error

    def head(self, n: int) -> Any:
        """Return the first rows."""
        return first_rows(self.names, self.batches(), n)


def to_pandas(records: Sequence[Mapping[str, Any]]) -> Any:
    """Return records as a pandas DataFrame; pandas must be installed."""
    return require("pandas").DataFrame(list(records))
