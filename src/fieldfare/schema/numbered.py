"""Features that are numbered already: how many there are, and the field of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from fieldfare._typing import Float32Array, UInt16Array
from fieldfare.exceptions import SchemaError
from fieldfare.kernels.text import note_fields
from fieldfare.rows import Rows


@dataclass(frozen=True, eq=False)
class Indexed:
    """Data whose features are numbered already (libsvm, libffm, matrices).

    Parameters
    ----------
    n_features, n_fields : int
        Features are below ``n_features``, fields below ``n_fields`` (0: no fields).
    field_names, feature_names : tuple of str
        Names to print; ``feature_names=None``: the numbers.
    field_of : uint16 array of shape (n_features,) or None
        Field of each feature where it is known.
    spread : float32 array of shape (3, n_features) or None
        What `spread_of` says of the training rows, where it is known.

    Raises
    ------
    SchemaError
        If there is not one name per field and per feature, or the spread is of other features.
    """

    n_features: int
    n_fields: int
    field_names: tuple[str, ...]
    feature_names: tuple[str, ...] | None = None
    field_of: UInt16Array | None = None
    spread: Float32Array | None = None

    def __post_init__(self) -> None:
        names = self.feature_names
        if len(self.field_names) != self.n_fields or (
            names is not None and len(names) != self.n_features
        ):
            raise SchemaError("A Schema needs one name per field and per feature, or none.")
        if self.spread is not None and self.spread.shape != (3, self.n_features):
            raise SchemaError(
                f"The spread of {self.n_features} features has the shape (3, {self.n_features}). "
                f"Got {self.spread.shape}."
            )


def spread_of(rows: Rows, n_features: int) -> Float32Array:
    """Return how the value of each feature varies over some rows.

    Returns
    -------
    float32 array of shape (3, n_features)
        The share of the rows that have the feature; the mean of its value, which is 0 where a row
        lacks the feature; and the standard deviation.
    """
    span = rows.span
    ids, n = rows.indices[span], max(len(rows), 1)
    x = np.ones(len(ids)) if rows.values is None else rows.values[span].astype(np.float64)
    share = np.bincount(ids, minlength=n_features) / n
    mean = np.bincount(ids, x, n_features) / n
    # From the mean: the difference of two large squares would leave little of a small spread.
    square = np.bincount(ids, (x - mean[ids]) ** 2, n_features) / n + (1 - share) * mean**2
    return np.stack([share, mean, np.sqrt(np.maximum(square, 0))]).astype(np.float32)


class FieldsSeen:
    """Notes the field of each feature while Rows pass by, so that no second pass is needed."""

    def __init__(self) -> None:
        self._of: UInt16Array | None = None
        self.n_features = self.n_fields = 0

    def watch(self, batches: Iterable[Rows]) -> Iterator[Rows]:
        """Yield the batches as they are."""
        for rows in batches:
            self.note(rows)
            yield rows

    @property
    def field_of(self) -> UInt16Array | None:
        """Field of each feature seen, uint16 array of shape (n_features,); None without fields."""
        return None if self._of is None else self._of[: self.n_features].copy()

    def note(self, rows: Rows) -> None:
        """Take in the features of a batch."""
        self.n_features = max(self.n_features, rows.n_features)
        self.n_fields = max(self.n_fields, rows.n_fields)
        if rows.fields is None and self._of is None:
            return
        known = np.zeros(0, np.uint16) if self._of is None else self._of
        if self.n_features > len(known):
            # Twice the room: growing to the exact size each time would copy too often.
            known = np.concatenate([known, np.zeros(2 * self.n_features - len(known), np.uint16)])
        if rows.fields is not None:
            note_fields(known, rows)
        self._of = known
