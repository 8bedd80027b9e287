"""Findings: what looks wrong with samples that are to be learned from.

`fieldfare.data.inspect` reports them, and each training warns of them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

from fieldfare.data.dataset import AnyDataset, Dataset
from fieldfare.data.leaks import leaks
from fieldfare.data.stretches import stretches
from fieldfare.exceptions import DataWarning
from fieldfare.schema.column import Column
from fieldfare.schema.fit import Fitted
from fieldfare.schema.schema import Schema
from fieldfare.schema.whole_numbers import ROWS_OF_EVIDENCE

# What is looked at for leaks before each training, in entries: a few milliseconds.
_ENTRIES = 50_000
# In examples of few rows columns are often constant, or one of them says all there is.
_ROWS = 100
_ROWS_FOR_LEAKS = 500
_NEARLY_ALL = 0.95
_SHOWN = 5


def warn_of_findings(data: AnyDataset, *, with_leaks: bool = True) -> None:
    """Warn of columns of training samples that help no prediction, or help too much.

    Parameters
    ----------
    data : Dataset or RelatedDataset
        Of many, leaks are looked for in some of the rows.
    with_leaks : bool
        Whether a column should not determine the target. To a ranking, items that are better
        whoever asks are no leak.
    """
    some = Dataset(stretches(data.rows, _ENTRIES), data.schema)
    found = identifiers(data.schema)
    if len(data) >= _ROWS:
        found += constant_columns(some)
    if with_leaks and len(data) >= _ROWS_FOR_LEAKS:
        found += leaks(some)
    for finding in found:
        warnings.warn(DataWarning(finding), stacklevel=3)


def constant_columns(data: Dataset) -> list[str]:
    """Report columns that have one value, and no missing cells, in the rows of their Schema."""
    names = _columns(data.schema, lambda column, fitted: _is_constant(data, column, fitted))
    return [] if not names else [f"{_of(names)} one value only: ignore= leaves such columns out."]


def identifiers(schema: Schema, others: Sequence[str] = ()) -> list[str]:
    """Report columns of categories with a value of their own in nearly each row.

    Parameters
    ----------
    schema : Schema
    others : sequence of str
        Columns that were found out to be such before.
    """
    names = [*others, *_columns(schema, lambda *own: _is_identifier(schema, *own))]
    if not names:
        return []
    return [
        f"{_of(dict.fromkeys(names))} a different value in (nearly) each row, like an identifier "
        "of rows. Unless new rows have the same values, that helps no prediction; ignore= leaves "
        "such columns out."
    ]


def _columns(schema: Schema, test: Callable[[Column, Fitted], bool]) -> list[str]:
    """Return the names of the columns of a table that pass a test."""
    return [
        column.name
        for column, fitted in zip(schema.columns, schema.fitted or (), strict=False)
        if fitted is not None and column.source is None and test(column, fitted)
    ]


def _is_constant(data: Dataset, column: Column, fitted: Fitted) -> bool:
    if fitted.n_missing or fitted.n_unknown or column.is_hashed or not data.schema.n_rows:
        return False
    if fitted.vocabulary is not None:
        return len(fitted.vocabulary) == 1
    if fitted.edges is not None:
        return len(fitted.edges) == 0
    # The scale of a constant is one; it is 0 in each row, and so has no entries.
    standard = column.transform == "standardize" and fitted.scale == 1
    return standard and not (data.rows.indices[data.rows.span] == fitted.first).any()


def _is_identifier(schema: Schema, column: Column, fitted: Fitted) -> bool:
    if fitted.vocabulary is None or column.kind != "categorical":
        return False
    present = schema.n_rows - fitted.n_missing
    return present >= ROWS_OF_EVIDENCE and len(fitted.vocabulary) >= _NEARLY_ALL * present


def _of(names: Sequence[str] | dict[str, None]) -> str:
    """Return the beginning of a sentence about columns, with its verb."""
    shown = [repr(name) for name in names]
    if len(shown) == 1:
        return f"Column {shown[0]} has"
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return f"Columns {', '.join(shown[:_SHOWN])}{more} have"
