"""Any input to any file: libsvm, libffm, CSV, Parquet or a RowStore."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from fieldfare._files import check_outputs
from fieldfare._typing import AnyArray, PathLike
from fieldfare._validation import OneOf, check
from fieldfare.data.loading import load, open_samples
from fieldfare.data.road import Options
from fieldfare.rows import Rows
from fieldfare.schema.schema import Schema
from fieldfare.schema.text_types import typed_batches
from fieldfare.sources.arrow import texts_or_nulls
from fieldfare.sources.reading import without_reading
from fieldfare.sources.source import Table
from fieldfare.sources.sparse_text import write_text
from fieldfare.sources.write import table_writer
from fieldfare.store.row_store import RowStore

KINDS = ("libsvm", "libffm", "csv", "parquet", "store")
_ROWS = 65_536


def convert(
    source: PathLike | list[str],
    path: PathLike,
    kind: str,
    *,
    schema: Schema | None = None,
    **roles: Any,
) -> int:
    """Write samples in another form.

    A table becomes libsvm, libffm or a store through its schema; it becomes another table as it is.
    Rows of numbered features become a table as `rows_as_table` says.

    Parameters
    ----------
    source : path or list of paths
        Whatever `load` takes as files.
    path : path
        File to write or replace; for a store, a folder that does not exist yet.
    kind : {"libsvm", "libffm", "csv", "parquet", "store"}
    schema : Schema or None
        Gives the feature ids; ``None`` infers and fits one.
    **roles
        Names of the columns ``target``, ``weight`` and ``group``, what is said about columns and
        how files are to be read, as for `fieldfare.load_data`.

    Returns
    -------
    int
        Number of rows.

    Raises
    ------
    ConfigError
        If there is no such kind, or the file to write is one to read.
    DataError
        If the source cannot be read.
    OutputError
        If the file cannot be written.
    """
    check("to", kind, OneOf(KINDS), "convert")
    check_outputs({"path": path}, {"source": source})
    opened = open_samples(source, Options.of(schema=schema, **roles))
    if isinstance(opened, Table) and kind in ("csv", "parquet"):
        return _write(typed_batches(opened), path, kind)
    data = load(opened, schema=schema, labelled=None, **without_reading(roles))
    rows = data.rows
    blocks = (rows.slice(start, start + _ROWS) for start in range(0, max(len(rows), 1), _ROWS))
    if kind in ("csv", "parquet"):
        return _write(rows_as_table(blocks, rows.n_fields), path, kind)
    if kind == "store":
        RowStore.build(blocks, path, schema=data.schema)
    else:
        write_text(blocks, path, "libffm" if kind == "libffm" else "libsvm")
    return len(rows)


def rows_as_table(batches: Iterable[Rows], n_fields: int) -> Iterator[dict[str, Any]]:
    """Turn rows into columns of text.

    Parameters
    ----------
    batches : iterable of Rows
    n_fields : int
        Fields of the whole data; 0 for none.

    Yields
    ------
    dict of str to array or list
        ``target``, ``weight`` and ``group`` where there are any, then ``field_F`` for each field,
        or ``features`` without fields. A cell holds feature ids, joined by ``|``, each with its
        value as ``id:value`` unless all values of the data are one; ``None`` if there are none.
    """
    names = [f"field_{field}" for field in range(n_fields)] or ["features"]
    for rows in batches:
        columns: dict[str, Any] = {
            name: array
            for name in ("target", "weight", "group")
            if (array := getattr(rows, name)) is not None
        }
        cells: list[list[str | None]] = [[None] * len(rows) for _ in names]
        span = rows.span
        words = _words(rows, span)
        fields = np.zeros(len(words), np.uint16) if rows.fields is None else rows.fields[span]
        owners = np.repeat(np.arange(len(rows)), np.diff(rows.indptr))
        for owner, field, word in zip(owners.tolist(), fields.tolist(), words, strict=True):
            before = cells[field][owner]
            cells[field][owner] = word if before is None else f"{before}|{word}"
        yield columns | dict(zip(names, map(texts_or_nulls, cells), strict=True))


def _words(rows: Rows, span: slice) -> list[str]:
    ids = _texts(rows.indices[span])
    if rows.values is None:
        return ids
    return [f"{i}:{value}" for i, value in zip(ids, _texts(rows.values[span]), strict=True)]


def _texts(numbers: AnyArray) -> list[str]:
    """Write numbers as the shortest text that reads back the same."""
    texts: list[str] = numbers.astype("U").tolist()
    return texts


def _write(batches: Iterable[Any], path: PathLike, kind: str) -> int:
    n_rows = 0
    with table_writer(path, kind) as write:
        for batch in batches:
            write(batch)
            n_rows += len(next(iter(batch.values()))) if isinstance(batch, dict) else batch.num_rows
    return n_rows
