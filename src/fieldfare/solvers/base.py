"""What all solvers have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np

from fieldfare._typing import AnyArray, Float32Array, Int64Array
from fieldfare.config import SolverConfig
from fieldfare.exceptions import ConfigError
from fieldfare.kinds.solvers import SolverKind
from fieldfare.models.base import Model
from fieldfare.rows import RelatedRows, Rows
from fieldfare.schema.schema import Schema


class Solver(ABC):
    """Improves a model, one epoch at a time.

    Parameters
    ----------
    model : Model
        Where to start; not changed.
    config : SolverConfig, optional
        By default that of the first of ``runs``, with its default settings.
    seed : int
        Fixes the initial factors of features that ``grow`` adds.

    Raises
    ------
    ConfigError
        If the solver does not take models of this kind, or this task.
    """

    runs: ClassVar[tuple[SolverKind, ...]]
    """The solvers that the class runs."""

    def __init__(self, model: Model, config: SolverConfig | None = None, *, seed: int = 0) -> None:
        self.config = config or SolverConfig(solver=self.runs[0].name)
        self.seed = seed
        self._origin = model
        check_takes(self.kind, model)

    @property
    def kind(self) -> SolverKind:
        """What the solver is like."""
        return self.config.kind

    @property
    def schema(self) -> Schema | None:
        """What the features mean, as far as the model says."""
        return self._origin.schema

    @property
    def needs_all_rows(self) -> bool:
        """Whether an epoch is one call with all rows, rather than many with some."""
        return self.kind.needs_all_rows

    @property
    @abstractmethod
    def n_features(self) -> int:
        """Number of features in the tables."""

    @abstractmethod
    def train(
        self,
        rows: Rows | RelatedRows,
        order: Int64Array,
        class_weight: Float32Array | None = None,
        n_threads: int = 1,
    ) -> tuple[float, float]:
        """Learn from the rows that ``order`` names; return the sums of loss and weight.

        Parameters
        ----------
        rows : Rows or RelatedRows
            Side tables are used as they are if ``kind.reads_side_tables``, else joined.
        order : int64 array
            Row numbers: some at a time, or all at once if ``kind.needs_all_rows``.
        class_weight : float32 array of shape (n_classes,), optional
        n_threads : int
        """

    @abstractmethod
    def score(self, rows: Rows, n_threads: int | None = None) -> Float32Array:
        """Return the raw scores under the current parameters, float32[n_rows, n_outputs]."""

    @abstractmethod
    def export(self) -> Model:
        """Return the current parameters as a Model, copied."""

    def finish(self) -> Model:
        """Return the same Model, perhaps in the solver's own memory; the solver is then used up."""
        return self.export()

    @abstractmethod
    def state(self) -> dict[str, AnyArray]:
        """Return what is needed to continue exactly, as arrays that are not copied."""

    @abstractmethod
    def load_state(self, state: dict[str, AnyArray]) -> None:
        """Take over a state that ``state`` returned, of the same model and configuration.

        Raises
        ------
        DataError
            If the arrays do not fit.
        """

    @property
    def needs_visits(self) -> bool:
        """Whether `learn_visits` has to be called before rows are visited.

        ALS counts in its own layout of the rows, without joining side tables.
        """
        return False

    @property
    def _penalty_exponent(self) -> float:
        """The power of its number of visits that multiplies the penalties of a feature."""
        return float(self.config.l2_exponent) - self.kind.penalises_visits

    def learn_visits(self, visits: Int64Array, *, more: bool = False) -> None:
        """Learn how often each feature occurs in the rows to come, on which its penalties depend.

        Parameters
        ----------
        visits : int64 array of shape (n_features,)
            Number of rows. Where it is 0, nothing is changed.
        more : bool
            Whether these rows come on top of those that were counted before.
        """
        raise NotImplementedError(f"{type(self).__name__} does not need to know.")

    def rename(self, schema: Schema) -> None:
        """Take another Schema, which tells what features mean that `grow` has added."""
        self._origin = self._origin.with_(schema=schema)

    @abstractmethod
    def grow(self, n_features: int) -> None:
        """Add features at the end of the tables, as if the model had been built with them."""


@runtime_checkable
class ComparesRows(Protocol):
    """What learns from comparisons of rows: a solver of gradients, possibly on scaled values."""

    def train(
        self,
        rows: Rows,
        order: Int64Array,
        class_weight: Float32Array | None = None,
        n_threads: int = 1,
    ) -> tuple[float, float]:
        """Learn from the rows that ``order`` names."""

    def train_pairs(self, rows: Rows, pairs: Int64Array, n_threads: int = 1) -> tuple[float, float]:
        """Learn from pairs of rows, the better one first; return the sums of loss and weight."""

    def score(self, rows: Rows, n_threads: int | None = None) -> Float32Array:
        """Return the raw scores under the current parameters."""


def counted(known: Int64Array, visits: Int64Array, *, more: bool) -> Int64Array:
    """Return numbers of visits that take the place of those known or, if more, are added to them.

    What does not occur in the rows to come keeps its number.
    """
    return np.where(visits > 0, visits + known if more else visits, known)


def check_takes(solver: SolverKind, model: Model) -> None:
    """Refuse a model that a solver does not train.

    Raises
    ------
    ConfigError
    """
    instead = f"use solver={SolverConfig().solver!r}"
    if not solver.takes(model.traits):
        raise ConfigError(
            f"solver={solver.name!r} is for models of the kinds {', '.join(solver.model_kinds)}. "
            f"Got model={model.kind!r}: {instead}."
        )
    task = model.config.task
    if task in solver.tasks:
        return
    if task == "multiclass" and "binary" in solver.tasks:  # in the words that scikit-learn asks for
        raise ConfigError(
            f"Only binary classification is supported by solver={solver.name!r}. Got a task with "
            f"{model.n_outputs} classes: {instead}."
        )
    raise ConfigError(
        f"solver={solver.name!r} is for the tasks {', '.join(map(repr, solver.tasks))}. Got "
        f"task={task!r}: {instead}."
    )
