"""One sample to features, for serving: dictionary look-ups in place of Arrow kernels.

An Arrow kernel costs microseconds however small its input. Here each column has an encoder that
knows the common types of Python; whatever else it meets goes through the same code as tables do, so
that a sample has the same features and the same errors either way.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from fieldfare.exceptions import SchemaError
from fieldfare.schema.canonical import parse_number
from fieldfare.schema.column import Column
from fieldfare.schema.encode import encode_column
from fieldfare.schema.fit import Fitted
from fieldfare.schema.vocabulary import hash_text
from fieldfare.sources.tables import batches_of

# Ids and values of the features of one cell.
Features = tuple[list[int], list[float]]

_ONE = [1.0]
_INT64 = 2**63
_EXACT = 2.0**53
_LARGEST, _SMALLEST = float(np.finfo(np.float32).max), float(np.finfo(np.float32).tiny)
_DECIMAL_ZERO = re.compile(r"-?[0-9]+\.0")
_WORD = re.compile(r"[a-z0-9_]+")


class SampleEncoder:
    """Encodes samples given as mappings from column to value.

    Parameters
    ----------
    columns : iterable of (Column, Fitted, int)
        The columns in use, what was learned of them, and the numbers of their fields.
    """

    def __init__(self, columns: Iterable[tuple[Column, Fitted, int]]) -> None:
        self._encoders = {
            column.name: (_encoder(column, fitted), column, fitted, field)
            for column, fitted, field in columns
        }

    @property
    def names(self) -> list[str]:
        """Names of the columns that a sample must have."""
        return list(self._encoders)

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
        for name in self._encoders if columns is None else columns:
            encode, column, fitted, field = self._encoders[name]
            try:
                own, numbers = encode(sample[name])
            except ValueError:
                own, numbers = _as_table(column, fitted, sample[name])
            except KeyError:
                raise SchemaError(
                    f"A sample needs a value of {name!r}, None if it is missing. Got values of "
                    f"{', '.join(map(repr, sample))}."
                ) from None
            ids += own
            values += numbers
            fields += [field] * len(own)
        return ids, values, fields


def _as_table(column: Column, fitted: Fitted, value: Any) -> Features:
    """Encode one cell as a table of one row."""
    batch = next(batches_of([{column.name: value}]))
    entries = encode_column(column, fitted, batch.data.column(column.name), batch.location)
    ids: list[int] = entries.ids.tolist()
    return ids, _ONE * len(ids) if entries.values is None else entries.values.tolist()


# The encoders below raise ValueError for what only the code for tables can read, or refuse.


def _encoder(column: Column, fitted: Fitted) -> Callable[[Any], Features]:
    if column.kind in ("multi", "text"):
        return _multi(column, fitted)
    if column.has_vocabulary or column.is_hashed:
        find = _finder(fitted)
        if column.kind == "numeric":
            return lambda value: ([find(_log2_text(_number(value)))], _ONE)
        return lambda value: ([find(_text(value))], _ONE)
    return _numeric(column, fitted)


def _finder(fitted: Fitted) -> Callable[[str | None], int]:
    """Return what gives the id of a canonical text; ``None`` is missing."""
    missing, unknown, first = fitted.missing, fitted.unknown, fitted.first
    if fitted.vocabulary is not None:
        get = fitted.vocabulary.id_of.get
        return lambda text: missing if text is None else get(text, unknown)
    buckets = fitted.size - 1
    return lambda text: missing if text is None else first + hash_text(text) % buckets


def _text(value: Any) -> str | None:
    """Return the canonical text of a value as `canonical.texts` does, ``None`` if missing."""
    kind = type(value)
    if kind is str:
        return _canonical(value)
    if value is None:
        return None
    if kind is int and -_INT64 <= value < _INT64:
        return str(value)
    if kind is bool:
        return "true" if value else "false"
    if kind is float:
        if value != value:
            return None
        if abs(value) < _EXACT and value.is_integer():
            return str(int(value))
    raise ValueError


def _canonical(text: str) -> str | None:
    if text.endswith(".0") and _DECIMAL_ZERO.fullmatch(text):
        return text[:-2]
    if text in ("True", "False"):
        return text.lower()
    return text or None


def _number(value: Any) -> float:
    """Return a value as `canonical.numbers` does, NaN if missing."""
    kind = type(value)
    number: float
    if kind is float:
        number = value
    elif kind is int and -_INT64 <= value < _INT64:
        return float(value)
    elif value is None:
        return math.nan
    elif kind is str:
        parsed = parse_number(value)
        if parsed is None:
            raise ValueError
        number = parsed
    else:
        raise ValueError
    if math.isinf(number):
        raise ValueError
    return number


def _log2_text(x: float) -> str | None:
    """Return the bucket of a number as `canonical.log2_texts` does."""
    if x != x:
        return None
    if x > 2:
        logarithm = float(np.log(x))
        return str(math.floor(logarithm * logarithm))
    return f"SP{math.floor(x)}"


def _numeric(column: Column, fitted: Fitted) -> Callable[[Any], Features]:
    missing, first = fitted.missing, fitted.first
    if fitted.edges is not None:
        edges = fitted.edges.tolist()

        def bin_of(value: Any) -> Features:
            x = _number(value)
            return [missing if x != x else first + bisect_right(edges, x)], _ONE

        return bin_of
    mean, scale = (fitted.mean, fitted.scale) if column.transform == "standardize" else (0.0, 1.0)

    def scaled(value: Any) -> Features:
        x = _number(value)
        if x != x:
            return [missing], _ONE
        x = (x - mean) / scale
        if x == 0:
            return [], []
        if not _SMALLEST <= abs(x) <= _LARGEST:  # may round to zero, or not fit into float32
            raise ValueError
        return [first], [x]

    return scaled


def _multi(column: Column, fitted: Fitted) -> Callable[[Any], Features]:
    find, missing, mark = _finder(fitted), fitted.missing, column.weight_separator
    cut = _words if column.kind == "text" else _splitter(column.separator)

    def encode(value: Any) -> Features:
        tokens = cut(value)
        if not tokens:
            return [missing], _ONE
        if mark is None:
            return [find(token) for token in tokens], _ONE * len(tokens)
        ids, values = [], []
        for token in tokens:
            name, found, weight = token.rpartition(mark)
            number = parse_number(weight) if found else 1.0
            if number is None or not abs(number) <= _LARGEST:
                raise ValueError
            ids.append(find(name if found else token))
            values.append(number)
        return ids, values

    return encode


def _words(value: Any) -> list[str]:
    """Return the words of a text as `canonical.split_cells` does."""
    text = _text(value)
    if text is None:
        return []
    if not text.isascii():
        raise ValueError
    return _WORD.findall(text.lower())


def _splitter(separator: str | None) -> Callable[[Any], list[str]]:
    """Return what cuts a cell into canonical values as `canonical.split_cells` does."""

    def cut(value: Any) -> list[str]:
        if type(value) is list and value and all(type(token) is str for token in value):
            parts = value
        elif value is None:
            return []
        elif type(value) is str:
            text = _canonical(value)
            if text is None:
                return []
            parts = text.split(separator) if separator else [text]
        else:
            raise ValueError
        tokens = []
        for part in parts:
            # Canonical before and after the blanks go, as in tables.
            token = _canonical((_canonical(part) or "").strip())
            if token is not None:
                tokens.append(token)
        return tokens

    return cut
