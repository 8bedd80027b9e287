"""What the columns of a table without a header may be: target, rating, time or ids."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import numpy as np

from fieldfare._optional import require
from fieldfare._typing import AnyArray
from fieldfare.schema.calendar import LIKELY_SECONDS
from fieldfare.schema.infer import SAMPLE_ROWS
from fieldfare.schema.text_types import type_texts
from fieldfare.sources.arrow import numpy_of
from fieldfare.sources.source import Table

_MOST_SHOWN = 8
_RATINGS = 21  # different ones at most, as from 0 to 10 in halves
_RECURRING = 2.0  # times that an id occurs on average


def guesses(table: Table) -> list[str]:
    """Return one sentence on what the columns of a table without names are taken for.

    The list is empty if the columns have names.
    """
    if table.has_names:
        return []
    sample = table.head(SAMPLE_ROWS)
    found = [
        f"{name} looks like {guess}"
        for name, column in zip(sample.schema.names, sample.columns, strict=True)
        if (guess := _guess(column)) is not None
    ]
    last = f"f{len(table.names) - 1}"
    text = (
        f"There is no header, so the columns are called f0 to {last}. Unless a target is named, by "
        "position or by names=[...], training takes the first column for it"
    )
    if len(found) > _MOST_SHOWN:
        found[_MOST_SHOWN:] = ["..."]
    return [f"{text}. {', '.join(found)}." if found else f"{text}."]


def _guess(column: Any) -> str | None:
    """Return what the texts of a column look like, in words that follow "looks like"."""
    pa, pc = require("pyarrow", "tables"), require("pyarrow.compute", "tables")
    typed = type_texts(column)
    n_distinct = len(pc.unique(typed.drop_null()))
    if pa.types.is_temporal(typed.type):
        return "dates or times"
    if n_distinct == 2:
        values = sorted(map(str, pc.unique(column.drop_null()).to_pylist()))
        return f"a target of two classes ({values[0]}, {values[1]})"
    is_number = pa.types.is_integer(typed.type) or pa.types.is_floating(typed.type)
    if is_number:
        x = numpy_of(pc.cast(typed.drop_null(), pa.float64(), safe=False))
        if (guess := _guess_of_numbers(x, n_distinct)) is not None:
            return guess
    recurs = len(column) - column.null_count >= _RECURRING * n_distinct
    is_whole = pa.types.is_integer(typed.type)
    if recurs and n_distinct > _RATINGS and (is_whole or not is_number):
        return f"ids ({n_distinct} different)"
    return None


def _guess_of_numbers(x: AnyArray, n_distinct: int) -> str | None:
    """Return whether numbers look like ratings or times."""
    if not len(x) or not np.isfinite(x).all():
        return None
    low, high = float(x.min()), float(x.max())
    in_halves = bool((2 * x == np.floor(2 * x)).all())
    if 2 < n_distinct <= _RATINGS and in_halves and 0 <= low <= 1 and high in (4, 5, 6, 7, 10):
        return f"a rating ({low:g} to {high:g})"
    for unit, scale in (("seconds", 1.0), ("milliseconds", 1e3)):
        if LIKELY_SECONDS[0] * scale <= low <= high <= LIKELY_SECONDS[1] * scale:
            first, last = (
                datetime.fromtimestamp(end / scale, timezone.utc).date() for end in (low, high)
            )
            return f"a time in {unit} ({first} to {last})"
    return None
