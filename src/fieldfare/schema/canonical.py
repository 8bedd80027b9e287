"""One text and one number for one value, whatever kind of table it came from.

The same column may reach us as CSV text, as integers from Parquet, or as floats from pandas, which
has no missing integers. Values are therefore compared as canonical text: ``5`` is "5", ``2.0`` is
"2", ``True`` is "true". The rule looks at one value at a time, so that ids can not depend on the
types a reader guessed nor on how the rows were cut into batches.

Each rule stands here twice, once for Arrow arrays and once for a single value of Python, because an
Arrow kernel costs microseconds however small its input. A property test holds the two together.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fieldfare._optional import require
from fieldfare._typing import Float64Array, Int64Array
from fieldfare.exceptions import SchemaError
from fieldfare.schema.missing import NOTHING, STANDARD, Marks
from fieldfare.sources.arrow import FEW, array_of, is_text, numpy_of, scalar_of, texts_of
from fieldfare.sources.batch import SourceLocation

_EXACT = float(2**53)
_INT64 = 2**63
_DECIMAL_ZERO = re.compile(r"-?[0-9]+\.0")
_WORD = re.compile(r"[a-z0-9_]+")
_NO_CODES = np.zeros(0, np.int64)


def texts(array: Any, marks: Marks = STANDARD) -> Any:
    """Return the canonical text of each value of an Arrow array; missing values become null.

    Missing are nulls, NaN and the marks.
    """
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    kind, large = array.type, pa.large_string()
    if pa.types.is_dictionary(kind):
        return texts(array.dictionary_decode(), marks)
    if pa.types.is_decimal(kind):
        array, kind = _unscaled(array), pa.float64()
    if pa.types.is_floating(kind):
        out = _float_texts(array)
        return marks.without(out) if marks.numbers else out
    if pa.types.is_timestamp(kind):
        array = pc.cast(array, pa.timestamp("us", kind.tz), safe=False)
        return pc.replace_substring_regex(pc.cast(array, large), r"\.0+(Z?)$", r"\1")
    try:
        return marks.without(_string_texts(pc.cast(array, large)))
    except pa.ArrowException as error:
        raise SchemaError(f"Values of type {kind} cannot be read as text.") from error


def _float_texts(array: Any) -> Any:
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    if array.type == pa.float16():
        array = pc.cast(array, pa.float32())
    x = numpy_of(array)
    integral = (np.abs(x) < _EXACT) & (np.floor(x) == x)
    as_integer = array_of(np.where(integral, x, 0).astype(np.int64))
    large = pa.large_string()
    out = pc.if_else(array_of(integral), pc.cast(as_integer, large), pc.cast(array, large))
    return pc.if_else(array_of(np.isnan(x)), scalar_of(None, large), out)


def _string_texts(array: Any) -> Any:
    pc = require("pyarrow.compute", "tables")
    if len(array) <= FEW:
        given = array.to_pylist()
        if given == [text if text is None else canonical_text(text) for text in given]:
            return array
    # The cheap tests spare the regular expression for the many columns that need none.
    if pc.any(pc.ends_with(array, ".0")).as_py():
        array = pc.replace_substring_regex(array, r"^(-?[0-9]+)\.0$", r"\1")
    for spelt, canonical in (("True", "true"), ("False", "false")):
        same = pc.equal(array, scalar_of(spelt, array.type))
        if pc.any(same).as_py():
            array = pc.if_else(same, scalar_of(canonical, array.type), array)
    return array


def text_of(value: Any, marks: Marks = STANDARD) -> str | None:
    """Return the canonical text of one value as `texts` does of many, ``None`` if missing.

    Raises
    ------
    ValueError
        For types that only Arrow can read.
    """
    kind = type(value)
    if value is None or (kind is float and value != value):
        return None
    if kind is str:
        text = canonical_text(value)
    elif kind is int and -_INT64 <= value < _INT64:
        text = str(value)
    elif kind is bool:
        text = "true" if value else "false"
    elif kind is float and abs(value) < _EXACT and value.is_integer():
        text = str(int(value))
    else:
        raise ValueError
    return None if marks.mean(text) else text


def canonical_text(text: str) -> str:
    """Return a text as `texts` writes it."""
    if text.endswith(".0") and _DECIMAL_ZERO.fullmatch(text):
        return text[:-2]
    if text in ("True", "False"):
        return text.lower()
    return text


def dictionary(array: Any, marks: Marks = STANDARD) -> tuple[Int64Array, Any]:
    """Split a column into codes and its distinct canonical texts.

    Returns
    -------
    codes : int64 array of shape (n_rows,)
        Position of each cell's text; ``len(texts)`` where missing.
    texts : Arrow array of large strings
        Distinct apart from values that become equal only as text; null where missing.
    """
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    if pa.types.is_null(array.type):
        return np.zeros(len(array), np.int64), texts_of([])
    if pa.types.is_nested(array.type):
        raise SchemaError(
            f"A value of type {array.type} cannot be used as one category. "
            "Use kind='multi' for lists, or give the parts columns of their own."
        )
    if not pa.types.is_dictionary(array.type):
        array = pc.dictionary_encode(array)
    return codes_of(array), texts(array.dictionary, marks)


def codes_of(array: Any) -> Int64Array:
    """Return the codes of a dictionary array; missing cells have the first code beyond."""
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    codes = array.indices
    if codes.null_count:
        codes = pc.cast(codes, pa.int64()).fill_null(scalar_of(len(array.dictionary), pa.int64()))
    found: Int64Array = numpy_of(codes).astype(np.int64, copy=False)
    return found


def numbers(
    array: Any, location: SourceLocation, column: str, marks: Marks = STANDARD
) -> Float64Array:
    """Return a column as float64, NaN where missing.

    Missing are nulls, NaN and the marks.

    Raises
    ------
    DataError
        From ``location``: for a word or an infinite number, with its row and column.
    """
    x, odd = read_numbers(array, column, marks)
    if odd:
        first = min(odd, key=lambda text: text.row)
        raise location.error(first.row, column, "a number is needed here.", first.text)
    refuse_infinite(x, array, location, column)
    return x


class OddText(NamedTuple):
    """A text where a number is needed, how often it occurs, and the first row that has it."""

    text: str
    times: int
    row: int


def read_numbers(
    array: Any, column: str, marks: Marks = STANDARD
) -> tuple[Float64Array, list[OddText]]:
    """Return a column as float64, NaN where missing, and the texts that are not numbers, as NaN."""
    pa, kind = require("pyarrow", "tables"), array.type
    odd: list[OddText] = []
    if pa.types.is_null(kind):
        return np.full(len(array), np.nan), odd
    if pa.types.is_dictionary(kind) and not is_text(kind.value_type):
        array, kind = array.dictionary_decode(), kind.value_type
    if pa.types.is_temporal(kind):
        array = _seconds(array)
    try:
        if pa.types.is_dictionary(kind):
            x = np.append(_floats(array.dictionary), np.nan)[codes_of(array)]
        else:
            x = _floats(array)
    except pa.ArrowNotImplementedError as error:
        raise SchemaError(f"Column {column!r} of type {kind} cannot be read as numbers.") from error
    except pa.ArrowInvalid:
        try:
            x, odd = _parse(array, marks)
        except SchemaError as error:
            raise SchemaError(f"Column {column!r}: {error.args[0]}") from error
    return marks.without_numbers(np.asarray(x, np.float64)), odd


def refuse_infinite(x: Float64Array, array: Any, location: SourceLocation, column: str) -> None:
    """Raise the error of ``location`` if one of the numbers that an array holds is infinite."""
    if np.isinf(x).any():
        row = int(np.argmax(np.isinf(x)))
        raise location.error(row, column, "numbers must be finite.", str(array[row].as_py()))


def number_of(value: Any, marks: Marks = STANDARD) -> float:
    """Return one value as `numbers` does many, NaN if missing.

    Raises
    ------
    ValueError
        For anything but finite numbers, and for what only Arrow can read.
    """
    kind = type(value)
    number: float
    if kind is float:
        number = value
    elif kind is int and -_INT64 <= value < _INT64:
        number = float(value)
    elif value is None:
        return math.nan
    elif kind is str:
        parsed = parse_number(value, marks)
        if parsed is None:
            raise ValueError
        number = parsed
    else:
        raise ValueError
    if math.isinf(number):
        raise ValueError
    return math.nan if number in marks.numbers else number


def _floats(array: Any) -> Float64Array:
    """Return an Arrow array as float64."""
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    if pa.types.is_decimal(array.type):
        array = _unscaled(array)
    if array.type != pa.float64():
        array = pc.cast(array, pa.float64(), safe=False)
    return numpy_of(array)


def _unscaled(array: Any) -> Any:
    """Return decimals as the floats that their texts are; a direct cast may be off by a bit."""
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    return pc.cast(pc.cast(array, pa.string()), pa.float64())


def _seconds(array: Any) -> Any:
    """Return dates and times as seconds since 1970 (times of day: since midnight)."""
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    if pa.types.is_time(array.type):
        ticks = pc.cast(pc.cast(array, pa.time64("us")), pa.int64())
    elif pa.types.is_duration(array.type):
        ticks = pc.cast(pc.cast(array, pa.duration("us"), safe=False), pa.int64())
    else:
        ticks = pc.cast(pc.cast(array, pa.timestamp("us"), safe=False), pa.int64())
    return pc.divide(pc.cast(ticks, pa.float64()), scalar_of(1e6, pa.float64()))


def _parse(array: Any, marks: Marks) -> tuple[Float64Array, list[OddText]]:
    """Parse distinct texts, if need be one by one: the slow path, for marks, blanks and words."""
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    codes, uniques = dictionary(array, marks)
    try:
        return np.append(_floats(pc.utf8_trim_whitespace(uniques)), np.nan)[codes], []
    except pa.ArrowInvalid:
        table = np.full(len(uniques) + 1, np.nan)
    words = []
    for code, text in enumerate(uniques.to_pylist()):
        value = parse_number(text, marks)
        if value is None:
            words.append((code, text))
        else:
            table[code] = value
    times = np.bincount(codes, minlength=len(table))
    rows = np.zeros(len(table), np.int64)
    rows[codes[::-1]] = np.arange(len(codes))[::-1]
    found = [OddText(text, int(times[code]), int(rows[code])) for code, text in words]
    return table[codes], [odd for odd in found if odd.times]


def parse_number(text: str | None, marks: Marks = STANDARD) -> float | None:
    """Return the number a text stands for, NaN if it stands for a missing one, else None."""
    if text is None or marks.mean(text):
        return math.nan
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def log2_texts(x: Float64Array) -> tuple[Int64Array, list[str]]:
    """Bucket numbers by the logarithm squared (Juan et al. 2016, section 4.1).

    ``x > 2`` falls into bucket ``floor(ln(x)^2)``; a smaller x into the bucket "SP" and its
    integer part. NaN gets the code ``len(texts)``.
    """
    present = ~np.isnan(x)
    large = x > 2
    bucket = np.floor(np.where(present, x, 0))
    bucket[large] = np.floor(np.log(x[large]) ** 2)
    keys = np.stack([bucket, large])[:, present]
    uniques, inverse = np.unique(keys, axis=1, return_inverse=True)
    codes = np.full(len(x), uniques.shape[1], np.int64)
    codes[present] = inverse.reshape(-1)
    return codes, [("" if big else "SP") + str(int(b)) for b, big in uniques.T.tolist()]


def log2_text(x: float) -> str | None:
    """Return the bucket of one number as `log2_texts` does of many, ``None`` if it is missing."""
    if x != x:
        return None
    if x > 2:
        logarithm = float(np.log(x))
        return str(math.floor(logarithm * logarithm))
    return f"SP{math.floor(x)}"


def split_cells(
    array: Any, separator: str | None, is_text: bool, marks: Marks = STANDARD
) -> tuple[Int64Array, Any, Int64Array, Int64Array]:
    """Cut the cells of a ``multi`` or ``text`` column into values.

    A mark of missing counts for nothing, as a cell and as one of several values; as one of the
    words of a text it is a word.

    Returns
    -------
    codes : int64 array
        Position of the text of each value.
    texts : Arrow array of large strings, canonical, none missing
    row : int64 array
        Row of each value, never decreasing.
    counts : int64 array of shape (n_rows,)
    """
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    kind = array.type
    if pa.types.is_dictionary(kind):
        array = array.dictionary_decode()
        kind = array.type
    if pa.types.is_null(kind):
        return _NO_CODES, texts_of([]), _NO_CODES, np.zeros(len(array), np.int64)
    if not pa.types.is_nested(kind):
        array = texts(array, marks)
        if is_text:
            words = pc.replace_substring_regex(pc.utf8_lower(array), r"[^\pL\pN_]+", " ")
            array = pc.utf8_split_whitespace(pc.utf8_trim_whitespace(words))
        elif separator:
            array = pc.split_pattern(array, separator)
        else:
            array = pa.array(
                [None if t is None else [t] for t in array.to_pylist()], pa.list_(pa.large_string())
            )
    row = numpy_of(pc.list_parent_indices(array)).astype(np.int64)
    codes, words = dictionary(pc.list_flatten(array), NOTHING if is_text else marks)
    if not is_text:
        words = marks.without(_string_texts(pc.utf8_trim_whitespace(words)))
    present = numpy_of(words.is_valid())
    keep = np.append(present, False)[codes]
    row = row[keep]
    codes = (np.cumsum(present) - 1)[codes[keep]]
    counts = np.bincount(row, minlength=len(array)).astype(np.int64)
    return codes, words.drop_null(), row, counts


def words_of(value: Any, marks: Marks = STANDARD) -> list[str]:
    """Return the words of one cell as `split_cells` does of many.

    Raises
    ------
    ValueError
        For text beyond ASCII, whose letters only Arrow tells alike.
    """
    text = text_of(value, marks)
    if text is None:
        return []
    if not text.isascii():
        raise ValueError
    return _WORD.findall(text.lower())


def splitter(separator: str | None, marks: Marks = STANDARD) -> Callable[[Any], list[str]]:
    """Return what cuts one cell into canonical values as `split_cells` does many."""

    def cut(value: Any) -> list[str]:
        if type(value) is list and value and all(type(token) is str for token in value):
            parts = value
        elif value is None:
            return []
        elif type(value) is str:
            text = canonical_text(value)
            if marks.mean(text):
                return []
            parts = text.split(separator) if separator else [text]
        else:
            raise ValueError
        # Canonical before and after the blanks go, as in tables.
        parts = [part for part in map(canonical_text, parts) if not marks.mean(part)]
        tokens = [canonical_text(part.strip()) for part in parts]
        return [token for token in tokens if not marks.mean(token)]

    return cut
