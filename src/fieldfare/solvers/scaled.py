"""A solver that trains on scaled values, and whose models are of values as they are."""

from __future__ import annotations

from typing import Any, final

import numpy as np

from fieldfare._typing import AnyArray, Float32Array, Int64Array
from fieldfare.models.base import Model
from fieldfare.models.scaling import Scaling, is_mapped
from fieldfare.rows import RelatedRows, Rows, as_rows
from fieldfare.schema.schema import Schema
from fieldfare.solvers.base import ComparesRows, Solver
from fieldfare.solvers.state import check_state


@final
class ScaledSolver(Solver):
    """Lets another solver train on scaled rows, see `fieldfare.models.scaling.Scaling`.

    Parameters
    ----------
    inner : Solver
        Over a model of scaled values.
    scaling : Scaling
        Of its features.
    """

    runs = ()

    def __init__(self, inner: Solver, scaling: Scaling) -> None:
        self.config, self.seed = inner.config, inner.seed
        self._inner = inner
        self._scaling = scaling
        # The last rows in memory that were scaled, and what they became.
        self._known: tuple[Rows | RelatedRows, Rows] | None = None

    @property
    def scaling(self) -> Scaling:
        """What the values of features are measured in."""
        return self._scaling

    @property
    def n_features(self) -> int:
        """Number of features in the tables."""
        return self._inner.n_features

    def train(
        self,
        rows: Rows | RelatedRows,
        order: Int64Array,
        class_weight: Float32Array | None = None,
        n_threads: int = 1,
    ) -> tuple[float, float]:
        """Learn from the rows that ``order`` names; return the sums of loss and weight."""
        if self._takes_blocks(rows):
            rows, order = as_rows(rows).take(order), np.arange(len(order), dtype=np.int64)
            return self._inner.train(self._scaled(rows), order, class_weight, n_threads)
        return self._inner.train(self._kept(rows), order, class_weight, n_threads)

    def train_pairs(self, rows: Rows, pairs: Int64Array, n_threads: int = 1) -> tuple[float, float]:
        """Learn from pairs of rows; see `GradientSolver.train_pairs`."""
        if self._takes_blocks(rows):
            chosen, pairs = np.unique(pairs, return_inverse=True)
            rows, pairs = self._scaled(rows.take(chosen)), pairs.reshape(-1, 2)
        else:
            rows = self._kept(rows)
        assert isinstance(self._inner, ComparesRows)  # no other takes the task
        return self._inner.train_pairs(rows, pairs, n_threads)

    def _takes_blocks(self, rows: Rows | RelatedRows) -> bool:
        """Whether rows are scaled some at a time, rather than once for all epochs."""
        return isinstance(rows, Rows) and not self.needs_all_rows and is_mapped(rows)

    def _kept(self, rows: Rows | RelatedRows) -> Rows:
        if self._known is None or self._known[0] is not rows:
            self._known = None  # its memory is enough for one
            self._known = (rows, self._scaled(rows))
        return self._known[1]

    def _scaled(self, rows: Rows | RelatedRows) -> Rows:
        schema = self._inner.schema
        field_of = None if schema is None or not schema.n_fields else schema.field_of
        return self._scaling.apply(rows, field_of)

    def score(self, rows: Rows, n_threads: int | None = None) -> Float32Array:
        """Return the raw scores that the model to be returned has, float32[n_rows, n_outputs]."""
        return self.export().score(rows, n_threads)

    def export(self) -> Model:
        """Return the current parameters as a Model of values as they are, copied."""
        return self._scaling.fold(self._inner.export(), in_place=True)

    def finish(self) -> Model:
        """Return the same Model, perhaps in the solver's own memory; the solver is then used up."""
        return self._scaling.fold(self._inner.finish(), in_place=True)

    def state(self) -> dict[str, AnyArray]:
        """Return what is needed to continue exactly, as arrays that are not copied."""
        return self._inner.state() | self._scaling.arrays()

    def load_state(self, state: dict[str, AnyArray]) -> None:
        """Take over a state that ``state`` returned, of the same model and configuration.

        Raises
        ------
        DataError
            If the arrays do not fit.
        """
        check_state(state, self._scaling.arrays())
        self._inner.load_state(state)
        scaling = Scaling.from_arrays(state)
        assert scaling is not None
        self._rescale(scaling)

    @property
    def needs_visits(self) -> bool:
        """Whether `learn_visits` has to be called before rows are visited."""
        return self._inner.needs_visits

    def learn_visits(self, visits: Int64Array, *, more: bool = False) -> None:
        """Learn how often each feature occurs in the rows to come; see `Solver.learn_visits`."""
        self._inner.learn_visits(visits, more=more)

    def rename(self, schema: Schema) -> None:
        """Take another Schema, which tells what features mean that `grow` has added."""
        self._inner.rename(schema)

    def grow(self, n_features: int) -> None:
        """Add features at the end of the tables, whose values are used as they are."""
        self._inner.grow(n_features)
        if n_features > self._scaling.n_features:
            self._rescale(self._scaling.grown(n_features))

    def learn_scaling(self, seen: Scaling) -> None:
        """Scale the features that were not known before as ``seen`` says."""
        if (self._scaling.grown(seen.n_features).scale == 0)[seen.scale != 0].any():
            self._rescale(self._scaling.extended(seen))

    def _rescale(self, scaling: Scaling) -> None:
        self._scaling, self._known = scaling, None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_known": None}
