"""Arrow arrays and scalars of plain values, and plain values of Arrow arrays.

pyarrow's own `array` and `scalar` first import pandas wherever it is installed, which takes longer
than reading a small file; these build the same from buffers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import numpy as np

from fieldfare._optional import require
from fieldfare._typing import AnyArray
from fieldfare._validation import shown
from fieldfare.exceptions import DataError, SchemaError

_MIXED = {b"fieldfare.mixed": b"text"}
_GLIMPSE = 100
_DEEPEST = 32
_NESTED = (list, tuple, set, frozenset, Mapping, np.ndarray)
FEW = 32
"""So few values are faster looked at one by one than by a kernel of Arrow."""


def array_of(numbers: AnyArray) -> Any:
    """Return numbers or booleans as an Arrow array without nulls."""
    pa = require("pyarrow", "tables")
    data = np.ascontiguousarray(numbers)
    if data.dtype == np.bool_:
        bits = np.packbits(data, bitorder="little")
        return pa.Array.from_buffers(pa.bool_(), len(data), [None, pa.py_buffer(bits)])
    kind = pa.from_numpy_dtype(data.dtype)
    return pa.Array.from_buffers(kind, len(data), [None, pa.py_buffer(data)])


def texts_or_nulls(texts: Sequence[str | None]) -> Any:
    """Return texts as an Arrow array of strings, null where there is none."""
    pa = require("pyarrow", "tables")
    return pa.array(texts, pa.string())


def texts_of(texts: Sequence[str]) -> Any:
    """Return texts as an Arrow array of large strings without nulls."""
    pa = require("pyarrow", "tables")
    encoded = [text.encode() for text in texts]
    offsets = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum([len(text) for text in encoded], out=offsets[1:])
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.large_string(), len(encoded), buffers)


@lru_cache(maxsize=256)
def scalar_of(value: str | float | None, kind: Any) -> Any:
    """Return a text, a number or (``None``) a null of an Arrow type."""
    pa = require("pyarrow", "tables")
    if value is None:
        return pa.nulls(1, kind)[0]
    if isinstance(value, str):
        return texts_of([value]).cast(kind)[0]
    return array_of(np.array([value])).cast(kind)[0]


def numpy_of(array: Any) -> AnyArray:
    """Return an Arrow array of numbers or booleans as a NumPy array, nulls as NaN (as floats)."""
    pa = require("pyarrow", "tables")
    span = slice(array.offset, array.offset + len(array))
    validity, data = array.buffers()
    is_bool = pa.types.is_boolean(array.type)
    if data is None:
        numbers = np.zeros(len(array), array.type.to_pandas_dtype())
    elif is_bool:
        numbers = _bits(data)[span]
    else:
        numbers = np.frombuffer(data, array.type.to_pandas_dtype())[span]
    if not array.null_count:
        return numbers
    floats = numbers if numbers.dtype.kind == "f" else numbers.astype(np.float64)
    return np.where(_bits(validity)[span], floats, np.array(np.nan, floats.dtype))


def values_of(column: Any) -> AnyArray:
    """Return an Arrow column of any type as a NumPy array: nulls are NaN in numbers, else None."""
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    array = one_array(column)
    if pa.types.is_dictionary(array.type):
        array = pc.cast(array, array.type.value_type)
    values: AnyArray = array.to_numpy(zero_copy_only=False)
    return values


def is_string(kind: Any) -> bool:
    """Whether arrays of this type are bytes and offsets: strings, large or not, but no views."""
    pa = require("pyarrow", "tables")
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def is_list(kind: Any) -> bool:
    """Whether each value of this type is a list, of whatever kind."""
    pa = require("pyarrow", "tables")
    kinds = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(is_kind(kind) for is_kind in kinds)


def is_dictionary_of_strings(kind: Any) -> bool:
    """Whether arrays of this type are codes of strings."""
    pa = require("pyarrow", "tables")
    return bool(pa.types.is_dictionary(kind) and is_string(kind.value_type))


def one_array(column: Any) -> Any:
    """Return a column, chunked or not, as one array."""
    pa = require("pyarrow", "tables")
    if not isinstance(column, pa.ChunkedArray):
        return column
    if column.num_chunks == 0:
        return pa.nulls(0, column.type)
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def is_view(kind: Any) -> bool:
    """Whether arrays of this type are views of strings, as polars has them."""
    return str(kind) == "string_view"


def is_text(kind: Any) -> bool:
    """Whether arrays of this type are strings of any layout."""
    return is_string(kind) or is_view(kind)


def cast_or_none(array: Any, kind: Any) -> Any:
    """Return texts as another type, ``None`` if one of them does not fit."""
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    try:
        # Arrow writes an error for every text that does not fit, so try a few first.
        pc.cast(array.slice(0, _GLIMPSE), kind)
        return pc.cast(array, kind)
    except pa.ArrowInvalid:
        return None


def column_of(values: Any) -> Any:
    """Return a column of any values as an Arrow array.

    Values of mixed types become text. Where some are lists, the others become lists of one.

    Raises
    ------
    DataError
        If a value is text that is not Unicode, or neither text nor anything that stays the same
        when it is written as text.
    """
    try:
        return _read(values)[0]
    except UnicodeEncodeError as error:
        raise DataError(
            f"Text must be Unicode. Got half a character, {error.object[error.start]!r}, at place "
            f"{error.start}. Decode the text again, as what it is."
        ) from error
    except TypeError as error:
        raise DataError(f"A value cannot be read: {error}") from error


def table_of(columns: Iterable[tuple[str, Any]]) -> Any:
    """Return named columns of any values as an Arrow table, each as `column_of` returns it.

    A column of numbers and texts, which is text, says so in its metadata; see `mixed_columns`.

    Raises
    ------
    SchemaError
        If a name or a value is text that is not Unicode, or values are neither text nor anything
        that stays the same when it is written as text.
    """
    pa = require("pyarrow", "tables")
    fields, arrays = [], []
    for name, values in columns:
        try:
            array, is_mixed = _read(values)
            fields.append(pa.field(name, array.type, metadata=_MIXED if is_mixed else None))
        except UnicodeEncodeError as error:
            raise SchemaError(
                f"Column {name!r} holds text that is not Unicode, or is named by it: half a "
                f"character, {error.object[error.start]!r} at place {error.start}. Decode the "
                "text again, as what it is."
            ) from error
        except TypeError as error:
            raise SchemaError(f"Column {name!r} cannot be read: {error}") from error
        arrays.append(array)
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def mixed_columns(schema: Any) -> frozenset[str]:
    """Return the names of the columns of an Arrow schema that held numbers and texts."""
    marked = _MIXED.items()
    return frozenset(field.name for field in schema if (field.metadata or {}).items() >= marked)


def _read(values: Any) -> tuple[Any, bool]:
    """Return what `column_of` does, and whether values of mixed types became text."""
    pa = require("pyarrow", "tables")
    if isinstance(values, (pa.Array, pa.ChunkedArray)):
        return values, False
    if _are_intervals(values):
        return pa.array(list(map(text_or_none, values)), pa.string()), False
    values = _in_known_units(values)
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        raise DataError(f"A column must be a list of values. Got {shown(values)}.")
    if iter(values) is values:  # which can be read only once
        values = list(values)
    _check_depth(values)
    if _may_be_any(values) and np.datetime64 in set(map(type, values)):
        # Arrow knows arrays of these dates, but not all of their units one by one.
        values = [_as_datetime(value) for value in values]
    try:
        array = pa.array(values, from_pandas=True)
    except (pa.ArrowException, OverflowError):
        array = None
    if array is not None:
        if not _loses_times(values, array.type):
            return array, False
        return pa.array(list(map(text_or_none, values)), pa.string()), False
    if not any(isinstance(value, (list, tuple)) for value in values):
        return pa.array(list(map(text_or_none, values)), pa.string()), True
    lists = [
        value if isinstance(value, (list, tuple)) else None if _is_missing(value) else [value]
        for value in values
    ]
    try:
        return pa.array(lists), False
    except (pa.ArrowException, OverflowError):
        texts = [None if items is None else list(map(text_or_none, items)) for items in lists]
        return pa.array(texts, pa.list_(pa.string())), False


def _as_datetime(value: Any) -> Any:
    """Return a date of NumPy as one of Python, and anything else as it is."""
    return value.astype("M8[us]").item() if isinstance(value, np.datetime64) else value


def _check_depth(values: Any) -> None:
    """Refuse lists within lists that are too deep for Arrow, which ends the process on them."""
    if not _may_be_any(values):
        return
    level = [values]
    for _ in range(_DEEPEST):
        kinds = set(map(type, chain.from_iterable(map(_inside, level))))
        if not any(issubclass(kind, _NESTED) for kind in kinds):
            return
        inner = (one for one in chain.from_iterable(map(_inside, level)) if _is_nested(one))
        level = list({id(one): one for one in inner}.values())
    raise TypeError(f"it holds lists within lists, more than {_DEEPEST} deep.")


def _is_nested(value: Any) -> bool:
    """Whether Arrow looks for values in a value."""
    return isinstance(value, _NESTED) and _may_be_any(value)


def _may_be_any(values: Any) -> bool:
    """Whether values may be of any type, as those of a list."""
    return str(getattr(values, "dtype", "object")) == "object"


def _inside(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, Mapping) else value


def _are_intervals(values: Any) -> bool:
    """Whether these are intervals of pandas, or the categories that `pandas.cut` makes of them."""
    kind = getattr(values, "dtype", None)
    of_categories = getattr(getattr(kind, "categories", None), "dtype", kind)
    return str(of_categories).startswith("interval")


def _in_known_units(values: Any) -> Any:
    """Return dates of NumPy and periods of pandas in units that Arrow knows: from their start."""
    kind = getattr(values, "dtype", None)
    if str(kind).startswith("period["):
        return getattr(values, "dt", values).to_timestamp()
    if isinstance(kind, np.dtype) and kind.kind == "M":
        known = np.datetime_data(kind)[0] in ("D", "s", "ms", "us", "ns")
        return values if known else values.astype("M8[s]")
    return values


def _loses_times(values: Any, kind: Any) -> bool:
    """Whether Arrow moved objects to another zone, or cut off their time, to give them one type."""
    pa = require("pyarrow", "tables")
    if not _may_be_any(values):
        return False
    if pa.types.is_timestamp(kind):
        return len({str(getattr(v, "tzinfo", None)) for v in values if not _is_missing(v)}) > 1
    return pa.types.is_date(kind) and any(hasattr(v, "hour") for v in values)


def plain(table: Any) -> Any:
    """Return an Arrow table of the types that the package knows.

    Structs become columns of their own, named ``column.part``; views and run-end-encoded columns
    usual ones; extension types what they are stored as, and UUIDs text.

    Raises
    ------
    DataError
        If a dictionary-encoded column has codes that are not in its dictionary.
    """
    pa = require("pyarrow", "tables")
    while any(pa.types.is_struct(kind) for kind in table.schema.types):
        table = table.flatten()
    fields, columns = list(table.schema), table.columns
    changed = False
    for i, field in enumerate(fields):
        if _is_plain(field.type):
            continue
        column = _plain_column(columns[i])
        _check_codes(field.name, column)
        if column.type != field.type:
            changed, fields[i], columns[i] = True, field.with_type(column.type), column
    if not changed:
        return table
    # Once for all, since replacing one column takes time for every column.
    return pa.Table.from_arrays(columns, schema=pa.schema(fields, table.schema.metadata))


@lru_cache(maxsize=256)
def _is_plain(kind: Any) -> bool:
    """Whether columns of a type stay as they are, whatever they hold: most."""
    pa = require("pyarrow", "tables")
    return bool(pa.types.is_primitive(kind)) or is_string(kind)


def _check_codes(name: str, column: Any) -> None:
    """Refuse codes without a value: whoever builds such a column without checks can have them."""
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    if not pa.types.is_dictionary(column.type):
        return
    for part in column.chunks:
        codes = pc.min_max(part.indices).as_py()
        if codes["min"] is not None and not 0 <= codes["min"] <= codes["max"] < len(
            part.dictionary
        ):
            raise DataError(
                f"Column {name!r} is dictionary-encoded, with codes from {codes['min']} to "
                f"{codes['max']} for {len(part.dictionary)} values. Make it again with safe=True."
            )


def _plain_column(column: Any) -> Any:
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    kind = column.type
    if is_view(kind):  # of polars; few compute functions know it
        return column.cast(pa.large_string())
    if isinstance(kind, pa.BaseExtensionType):
        if kind.extension_name == "arrow.uuid":
            return pa.chunked_array([list(map(text_or_none, column.to_pylist()))], pa.string())
        return _plain_column(
            pa.chunked_array([part.storage for part in column.chunks], kind.storage_type)
        )
    name = str(kind)
    if name.startswith(("list_view<", "large_list_view<")):
        # By way of Python, since pyarrow 26 casts some of them to other lists.
        return pa.chunked_array([column.to_pylist()], pa.large_list(kind.value_type))
    if name.startswith("run_end_encoded<"):
        parts = [pc.run_end_decode(part) for part in column.chunks]
        return _plain_column(pa.chunked_array(parts, kind.value_type))
    return column


def text_or_none(value: Any) -> str | None:
    """Return a value as text, None if it is missing.

    Raises
    ------
    TypeError
        If its text would not say what it is; the message completes "cannot be read:".
    """
    if _is_missing(value):
        return None
    if isinstance(value, complex):
        raise TypeError(
            f"it holds complex numbers, such as {value}. Make columns of its .real and .imag."
        )
    kind = type(value)
    own = {"__str__", "__repr__"} & {name for base in kind.__mro__[:-1] for name in vars(base)}
    if not own or callable(value) or isinstance(value, slice):
        raise TypeError(
            f"it holds objects of the type {kind.__name__}, which have no text of their own. "
            "Convert them to text or numbers."
        )
    return str(value)


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)


def _bits(buffer: Any) -> AnyArray:
    return np.unpackbits(np.frombuffer(buffer, np.uint8), bitorder="little").astype(bool)
