"""A side table in memory, whose rows the samples of another table name by a key."""

from __future__ import annotations

from typing import Any

from fieldfare._optional import require
from fieldfare._typing import UInt32Array
from fieldfare.exceptions import DataError, SchemaError
from fieldfare.sources.arrow import numpy_of, one_array
from fieldfare.sources.batch import stacked
from fieldfare.sources.source import Table


class SideTable:
    """The columns of a side table, with a row of missing values at the end for unknown keys.

    Parameters
    ----------
    table : Table
        With one row per key.
    key : str
        Its column of keys.

    Raises
    ------
    DataError
        If a key is missing or occurs twice.
    """

    def __init__(self, table: Table, key: str) -> None:
        pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
        self.names = [name for name in table.names if name != key]
        whole = stacked([batch.data for batch in table.batches()])
        keys, *columns = (_decoded(one_array(whole.column(name))) for name in (key, *self.names))
        if keys.null_count or len(pc.unique(keys)) < len(keys):
            raise DataError(
                f"Every key must occur exactly once in its side table. The column {key!r} has "
                + ("missing keys." if keys.null_count else "keys that occur twice.")
            )
        self._key, self._keys = key, keys
        filled = [pa.concat_arrays([c, pa.nulls(1, c.type)]) for c in (keys, *columns)]
        self.table = pa.Table.from_arrays(filled, names=[key, *self.names])

    def codes(self, keys: Any) -> UInt32Array:
        """Return the row that each key of an Arrow array names; the last is for unknown keys."""
        pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
        keys = _decoded(keys)
        try:
            found = pc.index_in(pc.cast(keys, self._keys.type), value_set=self._keys)
        except pa.ArrowException as error:
            raise SchemaError(
                f"The keys {self._key!r} are {keys.type} in the table and {self._keys.type} in its "
                f"side table, and cannot be compared: {error}"
            ) from error
        codes: UInt32Array = numpy_of(pc.fill_null(found, len(self._keys))).astype("uint32")
        return codes

    def take(self, codes: UInt32Array) -> list[Any]:
        """Return the columns of the rows that the codes name, as Arrow arrays."""
        pa = require("pyarrow", "tables")
        rows = pa.array(codes)
        return [one_array(self.table.column(name)).take(rows) for name in self.names]


def _decoded(array: Any) -> Any:
    """Return an Arrow array with its values in place of codes."""
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    is_coded = pa.types.is_dictionary(array.type)
    return pc.cast(array, array.type.value_type) if is_coded else array
