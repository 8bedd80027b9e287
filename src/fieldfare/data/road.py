"""The road that samples take from a source to Rows: settle the Schema, encode batch by batch.

Training and prediction, one row and a million, pass here: `load` gathers the batches, `stream`
hands them on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np

from fieldfare.data.dataset import RelatedDataset
from fieldfare.data.headerless import TARGET, with_names_of, with_target_first
from fieldfare.data.side_tables import JoinedTable
from fieldfare.data.split_by import SplitBy
from fieldfare.exceptions import DataError, SchemaError
from fieldfare.rows import Rows
from fieldfare.schema.dictionary_encoded import DictionaryEncodedTable
from fieldfare.schema.hints import HINTS, NO_HINTS, Hints
from fieldfare.schema.numbered import FieldsSeen
from fieldfare.schema.schema import Schema
from fieldfare.sources.batch import Batch, column_at, is_position
from fieldfare.sources.reading import DETECTED, PARAMETERS, Reading
from fieldfare.sources.source import Numbered, Source, Table

ROLES = ("target", "weight", "group")
_TARGET_NAMES = ("target", "label")

Encoded = tuple[Callable[[], Schema], Iterator[Rows]]


@dataclass(frozen=True, eq=False)
class Options:
    """What is known of samples besides their source.

    Parameters
    ----------
    schema, target, weight, group, labelled, fields, cache, n_threads
        As for `fieldfare.data.loading.load`.
    hints : Hints
        What the user says about columns of a table.
    extend : bool
        Whether the Schema, a fitted one, learns the values that only these samples hold.
    join : bool
        Whether side tables are joined, rather than left for solvers that use them as they are.
    reading : Reading
        What the user says about the form of files.
    split_by : SplitBy or None
        The column that a validation part is to be held out by.
    """

    schema: Schema | None = None
    target: Any = None
    weight: Any = None
    group: Any = None
    labelled: bool | None = True
    fields: Any = None
    cache: bool = True
    n_threads: int | None = None
    hints: Hints = NO_HINTS
    extend: bool = False
    join: bool = True
    reading: Reading = DETECTED
    split_by: SplitBy | None = None

    @classmethod
    def of(cls, **given: Any) -> Options:
        """Return options from keywords, those of `Hints` and of `Reading` among them.

        Raises
        ------
        ConfigError
            If one of them has a value that is not allowed.
        """
        said = {name: given.pop(name) for name in HINTS if name in given}
        form = {name: given.pop(name) for name in PARAMETERS if name in given}
        records: dict[str, Any] = {"hints": Hints(**said), "reading": Reading(**form)}
        return cls(**records | given)

    @property
    def names(self) -> dict[str, str | int]:
        """The target, weight and group that are columns, by name or position."""
        given = {role: getattr(self, role) for role in ROLES}
        return {r: c for r, c in given.items() if isinstance(c, str) or is_position(c)}

    def names_in(self, table: Table) -> dict[str, str]:
        """Return the names of the columns of a table that are its target, weight and group.

        Raises
        ------
        SchemaError
            If there is no column at a position.
        """
        return {role: column_at(table.names, column) for role, column in self.names.items()}

    @property
    def expected_reading(self) -> Reading:
        """The form of files, with the names of columns that their header must have."""
        known = [] if self.schema is None else [column.name for column in self.schema.columns]
        roles = self.names.values()
        hinted = [*self.hints.categorical, *self.hints.numeric, *self.hints.ignore]
        split = [] if self.split_by is None else [self.split_by.column]
        named = [name for name in (*roles, *split) if isinstance(name, str)]
        return replace(self.reading, expected=frozenset([*known, *named, *hinted]))

    @property
    def arrays(self) -> dict[str, Any]:
        """The target, weight and group that hold one value per row."""
        given = {role: getattr(self, role) for role in ROLES if role not in self.names}
        return {role: values for role, values in given.items() if values is not None}

    @property
    def schema_is_indexed(self) -> bool:
        """Whether the given Schema is of numbered features."""
        return self.schema is not None and self.schema.is_indexed


def named(source: Source, options: Options) -> Source:
    """Return a source whose columns have the names that the options ask for, if it has none.

    Raises
    ------
    SchemaError
        If nothing says which column is which.
    """
    if not isinstance(source, Table) or source.has_names or options.schema_is_indexed:
        return source
    if options.schema is not None:
        return with_names_of(options.schema, source, labelled=options.labelled)
    if options.names.get("target") == TARGET:
        return source.named([TARGET, *source.names[1:]])
    is_assumed = options.target is None and options.labelled
    return with_target_first(source) if is_assumed else source


def encode(source: Source, options: Options) -> Encoded:
    """Return the samples of a source as Rows, batch by batch, and their Schema.

    Parameters
    ----------
    source : Source
        A table without a fitted Schema is read twice, so it must then be rereadable or fit into
        memory.
    options : Options

    Returns
    -------
    schema : function
        Returns the Schema, which for numbered features may be known once all batches have passed.
    batches : iterator of Rows

    Raises
    ------
    DataError
        If the source does not go with the options; faults of content are found when their batch
        is reached.
    """
    if isinstance(source, Table) and options.schema_is_indexed:
        source = source.as_numbered()
    if isinstance(source, Numbered):
        return _encode_numbered(source, options)
    assert isinstance(source, Table)
    settled, table = _settle(source, options)
    return (lambda: settled), _encode_table(table, settled, options)


def encode_related(table: JoinedTable, options: Options) -> RelatedDataset:
    """Return the samples of a table with side tables, each table encoded by itself.

    Raises
    ------
    DataError
        As `encode` does.
    """
    if options.schema_is_indexed:
        table.as_numbered()  # which it cannot be
    schema, _ = _settle(table, options)
    labelled = _is_labelled(table, schema, options)
    split_by = None if options.split_by is None else options.split_by.reader(table, schema)
    rows = table.related_rows(schema, labelled=labelled, split_by=split_by)
    return RelatedDataset(rows, schema)


def _settle(table: Table, options: Options) -> tuple[Schema, Table]:
    """Return the fitted Schema to encode a table with, and the table to encode.

    The Schema is the given one, or inferred; unless it is fitted already, it is fitted, and what
    that found out of the table is kept for encoding it.

    Raises
    ------
    DataError
        If columns are missing or do not fit their kind, or the fields do not fit the columns.
    """
    schema = _infer(table, options) if options.schema is None else options.schema
    if options.schema is not None:
        schema = schema.with_hints(options.hints)
    if options.schema is not None and options.names:
        roles = {role: getattr(schema, role) for role in ROLES} | options.names_in(table)
        schema = replace(schema, **roles)
    if options.fields is not None:
        if schema.is_fitted:
            raise DataError(
                "The Schema is fitted and says which field each column has. Leave out fields=, or "
                "change the Schema with its with_fields() before training."
            )
        schema = schema.with_fields(options.fields)
    if schema.is_fitted and not options.extend:
        return schema, table
    # The table is read twice, and its texts are looked up once.
    others = [name for name in (schema.target, schema.weight, schema.group) if name is not None]
    table = DictionaryEncodedTable(table, schema.columns, others, options.n_threads)
    if schema.is_fitted:
        return schema.extend_batches(table.batches(), options.n_threads), table
    return schema.fit_table(table, options.n_threads), table


def _infer(table: Table, options: Options) -> Schema:
    names = options.names_in(table)
    if "target" not in names and options.labelled is not False and options.target is None:
        names |= _guess_target(table.names, required=bool(options.labelled))
    target, weight, group = map(names.get, ROLES)
    if options.labelled and table.files and not set(table.names) - {target, weight, group}:
        raise SchemaError(
            f"{table.files[0]} holds the target only, and no column to predict it from. Add "
            "columns, or name the separator of its cells with sep= (--sep)."
        )
    schema = Schema.inferred(table, options.hints, target, weight, group)
    return replace(schema, target=None) if options.labelled is False else schema


def _guess_target(names: list[str], *, required: bool) -> dict[str, str]:
    for name in _TARGET_NAMES:
        if name in names:
            return {"target": name}
    if required:
        raise SchemaError(
            "Which column is to be predicted? Name it as target. "
            f"The columns are {', '.join(map(repr, names))}."
        )
    return {}


def _is_labelled(table: Table, schema: Schema, options: Options) -> bool:
    """Return whether the table's own target is to be read; where it has none, its weights."""
    if options.labelled is None or "target" in options.arrays:
        own = schema.weight if schema.target is None else schema.target
        return own is not None and own in table.names
    return options.labelled


def _encode_table(table: Table, schema: Schema, options: Options) -> Iterator[Rows]:
    """Yield the Rows of a table batch by batch, and at least once."""
    labelled = _is_labelled(table, schema, options)
    split_by = None if options.split_by is None else options.split_by.reader(table, schema)
    batches = table.batches()
    first = next(batches, None) or Batch(table.head(0))
    for batch in chain([first], batches):
        rows = schema.encode_batch(batch, labelled=labelled, n_threads=options.n_threads)
        yield rows if split_by is None else rows.with_(split_by=split_by(batch))


def _encode_numbered(source: Numbered, options: Options) -> Encoded:
    if options.fields is not None:
        source = source.with_fields(options.fields)
    options.hints.refuse(source.description)
    schema = options.schema
    if schema is not None and not schema.is_indexed:
        _check_ids_of_table(source, schema)
    batches = source.rows(labelled=options.labelled, n_threads=options.n_threads)
    if schema is not None:
        return (lambda: schema), (with_fields_of(schema, rows) for rows in batches)
    if source.ids is not None:
        ids = source.ids
        known = Schema.indexed(ids.n_features, ids.n_fields, field_of=ids.field_of)
        return (lambda: known), batches
    seen = FieldsSeen()

    def schema_seen() -> Schema:
        if source.files and not seen.n_features:
            raise DataError(
                f"{source.files[0]} holds no features, only targets. Add entries id:value to its "
                "lines."
            )
        return Schema.indexed(seen.n_features, seen.n_fields, field_of=seen.field_of)

    return schema_seen, seen.watch(batches)


def _check_ids_of_table(source: Numbered, schema: Schema) -> None:
    """Refuse numbers that cannot be the ids of a table's Schema."""
    columns = ", ".join(schema.names_in_table[:10])
    if not source.files:
        raise SchemaError(
            "The Schema describes a table with named columns. Got a matrix; use a DataFrame with "
            f"the columns {columns}."
        )
    if not schema.is_fitted:
        raise SchemaError(
            f"{source.files[0]} holds numbered features, and the Schema, not fitted yet, needs a "
            f"table with the columns {columns}."
        )


def with_fields_of(schema: Schema, rows: Rows) -> Rows:
    """Return numbered rows; where they have no fields, the Schema tells them."""
    if schema.n_fields == 0 or rows.fields is not None:
        return rows
    known = rows.indices < schema.n_features
    fields = np.zeros(len(rows.indices), np.uint16)
    fields[known] = schema.field_of[rows.indices[known]]
    return rows.with_(fields=fields)
