"""Dispatch: anything that holds samples becomes a Dataset."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any

from fieldfare.data.dataset import Dataset, Request, check_same, from_store, keep
from fieldfare.data.files import from_paths, from_stream
from fieldfare.data.side_tables import JoinedTable
from fieldfare.data.tabular import from_matrix, from_table, is_labelled, table_schema
from fieldfare.exceptions import DataError
from fieldfare.rows import Rows
from fieldfare.schema.schema import Schema
from fieldfare.sources.matrix import is_matrix
from fieldfare.sources.tables import ACCEPTED, is_frame, open_table, to_arrow
from fieldfare.store.row_store import RowStore

__all__ = ["Dataset", "load", "load_related"]


def load(  # noqa: PLR0913 - the front door: all but the source are keywords
    source: Any,
    *,
    schema: Schema | None = None,
    target: Any = None,
    weight: Any = None,
    group: Any = None,
    labelled: bool | None = True,
    fields: Any = None,
    cache: bool = True,
    n_threads: int | None = None,
) -> Dataset:
    """Turn samples of any form into a Dataset.

    Parameters
    ----------
    source : path, list of paths, DataFrame, Arrow table, dicts, matrix, Rows, RowStore or Dataset
        Or an open table (`fieldfare.sources.tables.open_table`). Files are told apart by content.
        ``"-"`` is standard input.
    schema : Schema or None
        A fitted one encodes (validation, prediction); an unfitted one is fitted first; ``None``
        infers and fits. libsvm and libffm text for the fitted Schema of a table must hold its
        feature ids, as ``fieldfare convert --schema-from`` writes them; ids from ``n_features`` on
        are unknown features, which models ignore.
    target, weight, group : str, array or None
        Names of columns, or (for tables and matrices in memory) one value per row. A target left
        out is the column "target" or "label".
    labelled : bool or None
        Whether there is a target; ``None``: read it if it is there.
    fields : sequence of int or None
        For matrices: field of each column.
    cache : bool
        Whether large files become a RowStore in the cache folder instead of staying in memory.
    n_threads : int or None
        For reading text.

    Returns
    -------
    Dataset

    Raises
    ------
    DataError
        If the source is of no known kind, or its content is at fault (`TextFormatError`,
        `SchemaError`, `StoreError` say where).
    """
    request = Request(schema, target, weight, group, labelled, fields, cache, n_threads)
    if isinstance(source, Dataset):
        check_same(source.schema, request.schema)
        return keep(source.rows, source.schema, source.store, request)
    if isinstance(source, Rows):
        return keep(source, None, None, request)
    if isinstance(source, RowStore):
        return from_store(source, request)
    if hasattr(source, "read"):
        return from_stream(source, request)
    paths = _paths(source)
    if paths == ["-"]:
        return from_stream(sys.stdin.buffer, request)
    if paths is not None:
        return from_paths(paths, request)
    if hasattr(source, "batches"):
        return from_table(source, request)
    if is_matrix(source):
        return from_matrix(source, request)
    if is_frame(source) or (
        isinstance(source, Iterable) and not isinstance(source, (bytes, bytearray))
    ):
        return from_table(open_table(to_arrow(source)), request)
    raise DataError(f"Samples can be {ACCEPTED}. Got {type(source).__name__}.")


def load_related(source: Any, **options: Any) -> Dataset:
    """Return samples as `load` does, but leave the side tables of a JoinedTable unjoined.

    Its rows are then `RelatedRows`, which coordinate descent and Gibbs sampling use as they are.
    """
    if not isinstance(source, JoinedTable):
        return load(source, **options)
    names = ("schema", "target", "weight", "group", "labelled", "fields", "cache", "n_threads")
    given: dict[str, Any] = dict.fromkeys(names) | {"labelled": True, "cache": True} | options
    request = Request(**given)
    schema, _ = table_schema(source, request)
    rows = source.related_rows(schema, labelled=is_labelled(source, schema, request))
    return keep(rows.with_(**request.arrays(rows.n_rows)), schema, None, request)


def _paths(source: Any) -> list[str] | None:
    if isinstance(source, (str, os.PathLike)):
        return [os.fspath(source)]
    if (
        isinstance(source, (list, tuple))
        and source
        and all(isinstance(part, (str, os.PathLike)) for part in source)
    ):
        return [os.fspath(part) for part in source]
    return None
