"""Files to Datasets: told apart by content, and kept in the cache where they are large."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from fieldfare.data.dataset import Dataset, FieldsSeen, Request, from_store, keep
from fieldfare.data.tabular import encoded, table_schema
from fieldfare.exceptions import DataError, SchemaError
from fieldfare.rows import Rows
from fieldfare.schema.schema import Schema
from fieldfare.sources.bytes import expand
from fieldfare.sources.sparse_text import BATCH_BYTES, detect, read_text
from fieldfare.sources.tables import Table, is_parquet, open_files
from fieldfare.store.append import gather
from fieldfare.store.cache import file_fingerprint
from fieldfare.store.row_store import RowStore, cached

SMALL_BYTES = 16 << 20
_ENCODING = 1  # raise when the same input would give other Rows, so that old caches are not used


def from_stream(stream: Any, request: Request) -> Dataset:
    """Copy a stream to a temporary file, because tables are read twice."""
    with tempfile.TemporaryDirectory(prefix="fieldfare-") as folder:
        path = os.path.join(folder, "stdin")
        with open(path, "wb") as file:
            shutil.copyfileobj(stream, file)
        return from_paths([path], request)


def from_paths(paths: list[str], request: Request) -> Dataset:
    """Encode files of one kind, or open the RowStore that a single path leads to."""
    if len(paths) == 1 and (Path(paths[0]) / "header.json").is_file():
        return from_store(RowStore.open(paths[0]), request)
    files = [str(file) for file in expand(paths)]
    for what in ("target", "weight", "group"):
        if getattr(request, what) is not None and request.name(what) is None:
            raise DataError(f"With files, {what} must be the name of a column. Got an array.")
    if is_parquet(files[0]) or detect(files[0]).kind == "csv":
        table = open_files(files)
        return _from_files(files, request, lambda: _open_and_encode(table, request))
    return _from_text(files, request)


def _open_and_encode(table: Table, request: Request) -> tuple[Schema, Iterator[Rows]]:
    schema, table = table_schema(table, request)
    return schema, encoded(table, schema, request)


def _from_text(files: list[str], request: Request) -> Dataset:
    schema = request.schema
    if schema is not None and not schema.is_fitted:
        raise SchemaError(
            f"{files[0]} holds numbered features, and the Schema, not fitted yet, needs a table "
            f"with the columns {', '.join(column.name for column in schema.columns[:10])}."
        )
    for what in ("target", "weight", "group"):
        if request.name(what) is not None:
            raise DataError(
                f"{files[0]} is libsvm or libffm text, which has no column {request.name(what)!r}. "
                f"Leave out {what}: it stands in the lines themselves."
            )
    return _from_files(
        files,
        request,
        lambda: (schema, read_numbered(files, schema, request.labelled, request.n_threads)),
        n_expected=_n_bytes(files) / BATCH_BYTES,
    )


def read_numbered(
    files: Sequence[str], schema: Schema | None, labelled: bool | None, n_threads: int | None
) -> Iterator[Rows]:
    """Yield the rows of libsvm or libffm text whose ids are those of a Schema.

    Where a Schema of a table is given and the text has no fields, the Schema tells them.
    """
    for rows in read_text(files, labelled=labelled, n_threads=n_threads):
        if schema is None or schema.is_indexed or rows.fields is not None:
            yield rows
            continue
        known = rows.indices < schema.n_features
        fields = np.zeros(len(rows.indices), np.uint16)
        fields[known] = schema.field_of[rows.indices[known]]
        yield rows.with_(fields=fields)


def _from_files(
    files: list[str],
    request: Request,
    encode: Callable[[], tuple[Schema | None, Iterator[Rows]]],
    n_expected: float = 0,
) -> Dataset:
    """Encode files into memory if they are small, else into a RowStore in the cache.

    About how many batches there will be may be told by ``n_expected``.
    """
    if not request.cache or _n_bytes(files) < SMALL_BYTES:
        schema, parts = encode()
        fields = FieldsSeen()
        rows = gather(fields.watch(parts) if schema is None else parts, n_expected)
        return keep(rows, schema or fields.schema(), None, _without_names(request))

    def build(path: Path) -> RowStore:
        schema, parts = encode()
        if schema is not None:
            return RowStore.build(parts, path, schema=schema)
        fields = FieldsSeen()
        return RowStore.build(fields.watch(parts), path, schema=fields.schema)

    # The Schema is part of the key, and an unfitted one is not that of the Rows.
    return from_store(cached(_key(files, request), build), _without_names(request))


def _n_bytes(files: list[str]) -> int:
    return sum(os.path.getsize(file) for file in files)


def _without_names(request: Request) -> Request:
    """Return the request for rows that have their columns already."""
    return replace(request, target=None, weight=None, group=None)


def _key(files: list[str], request: Request) -> str:
    """Return what decides the Rows of files: their content and the options, not their names."""
    names = [request.name(what) for what in ("target", "weight", "group")]
    digest = None if request.schema is None else request.schema.digest
    options = repr((_ENCODING, names, request.labelled, digest))
    return hashlib.sha256(f"{file_fingerprint(files)} {options}".encode()).hexdigest()
