"""Predictor: what a model and a posterior have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from fieldfare._typing import AnyArray
from fieldfare.rows import Rows
from fieldfare.schema.schema import Schema


class Predictor(Protocol):
    """What predicts: a `Model`, or a `Posterior` by the average over its samples."""

    @property
    def task(self) -> str:
        """What is predicted."""

    @property
    def classes(self) -> Sequence[Any] | None:
        """Labels of the classes, by class number; None if there are none."""

    @property
    def schema(self) -> Schema | None:
        """What the features mean, if that is known."""

    @property
    def n_features(self) -> int:
        """Number of features."""

    @property
    def n_outputs(self) -> int:
        """Number of scores per row."""

    def predict(self, rows: Rows, n_threads: int | None = None) -> AnyArray:
        """Return predictions on the scale of the target, one row of them per row."""
