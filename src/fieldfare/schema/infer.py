"""Inference: sensible columns for a table without a given Schema.

The rules, applied to the first 10,000 rows, after which all rows settle what was guessed (see
`fieldfare.schema.settle`):

- no value at all, dates and times, nested types other than lists: ``ignore``, with a warning;
- lists, and texts of which one in ten holds ``|``: ``multi``;
- other texts, booleans, dictionaries: ``categorical``;
- numbers with a fraction: ``numeric``, standardised;
- whole numbers (also as floats, since pandas has no missing integers): ``categorical`` if the name
  ends in "id" or "code" or is the name of an entity such as "user" or "movie", or if there are at
  most 32 distinct values; else ``numeric``, standardised.

The role comes from the first word of the name: "user_age" describes the user, "movie_year" the
item.

A column whose Arrow metadata declare what it means (see `fieldfare.schema.compose`) means that.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from fieldfare._optional import require
from fieldfare._typing import AnyArray
from fieldfare.exceptions import ConfigError, DataWarning, SchemaError
from fieldfare.schema.canonical import read_numbers
from fieldfare.schema.column import Column
from fieldfare.schema.hints import NO_HINTS, Hints
from fieldfare.schema.missing import STANDARD, Marks
from fieldfare.schema.odd import NUMERIC_SHARE, OddTexts
from fieldfare.sources.arrow import array_of, is_list, is_string, numpy_of
from fieldfare.sources.batch import require_column
from fieldfare.sources.source import Table

SAMPLE_ROWS = 10_000
DECLARED = b"fieldfare"
FEW_VALUES = 32
BAR = "|"
_MULTI_SHARE = 0.1
_LIKE_A_NUMBER = r"^\s*[-+]?\.?[0-9]"
_GLIMPSE = 100
_ENTITIES = {
    "user": ("user", "uid", "customer", "visitor", "member", "viewer", "reader", "client"),
    "item": ("item", "movie", "product", "article", "ad", "song", "track", "artist", "book",
             "video", "app", "sku", "song", "document"),
}  # fmt: skip
_ROLE_OF = {word: role for role, words in _ENTITIES.items() for word in words}


def infer_columns(
    table: Table,
    target: str | None = None,
    weight: str | None = None,
    group: str | None = None,
    hints: Hints = NO_HINTS,
) -> tuple[tuple[Column, ...], frozenset[str]]:
    """Return what the features of a table seem to mean, and which of them are guessed.

    See `Schema.infer`; what is guessed from the first rows is settled by all of them, in
    `fieldfare.schema.settle`.
    """
    for name in (target, weight, group):
        if name is not None:
            require_column(name, table.names)
    hints.check(table.names, (target, weight))
    sample = table.head(SAMPLE_ROWS)
    columns, guessed = [], set()
    for name in table.names:
        if name not in (target, weight):
            column = declared_column(sample.schema.field(name))
            if column is None and (kind := hints.kind_of(name)) is not None:
                column = Column(name, kind, role=role_of(name))
            if column is None:
                marks = hints.applied(Column(name)).marks
                array, untyped = sample.column(name), table.untyped or name in table.mixed
                column = guess_column(name, array, marks, untyped=untyped)
                if _is_guess(column, array):
                    guessed.add(name)
                    if column.kind == "ignore" and len(array) < SAMPLE_ROWS:
                        _ignored(name, "it has no values")
                        guessed.remove(name)
            columns.append(hints.applied(column))
    return tuple(columns), frozenset(guessed)


def _is_guess(column: Column, array: Any) -> bool:
    """Whether other values than these could make a column something else."""
    pa = require("pyarrow", "tables")
    if column.kind == "ignore":
        empty = type_texts(array) if is_string(array.type) else array
        return bool(empty.null_count == len(empty))
    if column.kind == "multi":
        return column.separator is not None
    return not (pa.types.is_dictionary(array.type) or pa.types.is_boolean(array.type))


def guess_column(name: str, array: Any, marks: Marks, *, untyped: bool) -> Column:
    """Return the Column for the first values of a column.

    Parameters
    ----------
    name : str
    array : Arrow array
    marks : Marks
        What is missing in it.
    untyped : bool
        Whether its texts may stand for numbers; a few of them may then be no numbers.
    """
    if not untyped:
        return infer_column(name, array)
    typed = type_texts(array, marks)
    if is_string(typed.type) and looks_numeric(array):
        x, found = read_numbers(array, name, marks)
        odd, x = OddTexts(), x[np.isfinite(x)]
        odd.add(found)
        kind = infer_column(name, array_of(x)).kind if len(x) else "categorical"
        column = Column(name, role=role_of(name))
        if odd.verdict(column, kind, len(x)).column.kind == "numeric":
            # All rows settle that, and then also tell what the odd texts are.
            return column.change(kind="numeric")
    return infer_column(name, typed)


def looks_numeric(texts: Any, counts: Any = None) -> bool:
    """Whether so many texts begin like a number that the others may be odd ones.

    Parameters
    ----------
    texts : Arrow array of strings
    counts : array of int or None
        How often each occurs; ``None``: some of the texts, once each, are looked at.
    """
    pc = require("pyarrow.compute", "tables")
    if _any_padded(texts):
        return False
    if counts is None:
        texts = texts.drop_null()
        texts = texts.take(array_of(np.linspace(0, len(texts) - 1, _GLIMPSE).astype(np.int64)))
        counts = np.ones(len(texts), np.int64)
    alike = numpy_of(pc.match_substring_regex(texts, _LIKE_A_NUMBER))
    return bool(counts[alike].sum() >= NUMERIC_SHARE * counts.sum())


def _any_padded(texts: Any) -> bool:
    """Whether digits follow a zero, as in ids such as 007, which numbers would not give back."""
    pc = require("pyarrow.compute", "tables")
    return bool(pc.any(pc.match_substring_regex(texts, r"^[+-]?0[0-9]+$")).as_py())


def infer_column(name: str, array: Any) -> Column:
    """Return the Column for a sample of typed values (an Arrow array)."""
    pa = require("pyarrow", "tables")
    kind, role = array.type, role_of(name)
    if is_list(kind) and not pa.types.is_nested(kind.value_type):
        return Column(name, "multi", role=role)
    if pa.types.is_temporal(kind):
        _ignored(name, "it holds dates or times; add columns such as its hour or weekday, or set "
                 "its kind to 'categorical' or 'numeric' (seconds)")  # fmt: skip
        return Column(name, "ignore")
    if pa.types.is_nested(kind):
        _ignored(name, f"values of type {kind} are not understood")
        return Column(name, "ignore")
    if array.null_count == len(array):
        return Column(name, "ignore")
    if pa.types.is_dictionary(kind):
        return Column(name, "categorical", role=role)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return Column(name, "categorical" if _is_code(name, array) else "numeric", role=role)
    if is_string(kind):
        present = array.drop_null()
        if are_many_bars(int(has_bar(present).sum()), len(present)):
            return Column(name, "multi", role=role, separator=BAR)
    return Column(name, "categorical", role=role)


def declared_column(field: Any) -> Column | None:
    """Return the Column that the metadata of an Arrow field declare, ``None`` if there is none.

    Raises
    ------
    SchemaError
        If they do not make sense.
    """
    declared = (field.metadata or {}).get(DECLARED)
    if declared is None:
        return None
    try:
        return Column(**json.loads(declared) | {"name": field.name})
    except (ValueError, TypeError, ConfigError) as error:
        raise SchemaError(
            f"The metadata of column {field.name!r} do not describe a column ({error}). Remove "
            "them, or give a Schema."
        ) from error


def _ignored(name: str, reason: str) -> None:
    warnings.warn(DataWarning(f"Column {name!r} is ignored: {reason}."), stacklevel=2)


def words_of(name: str) -> list[str]:
    """Split a column name into lower-case words: ``userId`` is user, id."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return [word.lower() for word in re.findall(r"[^\W_]+", spaced)]


def role_of(name: str) -> str | None:
    """Return the role that the first word of a name suggests."""
    words = words_of(name)
    return _ROLE_OF.get(words[0].removesuffix("id") or words[0]) if words else None


def _is_code(name: str, array: Any) -> bool:
    """Whether a number names something rather than measures it."""
    pc, pa = require("pyarrow.compute", "tables"), require("pyarrow", "tables")
    x = numpy_of(pc.cast(array, pa.float64(), safe=False))
    x = x[np.isfinite(x)]
    if not (np.floor(x) == x).all():
        return False
    words = words_of(name)
    if words and (words[-1].endswith(("id", "code")) or (len(words) == 1 and words[0] in _ROLE_OF)):
        return True
    return len(set(x.tolist())) <= FEW_VALUES


def has_bar(texts: Any) -> AnyArray:
    """Return which texts of an Arrow array, none missing, hold several values."""
    pc = require("pyarrow.compute", "tables")
    return numpy_of(pc.match_substring(texts, BAR))


def are_many_bars(n_bars: int, n_cells: int) -> bool:
    """Whether so many of the cells hold several values that all are read so."""
    return n_cells > 0 and n_bars >= _MULTI_SHARE * n_cells


def type_texts(array: Any, marks: Marks = STANDARD) -> Any:
    """Give the texts of an untyped (CSV) column the narrowest type that fits all of them.

    Tried in order: integer, float, boolean, date and time; text otherwise. Digits after a zero, as
    in 007 or a postcode, are text, as they are in a frame that keeps the zero.
    """
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    if pa.types.is_null(array.type):  # a file without rows has no texts
        return array
    present = marks.without(array)
    if present.null_count == len(present):
        return pa.nulls(len(array))
    present = pc.utf8_trim_whitespace(present)
    if _any_padded(present):
        return array
    for kind in (pa.int64(), pa.float64(), pa.bool_(), pa.timestamp("us")):
        if (typed := _cast(present, kind)) is not None:
            return typed
    return array


def _cast(array: Any, kind: Any) -> Any:
    """Return the texts as another type, ``None`` if one of them does not fit."""
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    try:
        # Arrow writes an error for every text that does not fit, so try a few first.
        pc.cast(array.slice(0, _GLIMPSE), kind)
        return pc.cast(array, kind)
    except pa.ArrowInvalid:
        return None


def typed_batches(table: Table) -> Iterator[Any]:
    """Yield the Arrow batches of a table; texts of a CSV get the type that fits the whole column.

    An untyped table is read twice.
    """
    if not table.untyped:
        yield from (batch.data for batch in table.batches())
        return
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    found: list[set[Any]] = [set() for _ in table.names]
    for batch in table.batches():
        for kinds, column in zip(found, batch.data.columns, strict=True):
            kinds.add(_faithful_type(column))
    types = [_common_type(kinds - {pa.null()}) for kinds in found]
    for batch in table.batches():
        columns = [
            column if kind == pa.string() else pc.cast(type_texts(column), kind)
            for column, kind in zip(batch.data.columns, types, strict=True)
        ]
        yield pa.RecordBatch.from_arrays(columns, names=table.names)


def _faithful_type(column: Any) -> Any:
    """Return the type of texts; those that numbers would not give back, as 007, stay texts."""
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    typed = type_texts(column)
    if typed.type == pa.int64():
        back, text = (pc.cast(array, pa.string()) for array in (typed, column))
        same = pc.all(pc.equal(back, text)).as_py()
        return pa.string() if same is False else pa.int64()
    kept = (pa.float64(), pa.bool_(), pa.null())
    return typed.type if typed.type in kept else pa.string()


def _common_type(kinds: set[Any]) -> Any:
    pa = require("pyarrow", "tables")
    if kinds == {pa.int64(), pa.float64()}:
        return pa.float64()
    return kinds.pop() if len(kinds) == 1 else pa.string()
