"""Dataset: samples with their Schema, and everything that is encoded already as one."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from fieldfare._arguments import checked
from fieldfare.exceptions import SchemaError
from fieldfare.rows import RelatedRows, Rows
from fieldfare.schema.numbered import FieldsSeen
from fieldfare.schema.schema import Schema
from fieldfare.store.files import is_store
from fieldfare.store.row_store import RowStore


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

    def with_(self, **arrays: Any) -> Dataset:
        """Return the samples with another target, weight or group, of shape (n_rows,) or None."""
        return replace(self, rows=self.rows.with_(**arrays))


Dataset.__init__ = checked(Dataset.__init__)  # type: ignore[method-assign]


@dataclass(frozen=True, eq=False)
class RelatedDataset:
    """Samples with side tables that are not joined, and what they mean.

    Parameters
    ----------
    rows : RelatedRows
    schema : Schema
        Of the joined table: ids are the same either way.
    """

    rows: RelatedRows
    schema: Schema
    store: None = None

    def __len__(self) -> int:
        return self.rows.n_rows

    def with_(self, **arrays: Any) -> RelatedDataset:
        """Return the samples with another target, weight or group, of shape (n_rows,) or None."""
        return replace(self, rows=self.rows.with_(**arrays))

    def join(self) -> Dataset:
        """Return the same samples with the entries of the side tables as their own."""
        return Dataset(self.rows.join(), self.schema)


AnyDataset: TypeAlias = Dataset | RelatedDataset


def as_dataset(source: Any, schema: Schema | None = None) -> AnyDataset | None:
    """Return what is encoded already as a Dataset, anything else as ``None``.

    Parameters
    ----------
    source : anything
        Rows, with or without side tables, a RowStore or the path of one, a Dataset; or something
        else.
    schema : Schema or None
        What the ids are to mean; of samples without a Schema it says what they mean, by default
        numbered features.

    Raises
    ------
    SchemaError
        If the samples were encoded with another Schema.
    StoreError
        If a RowStore is damaged.
    """
    path = source[0] if isinstance(source, (list, tuple)) and len(source) == 1 else source
    if isinstance(path, (str, os.PathLike)) and is_store(Path(path)):
        source = RowStore.open(path)
    if isinstance(source, (Rows, RelatedRows)):
        rows, own = source, None
    elif isinstance(source, (Dataset, RelatedDataset, RowStore)):
        rows, own = source.rows, source.schema
    else:
        return None
    if own is None:
        own = schema or _numbered_schema(rows)
    elif schema is not None:
        _check_same(own, schema)
    if isinstance(rows, RelatedRows):
        return RelatedDataset(rows, own)
    store = source if isinstance(source, RowStore) else getattr(source, "store", None)
    return Dataset(rows, own, store)


def _numbered_schema(rows: Rows | RelatedRows) -> Schema:
    """Return the Schema of Rows with ids from elsewhere: their number, and their fields."""
    seen = FieldsSeen()
    if isinstance(rows, RelatedRows):
        # All of the side tables, so that features do not depend on which rows are referred to.
        for relation in rows.relations:
            seen.note(relation.rows)
        rows = rows.own
    seen.note(rows)
    return Schema.indexed(seen.n_features, seen.n_fields, field_of=seen.field_of)


def _check_same(own: Schema, wanted: Schema) -> None:
    """Refuse Rows whose ids mean something else than those of the wanted Schema."""
    if own is wanted or own.is_indexed or not wanted.is_fitted:
        return
    if own.digest != wanted.digest:
        raise SchemaError(
            "These Rows were encoded with another Schema, so their ids mean something else. "
            "Load the table that they came from instead."
        )
