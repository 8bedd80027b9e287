"""Inference: sensible columns for a table without a given Schema.

The rules, applied to the first 10,000 rows, after which all rows settle what was guessed (see
`fieldfare.schema.settle`):

- no value at all, nested types other than lists: ``ignore``, with a warning;
- dates and times: ``datetime`` (see `fieldfare.schema.dates`); durations: ``numeric``;
- lists, and texts of which one in ten holds ``|``: ``multi``;
- texts of several words, most of which occur once: ``text`` (see `fieldfare.schema.free_text`);
- other texts, booleans, dictionaries: ``categorical``;
- numbers with a fraction: ``numeric``, standardised;
- whole numbers (also as floats, since pandas has no missing integers): ``categorical`` if they are
  codes, by their name or by how they are distributed, or if there are at most 32 distinct values;
  else ``numeric``, in quantile bins if some are far beyond most of them. An identifier of rows is
  ignored, with a note. `fieldfare.schema.whole_numbers` decides.

The role comes from the first word of the name: "user_age" describes the user, "movie_year" the
item.

A column whose Arrow metadata declare what it means (see `fieldfare.schema.compose`) means that.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fieldfare._optional import require
from fieldfare._typing import AnyArray
from fieldfare.exceptions import ConfigError, DataWarning, SchemaError
from fieldfare.rows import MAX_FIELDS
from fieldfare.schema.canonical import read_numbers
from fieldfare.schema.column import Column
from fieldfare.schema.column_names import is_called_id, role_of
from fieldfare.schema.dates import recognise
from fieldfare.schema.free_text import judge_texts
from fieldfare.schema.hints import NO_HINTS, Hints
from fieldfare.schema.missing import Marks
from fieldfare.schema.odd import NUMERIC_SHARE, OddTexts
from fieldfare.schema.text_types import any_padded, type_texts
from fieldfare.schema.whole_numbers import FEW, Judgement, WholeNumbers, judge
from fieldfare.sources.arrow import array_of, is_list, is_string, numpy_of
from fieldfare.sources.batch import require_column
from fieldfare.sources.cells import is_written_number
from fieldfare.sources.headers import words_of
from fieldfare.sources.source import Table

SAMPLE_ROWS = 10_000
DECLARED = b"fieldfare"
BAR = "|"
_MULTI_SHARE = 0.1
_LIKE_A_NUMBER = r"^\s*[-+]?\.?[0-9]"
_GLIMPSE = 100
_LOOKED_AT = 1000


@dataclass(frozen=True)
class Inferred:
    """What the features of a table seem to mean.

    Parameters
    ----------
    columns : tuple of Column
    reasons : dict of str to str
        For each column, in a few words, why it is taken for what it is.
    notes : tuple of str
        Decisions that a user may want to overrule, a line each.
    identifiers : tuple of str
        Columns of whole numbers that look like numbers of the rows.
    guessed : frozenset of str
        Columns that all rows may turn out to be something else.
    """

    columns: tuple[Column, ...]
    reasons: dict[str, str]
    notes: tuple[str, ...]
    identifiers: tuple[str, ...] = ()
    guessed: frozenset[str] = frozenset()


NOTHING_INFERRED = Inferred((), {}, ())


def infer_columns(
    table: Table,
    target: str | None = None,
    weight: str | None = None,
    group: str | None = None,
    hints: Hints = NO_HINTS,
) -> Inferred:
    """Return what the features of a table seem to mean.

    See `Schema.infer`; what is guessed from the first rows is settled by all of them, in
    `fieldfare.schema.settle`.
    """
    for name in (target, weight, group):
        if name is not None:
            require_column(name, table.names)
    hints = hints.located(table.names)
    hints.check(table.names, (target, weight))
    sample = table.head(SAMPLE_ROWS)
    complete = sample.num_rows < SAMPLE_ROWS
    fields = {field.name: field for field in sample.schema}
    arrays = dict(zip(fields, sample.columns, strict=True))
    names = [name for name in table.names if name not in (target, weight)]
    said = [_said(name, fields[name], hints) for name in names]
    _check_width(said.count(None))
    found, guessed = [], set()
    for name, judged in zip(names, said, strict=True):
        if judged is None:
            marks = hints.marks_of(name)
            array, untyped = arrays[name], table.untyped or name in table.mixed
            judged = _guess(name, array, marks, untyped=untyped, complete=complete)
            if _is_guess(judged.column, array, complete=complete):
                guessed.add(name)
                if judged.column.kind == "ignore" and complete:
                    _ignored(name, "it has no values")
                    guessed.remove(name)
        found.append(replace(judged, column=hints.applied(judged.column)))
    return Inferred(
        columns=tuple(judged.column for judged in found),
        reasons={judged.column.name: judged.why for judged in found},
        notes=tuple(judged.note for judged in found if judged.note),
        identifiers=tuple(judged.column.name for judged in found if judged.identifies),
        guessed=frozenset(guessed),
    )


def _check_width(n_columns: int) -> None:
    """Refuse more columns than there can be fields, before any of them is looked at."""
    if n_columns > MAX_FIELDS:
        raise SchemaError(
            f"At most {MAX_FIELDS} columns can be judged by their values, because each gets "
            f"a field of its own. Got {n_columns}. Leave out columns (ignore=[...]), or pass "
            "numbers as an array or a sparse matrix."
        )


def _is_guess(column: Column, array: Any, *, complete: bool) -> bool:
    """Whether other values than these could make a column something else."""
    pa = require("pyarrow", "tables")
    if column.kind == "datetime":  # later rows may have times of day
        return not complete and "hour" not in (column.parts or ())
    if column.kind == "ignore":
        empty = type_texts(array) if is_string(array.type) else array
        return bool(empty.null_count == len(empty))
    if column.kind == "multi":
        return column.separator is not None
    return not (pa.types.is_dictionary(array.type) or pa.types.is_boolean(array.type))


def _guess(name: str, array: Any, marks: Marks, *, untyped: bool, complete: bool) -> Judgement:
    """Return what the first values of a column are taken for.

    Parameters
    ----------
    name : str
    array : Arrow array
    marks : Marks
        What is missing in it.
    untyped : bool
        Whether its texts may stand for numbers; a few of them may then be no numbers.
    complete : bool
        Whether there are no other values.
    """
    if not untyped:
        return judge_column(name, array, complete=complete)
    typed = type_texts(array, marks)
    if is_string(typed.type) and looks_numeric(array):
        x, found = read_numbers(array, name, marks)
        odd, x = OddTexts(), x[np.isfinite(x)]
        odd.add(found)
        judged = judge_numbers(name, array_of(x)) if len(x) else _texts(name)
        column = Column(name, role=role_of(name))
        if odd.verdict(column, judged.column.kind, len(x)).column.kind == "numeric":
            # All rows settle that, and then also tell what the odd texts are.
            return judged
    return judge_column(name, typed, complete=complete)


def looks_numeric(texts: Any, counts: Any = None) -> bool:
    """Whether so many texts begin like a number that the others may be odd ones.

    Parameters
    ----------
    texts : Arrow array of strings
    counts : array of int or None
        How often each occurs; ``None``: some of the texts, once each, are looked at.
    """
    pc = require("pyarrow.compute", "tables")
    some = texts
    if counts is None:
        some = texts.drop_null()
        some = some.take(array_of(np.linspace(0, len(some) - 1, _GLIMPSE).astype(np.int64)))
        counts = np.ones(len(some), np.int64)
    alike = numpy_of(pc.match_substring_regex(some, _LIKE_A_NUMBER))
    return bool(counts[alike].sum() >= NUMERIC_SHARE * counts.sum()) and not any_padded(texts)


def infer_column(name: str, array: Any) -> Column:
    """Return the Column for a sample of typed values (an Arrow array)."""
    return judge_column(name, array).column


def _said(name: str, declared: Any, hints: Hints) -> Judgement | None:
    """Return what the user, or the metadata of an Arrow field, say about a column."""
    column = declared_column(declared)
    if column is not None:
        return Judgement(column, "its metadata say so")
    kind = hints.kind_of(name)
    if kind is not None:
        return Judgement(Column(name, kind, role=role_of(name)), f"{hints.named[name]}= says so")
    return None


def judge_column(name: str, array: Any, *, complete: bool = False) -> Judgement:
    """Return what a column of typed values (an Arrow array) is taken for, and why.

    Parameters
    ----------
    name : str
    array : Arrow array
        Its values, or the first of them.
    complete : bool
        Whether there are no others.
    """
    pa = require("pyarrow", "tables")
    kind, role = array.type, role_of(name)
    dates = recognise(name, words_of(name), array, role)
    if dates is not None:
        return Judgement(dates, "dates or times")
    if is_list(kind) and not pa.types.is_nested(kind.value_type):
        return Judgement(Column(name, "multi", role=role), "lists")
    if pa.types.is_duration(kind):
        return Judgement(Column(name, "numeric", role=role), "durations")
    if pa.types.is_nested(kind):
        return _ignored(name, f"values of type {kind} are not understood")
    if array.null_count == len(array):
        return Judgement(Column(name, "ignore"), "no values")
    if pa.types.is_dictionary(kind):
        return Judgement(Column(name, "categorical", role=role), "categories of a data frame")
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return judge_numbers(name, array, complete)
    if is_string(kind):
        present = array.drop_null()
        if are_many_bars(int(has_bar(present).sum()), len(present)):
            column = Column(name, "multi", role=role, separator=BAR)
            return Judgement(column, f"texts with {BAR!r} in them")
        counted = present.value_counts()
        free = judge_texts(name, counted.field("values"), numpy_of(counted.field("counts")))
        if free is not None:
            return free
        _warn_of_numbers(name, present)
    return _texts(name) if is_string(kind) else Judgement(Column(name, role=role), str(kind))


def _warn_of_numbers(name: str, texts: Any) -> None:
    """Warn if many different texts (an Arrow array, none missing) are numbers in another form."""
    if not is_written_number(texts[0].as_py()):
        return
    distinct = texts.slice(0, _LOOKED_AT).unique().to_pylist()
    if len(distinct) <= FEW:
        return
    if sum(map(is_written_number, distinct)) >= NUMERIC_SHARE * len(distinct):
        warnings.warn(
            DataWarning(
                f"Column {name!r} holds texts such as {distinct[0]!r}, which are taken for "
                "categories. If they are numbers, write them as 1234.5, without signs or "
                f"separators; if they are categories, say categorical=[{name!r}]."
            ),
            stacklevel=2,
        )


def _texts(name: str) -> Judgement:
    return Judgement(Column(name, "categorical", role=role_of(name)), "texts")


def judge_numbers(name: str, array: Any, complete: bool = False) -> Judgement:
    """Return what a column of numbers (an Arrow array) is taken for, and why."""
    numbers = _whole_numbers(array)
    if numbers is not None:
        return judge(name, numbers, complete=complete)
    if is_called_id(name):
        # Such as the "1890000000.1612345678" of web analytics.
        return Judgement(Column(name, role=role_of(name)), "by its name they name something")
    return Judgement(Column(name, "numeric", role=role_of(name)), "numbers with a fraction")


def _whole_numbers(array: Any) -> WholeNumbers | None:
    """Return what whole numbers are like, ``None`` if there are others among them, or none."""
    pc, pa = require("pyarrow.compute", "tables"), require("pyarrow", "tables")
    array = array.drop_null()
    if pa.types.is_integer(array.type):
        return WholeNumbers.of(numpy_of(array))
    if array.type != pa.float64():
        array = pc.cast(array, pa.float64(), safe=False)
    x = numpy_of(array)
    x = x[np.isfinite(x)]
    return WholeNumbers.of(x) if len(x) and (np.floor(x) == x).all() else None


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


def _ignored(name: str, reason: str) -> Judgement:
    warnings.warn(DataWarning(f"Column {name!r} is ignored: {reason}."), stacklevel=2)
    return Judgement(Column(name, "ignore"), reason)


def has_bar(texts: Any) -> AnyArray:
    """Return which texts of an Arrow array, none missing, hold several values."""
    pc = require("pyarrow.compute", "tables")
    return numpy_of(pc.match_substring(texts, BAR))


def are_many_bars(n_bars: int, n_cells: int) -> bool:
    """Whether so many of the cells hold several values that all are read so."""
    return n_cells > 0 and n_bars >= _MULTI_SHARE * n_cells
