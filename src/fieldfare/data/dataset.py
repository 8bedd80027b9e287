"""Dataset: samples with their Schema."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from fieldfare.rows import RelatedRows, Rows
from fieldfare.schema.schema import Schema
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


AnyDataset: TypeAlias = Dataset | RelatedDataset
