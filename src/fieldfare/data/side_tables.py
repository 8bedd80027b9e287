"""A table with side tables: rows name a user or an item, whose columns stand elsewhere.

Everything that reads tables takes a `JoinedTable` and finds the joined columns in it, batch by
batch. Coordinate descent and Gibbs sampling never join: `related_rows` encodes each table by
itself, and rows refer to rows of the side tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from fieldfare._optional import require
from fieldfare._typing import UInt32Array
from fieldfare.exceptions import DataError, SchemaError
from fieldfare.rows import RelatedRows, Relation, Rows
from fieldfare.schema.schema import Schema
from fieldfare.sources.arrow import numpy_of
from fieldfare.sources.batch import Batch
from fieldfare.sources.tables import first_rows, open_table


class JoinedTable:
    """A table some of whose columns are keys of side tables, as if all were joined.

    Parameters
    ----------
    table : DataFrame, Arrow table, path or anything else that holds a table
        One row a sample.
    sides : mapping from column to table
        Under the name of each key column, a table that has it too, with one row for each key;
        its other columns become columns of the samples. Keys that it lacks have no values there.

    Raises
    ------
    SchemaError
        If a key column is missing, or two tables have another column in common.
    DataError
        If a key occurs twice, or is missing, in its side table.

    Examples
    --------
    >>> ratings = {"user": ["a", "b"], "film": ["x", "x"], "stars": [3, 4]}
    >>> table = JoinedTable(ratings, {"user": {"user": ["a", "b"], "age": [31, 55]}})
    >>> table.names
    ['user', 'film', 'stars', 'age']
    """

    def __init__(self, table: Any, sides: Mapping[str, Any]) -> None:
        self._main = open_table(table)
        self.untyped = False
        self.names = list(self._main.names)
        self._sides: dict[str, Any] = {}
        for key, side in sides.items():
            opened = open_table(side)
            for owner, names in (("table", self._main.names), ("side table", opened.names)):
                if key not in names:
                    raise SchemaError(
                        f"The {owner} has no column {key!r} to join by. Its columns are "
                        f"{', '.join(names)}."
                    )
            others = [name for name in opened.names if name != key]
            twice = set(others) & set(self.names)
            if twice:
                raise SchemaError(
                    f"The column {sorted(twice)[0]!r} is in the side table of {key!r} and in "
                    "another table too. Rename one of them."
                )
            self.names += others
            self._sides[key] = _whole(opened, key, others)

    def batches(self) -> Iterator[Batch]:
        """Yield the joined rows in order, in batches of bounded size."""
        pa = require("pyarrow", "tables")
        for batch in self._main.batches():
            columns, names = list(batch.data.columns), list(batch.data.schema.names)
            for key, side in self._sides.items():
                codes = pa.array(self._codes(key, batch.data.column(key)))
                part = side.drop_columns([key]).take(codes).combine_chunks()
                columns += [_flat(column) for column in part.columns]
                names += part.column_names
            yield replace(batch, data=pa.RecordBatch.from_arrays(columns, names=names))

    def head(self, n: int) -> Any:
        """Return the first joined rows."""
        return first_rows(self.names, self.batches(), n)

    def related_rows(self, schema: Schema, *, labelled: bool = True) -> RelatedRows:
        """Return the samples encoded, with references to the encoded side tables.

        Parameters
        ----------
        schema : Schema
            Fitted to the joined columns.
        labelled : bool
            Whether to read the target, which must then be there.
        """
        known = {column.name for column in schema.columns}
        own = [name for name in self._main.names if name in known]
        parts, codes = [], {key: [np.zeros(0, np.uint32)] for key in self._sides}
        for batch in self._main.batches():
            parts.append(schema.encode(batch, labelled=labelled, columns=own))
            for key, found in codes.items():
                found.append(self._codes(key, batch.data.column(key)))
        main = Rows.concatenate(parts)
        bare = replace(schema, target=None, weight=None, group=None)
        relations = []
        for key, side in self._sides.items():
            columns = [name for name in side.column_names if name != key and name in known]
            rows = bare.encode(side, labelled=False, columns=columns)
            relations.append(Relation(np.concatenate(codes[key]), rows))
        arrays = (main.indptr, main.indices, main.values, main.fields)
        labels = (main.target, main.weight, main.group)
        return RelatedRows(*arrays, *labels, relations=tuple(relations))

    def _codes(self, key: str, column: Any) -> UInt32Array:
        """Return the row of the side table that each key names; the last is for unknown keys."""
        pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
        keys = self._sides[key].column(key).combine_chunks()
        known = _flat(keys)[:-1]
        if pa.types.is_dictionary(column.type):
            column = pc.cast(column, column.type.value_type)
        try:
            found = pc.index_in(pc.cast(column, known.type), value_set=known)
        except pa.ArrowException as error:
            raise SchemaError(
                f"The keys {key!r} are {column.type} in the table and {known.type} in its side "
                f"table, and do not compare: {error}"
            ) from error
        return numpy_of(pc.fill_null(found, len(known))).astype(np.uint32)


def _whole(table: Any, key: str, others: list[str]) -> Any:
    """Return a side table in memory, with a row without values at the end."""
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    whole = pa.Table.from_batches([batch.data for batch in table.batches()])
    whole = whole.select([key, *others])
    columns = []
    for column in whole.columns:
        flat = _flat(column.combine_chunks())
        if pa.types.is_dictionary(flat.type):
            flat = pc.cast(flat, flat.type.value_type)
        columns.append(flat)
    keys = columns[0]
    if keys.null_count or len(pc.unique(keys)) < len(keys):
        raise DataError(
            f"Every key must stand once in its side table. The column {key!r} has "
            + ("missing keys." if keys.null_count else "keys that occur twice.")
        )
    filled = [pa.concat_arrays([column, pa.nulls(1, column.type)]) for column in columns]
    return pa.Table.from_arrays(filled, names=whole.column_names)


def _flat(column: Any) -> Any:
    """Return a column as one array."""
    pa = require("pyarrow", "tables")
    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)
