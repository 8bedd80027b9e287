"""One sample to features, for serving: dictionary look-ups in place of Arrow kernels.

An Arrow kernel costs microseconds however small its input, so that a table of one row takes some
hundred times as long. Here each column has an encoder made of the rules for single values in
`fieldfare.schema.canonical`; what these do not know goes through `encode_column` as a table of one
row, so that a sample has the same features and the same errors either way. What is separate from
`fieldfare.schema.encode` is only how results are gathered: lists here, arrays there.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from fieldfare.exceptions import SchemaError
from fieldfare.rows import Rows
from fieldfare.schema.canonical import (
    log2_text,
    number_of,
    parse_number,
    splitter,
    text_of,
    words_of,
)
from fieldfare.schema.column import Column
from fieldfare.schema.derive import with_parts
from fieldfare.schema.encode import encode_column
from fieldfare.schema.fit import Fitted
from fieldfare.schema.moments import part_of
from fieldfare.schema.vocabulary import hash_text
from fieldfare.sources.batch import require_column
from fieldfare.sources.dicts import open_samples

# Ids and values of the features of one cell; most cells are a single feature of value one, whose id
# is all there is to say, and lists would take most of the time.
Features = tuple[list[int], list[float]]
Found = int | Features

_ONE = [1.0]
_LARGEST, _SMALLEST = float(np.finfo(np.float32).max), float(np.finfo(np.float32).tiny)


class Cell(NamedTuple):
    """A column, what was learned of it, and the column of dates that it is derived from."""

    column: Column
    fitted: Fitted
    source: Column | None


class Step(NamedTuple):
    """What encodes the cell of a sample under a name, and the field of its features."""

    name: str
    encode: Callable[[Any], Found]
    field: int
    cell: Cell


class SampleEncoder:
    """Encodes samples given as mappings from column to value.

    Parameters
    ----------
    columns : iterable of (Column, Fitted, int, Column or None)
        The columns in use, what was learned of them, the numbers of their fields, and the columns
        that they are derived from.
    """

    def __init__(self, columns: Iterable[tuple[Column, Fitted, int, Column | None]]) -> None:
        self._steps: dict[str, list[Step]] = {}
        for column, fitted, field, source in columns:
            encode = _encoder(column, fitted)
            if source is not None:
                encode = _of_part(encode, column, source)
            name = column.name_in_table
            step = Step(name, encode, field, Cell(column, fitted, source))
            self._steps.setdefault(name, []).append(step)
        self._all = [step for steps in self._steps.values() for step in steps]

    @property
    def names(self) -> list[str]:
        """Names of the columns that a sample must have."""
        return list(self._steps)

    def encode(
        self, sample: Mapping[str, Any], columns: Iterable[str] | None = None
    ) -> tuple[list[int], list[float], list[int]]:
        """Return ids, values and fields of a sample, in column order.

        Parameters
        ----------
        sample : mapping
            Value of each column; other keys are not looked at.
        columns : iterable of str, optional
            The columns to encode; all by default.

        Raises
        ------
        SchemaError
            If the sample lacks a column, or a value does not fit its column.
        """
        ids: list[int] = []
        values: list[float] = []
        fields: list[int] = []
        steps = self._all
        if columns is not None:
            steps = [step for name in columns for step in self._steps[name]]
        for name, encode, field, cell in steps:
            if name not in sample:
                raise SchemaError(
                    f"A sample needs a value of {name!r}, None if it is missing. Got values of "
                    f"{', '.join(map(repr, sample))}."
                )
            try:
                found = encode(sample[name])
            except ValueError:
                found = _as_table(cell, sample[name])
            if isinstance(found, int):
                ids.append(found)
                values.append(1.0)
                fields.append(field)
            else:
                own, numbers = found
                ids += own
                values += numbers
                fields += [field] * len(own)
        return ids, values, fields


def rows_of(found: Sequence[tuple[list[int], list[float], list[int]]]) -> Rows:
    """Return what `SampleEncoder.encode` returned for several samples as Rows, one row for each."""
    indptr = np.zeros(len(found) + 1, np.int64)
    np.cumsum([len(ids) for ids, _, _ in found], out=indptr[1:])
    return Rows(
        indptr,
        np.array([i for ids, _, _ in found for i in ids], np.uint32),
        np.array([x for _, values, _ in found for x in values], np.float32),
        np.array([f for _, _, fields in found for f in fields], np.uint16),
    )


def _as_table(cell: Cell, value: Any) -> Features:
    """Encode one cell as a table of one row."""
    column, source = cell.column, cell.source
    batch = next(open_samples([{column.name_in_table: value}]).batches())
    require_column(column.name_in_table, batch.data.schema.names)  # a dict has parts instead
    if source is not None:
        batch = with_parts((source, column), batch)
    entries = encode_column(column, cell.fitted, batch.data.column(column.name), batch.location)
    ids: list[int] = entries.ids.tolist()
    return ids, _ONE * len(ids) if entries.values is None else entries.values.tolist()


# The encoders below raise ValueError for what only the code for tables can read, or refuse.


def _encoder(column: Column, fitted: Fitted) -> Callable[[Any], Found]:
    if column.kind in ("multi", "text"):
        return _multi(column, fitted)
    if column.has_vocabulary or column.is_hashed:
        find, marks = _finder(fitted), column.marks
        if column.kind == "numeric":
            return lambda value: find(log2_text(number_of(value, marks)))
        return _category(column, fitted)
    return _numeric(column, fitted)


def _category(column: Column, fitted: Fitted) -> Callable[[Any], Found]:
    find, marks, vocabulary = _finder(fitted), column.marks, fitted.vocabulary
    if vocabulary is None:
        return lambda value: find(text_of(value, marks))
    known = vocabulary.id_of.get

    def encode(value: Any) -> int:
        # As in tables, a text that is known as it stands needs no rules.
        found = known(value) if type(value) is str else None
        return find(text_of(value, marks)) if found is None else found

    return encode


def _of_part(
    encode: Callable[[Any], Found], column: Column, source: Column
) -> Callable[[Any], Found]:
    """Return what encodes the part of a date, given what encodes the part's value."""
    part, date_format, marks = column.part, source.date_format, source.marks
    assert part is not None
    return lambda value: encode(part_of(part, value, date_format, marks))


def _finder(fitted: Fitted) -> Callable[[str | None], int]:
    """Return what gives the id of a canonical text; ``None`` is missing."""
    missing, unknown, first = fitted.missing, fitted.unknown, fitted.first
    if fitted.vocabulary is not None:
        get = fitted.vocabulary.id_of.get
        return lambda text: missing if text is None else get(text, unknown)
    buckets = fitted.size - 1
    return lambda text: missing if text is None else first + hash_text(text) % buckets


def _numeric(column: Column, fitted: Fitted) -> Callable[[Any], Found]:
    missing, first, marks = fitted.missing, fitted.first, column.marks
    if fitted.edges is not None:
        edges = fitted.edges.tolist()

        def bin_of(value: Any) -> int:
            x = number_of(value, marks)
            return missing if x != x else first + bisect_right(edges, x)

        return bin_of
    is_standard = column.transform == "standardize"
    mean, scale = (fitted.mean, fitted.scale) if is_standard else (0.0, 1.0)
    clip = math.inf if column.clip is None or not is_standard else float(column.clip)

    def scaled(value: Any) -> Found:
        x = number_of(value, marks)
        if x != x:
            return missing
        x = (x - mean) / scale
        x = -clip if x < -clip else clip if x > clip else x
        if x == 0:
            return [], []
        if not _SMALLEST <= abs(x) <= _LARGEST:  # may round to zero, or not fit into float32
            raise ValueError
        return [first], [x]

    return scaled


def _multi(column: Column, fitted: Fitted) -> Callable[[Any], Features]:
    find, missing, mark = _finder(fitted), fitted.missing, column.weight_separator
    cut, is_unit = splitter(column.separator, column.marks), column.has_unit_cells
    is_text = column.kind == "text"
    if is_text:
        cut = partial(words_of, marks=column.marks)

    def encode(value: Any) -> Features:
        tokens = cut(value)
        if not tokens:
            return [missing], _ONE
        if mark is None:
            ids = [find(token) for token in tokens]
            if is_text:
                ids = list(dict.fromkeys(ids))
            value = [1 / math.sqrt(len(ids))] if is_unit else _ONE
            return ids, value * len(ids)
        ids, values = [], []
        for token in tokens:
            name, found, weight = token.rpartition(mark)
            number = parse_number(weight) if found else 1.0
            if number is None or not abs(number) <= _LARGEST:
                raise ValueError
            ids.append(find(name if found else token))
            values.append(number)
        if is_unit and (length := math.sqrt(sum(x * x for x in values))):
            values = [x / length for x in values]
        return ids, values

    return encode
