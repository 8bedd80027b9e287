"""Tables made column by column, each column saying in its metadata what it means."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping, Sequence
from typing import Any

import numpy as np

from fieldfare._optional import require
from fieldfare._typing import AnyArray, Float64Array, Int64Array
from fieldfare._validation import quoted, shown
from fieldfare.exceptions import SchemaError
from fieldfare.schema import canonical
from fieldfare.schema.calendar import MISSING, ODD
from fieldfare.schema.column import Column
from fieldfare.schema.infer import DECLARED, infer_column
from fieldfare.schema.missing import NOTHING
from fieldfare.schema.moments import moments_of
from fieldfare.schema.text_types import type_texts
from fieldfare.sources.arrow import column_of as arrow_of
from fieldfare.sources.arrow import is_list, is_text, numpy_of, one_array
from fieldfare.sources.batch import SourceLocation
from fieldfare.sources.formats import open_table

WEIGHT_SEPARATOR = ":"
_EXACT = float(2**53)


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
            f"There is no column {name!r}. The columns are {quoted(table.column_names)}."
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


def ids(array: Any) -> AnyArray | None:
    """Return a column of ids as int64 if it holds whole numbers, else as canonical texts.

    Returns
    -------
    int64 or str array, or None
        None if a cell is missing.
    """
    pa = require("pyarrow", "tables")
    if array.null_count:
        return None
    if pa.types.is_integer(array.type) or pa.types.is_floating(array.type):
        x = numpy_of(array)
        if np.isnan(x).any():
            return None
        if len(x) and (np.abs(x) < _EXACT).all() and (np.floor(x) == x).all():
            return x.astype(np.int64)
        if pa.types.is_integer(array.type) and x.dtype != np.uint64:
            return x.astype(np.int64)
    return np.asarray(canonical.texts(array, NOTHING).to_pylist(), str)


def text_of_cell(value: Any) -> str | None:
    """Return the canonical text of one value of any type; None if it is missing."""
    try:
        return canonical.text_of(value, NOTHING)
    except ValueError:
        text: str | None = canonical.texts(arrow_of([value]), NOTHING)[0].as_py()
        return text


def number_of_cell(value: Any, name: str) -> float | None:
    """Return one number, or a date as seconds since 1970; None for None.

    Raises
    ------
    SchemaError
        If it is neither, or missing in another way.
    """
    if value is None or isinstance(value, (int, float)):
        return None if value is None else float(value)
    array = arrow_of([value])
    found = float(_moments_or_numbers(array, name)[0])
    if np.isnan(found):
        raise SchemaError(f"Column {name!r} is compared with numbers or dates. Got {shown(value)}.")
    return found


def numbers_or_missing(table: Any, name: str) -> Float64Array:
    """Return one column as float64 (dates: seconds since 1970), NaN where missing.

    Texts may be dates, with the year first.

    Raises
    ------
    SchemaError
        If it holds neither numbers nor dates.
    """
    return _moments_or_numbers(column_of(table, name), name)


def holds_dates(table: Any, name: str) -> bool:
    """Return whether a column is of a type of dates or times."""
    return bool(require("pyarrow", "tables").types.is_temporal(column_of(table, name).type))


def _moments_or_numbers(array: Any, name: str) -> Float64Array:
    """Return numbers, or moments as seconds since 1970, NaN where missing."""
    if is_text(array.type):
        moments = moments_of(array, "ymd")
        known = moments.state != MISSING
        if known.any() and (moments.state != ODD)[known].all():
            return np.where(known, moments.ticks / 1e6, np.nan)
    return canonical.numbers(array, SourceLocation(), name)


def tokens(
    table: Any, name: str, column: Column | None
) -> tuple[Int64Array | None, Int64Array, dict[str | None, int]]:
    """Cut the cells of a column into values.

    Parameters
    ----------
    table : pyarrow Table
    name : str
    column : Column or None
        Says whether cells hold several values, and how they are separated. Lists always do.

    Returns
    -------
    row : int64 array, or None
        Row of each value; None if each row has one.
    codes : int64 array
        Number of the text of each value.
    places : dict from canonical text to number
    """
    array = column_of(table, name)
    several = is_list(array.type) or (column is not None and column.kind in ("multi", "text"))
    if not several:
        row, (codes, found) = None, canonical.dictionary(array, NOTHING)
    else:
        separator = None if column is None else column.separator
        is_text = column is not None and column.kind == "text"
        codes, found, row, _ = canonical.split_cells(array, separator, is_text, NOTHING)
    texts = found.to_pylist()
    if column is not None and several and column.weight_separator:
        texts = [text.rpartition(column.weight_separator)[0] or text for text in texts]
    distinct = {text: code for code, text in enumerate(dict.fromkeys(texts))}
    # Missing cells, whose code is the first beyond, keep a number of their own.
    numbered = np.array([distinct[text] for text in texts] + [len(distinct)], np.int64)
    return row, numbered[codes], distinct


def put_rows(table: Any, places: Int64Array, more: Any, mixed: Container[str] = ()) -> Any:
    """Return a table with rows of another put at places, which may go on at the end.

    Columns that only one of the two has are empty in the rows of the other.

    Parameters
    ----------
    table : pyarrow Table
    places : int64 array of shape (n,)
    more : pyarrow Table of n rows
    mixed : names of columns
        Of values that are names, which become text where the types of the two do not go together.

    Raises
    ------
    SchemaError
        If a cell cannot be read as what its column holds.
    """
    pa = require("pyarrow", "tables")
    names = list(dict.fromkeys([*table.column_names, *more.column_names]))
    columns = []
    for name in names:
        parts = [
            column_of(part, name) if name in part.column_names else pa.nulls(part.num_rows)
            for part in (table, more)
        ]
        kind = next((p.type for p in parts if not pa.types.is_null(p.type)), pa.null())
        if any(p.type != kind and not pa.types.is_null(p.type) for p in parts):
            kind = _common_type([p.type for p in parts])
            if kind == pa.large_string() and (name in mixed or _is_text(parts[0].type)):
                parts = [canonical.texts(p, NOTHING) for p in parts]
            elif kind == pa.large_string():
                parts[1] = _as_held(parts[0].type, canonical.texts(parts[1], NOTHING), name)
                kind = _common_type([p.type for p in parts])
        columns.append(pa.concat_arrays([p.cast(kind, safe=False) for p in parts]))
    order = np.arange(max(table.num_rows, int(places.max(initial=-1)) + 1))
    order[places] = table.num_rows + np.arange(more.num_rows)
    return pa.Table.from_arrays(columns, names=names).take(order)


def _as_held(kind: Any, texts: Any, name: str) -> Any:
    """Return texts as what a column holds.

    One odd cell must not make texts out of all others, which answers and filters rely on.

    Raises
    ------
    SchemaError
        If one of them cannot be read so.
    """
    pa = require("pyarrow", "tables")
    for wanted in (kind, pa.float64()) if pa.types.is_integer(kind) else (kind,):
        try:
            return texts.cast(wanted)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            continue
    first = next((cell for cell in texts.to_pylist() if cell is not None), None)
    raise SchemaError(
        f"Column {name!r} holds values of type {kind}, which {shown(first)} or another cell of the "
        "new rows is not."
    )


def _is_text(kind: Any) -> bool:
    pa = require("pyarrow", "tables")
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind)
    )


def _common_type(kinds: Sequence[Any]) -> Any:
    pa = require("pyarrow", "tables")
    if all(pa.types.is_integer(kind) for kind in kinds):
        return pa.int64()
    if all(pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in kinds):
        return pa.float64()
    return pa.large_string()


def to_bytes(table: Any) -> AnyArray:
    """Return a table as an Arrow IPC stream, uint8 of shape (n_bytes,)."""
    pa, ipc = require("pyarrow", "tables"), require("pyarrow.ipc", "tables")
    sink = pa.BufferOutputStream()
    with ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table.combine_chunks())
    return np.frombuffer(sink.getvalue(), np.uint8)


def from_bytes(data: AnyArray) -> Any:
    """Return the table that `to_bytes` wrote, checked in full; None if it is none."""
    pa, ipc = require("pyarrow", "tables"), require("pyarrow.ipc", "tables")
    try:
        with ipc.open_stream(pa.py_buffer(data)) as stream:
            table = stream.read_all()
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError):
        return None
    return table
