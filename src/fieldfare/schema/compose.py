"""Tables made column by column, each column saying in its metadata what it means."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fieldfare._optional import require
from fieldfare._typing import AnyArray, Float64Array, Int64Array
from fieldfare.exceptions import SchemaError
from fieldfare.schema import canonical
from fieldfare.schema.column import Column
from fieldfare.schema.infer import DECLARED, infer_column
from fieldfare.schema.text_types import type_texts
from fieldfare.sources.arrow import one_array
from fieldfare.sources.batch import SourceLocation
from fieldfare.sources.formats import open_table

WEIGHT_SEPARATOR = ":"


def read(source: Any) -> Any:
    """Return any table as one pyarrow Table; the columns of untyped files get their types."""
    pa = require("pyarrow", "tables")
    table = open_table(source)
    whole = pa.Table.from_batches([b.data for b in table.batches()] or [table.head(0)])
    if not table.untyped:
        return whole
    columns = [type_texts(one_array(column)) for column in whole.columns]
    return pa.Table.from_arrays(columns, names=whole.column_names)


def table_of(columns: Mapping[str, tuple[Any, Column | None]]) -> Any:
    """Return a pyarrow Table of columns; those with a `Column` carry it in their metadata.

    `Schema.infer` reads it there, also from Parquet files, so that the command line needs no more.
    """
    pa = require("pyarrow", "tables")
    fields, arrays = [], []
    for name, (array, column) in columns.items():
        declared = None if column is None else {DECLARED: json.dumps(column.to_json()).encode()}
        array = array if hasattr(array, "type") else pa.array(array)
        fields.append(pa.field(name, array.type, metadata=declared))
        arrays.append(array)
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def column_of(table: Any, name: str) -> Any:
    """Return one column of a pyarrow Table as one Arrow array.

    Raises
    ------
    SchemaError
        If there is no such column.
    """
    if name not in table.column_names:
        raise SchemaError(
            f"There is no column {name!r}. The columns are "
            f"{', '.join(map(repr, table.column_names))}."
        )
    return one_array(table.column(name))


def infer(table: Any, name: str) -> Column:
    """Return what one column of a pyarrow Table looks like."""
    return infer_column(name, column_of(table, name))


def positions(array: Any, names: Any = None) -> tuple[Int64Array, Any]:
    """Return the place of each cell among distinct texts.

    Parameters
    ----------
    array : Arrow array
    names : Arrow array of distinct texts, or None
        By default those of the column.

    Returns
    -------
    places : int64 array
        -1 where the cell is missing or not among the names.
    names : Arrow array of large strings
    """
    pc = require("pyarrow.compute", "tables")
    codes, uniques = canonical.dictionary(array)
    if names is None:
        names = pc.unique(pc.drop_null(uniques))
    found = pc.fill_null(pc.index_in(uniques, value_set=names), -1)
    return np.append(found.to_numpy(zero_copy_only=False).astype(np.int64), -1)[codes], names


def positions_together(arrays: Sequence[Any]) -> tuple[list[Int64Array], Any]:
    """Return the place of each cell of several columns among the distinct texts of all of them.

    Returns
    -------
    places : list of int64 arrays
        -1 where the cell is missing.
    names : Arrow array of large strings
        In order of first appearance.
    """
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    names = pc.unique(pa.concat_arrays([positions(array)[1] for array in arrays]))
    return [positions(array, names)[0] for array in arrays], names


def numbers(table: Any, name: str) -> Float64Array:
    """Return one column as float64 (dates: seconds since 1970), none of them missing.

    Raises
    ------
    SchemaError
        If a cell is missing or no number, naming its row.
    """
    x = canonical.numbers(column_of(table, name), SourceLocation(), name)
    if np.isnan(x).any():
        raise SourceLocation().error(
            int(np.argmax(np.isnan(x))), name, "a number is needed here.", ""
        )
    return x


def weighted_lists(indptr: Int64Array, names: Any, codes: Int64Array, weights: AnyArray) -> Any:
    """Return an Arrow column of lists of texts ``name:weight``, for ``Column.weight_separator``."""
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    # Few of the pairs are distinct, and only those become text.
    narrow = np.asarray(weights, np.float32)
    encoded = pa.array(codes.astype(np.int64) << 32 | narrow.view(np.uint32)).dictionary_encode()
    pairs = encoded.dictionary.to_numpy(zero_copy_only=False)
    weight = (pairs & 0xFFFFFFFF).astype(np.uint32).view(np.float32)
    words = pc.binary_join_element_wise(
        names.take(pa.array(pairs >> 32)),
        pc.cast(pa.array(weight), pa.large_string()),
        pa.scalar(WEIGHT_SEPARATOR, pa.large_string()),
    )
    return pa.LargeListArray.from_arrays(pa.array(indptr), words.take(encoded.indices))


def crossed(parts: Sequence[Any]) -> Any:
    """Return the cells of several columns as one text, ``a & b``; missing if one of them is."""
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    large = pa.large_string()
    arrays = [canonical.texts(part if hasattr(part, "type") else pa.array(part)) for part in parts]
    return pc.binary_join_element_wise(*arrays, pa.scalar(" & ", large))


def take(array: Any, places: Int64Array) -> Any:
    """Return cells of an Arrow array; missing where the place is -1."""
    pa = require("pyarrow", "tables")
    return array.take(pa.array(places, mask=places < 0))
