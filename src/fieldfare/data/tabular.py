"""Matrices and tables to Datasets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from fieldfare.data.dataset import Dataset, Request, keep
from fieldfare.exceptions import DataError, SchemaError
from fieldfare.rows import Rows
from fieldfare.schema.dictionary import CodedTable
from fieldfare.schema.schema import Schema
from fieldfare.sources.matrix import array_rows, field_numbers
from fieldfare.sources.tables import MemoryTable, Table, to_arrow
from fieldfare.store.append import gather

_TARGET_NAMES = ("target", "label")


def from_matrix(matrix: Any, request: Request) -> Dataset:
    """Take the columns of a matrix as features, or those of a matrix of texts as columns."""
    for what in ("target", "weight", "group"):
        if request.name(what) is not None:
            raise DataError(
                f"A matrix has no columns with names, so {what} must be an array. "
                f"Got {request.name(what)!r}."
            )
    if isinstance(matrix, np.ndarray) and matrix.ndim == 2 and matrix.dtype.kind in "OUS":
        columns = {f"x{i}": matrix[:, i].tolist() for i in range(matrix.shape[1])}
        if request.schema is None or not request.schema.is_indexed:
            return from_table(MemoryTable(to_arrow(columns)), request)
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
    return keep(rows, schema, None, request)


def table_schema(table: Table, request: Request) -> tuple[Schema, Table]:
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


def is_labelled(table: Table, schema: Schema, request: Request) -> bool:
    """Return whether the table's own target is to be read."""
    labelled = request.labelled
    if labelled is None or (request.target is not None and request.name("target") is None):
        labelled = schema.target is not None and schema.target in table.names
    return labelled


def encoded(table: Table, schema: Schema, request: Request) -> Iterator[Rows]:
    """Yield the Rows of a table batch by batch, and at least once."""
    labelled = is_labelled(table, schema, request)
    any_rows = False
    for batch in table.batches():
        any_rows = True
        yield schema.encode(batch, labelled=labelled)
    if not any_rows:
        yield schema.encode(table.head(0), labelled=labelled)


def from_table(table: Table, request: Request) -> Dataset:
    """Encode a table in memory, fitting a Schema first unless one was given."""
    schema, table = table_schema(table, request)
    rows = gather(encoded(table, schema, request))
    return keep(rows.with_(**request.arrays(rows.n_rows)), schema, None, request)
