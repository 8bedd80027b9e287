"""Reading what xLearn reads: its three forms of text, told apart by the first line, and arrays."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from fieldfare import Dataset, Rows, load_data
from fieldfare._typing import AnyArray, Float32Array, Int64Array
from fieldfare.exceptions import DataError, DataTypeError
from fieldfare.rows import MAX_FIELD, MAX_INDEX

_HEAD = 1 << 20


@dataclass(frozen=True)
class Form:
    """How a text is written.

    Parameters
    ----------
    kind : "libsvm", "libffm" or "csv"
    separator : str
        One blank, tab or comma.
    labelled : bool
        Whether rows begin with a label.
    header : bool
        Whether the first line is no row.
    """

    kind: str
    separator: str
    labelled: bool = True
    header: bool = False


def read(path: str) -> tuple[Dataset, Form]:
    """Return the samples of a text file as they are, and how the file is written.

    Raises
    ------
    DataError
        If there is no such file, or it holds no samples or what cannot be read.
    """
    form = form_of(path)
    if form.kind == "csv":
        return dataset(_read_table(path, form)), form
    source: Any = path
    if form.header:
        with open(path, "rb") as file:
            file.readline()
            source = io.BytesIO(file.read())
    return load_data(source, format=form.kind, labelled=form.labelled or None), form


def form_of(path: str) -> Form:
    """Return how a text is written, judged by its first line as xLearn does.

    A first line that is no row, such as the names of columns, is a header.
    """
    if not os.path.isfile(path):
        raise DataError(f"The data file {path} does not exist, or is no file.")
    with open(path, "rb") as file:
        lines = [line for line in file.read(_HEAD).splitlines() if line.strip()][:2]
    if not lines:
        raise DataError(f"The data file {path} is empty.")
    texts = [line.decode("utf-8-sig", "replace") for line in lines]
    first = _form_of_line(texts[0])
    if len(texts) == 2:
        second = _form_of_line(texts[1])
        if first.kind == "csv" and second.kind != "csv":
            label_only = len(texts[0].split()) == 1 and _is_number(texts[0].strip())
            return Form(second.kind, second.separator, second.labelled, header=not label_only)
    if first.kind == "csv":
        cells = texts[0].strip().split(first.separator)
        return Form("csv", first.separator, header=not any(map(_is_number, cells)))
    return first


def _form_of_line(line: str) -> Form:
    line = line.strip()
    separator = max(",\t ", key=line.count)  # a comma where a blank follows each
    tokens = line.replace(",", " ").split()
    labelled = not tokens or ":" not in tokens[0]
    probe = tokens[1] if labelled and len(tokens) > 1 else tokens[0] if tokens else ""
    kind = {1: "libsvm", 2: "libffm"}.get(probe.count(":"), "csv")
    return Form(kind, separator, labelled)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _read_table(path: str, form: Form) -> Rows:
    """Read numbers in columns, of which the first is the label; zeros are entries."""
    try:
        with open(path, encoding="utf-8-sig") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of no rows
            table = np.loadtxt(
                file,
                np.float64,
                comments=None,
                delimiter=None if form.separator == " " else form.separator,
                skiprows=int(form.header),
                ndmin=2,
            )
            if not table.size:
                raise ValueError("it has no rows")
    except ValueError as error:
        raise DataError(
            f"{path} cannot be read as a table of numbers: {error}. Every row needs the same "
            "number of cells, all of them numbers."
        ) from error
    if table.shape[1] < 2:
        raise DataError(
            f"File format error! {path} has one column only. A row is a label and its features: "
            "numbers in columns, id:value (libsvm), or field:id:value (libffm)."
        )
    with np.errstate(over="ignore"):
        odd = np.argwhere(~np.isfinite(table.astype(np.float32)))
    if len(odd):
        row, cell = odd[0]
        raise DataError(
            f"{path}, row {row + 1}, column {cell + 1}: numbers must be finite. Replace missing "
            "values."
        )
    return matrix_rows(table[:, 1:], None).with_(target=table[:, 0].astype(np.float32))


def dataset(rows: Rows) -> Dataset:
    """Return rows as a Dataset of numbered features."""
    return load_data(rows, labelled=None)


def matrix_rows(data: Any, field_map: Any) -> Rows:
    """Return the entries of a matrix; all of a dense one.

    Raises
    ------
    DataError
        If it is no matrix of finite numbers.
    """
    columns, values, bounds = entries(data)
    fields = None
    if field_map is not None:
        fields = field_numbers(field_map, np.shape(data)[1])[columns]
    return Rows(bounds, columns, values, fields)


def entries(
    data: Any, *, skip_zeros: bool = False, dtype: Any = np.float32
) -> tuple[AnyArray, AnyArray, Int64Array]:
    """Return column and value of each entry of a matrix, and the bounds of the rows."""
    if hasattr(data, "tocsr"):
        csr = data.tocsr()
        if len(csr.shape) != 2:
            raise DataError(f"The data must be a matrix. Got the shape {csr.shape}.")
        columns, values, bounds = csr.indices, csr.data, csr.indptr
        keep = slice(None)
        if np.iscomplexobj(values):
            raise DataTypeError("The data must be real numbers. Got complex ones.")
        if columns.size and columns.max() > MAX_INDEX:
            raise DataError(
                f"The data have column {columns.max()}, and the last may be {MAX_INDEX}. Renumber "
                "the columns."
            )
    else:
        dense = _numbers("data", data)
        if dense.ndim != 2 or not dense.shape[1]:
            raise DataError(
                f"The data must be a matrix, one row per sample. Got the shape {dense.shape}."
            )
        n, width = dense.shape
        columns, values = np.tile(np.arange(width), n), dense.reshape(-1)
        bounds = np.arange(n + 1) * width
        keep = values != 0 if skip_zeros else slice(None)
    with np.errstate(over="ignore"):
        values = np.asarray(values).astype(dtype)
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        row = int(np.searchsorted(bounds, bad[0], side="right")) - 1
        raise DataError(
            f"The data must be finite numbers. Row {row}, column {int(columns[bad[0]])} is "
            f"{values[bad[0]]}: replace missing values."
        )
    if not isinstance(keep, slice):
        bounds = np.append(0, np.cumsum(keep))[bounds]
    found = np.asarray(columns)[keep].astype(np.uint32)
    return found, values[keep], np.asarray(bounds).astype(np.int64)


def column(name: str, given: Any, n_rows: int, dtype: Any = np.float32) -> AnyArray:
    """Return one number per row out of a sequence, or an array of one row or column."""
    found = _numbers(name, given)
    flat = found.reshape(-1)
    if found.ndim > 2 or (found.ndim == 2 and 1 not in found.shape) or len(flat) != n_rows:
        raise DataError(f"{name} needs one number for each of {n_rows} rows. Got {found.shape}.")
    with np.errstate(over="ignore"):
        flat = flat.astype(dtype)
    if not np.isfinite(flat).all():
        raise DataError(f"{name} must be finite. Row {int(np.argmin(np.isfinite(flat)))} is not.")
    return flat


def field_numbers(given: Any, n_columns: int) -> AnyArray:
    """Return the field of each column, uint16."""
    found = column("field_map", given, n_columns, np.float64)
    if ((found < 0) | (found > MAX_FIELD) | (found != np.rint(found))).any():
        raise DataError(f"Fields must be whole numbers from 0 to {MAX_FIELD}. Got {found!r:.80}.")
    return found.astype(np.uint16)


def _numbers(name: str, given: Any) -> AnyArray:
    to_numpy = getattr(given, "to_numpy", None)
    try:
        found = np.ma.asanyarray(given if to_numpy is None else to_numpy())
        if found.dtype.kind in "cmM":
            raise TypeError(f"its dtype is {found.dtype}")
        plain: AnyArray = found.astype(np.float64).filled(np.nan)
        return plain
    except (TypeError, ValueError) as error:
        raise DataTypeError(f"{name} must hold numbers only: {error}.") from error


def with_one_field(rows: Rows) -> Rows:
    """Return rows whose entries have a field; those without are all in field 0."""
    if rows.fields is not None:
        return rows
    return rows.with_(fields=np.zeros(len(rows.indices), np.uint16))


def lengths(rows: Rows) -> Float32Array:
    """Return the Euclidean length of each row, 1 where it is zero."""
    bounds = rows.indptr
    own = slice(int(bounds[0]), int(bounds[-1]))
    if rows.values is None:
        squares = np.diff(bounds).astype(np.float64)
    else:
        # With a zero, at which empty rows at the end begin.
        entries_squared = np.append(rows.values[own].astype(np.float64) ** 2, 0.0)
        sums = np.add.reduceat(entries_squared, bounds[:-1] - bounds[0])
        squares = np.where(np.diff(bounds) > 0, sums, 0.0)
    found: Float32Array = np.sqrt(np.where(squares > 0, squares, 1.0)).astype(np.float32)
    return found


def contiguous_folds(n_rows: int, n_folds: int) -> Sequence[tuple[int, int]]:
    """Return the bounds of consecutive folds."""
    cuts = [n_rows * fold // n_folds for fold in range(n_folds + 1)]
    return list(pairwise(cuts))
