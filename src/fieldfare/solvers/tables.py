"""The base of solvers that keep their parameters as plain tables."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from fieldfare._typing import AnyArray, Float32Array, Int64Array
from fieldfare.config import SolverConfig
from fieldfare.exceptions import DataError
from fieldfare.kernels import native
from fieldfare.models.base import Model
from fieldfare.models.registry import initial_factors
from fieldfare.rows import RelatedRows, Rows
from fieldfare.solvers.base import Solver
from fieldfare.solvers.state import check_state


class TableSolver(Solver):
    """Base of solvers of one output that take all rows at once.

    Parameters, and what is raised, are those of `Solver`.
    """

    # The arrays that make up the state, besides the parameters; and those whose length may vary.
    _own_state: ClassVar[tuple[str, ...]]
    _of_any_length: ClassVar[tuple[str, ...]] = ()

    def __init__(self, model: Model, config: SolverConfig | None = None, *, seed: int = 0) -> None:
        super().__init__(model, config, seed=seed)
        self._bias = model.bias.copy()
        self._linear = model.linear[:, 0].copy()
        self._factors = None if model.factors is None else self._laid_out(model.factors[:, 0])

    @staticmethod
    def _laid_out(factors: Float32Array) -> Float32Array:
        """Return float32[n_features, k] as the solver keeps it."""
        return factors.copy()

    def _by_feature(self) -> Float32Array | None:
        """Return the factors as a model has them, copied."""
        return None if self._factors is None else self._factors[:, np.newaxis].copy()

    @property
    def n_features(self) -> int:
        """Number of features in the tables."""
        return len(self._linear)

    def score(self, rows: Rows, n_threads: int | None = None) -> Float32Array:
        """Return the raw scores under the current parameters, float32[n_rows, 1]."""
        linear = self._linear[:, np.newaxis]
        scorer = native.Scorer(self._origin.spec(), self._bias, linear, self._by_feature())
        return scorer.score(rows, n_threads)

    def export(self) -> Model:
        """Return the current parameters as a Model, copied."""
        return self._origin.with_(
            bias=self._bias.copy(),
            linear=self._linear[:, np.newaxis].copy(),
            factors=self._by_feature(),
        )

    def state(self) -> dict[str, AnyArray]:
        """Return what is needed to continue exactly, not copied."""
        state = {"bias": self._bias, "linear": self._linear}
        if self._factors is not None:
            state["factors"] = self._factors
        return state | {name: getattr(self, f"_{name}") for name in self._own_state}

    def load_state(self, state: dict[str, AnyArray]) -> None:
        """Take over a state that ``state`` returned, of the same model.

        Raises
        ------
        DataError
            If the arrays do not fit.
        """
        check_state(state, self.state(), self._of_any_length)
        for name, own in self.state().items():
            setattr(self, f"_{name}", np.array(state[name], own.dtype))

    def grow(self, n_features: int) -> None:
        """Add features at the end of the tables, as if the model had been built with them."""
        known = self.n_features
        if n_features <= known:
            return
        added = n_features - known
        self._linear = np.concatenate([self._linear, np.zeros(added, np.float32)])
        old = self._by_feature()
        if old is not None:
            config, units = self._origin.config, self._origin.units
            shape = (added, *old.shape[1:])
            fresh = initial_factors(config, shape, self.seed, units).draw(known)
            self._factors = self._laid_out(np.concatenate([old, fresh])[:, 0])


def labels_of(rows: Rows | RelatedRows, order: Int64Array | None = None) -> Float32Array:
    """Return the targets of some rows, all by default; DataError if there are no targets."""
    if rows.target is None:
        raise DataError("Training needs a target for every row. These rows have none.")
    return rows.target if order is None else rows.target[order]


def without_zero_weights(
    rows: Rows | RelatedRows, order: Int64Array, class_weight: Float32Array | None
) -> Int64Array:
    """Return the rows that ``order`` names except those of weight zero, which count as absent."""
    weight = weights_of(rows, order, class_weight)
    return order if weight is None or weight.all() else order[weight != 0]


def weights_of(
    rows: Rows | RelatedRows, order: Int64Array | None, class_weight: Float32Array | None
) -> Float32Array | None:
    """Return the weights of some rows, multiplied by those of their classes."""
    weight: Any = rows.weight
    if weight is not None and order is not None:
        weight = weight[order]
    if class_weight is None:
        return None if weight is None else np.asarray(weight)
    of_class = class_weight[labels_of(rows, order).astype(np.int64)]
    return of_class if weight is None else weight * of_class
