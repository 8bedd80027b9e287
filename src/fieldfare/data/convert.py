"""Any input to any file: libsvm, libffm, CSV, Parquet or a RowStore."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from fieldfare._typing import AnyArray, PathLike
from fieldfare.data.write import TableWriter
from fieldfare.rows import Rows


def rows_as_table(batches: Iterable[Rows], n_fields: int) -> Iterator[dict[str, Any]]:
    """Turn rows into columns of text, which a Schema reads back as multi-valued columns.

    Parameters
    ----------
    batches : iterable of Rows
    n_fields : int
        Fields of the whole data; 0 for none.

    Yields
    ------
    dict of str to array or list
        ``target``, ``weight`` and ``group`` where there are any, then ``field_F`` for each field, or
        ``features`` without fields. A cell holds feature ids, joined by ``|``, each with its value
        as ``id:value`` unless all values of the data are one; ``None`` if the row has none.
    """
    for rows in batches:
        columns: dict[str, Any] = {
            name: array
            for name in ("target", "weight", "group")
            if (array := getattr(rows, name)) is not None
        }
        names = [f"field_{field}" for field in range(n_fields)] or ["features"]
        cells: list[list[str | None]] = [[None] * len(rows) for _ in names]
        span = slice(int(rows.indptr[0]), int(rows.indptr[-1]))
        words = _words(rows, span)
        fields = np.zeros(len(words), np.intp) if not n_fields else _fields(rows, span)
        owners = np.repeat(np.arange(len(rows)), np.diff(rows.indptr))
        for owner, field, word in zip(owners.tolist(), fields.tolist(), words, strict=True):
            before = cells[field][owner]
            cells[field][owner] = word if before is None else f"{before}|{word}"
        yield columns | dict(zip(names, cells, strict=True))


def _words(rows: Rows, span: slice) -> list[str]:
    ids: list[str] = rows.indices[span].astype("U").tolist()
    if rows.values is None:
        return ids
    values = rows.values[span].astype("U").tolist()
    return [f"{i}:{value}" for i, value in zip(ids, values, strict=True)]


def _fields(rows: Rows, span: slice) -> AnyArray:
    if rows.fields is None:
        return np.zeros(span.stop - span.start, np.intp)
    return rows.fields[span].astype(np.intp)


def write_batches(batches: Iterable[Any], path: PathLike, kind: str) -> int:
    """Write batches of columns as CSV or Parquet and return the number of rows."""
    n_rows = 0
    with TableWriter(path, kind) as writer:
        for batch in batches:
            writer.write(batch)
            n_rows += len(next(iter(batch.values()))) if isinstance(batch, dict) else batch.num_rows
    return n_rows
