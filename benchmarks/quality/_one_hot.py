"""A table as other systems take it: one-hot columns, and for trees numbers and numbered categories.

What a column means is what a person would read in it: `Table.codes`, `Table.dates` and
`Table.texts` say it where the type of the values does not. Numbers are standardised, and where some
are missing, a column of zeros and ones says so; categories and the words of texts get a column
each; a date gives its month, weekday and hour as categories.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from benchmarks.common.tables import Table

Array = np.ndarray[Any, Any]
Cut = Callable[[str], list[str]]


@dataclass(frozen=True)
class Encoded:
    """The rows to learn from, and those to predict.

    Attributes
    ----------
    train, test : scipy.sparse.csr_matrix
        One-hot columns and standardised numbers, float64.
    fields : ndarray of int
        The number of the column of the table that each one-hot column comes from.
    dense_train, dense_test : ndarray of float64
        Numbers as they are, and categories as numbers; NaN where missing. Texts are left out.
    categories : list of int
        Which of the dense columns are categories.
    """

    train: Any
    test: Any
    fields: Array
    dense_train: Array
    dense_test: Array
    categories: list[int]


def encode(table: Table, train: pd.DataFrame, test: pd.DataFrame) -> Encoded:
    """Encode both parts by what the first shows."""
    blocks: list[tuple[Any, Any]] = []
    dense: list[tuple[Array, Array]] = []
    fields: list[int] = []
    categories: list[int] = []
    for number, (kind, old, new) in enumerate(_columns(table, train, test)):
        if kind == "number":
            pair = _numbers(old, new)
            dense.append((old.to_numpy(np.float64), new.to_numpy(np.float64)))
        elif kind == "category":
            known, found = _codes(old, new)
            size = known.max() + 1
            pair = _indicators(known, size), _indicators(found, size)
            categories.append(len(dense))
            dense.append((np.where(known < 0, np.nan, known), np.where(found < 0, np.nan, found)))
        else:
            pair = _words(old, new, str.split if kind == "text" else lambda cell: cell.split("|"))
        blocks.append(pair)
        fields += [number] * pair[0].shape[1]
    trees = [
        np.column_stack([np.empty((len(part), 0)), *(pair[place] for pair in dense)])
        for place, part in enumerate((train, test))
    ]
    return Encoded(
        sp.csr_matrix(sp.hstack([old for old, _ in blocks])),
        sp.csr_matrix(sp.hstack([new for _, new in blocks])),
        np.array(fields),
        trees[0],
        trees[1],
        categories,
    )


def _columns(
    table: Table, train: pd.DataFrame, test: pd.DataFrame
) -> Iterator[tuple[str, pd.Series, pd.Series]]:
    """Yield what each column is, and its values in both parts."""
    for name in train:
        if name == table.target:
            continue
        old, new = train[name].replace("?", None), test[name].replace("?", None)
        if name in table.dates:
            times = [pd.to_datetime(part, utc=True, format="mixed") for part in (old, new)]
            for part in ("month", "day_of_week", "hour"):
                cells = [getattr(time.dt, part) for time in times]
                if cells[0].nunique() > 1:
                    yield "category", *cells
        elif name in table.texts:
            yield "text", _text(old), _text(new)
        elif name in table.codes or is_bool_dtype(old):
            yield "category", old, new
        elif is_numeric_dtype(old):
            yield "number", old, new
        elif (numbers := _as_numbers(old, new)) is not None:
            yield "number", *numbers
        elif _text(old).str.contains("|", regex=False).mean() > 0.1:
            yield "list", _text(old), _text(new)
        else:
            yield "category", old, new


def _text(column: pd.Series) -> pd.Series:
    return column.fillna("").astype(str)


def _as_numbers(old: pd.Series, new: pd.Series) -> tuple[pd.Series, pd.Series] | None:
    """Return texts that are numbers as such."""
    try:
        return pd.to_numeric(old), pd.to_numeric(new)
    except (ValueError, TypeError):
        return None


def _numbers(old: pd.Series, new: pd.Series) -> tuple[Any, Any]:
    middle, spread = old.mean(), old.std()
    if not np.isfinite(middle):
        middle = 0.0
    scale = spread if np.isfinite(spread) and spread > 0 else 1.0
    missing = bool(old.isna().any())
    blocks = []
    for part in (old, new):
        x = ((part - middle) / scale).fillna(0).to_numpy(np.float64)
        columns = [x, part.isna().to_numpy(np.float64)] if missing else [x]
        blocks.append(sp.csr_matrix(np.column_stack(columns)))
    return blocks[0], blocks[1]


def _codes(old: pd.Series, new: pd.Series) -> tuple[Array, Array]:
    """Number the values by what the first part has; -1 for missing ones and those unknown."""
    codes, values = pd.factorize(old)
    return codes, pd.Index(values).get_indexer(new)


def _indicators(codes: Array, size: int) -> Any:
    rows = np.flatnonzero(codes >= 0)
    shape = (len(codes), int(size))
    return sp.csr_matrix((np.ones(len(rows)), (rows, codes[rows])), shape=shape)


def _words(old: pd.Series, new: pd.Series, cut: Cut) -> tuple[Any, Any]:
    from sklearn.feature_extraction.text import CountVectorizer

    counter = CountVectorizer(
        binary=True, min_df=2, tokenizer=cut, token_pattern=None, dtype=np.float64
    )
    return counter.fit_transform(old), counter.transform(new)
