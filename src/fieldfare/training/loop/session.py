"""Session: training that goes on, call after call, with the optimiser state kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fieldfare.config import SolverConfig, TrainingConfig
from fieldfare.data.loading import Dataset
from fieldfare.exceptions import DataError
from fieldfare.models.base import Model
from fieldfare.rows import Rows
from fieldfare.schema.schema import Schema
from fieldfare.solvers.registry import make_solver
from fieldfare.training.loop.callbacks import Callback
from fieldfare.training.loop.run import FitResult, Run, parts, resolve
from fieldfare.training.prepare.row_subset import RowSubset


class Session:
    """A model in training: what ``partial_fit`` keeps between calls.

    Each call of `fit` goes on where the last one ended, with the same accumulators; new feature
    ids grow the tables and start as they would have in a new model. The model that a call returns
    is a copy. When early stopping returns an earlier epoch than the last, the session goes on from
    the last.

    Parameters
    ----------
    model : Model
        Where to start; not changed.
    solver : SolverConfig, optional
        How the parameters move.
    config : TrainingConfig, optional
        Default of `fit`. Its seed, drawn now if there is none, holds for all calls.
    """

    def __init__(
        self,
        model: Model,
        solver: SolverConfig | None = None,
        config: TrainingConfig | None = None,
    ) -> None:
        self.config = resolve(config or TrainingConfig())
        self.schema: Schema | None = model.schema
        self.epochs = 0
        self._start = model
        self._solver = make_solver(model, solver or SolverConfig(), seed=self.config.random_state)

    @property
    def n_features(self) -> int:
        """Number of features in the tables."""
        return self._solver.n_features

    @property
    def model(self) -> Model:
        """The model as it stands, as a copy."""
        return self._dress(self._solver.export())

    def grow(self, n_features: int, schema: Schema | None = None) -> None:
        """Make room for new feature ids, which come after the known ones.

        Parameters
        ----------
        n_features : int
            Number of features from now on; fewer than there are change nothing.
        schema : Schema, optional
            The extended Schema that names them.
        """
        self._solver.grow(n_features)
        self.schema = schema if schema is not None else self.schema

    def fit(
        self,
        train: Dataset | Rows | RowSubset,
        valid: Dataset | Rows | RowSubset | None = None,
        config: TrainingConfig | None = None,
        callbacks: Sequence[Callback] = (),
    ) -> FitResult:
        """Train for ``max_iter`` more epochs.

        Parameters
        ----------
        train, valid : Dataset, Rows or RowSubset
            As for `fieldfare.training.loop.fit`: targets are numbers or class numbers.
        config : TrainingConfig, optional
            Used for this call; the seed of the session holds.
        callbacks : sequence of Callback
            Called in this order.

        Returns
        -------
        FitResult

        Raises
        ------
        DataError
            If a model that uses fields meets a field that it was not made for.
        """
        config = replace(config or self.config, random_state=self.config.random_state)
        train_part, valid_part = parts(train, valid, config, self._start, self._solver.config)
        known_fields = self._start.n_fields
        if known_fields and train_part.rows.n_fields > known_fields:
            raise DataError(
                f"This model was made for {known_fields} fields, and the data have "
                f"{train_part.rows.n_fields}. Features can be added to a model, fields cannot: "
                "train a new one."
            )
        self._solver.grow(train_part.rows.n_features)
        run = Run(self._start, self._solver, train_part, valid_part, config, callbacks, self.epochs)
        try:
            result = run()
        finally:
            self.epochs = run.state.epoch
        return FitResult(self._dress(result.model), result.history)

    def _dress(self, model: Model) -> Model:
        """Give a fresh copy the Schema of the session."""
        return model.with_(schema=self.schema)
