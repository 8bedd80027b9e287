"""Unseen values: how much of new data a Schema does not know, by column."""

from __future__ import annotations

import warnings

import numpy as np

from fieldfare._typing import AnyArray
from fieldfare.data.stretches import stretches
from fieldfare.exceptions import DataWarning
from fieldfare.rows import RelatedRows, Rows
from fieldfare.schema.fit import Fitted
from fieldfare.schema.schema import Schema

ALL = "all"
SOME_ENTRIES = 200_000
"""What is enough to look at of new data: it takes a few milliseconds."""
_SEVERAL = ("multi", "text")
# Of fewer rows, such as those of a request, a new user or item is no news.
_MIN_ROWS = 100
_MOSTLY = 0.5
_MORE_THAN_IN_TRAINING = 0.25
_SHOWN = 5


class Unseen:
    """Counts the values of new data that a Schema does not know.

    Parameters
    ----------
    schema : Schema or None
        What the data are read with; ``None``, or one without columns and features: nothing is
        counted.

    Attributes
    ----------
    n_rows : int
        Rows that were counted.
    """

    def __init__(self, schema: Schema | None) -> None:
        self.n_rows = self.n_entries = 0
        self._schema = schema
        self._columns: dict[str, Fitted] = {}
        self._several: set[str] = set()
        if schema is not None:
            for column, fitted in zip(schema.columns, schema.fitted or (), strict=False):
                if fitted is None or fitted.vocabulary is None:
                    continue
                if column.kind in _SEVERAL:
                    if fitted.size < 2 + len(fitted.vocabulary):
                        continue  # of values that came later, the ids tell no column
                    self._several.add(column.name)
                self._columns[column.name] = fitted
        # Ids that are looked for: of each column the unknown one, then of each the missing one.
        owners = self._columns.values()
        ids = np.array([f.unknown for f in owners] + [f.missing for f in owners], np.int64)
        self._order = np.argsort(ids)
        self._ids = ids[self._order]
        self._counts = np.zeros(len(ids), np.int64)
        self._values_of_several = dict.fromkeys(self._several, 0)
        self._beyond = 0

    def add(self, rows: Rows | RelatedRows, n_entries: int | None = None) -> Unseen:
        """Count rows that were encoded with the Schema; of many entries, only some of the rows."""
        part = stretches(rows, rows.nnz if n_entries is None else n_entries)
        ids: AnyArray = part.indices[part.span]
        self.n_rows += part.n_rows
        self.n_entries += len(ids)
        if self._schema is not None and self._schema.is_indexed:
            self._beyond += int((ids >= self._schema.n_features).sum())
        elif self._columns:
            place = np.minimum(np.searchsorted(self._ids, ids), len(self._ids) - 1)
            found = np.bincount(place[self._ids[place] == ids], minlength=len(self._ids))
            self._counts[self._order] += found
            for name in self._several:
                own = self._columns[name]
                mine = (ids > own.missing) & (ids < own.missing + own.size)
                self._values_of_several[name] += int(mine.sum())
        return self

    def shares(self) -> dict[str, float]:
        """Return the share of the values of each column that are unknown, missing ones left out.

        Of numbered features, the share of all entries, under the name "all".
        """
        if self._schema is not None and self._schema.is_indexed:
            return {ALL: self._beyond / self.n_entries} if self.n_entries else {}
        unknown, missing = np.split(self._counts, 2)
        counts = zip(self._columns, unknown.tolist(), missing.tolist(), strict=True)
        return {
            name: n / max(1, self._values_of_several.get(name, self.n_rows - gaps))
            for name, n, gaps in counts
        }

    def warn(self) -> None:
        """Warn of columns most of whose values are unknown, and were not so in training."""
        if self.n_rows < _MIN_ROWS:
            return
        found = {name: share for name, share in self.shares().items() if self._is_odd(name, share)}
        if not found:
            return
        named = [
            f"{share:.0%} of the {'features' if name == ALL else f'values of {name!r}'}"
            for name, share in sorted(found.items(), key=lambda item: -item[1])
        ]
        rest = f", and most values of {len(named) - _SHOWN} more columns," * (len(named) > _SHOWN)
        warnings.warn(
            DataWarning(
                f"{', '.join(named[:_SHOWN])}{rest} were not seen in training, so predictions rest "
                "on what else is known. Check that these data are from the same source and period, "
                "or train again with newer data."
            ),
            stacklevel=3,
        )

    def _is_odd(self, name: str, share: float) -> bool:
        if share < _MOSTLY:
            return False
        if name == ALL or self._schema is None:
            return True
        fitted = self._columns[name]
        before = fitted.n_unknown / max(self._schema.n_rows - fitted.n_missing, 1)
        return share - before > _MORE_THAN_IN_TRAINING


def warn_of_unseen(rows: Rows | RelatedRows, schema: Schema | None) -> None:
    """Warn if most values of a column of new data were not seen in training.

    Parameters
    ----------
    rows : Rows or RelatedRows
        Samples to predict or to evaluate on, encoded with the Schema; of less than a hundred, as a
        server gets them, nothing is said.
    schema : Schema or None
        Of the model.
    """
    if rows.n_rows >= _MIN_ROWS:
        Unseen(schema).add(rows, SOME_ENTRIES).warn()
