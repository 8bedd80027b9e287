"""Dispatch: anything that holds samples becomes a Dataset."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fieldfare._typing import AnyArray, UInt16Array
from fieldfare.data.arrays import array_rows, field_numbers, is_matrix, per_row
from fieldfare.data.coded import CodedTable
from fieldfare.data.joined import JoinedTable
from fieldfare.data.schema import Schema
from fieldfare.data.tables import (
    ACCEPTED,
    MemoryTable,
    Table,
    is_frame,
    is_parquet,
    open_files,
    open_table,
    to_arrow,
)
from fieldfare.exceptions import DataError, SchemaError
from fieldfare.kernels.text import note_fields
from fieldfare.rows import Rows

if TYPE_CHECKING:
    from fieldfare.data.store import RowStore

SMALL_BYTES = 16 << 20
_ENCODING = 1  # raise when the same input would give other Rows, so that old caches are not used
_TARGET_NAMES = ("target", "label")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples and what they mean.

    Parameters
    ----------
    rows : Rows
        In memory, or over the memory-mapped files of ``store``.
    schema : Schema
        Fitted, or indexed for data whose features are numbered.
    store : RowStore or None
        Set if the rows lie on disk.
    """

    rows: Rows
    schema: Schema
    store: RowStore | None = None

    def __len__(self) -> int:
        return self.rows.n_rows


@dataclass(frozen=True, eq=False)
class _Request:
    """The options of one call of `load`."""

    schema: Schema | None
    target: Any
    weight: Any
    group: Any
    labelled: bool | None
    fields: Any
    cache: bool
    n_threads: int | None

    def name(self, what: str) -> str | None:
        """Return a column name, ``None`` if an array or nothing was given."""
        value = getattr(self, what)
        return value if isinstance(value, str) else None

    def arrays(self, n_rows: int) -> dict[str, AnyArray]:
        """Return what was given as arrays, by name."""
        kinds = {"target": np.float32, "weight": np.float32, "group": np.int64}
        return {
            what: array
            for what, dtype in kinds.items()
            if self.name(what) is None
            and (array := per_row(what, getattr(self, what), n_rows, dtype)) is not None
        }


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
        Files are told apart by content. ``"-"`` is standard input.
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
    from fieldfare.data.store import RowStore

    request = _Request(schema, target, weight, group, labelled, fields, cache, n_threads)
    if isinstance(source, Dataset):
        _check_same(source.schema, request.schema)
        return _keep(source.rows, source.schema, source.store, request)
    if isinstance(source, Rows):
        return _keep(source, None, None, request)
    if isinstance(source, RowStore):
        return _from_store(source, request)
    if hasattr(source, "read"):
        return _from_stream(source, request)
    paths = _paths(source)
    if paths == ["-"]:
        return _from_stream(sys.stdin.buffer, request)
    if paths is not None:
        return _from_paths(paths, request)
    if isinstance(source, JoinedTable):
        return _from_table(source, request)
    if is_matrix(source):
        return _from_matrix(source, request)
    if is_frame(source) or (
        isinstance(source, Iterable) and not isinstance(source, (bytes, bytearray))
    ):
        return _from_table(open_table(to_arrow(source)), request)
    raise DataError(f"Samples can be {ACCEPTED}. Got {type(source).__name__}.")


def load_related(source: Any, **options: Any) -> Dataset:
    """Return samples as `load` does, but leave the side tables of a JoinedTable unjoined.

    Its rows are then `RelatedRows`, which coordinate descent and Gibbs sampling use as they are.
    """
    if not isinstance(source, JoinedTable):
        return load(source, **options)
    names = ("schema", "target", "weight", "group", "labelled", "fields", "cache", "n_threads")
    given: dict[str, Any] = dict.fromkeys(names) | {"labelled": True, "cache": True} | options
    request = _Request(**given)
    schema, _ = _table_schema(source, request)
    rows = source.related_rows(schema, labelled=_is_labelled(source, schema, request))
    return _keep(rows.with_(**request.arrays(rows.n_rows)), schema, None, request)


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


# -- Rows and stores ------------------------------------------------------------------------------


def _keep(rows: Rows, own: Schema | None, store: RowStore | None, request: _Request) -> Dataset:
    """Take Rows that are encoded already, by ``own`` or (``None``) with ids from elsewhere."""
    schema = own or request.schema
    if schema is None:
        fields = _FieldOf()
        for _ in fields.watch([rows]):
            pass
        schema = fields.schema()
    rows = rows.with_(**request.arrays(rows.n_rows))
    if request.labelled and rows.target is None:
        raise DataError("The samples have no target. Give one, or pass labelled=False.")
    if request.labelled is False:
        rows = rows.with_(target=None)
    return Dataset(rows, schema, store)


def _from_store(store: RowStore, request: _Request) -> Dataset:
    _check_same(store.schema, request.schema)
    return _keep(store.rows, store.schema, store, request)


def _check_same(own: Schema | None, wanted: Schema | None) -> None:
    """Refuse Rows whose ids mean something else than those of the wanted Schema."""
    if own is None or wanted is None or own is wanted or own.is_indexed or not wanted.is_fitted:
        return
    if own.digest != wanted.digest:
        raise SchemaError(
            "These Rows were encoded with another Schema, so their ids mean something else. "
            "Load the table that they came from instead."
        )


class _FieldOf:
    """Notes the field of each feature while Rows pass by, so that no second pass is needed."""

    def __init__(self) -> None:
        self._of: UInt16Array | None = None
        self._n_features = self._n_fields = 0

    def watch(self, parts: Iterable[Rows]) -> Iterator[Rows]:
        for rows in parts:
            self._n_features = max(self._n_features, rows.n_features)
            self._n_fields = max(self._n_fields, rows.n_fields)
            if rows.fields is not None:
                self._note(rows)
            yield rows

    def _note(self, rows: Rows) -> None:
        known = np.zeros(0, np.uint16) if self._of is None else self._of
        if self._n_features > len(known):
            # Twice the room: growing to the exact size each time would copy too often.
            known = np.concatenate([known, np.zeros(2 * self._n_features - len(known), np.uint16)])
        note_fields(known, rows)
        self._of = known

    def schema(self) -> Schema:
        """Return the Schema of the ids that have passed."""
        of = None if self._of is None else self._of[: self._n_features].copy()
        return Schema.indexed(self._n_features, self._n_fields, field_of=of)


# -- matrices and tables --------------------------------------------------------------------------


def _from_matrix(matrix: Any, request: _Request) -> Dataset:
    for what in ("target", "weight", "group"):
        if request.name(what) is not None:
            raise DataError(
                f"A matrix has no columns with names, so {what} must be an array. "
                f"Got {request.name(what)!r}."
            )
    if isinstance(matrix, np.ndarray) and matrix.ndim == 2 and matrix.dtype.kind in "OUS":
        columns = {f"x{i}": matrix[:, i].tolist() for i in range(matrix.shape[1])}
        if request.schema is None or not request.schema.is_indexed:
            return _from_table(MemoryTable(to_arrow(columns)), request)
    rows = array_rows(matrix, fields=request.fields)
    rows = rows.with_(**request.arrays(rows.n_rows))
    schema = request.schema
    if schema is not None and not schema.is_indexed:
        raise SchemaError(
            "The Schema describes a table with named columns. Got a matrix; use a DataFrame with "
            f"the columns {', '.join(column.name for column in schema.columns)}."
        )
    if schema is None:
        width = int(matrix.shape[1])
        fields = None if request.fields is None else field_numbers(request.fields, width)
        n_fields = 0 if fields is None or not width else int(fields.max()) + 1
        schema = Schema.indexed(width, n_fields, field_of=fields)
    return _keep(rows, schema, None, request)


def _table_schema(table: Table, request: _Request) -> tuple[Schema, Table]:
    """Return the Schema to encode a table with, fitted, and the table to encode."""
    schema = request.schema
    names = {what: request.name(what) for what in ("target", "weight", "group")}
    if schema is None:
        if names["target"] is None and request.labelled is not False and request.target is None:
            names["target"] = _guess_target(table.names, required=bool(request.labelled))
        schema = Schema.infer(table, **names)
        if request.labelled is False:
            schema = replace(schema, target=None)
    elif schema.is_indexed:
        raise SchemaError(
            "The model or Schema expects numbered features (libsvm, libffm or a matrix). "
            f"Got a table with the columns {', '.join(table.names[:10])}."
        )
    else:
        given: dict[str, Any] = {what: name for what, name in names.items() if name is not None}
        schema = replace(schema, **given)
    if schema.is_fitted:
        return schema, table
    others = [name for name in (schema.target, schema.weight, schema.group) if name is not None]
    coded = CodedTable(table, schema.columns, others)
    return schema.fit(coded), coded


def _guess_target(names: list[str], *, required: bool) -> str | None:
    for name in _TARGET_NAMES:
        if name in names:
            return name
    if required:
        raise SchemaError(
            "Which column is to be predicted? Name it as target. "
            f"The columns are {', '.join(map(repr, names))}."
        )
    return None


def _is_labelled(table: Table, schema: Schema, request: _Request) -> bool:
    """Return whether the table's own target is to be read."""
    labelled = request.labelled
    if labelled is None or (request.target is not None and request.name("target") is None):
        labelled = schema.target is not None and schema.target in table.names
    return labelled


def _encoded(table: Table, schema: Schema, request: _Request) -> Iterator[Rows]:
    labelled = _is_labelled(table, schema, request)
    any_rows = False
    for batch in table.batches():
        any_rows = True
        yield schema.encode(batch, labelled=labelled)
    if not any_rows:
        yield schema.encode(table.head(0), labelled=labelled)


def _from_table(table: Table, request: _Request) -> Dataset:
    schema, table = _table_schema(table, request)
    rows = Rows.concatenate(list(_encoded(table, schema, request)))
    return _keep(rows.with_(**request.arrays(rows.n_rows)), schema, None, request)


# -- files ----------------------------------------------------------------------------------------


def _from_stream(stream: Any, request: _Request) -> Dataset:
    """Copy a stream to a temporary file, because tables are read twice."""
    with tempfile.TemporaryDirectory(prefix="fieldfare-") as folder:
        path = os.path.join(folder, "stdin")
        with open(path, "wb") as file:
            shutil.copyfileobj(stream, file)
        return _from_paths([path], request)


def _from_paths(paths: list[str], request: _Request) -> Dataset:
    from fieldfare.data.sources import expand
    from fieldfare.data.store import RowStore
    from fieldfare.data.text import detect

    if len(paths) == 1 and (Path(paths[0]) / "header.json").is_file():
        return _from_store(RowStore.open(paths[0]), request)
    files = [str(file) for file in expand(paths)]
    for what in ("target", "weight", "group"):
        if getattr(request, what) is not None and request.name(what) is None:
            raise DataError(f"With files, {what} must be the name of a column. Got an array.")
    if is_parquet(files[0]) or detect(files[0]).kind == "csv":
        table = open_files(files)
        return _from_files(files, request, lambda: _open_and_encode(table, request))
    return _from_text(files, request)


def _open_and_encode(table: Table, request: _Request) -> tuple[Schema, Iterator[Rows]]:
    schema, table = _table_schema(table, request)
    return schema, _encoded(table, schema, request)


def _from_text(files: list[str], request: _Request) -> Dataset:
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
    )


def read_numbered(
    files: Sequence[str], schema: Schema | None, labelled: bool | None, n_threads: int | None
) -> Iterator[Rows]:
    """Yield the rows of libsvm or libffm text whose ids are those of a Schema.

    Where a Schema of a table is given and the text has no fields, the Schema tells them.
    """
    from fieldfare.data.text import read_text

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
    request: _Request,
    encode: Callable[[], tuple[Schema | None, Iterator[Rows]]],
) -> Dataset:
    """Encode files into memory if they are small, else into a RowStore in the cache."""
    from fieldfare.data.store import RowStore, cached

    if not request.cache or sum(os.path.getsize(file) for file in files) < SMALL_BYTES:
        schema, parts = encode()
        return _keep(Rows.concatenate(list(parts)), schema, None, _without_names(request))

    def build(path: Path) -> RowStore:
        schema, parts = encode()
        if schema is not None:
            return RowStore.build(parts, path, schema=schema)
        fields = _FieldOf()
        return RowStore.build(fields.watch(parts), path, schema=fields.schema)

    # The Schema is part of the key, and an unfitted one is not that of the Rows.
    return _from_store(cached(_key(files, request), build), _without_names(request))


def _without_names(request: _Request) -> _Request:
    """Return the request for rows that have their columns already."""
    return replace(request, target=None, weight=None, group=None)


def _key(files: list[str], request: _Request) -> str:
    """Return what decides the Rows of files: their content and the options, not their names."""
    from fieldfare.data.cache import file_fingerprint

    names = [request.name(what) for what in ("target", "weight", "group")]
    digest = None if request.schema is None else request.schema.digest
    options = repr((_ENCODING, names, request.labelled, digest))
    return hashlib.sha256(f"{file_fingerprint(files)} {options}".encode()).hexdigest()
