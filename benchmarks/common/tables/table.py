"""What a data set of the collection is, and how its rows are divided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

SEED = 2024
SPLITS = 3
TASKS = ("regression", "binary", "multiclass")


@dataclass(frozen=True)
class Table:
    """A data set: a DataFrame as users have it, before anything is known about its columns.

    Attributes
    ----------
    name : str
        Its name in the collection.
    read : callable
        Returns the whole table. It is given the folder of the data that may not be redistributed,
        and raises `MissingDataError` if it finds nothing.
    target : str
        Column to predict.
    task : {"regression", "binary", "multiclass"}
        What kind of target it is; ratings are regression.
    kinds : tuple of str
        What it stands for: "clicks", "ratings", "wide", "tiny", "numeric", "imbalanced",
        "multiclass", "text", "dates", "codes" (whole numbers that name something), "heavy"
        (numbers of very unequal size), "categories".
    source, licence : str
        Where it comes from, and on which terms.
    apart : bool
        Whether it is kept for final reports: defaults and rules are never chosen on it.
    time : str or None
        Column that orders the rows, where later ones are to be predicted from earlier ones.
    group : str or None
        Column of which whole groups are held out.
    whole : str or None
        Column of which all rows of a value are kept together when fewer rows are wanted: ratings
        of few users are still dense, few ratings of all users are not.
    codes : tuple of str
        Columns of whole numbers that name something, as a person would read them.
    dates : tuple of str
        Columns of dates or times.
    texts : tuple of str
        Columns that hold texts of several words.
    """

    name: str
    read: Callable[[Path], pd.DataFrame]
    target: str
    task: str
    kinds: tuple[str, ...]
    source: str
    licence: str
    apart: bool = False
    time: str | None = None
    group: str | None = None
    whole: str | None = None
    codes: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()


class Parts(NamedTuple):
    """Rows to learn from, rows to choose settings by, and rows for final reports only."""

    train: pd.DataFrame
    valid: pd.DataFrame
    test: pd.DataFrame


def sample(table: Table, frame: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return about ``most`` rows in their order: the same ones each time."""
    if len(frame) <= most:
        return frame
    rng = np.random.default_rng(SEED)
    if table.whole is None:
        return frame.iloc[np.sort(rng.permutation(len(frame))[:most])].reset_index(drop=True)
    values, codes = np.unique(frame[table.whole].to_numpy(), return_inverse=True)
    order = rng.permutation(len(values))
    counts = np.bincount(codes)[order]
    kept = order[: max(1, int(np.searchsorted(np.cumsum(counts), most, side="right")))]
    return frame[np.isin(codes, kept)].reset_index(drop=True)


def split(table: Table, frame: pd.DataFrame, number: int) -> Parts:
    """Divide the rows into three fifths, a fifth and a fifth, in one of several fixed ways.

    Rows with a time are divided by it: split 0 uses the first 60 % of the rows, 1 the first 80 %
    and 2 all of them, and tests on the last fifth of those. Whole groups are divided where the
    table has a group; the rest at random.
    """
    if not 0 <= number < SPLITS:
        raise ValueError(f"There are splits 0 to {SPLITS - 1}, not {number}.")
    if table.time is not None:
        share = 1 - 0.2 * (SPLITS - 1 - number)
        order = np.argsort(frame[table.time].to_numpy(), kind="stable")
        place = np.empty(len(frame))
        place[order] = np.arange(len(frame)) / (share * len(frame))
    else:
        rng = np.random.default_rng([SEED, number])
        column = np.arange(len(frame)) if table.group is None else frame[table.group].to_numpy()
        values, codes = np.unique(column, return_inverse=True)
        place = (rng.permutation(len(values)) / len(values))[codes]
    bounds = ((0.0, 0.6), (0.6, 0.8), (0.8, 1.0))
    return Parts(
        *(frame[(low <= place) & (place < high)].reset_index(drop=True) for low, high in bounds)
    )
