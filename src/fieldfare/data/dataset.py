"""Dataset: samples with their Schema; and the options that lead from a source to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fieldfare._typing import AnyArray, UInt16Array
from fieldfare.exceptions import DataError, SchemaError
from fieldfare.kernels.text import note_fields
from fieldfare.rows import Rows
from fieldfare.schema.schema import Schema
from fieldfare.sources.matrix import per_row

if TYPE_CHECKING:
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


@dataclass(frozen=True, eq=False)
class Request:
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


def keep(rows: Rows, own: Schema | None, store: RowStore | None, request: Request) -> Dataset:
    """Take Rows that are encoded already, by ``own`` or (``None``) with ids from elsewhere."""
    schema = own or request.schema
    if schema is None:
        fields = FieldsSeen()
        for _ in fields.watch([rows]):
            pass
        schema = fields.schema()
    rows = rows.with_(**request.arrays(rows.n_rows))
    if request.labelled and rows.target is None:
        raise DataError("The samples have no target. Give one, or pass labelled=False.")
    if request.labelled is False:
        rows = rows.with_(target=None)
    return Dataset(rows, schema, store)


def from_store(store: RowStore, request: Request) -> Dataset:
    """Take the Rows of a RowStore, whose Schema, if it has one, must be the one that is wanted."""
    check_same(store.schema, request.schema)
    return keep(store.rows, store.schema, store, request)


def check_same(own: Schema | None, wanted: Schema | None) -> None:
    """Refuse Rows whose ids mean something else than those of the wanted Schema."""
    if own is None or wanted is None or own is wanted or own.is_indexed or not wanted.is_fitted:
        return
    if own.digest != wanted.digest:
        raise SchemaError(
            "These Rows were encoded with another Schema, so their ids mean something else. "
            "Load the table that they came from instead."
        )


class FieldsSeen:
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
