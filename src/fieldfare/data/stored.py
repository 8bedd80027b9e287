"""Samples that are encoded already: Rows, a RowStore, a Dataset."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from fieldfare.data.dataset import Dataset, RelatedDataset
from fieldfare.data.options import Options
from fieldfare.exceptions import DataError, SchemaError
from fieldfare.rows import RelatedRows, Rows
from fieldfare.schema.numbered import FieldsSeen
from fieldfare.schema.schema import Schema
from fieldfare.store.files import is_store
from fieldfare.store.row_store import RowStore


def encoded_already(source: Any, options: Options) -> Dataset | None:
    """Return the Dataset of a source that is encoded already, ``None`` if it is not.

    Parameters
    ----------
    source : anything
        Rows, a RowStore or the path of one, a Dataset; or something else. Side tables are joined.
    options : Options

    Raises
    ------
    SchemaError
        If it was encoded with another Schema than the wanted one.
    DataError
        If the options are those of a source that has columns, or a target is wanted and missing.
    """
    path = source[0] if isinstance(source, (list, tuple)) and len(source) == 1 else source
    if isinstance(path, (str, os.PathLike)) and is_store(Path(path)):
        source = RowStore.open(path)
    if isinstance(source, RelatedDataset):
        source = Dataset(source.rows.join(), source.schema)
    elif isinstance(source, RelatedRows):
        source = source.join()
    if not isinstance(source, (Dataset, RowStore, Rows)):
        return None
    if options.fields is not None:
        raise DataError(
            "These samples are encoded already, with the fields that they have. Leave out fields=."
        )
    if isinstance(source, RowStore):
        return from_store(source, options)
    if not isinstance(source, Dataset):
        source = Dataset(source, options.schema or schema_of(source))
    _check_same(source.schema, options.schema)
    return finish(source, options)


def from_store(store: RowStore, options: Options) -> Dataset:
    """Return the samples of a RowStore, whose Schema, if it has one, must be the wanted one."""
    own = store.schema
    if own is not None:
        _check_same(own, options.schema)
    return finish(
        Dataset(store.rows, own or options.schema or schema_of(store.rows), store), options
    )


def finish(data: Dataset, options: Options) -> Dataset:
    """Return encoded samples with the targets, weights and groups that were given as arrays.

    Raises
    ------
    DataError
        If there is not one number per row, or no target where one is wanted.
    """
    return replace(data, rows=_with_roles(data.rows, options))


def finish_related(rows: RelatedRows, schema: Schema, options: Options) -> RelatedDataset:
    """Return encoded samples with side tables as `finish` does others."""
    return RelatedDataset(replace(rows, own=_with_roles(rows.own, options)), schema)


def _with_roles(rows: Rows, options: Options) -> Rows:
    rows = rows.with_(**options.arrays(rows.n_rows))
    if options.labelled and rows.target is None:
        raise DataError("The samples have no target. Give one, or pass labelled=False.")
    return rows.with_(target=None) if options.labelled is False else rows


def schema_of(rows: Rows) -> Schema:
    """Return the Schema of Rows with ids from elsewhere: their number, and their fields."""
    seen = FieldsSeen()
    for _ in seen.watch([rows]):
        pass
    return Schema.indexed(seen.n_features, seen.n_fields, field_of=seen.field_of)


def _check_same(own: Schema, wanted: Schema | None) -> None:
    """Refuse Rows whose ids mean something else than those of the wanted Schema."""
    if wanted is None or own is wanted or own.is_indexed or not wanted.is_fitted:
        return
    if own.digest != wanted.digest:
        raise SchemaError(
            "These Rows were encoded with another Schema, so their ids mean something else. "
            "Load the table that they came from instead."
        )
