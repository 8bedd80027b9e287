"""A table with side tables: rows name a user or an item, whose columns stand elsewhere.

Everything that reads tables takes a `JoinedTable` and finds the joined columns in it, batch by
batch. Coordinate descent and Gibbs sampling never join: `related_rows` encodes each table by
itself, and rows refer to rows of the side tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from fieldfare._arguments import checked
from fieldfare._typing import Int64Array
from fieldfare.exceptions import DataError, SchemaError
from fieldfare.rows import RelatedRows, Relation, Rows
from fieldfare.schema.schema import Schema
from fieldfare.sources.batch import Batch
from fieldfare.sources.formats import open_table
from fieldfare.sources.side_table import SideTable
from fieldfare.sources.source import Table


class JoinedTable(Table):
    """A table some of whose columns are keys of side tables, as if all were joined.

    Parameters
    ----------
    table : DataFrame, Arrow table, path or anything else that holds a table
        One row per sample.
    sides : mapping from column to table
        Under the name of each key column, a table that has it too, with one row per key; its
        other columns become columns of the samples. Keys that it lacks have no values there.

    Raises
    ------
    SchemaError
        If a key column is missing, or two tables have another column in common.
    DataError
        If a key occurs twice, or is missing, in its side table, or ``sides`` is no mapping.

    Examples
    --------
    >>> ratings = {"user": ["a", "b"], "film": ["x", "x"], "stars": [3, 4]}
    >>> table = JoinedTable(ratings, {"user": {"user": ["a", "b"], "age": [31, 55]}})
    >>> table.names
    ['user', 'film', 'stars', 'age']
    """

    @checked
    def __init__(self, table: Any, sides: Mapping[str, Any]) -> None:
        if not isinstance(sides, Mapping):
            raise DataError(
                "Side tables are a mapping from key column to table, such as {'user': users}. Got "
                f"{type(sides).__name__}."
            )
        self._main = open_table(table)
        self.description = "JoinedTable"
        self.is_rereadable = self._main.is_rereadable
        self.names = list(self._main.names)
        self._sides: dict[str, SideTable] = {}
        texts = _untyped(self._main)
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
            self._sides[key] = SideTable(opened, key)
            texts |= _untyped(opened) - {key}
        # Texts of files without types may stand for numbers, whatever the other tables are.
        self.mixed = frozenset(texts)

    def batches(self) -> Iterator[Batch]:
        """Yield the joined rows in order, in batches of bounded size."""
        for batch in self._main.batches():
            yield self._join(batch)

    @checked
    def head(self, n: int) -> Any:
        """Return the first rows; of a table that is read once, they are kept for `batches`."""
        return self._join(Batch(self._main.head(n))).data

    def _join(self, batch: Batch) -> Batch:
        columns, names = list(batch.data.columns), list(batch.data.schema.names)
        for key, side in self._sides.items():
            columns += side.take(side.codes(batch.data.column(key)))
            names += side.names
        return batch.with_columns(names, columns)

    @checked
    def related_rows(
        self,
        schema: Schema,
        *,
        labelled: bool = True,
        split_by: Callable[[Batch], Int64Array] | None = None,
    ) -> RelatedRows:
        """Return the samples encoded, with references to the encoded side tables.

        Parameters
        ----------
        schema : Schema
            Fitted to the joined columns.
        labelled : bool
            Whether to read the target, which must then be there.
        split_by : callable, optional
            Reads what samples are split by from the joined columns.
        """
        known = set(schema.names_in_table)
        own = [name for name in self._main.names if name in known]
        parts, codes = [], {key: [np.zeros(0, np.uint32)] for key in self._sides}
        for batch in self._main.batches():
            rows = schema.encode_batch(batch, labelled=labelled, columns=own)
            if split_by is not None:
                rows = rows.with_(split_by=split_by(self._join(batch)))
            parts.append(rows)
            for key, found in codes.items():
                found.append(self._sides[key].codes(batch.data.column(key)))
        main = Rows.concatenate(parts)
        bare = replace(schema, target=None, weight=None, group=None)
        relations = []
        for key, side in self._sides.items():
            columns = [name for name in side.names if name in known]
            rows = bare.encode(side.table, labelled=False, columns=columns)
            relations.append(Relation(np.concatenate(codes[key]), rows))
        return RelatedRows(main, tuple(relations))


def _untyped(table: Table) -> set[str]:
    """Return the columns of a table whose texts may stand for numbers."""
    return set(table.names if table.untyped else table.mixed)
