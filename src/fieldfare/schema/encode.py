"""Encoding: a batch of a table to Rows. Loops run over columns and distinct values, not rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fieldfare._typing import AnyArray, Float32Array, Float64Array, Int64Array, UInt32Array
from fieldfare.rows import Rows
from fieldfare.schema.canonical import (
    codes_of,
    dictionary,
    numbers,
    parse_number,
    split_cells,
)
from fieldfare.schema.column import Column
from fieldfare.schema.columnwise import each
from fieldfare.schema.fit import Fitted, split_weights, tokens_of
from fieldfare.schema.missing import OF_TARGETS
from fieldfare.schema.vocabulary import Vocabulary, hash64
from fieldfare.sources.arrow import array_of, is_dictionary_of_strings, is_string, numpy_of
from fieldfare.sources.batch import Batch, SourceLocation, require_column, require_columns, shorten

_MAX_FLOAT32 = float(np.finfo(np.float32).max)
_SQUARE_ROWS = 1024
_NO_TARGET = (
    "the target must not be missing. Remove rows without a target. NA, NULL, '?' and '.' stand for "
    "a missing one: a class of that name has to be renamed."
)
_INTEGER = re.compile(r"-?[0-9]{1,18}")
# Equal to no hash and to no whole number of 18 digits; libsvm can write it, as qid.
NO_GROUP = np.iinfo(np.int64).max


@dataclass(frozen=True, eq=False)
class Entries:
    """The features of one column: ids, values (``None``: ones) and entries per row."""

    ids: UInt32Array
    values: Float32Array | None = None
    counts: Int64Array | None = None


def encode_features(
    columns: Sequence[tuple[Column, Fitted]],
    field_numbers: Mapping[str, int],
    batch: Batch,
    n_threads: int | None = None,
) -> Rows:
    """Turn columns of a batch into Rows."""

    def encode(used: tuple[Column, Fitted]) -> tuple[int, Entries]:
        column, fitted = used
        entries = encode_column(column, fitted, batch.data.column(column.name), batch.location)
        return field_numbers[column.field_name], entries

    require_columns((column.name for column, _ in columns), batch.data.schema.names)
    n_rows = batch.data.num_rows
    return assemble(each(n_rows, encode, columns, n_threads=n_threads), n_rows)


def encode_labels(
    names: Mapping[str, str | None],
    classes: Sequence[str] | None,
    batch: Batch,
    *,
    labelled: bool,
) -> dict[str, AnyArray]:
    """Return the target, weight and group of a batch, by role.

    Parameters
    ----------
    names : mapping from role to column
    classes : sequence of str or None
        What the target stands for, if not for numbers.
    batch : Batch
    labelled : bool
        Whether all are wanted, and must be there; else only the group is, if it is there.
    """
    there = batch.data.schema.names
    wanted = {
        role: name
        for role, name in names.items()
        if name is not None and (labelled or (role == "group" and name in there))
    }
    for name in wanted.values():
        require_column(name, there)
    encoders: dict[str, Callable[[Batch, str], AnyArray]] = {
        "target": lambda batch, name: encode_target(batch, name, classes),
        "weight": encode_weight,
        "group": encode_group,
    }
    return {role: encoders[role](batch, name) for role, name in wanted.items()}


def encode_column(column: Column, fitted: Fitted, array: Any, location: SourceLocation) -> Entries:
    """Turn the cells of one column into features."""
    if column.kind in ("multi", "text"):
        return _encode_multi(column, fitted, array, location)
    if column.kind == "categorical" and fitted.vocabulary is not None:
        if is_string(array.type):
            return Entries(_ids_of_cells(column, fitted, fitted.vocabulary, array))
        if is_dictionary_of_strings(array.type):
            ids = _ids_of_cells(column, fitted, fitted.vocabulary, array.dictionary)
            return Entries(np.append(ids, np.uint32(fitted.missing))[codes_of(array)])
    if column.has_vocabulary or column.is_hashed:
        codes, words = tokens_of(column, array, location)
        return Entries(_ids(fitted, words)[codes])
    return _encode_number(column, fitted, array, location)


def _ids(fitted: Fitted, words: Any) -> UInt32Array:
    """Return the id of each text of an Arrow array, and at the end that of missing cells."""
    if fitted.vocabulary is not None:
        ids = fitted.vocabulary.look_up(words, fitted.missing, fitted.unknown)
    else:
        ids = (hash64(words) % np.uint64(fitted.size - 1)).astype(np.uint32)
        ids += np.uint32(fitted.first)
        ids[numpy_of(words.is_null())] = fitted.missing
    return np.append(ids, np.uint32(fitted.missing))


def _ids_of_cells(
    column: Column, fitted: Fitted, vocabulary: Vocabulary, cells: Any
) -> UInt32Array:
    """Return the id of each text: most are canonical as they stand, and found at once."""
    positions = vocabulary.find(cells)
    ids = vocabulary.at(positions, fitted.unknown)
    rest = positions < 0
    if rest.any():
        codes, words = dictionary(cells.filter(array_of(rest)), column.marks)
        ids[rest] = _ids(fitted, words)[codes]
    return ids


def _encode_number(column: Column, fitted: Fitted, array: Any, location: SourceLocation) -> Entries:
    x = numbers(array, location, column.name, column.marks)
    missing = np.isnan(x)
    if fitted.edges is not None:
        bins = fitted.first + np.searchsorted(fitted.edges, x, side="right")
        return Entries(np.where(missing, fitted.missing, bins).astype(np.uint32))
    if column.transform == "standardize":
        x = (x - fitted.mean) / fitted.scale
        if column.clip is not None:
            x = np.clip(x, -column.clip, column.clip)
    ids = np.where(missing, fitted.missing, fitted.first).astype(np.uint32)
    values = _float32(np.where(missing, 1.0, x), column.name, location)
    keep = values != 0
    if keep.all():
        return Entries(ids, values)
    return Entries(ids[keep], values[keep], keep.astype(np.int64))


def _encode_multi(column: Column, fitted: Fitted, array: Any, location: SourceLocation) -> Entries:
    codes, uniques, row, lengths = split_cells(
        array, column.separator, column.kind == "text", column.marks
    )
    words, weights = split_weights(column, uniques)
    ids = _ids(fitted, words)[codes]
    if column.kind == "text":  # each word once, and one unknown word for all
        first = _first_of_each(row, ids)
        ids, row = ids[first], row[first]
        lengths = np.bincount(row, minlength=len(lengths)).astype(np.int64)
    numbers_of: Float64Array | None = None
    if weights:
        table = np.ones(len(weights))
        for code, text in enumerate(weights):
            number = parse_number(text)
            if number is None or not abs(number) <= _MAX_FLOAT32:
                cell = int(row[np.argmax(codes == code)])
                raise location.error(
                    cell,
                    column.name,
                    "the weight of a value must be a finite number.",
                    uniques[code].as_py(),
                )
            table[code] = number
        numbers_of = table[codes]
    if column.has_unit_cells:
        numbers_of = _to_unit_cells(numbers_of, row, lengths)
    values = None if numbers_of is None else numbers_of.astype(np.float32)
    empty = lengths == 0
    if empty.any():
        ids, values = _insert_missing(ids, values, lengths, fitted.missing)
        lengths = np.where(empty, 1, lengths)
    return Entries(ids, values, lengths)


def _first_of_each(row: Int64Array, ids: UInt32Array) -> Int64Array:
    """Return where each id occurs first in its row, in order."""
    _, first = np.unique((row << np.int64(32)) | ids.astype(np.int64), return_index=True)
    return np.sort(first)


def _to_unit_cells(x: Float64Array | None, row: Int64Array, lengths: Int64Array) -> Float64Array:
    """Divide values, all 1 if ``None``, by the Euclidean length of those of their cell."""
    squares = lengths if x is None else np.bincount(row, x * x, minlength=len(lengths))
    length = np.sqrt(squares)[row]
    return np.divide(1.0 if x is None else x, length, out=np.zeros(len(row)), where=length > 0)


def _insert_missing(
    ids: UInt32Array, values: Float32Array | None, lengths: Int64Array, missing: int
) -> tuple[UInt32Array, Float32Array | None]:
    """Give rows without values the missing id."""
    where = (np.cumsum(lengths) - lengths)[lengths == 0]
    ids = np.insert(ids, where, np.uint32(missing))
    return ids, None if values is None else np.insert(values, where, np.float32(1))


def _float32(x: AnyArray, column: str, location: SourceLocation) -> Float32Array:
    with np.errstate(over="ignore"):
        out = x.astype(np.float32)
    bad = ~np.isfinite(out)
    if bad.any():
        row = int(np.argmax(bad))
        raise location.error(row, column, "numbers must fit into float32.", repr(float(x[row])))
    return out


def assemble(parts: Sequence[tuple[int, Entries]], n_rows: int) -> Rows:
    """Merge the features of columns, each with its field number, row by row in column order."""
    if parts and all(part.counts is None for _, part in parts):
        return _assemble_square(parts, n_rows)
    lengths = np.zeros(n_rows, np.int64)
    for _, part in parts:
        lengths += 1 if part.counts is None else part.counts
    indptr = np.zeros(n_rows + 1, np.int64)
    np.cumsum(lengths, out=indptr[1:])
    nnz = int(indptr[-1])
    indices, fields = np.empty(nnz, np.uint32), np.empty(nnz, np.uint16)
    values = None
    if any(part.values is not None for _, part in parts):
        values = np.ones(nnz, np.float32)
    cursor = indptr[:-1].copy()
    for field, part in parts:
        if part.counts is None:
            where = cursor.copy()
            cursor += 1
        else:
            before = np.cumsum(part.counts) - part.counts
            where = np.repeat(cursor - before, part.counts) + np.arange(len(part.ids))
            cursor += part.counts
        indices[where] = part.ids
        fields[where] = field
        if values is not None and part.values is not None:
            values[where] = part.values
    if values is not None and (values == 1).all():
        values = None
    return Rows(indptr, indices, values, fields)


def _assemble_square(parts: Sequence[tuple[int, Entries]], n_rows: int) -> Rows:
    """Merge columns of one entry in every row, a few rows at a time to stay in the cache."""
    width = len(parts)
    indices = np.empty((n_rows, width), np.uint32)
    valued = [j for j, (_, part) in enumerate(parts) if part.values is not None]
    values = np.ones((n_rows, width), np.float32) if valued else None
    for start in range(0, n_rows, _SQUARE_ROWS):
        rows = slice(start, start + _SQUARE_ROWS)
        for j, (_, part) in enumerate(parts):
            indices[rows, j] = part.ids[rows]
        if values is not None:
            for j in valued:
                part_values = parts[j][1].values
                assert part_values is not None
                values[rows, j] = part_values[rows]
    fields = np.tile(np.array([field for field, _ in parts], np.uint16), n_rows)
    flat = None if values is None or (values == 1).all() else values.reshape(-1)
    indptr = np.arange(n_rows + 1, dtype=np.int64) * width
    return Rows(indptr, indices.reshape(-1), flat, fields)


def encode_target(batch: Batch, name: str, classes: Sequence[str] | None) -> Float32Array:
    """Return the target as numbers, or as class numbers if the Schema has classes."""
    array = batch.data.column(name)
    if classes is None:
        x = numbers(array, batch.location, name)
    else:
        codes, uniques = dictionary(array, OF_TARGETS)
        number = {text: float(i) for i, text in enumerate(classes)}
        table = np.full(len(uniques) + 1, np.nan)
        for code, text in enumerate(uniques.to_pylist()):
            if text is not None and text not in number:
                known = ", ".join(repr(c) for c in classes[:10])
                raise batch.location.error(
                    int(np.argmax(codes == code)),
                    name,
                    f"the target must be one of the classes seen in training: {known}.",
                    text,
                )
            table[code] = number.get(text, np.nan)
        x = table[codes]
    _refuse(np.isnan(x), batch, name, _NO_TARGET)
    return _float32(x, name, batch.location)


def encode_weight(batch: Batch, name: str) -> Float32Array:
    """Return sample weights, finite and not negative."""
    x = numbers(batch.data.column(name), batch.location, name)
    _refuse(np.isnan(x), batch, name, "the sample weight must not be missing.")
    _refuse(x < 0, batch, name, "sample weights must not be negative.")
    return _float32(x, name, batch.location)


def encode_group(batch: Batch, name: str) -> Int64Array:
    """Return groups as int64: whole numbers as they are, other texts hashed.

    Rows without a group make up one group of their own.
    """
    codes, uniques = dictionary(batch.data.column(name))
    words = uniques.to_pylist()
    table = np.append((hash64(uniques) >> np.uint64(1)).astype(np.int64), NO_GROUP)
    for code, text in enumerate(words):
        if text is None:
            table[code] = NO_GROUP
        elif _INTEGER.fullmatch(text):
            table[code] = int(text)
    return table[codes]


def _refuse(bad: AnyArray, batch: Batch, name: str, problem: str) -> None:
    if bad.any():
        row = int(np.argmax(bad))
        cell = batch.data.column(name)[row].as_py()
        raise batch.location.error(row, name, problem, "" if cell is None else shorten(str(cell)))
