"""Session: training that continues call after call, with the state of the optimiser."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fieldfare._random import resolve_seed
from fieldfare._typing import Int64Array, PathLike
from fieldfare.config import ModelConfig, SolverConfig, TrainingConfig
from fieldfare.data.loading import Dataset
from fieldfare.exceptions import DataError
from fieldfare.models.base import Model
from fieldfare.models.progress import Progress
from fieldfare.models.scaling import Scaling
from fieldfare.rows import Rows
from fieldfare.schema.schema import Schema
from fieldfare.solvers.registry import make_solver
from fieldfare.solvers.scaled import ScaledSolver
from fieldfare.training.loop.callbacks import Callback, Checkpoint, as_saved
from fieldfare.training.loop.run import FitResult, Run
from fieldfare.training.loop.saved import SavedRun, fitting, with_parameters
from fieldfare.training.samples.subset import RowSubset


class Session:
    """A model in training: what ``partial_fit`` keeps between calls.

    Each call of `fit` continues where the last one ended, with the same accumulators. New feature
    ids grow the tables and start as they would have in a new model. The model that a call returns
    is a copy. When early stopping returns an earlier epoch than the last, the session continues
    from the last. One session must not be used by two threads at the same time.

    Parameters
    ----------
    model : Model
        Where to start; not changed.
    solver : SolverConfig, optional
        How the parameters move.
    config : TrainingConfig, optional
        Default of `fit`. Its seed, drawn now if there is none, is used in all calls.
    weight_unit : float
        What the sample weights of the first call were divided by, for those of later calls.
    """

    def __init__(
        self,
        model: Model,
        solver: SolverConfig | None = None,
        config: TrainingConfig | None = None,
        weight_unit: float = 1.0,
    ) -> None:
        config = config or TrainingConfig()
        self.seed = resolve_seed(config.random_state)
        self.config = config.seeded(self.seed)
        self.weight_unit = weight_unit
        self.epochs = 0
        self._start, self._how = model, solver or SolverConfig()
        self._solver = make_solver(model, self._how, seed=self.seed)
        # What the start alone does not say: more features, or what was learned.
        self._has_changed = False

    @property
    def n_features(self) -> int:
        """Number of features in the tables."""
        return self._solver.n_features

    @property
    def model(self) -> Model:
        """The model as it stands, as a copy."""
        return self._solver.export()

    @property
    def kind(self) -> ModelConfig:
        """What the model is."""
        return self._start.config

    @property
    def solver(self) -> SolverConfig:
        """How the parameters move."""
        return self._solver.config

    @property
    def scaling(self) -> Scaling | None:
        """What the values of features are measured in; None: in what they are given in."""
        return self._solver.scaling if isinstance(self._solver, ScaledSolver) else None

    def learn_scaling(self, seen: Scaling) -> None:
        """Scale the features that were not known before as ``seen`` says."""
        if isinstance(self._solver, ScaledSolver):
            self._has_changed = True
            self._solver.learn_scaling(seen)

    def go_on(self, progress: Progress) -> None:
        """Continue where the solver of a model had come to.

        Raises
        ------
        DataError
            If its state does not fit the model.
        """
        self._has_changed = True
        self._solver.load_state(dict(progress.state))
        self.epochs = progress.epoch

    def grow(self, n_features: int, schema: Schema | None = None) -> None:
        """Make room for new feature ids, which follow the known ones.

        Parameters
        ----------
        n_features : int
            Number of features from now on; a number below the present one changes nothing.
        schema : Schema, optional
            The extended Schema that names them.
        """
        self._has_changed = True
        self._solver.grow(n_features)
        if schema is not None and schema is not self._start.schema:
            self._start = self._start.with_(schema=schema)
            self._solver.rename(schema)

    def fit(
        self,
        train: Dataset | Rows | RowSubset,
        valid: Dataset | Rows | RowSubset | None = None,
        config: TrainingConfig | None = None,
        callbacks: Sequence[Callback] = (),
        *,
        resume: PathLike | None = None,
        last: bool = False,
        more: bool = False,
    ) -> FitResult:
        """Train for ``max_iter`` more epochs.

        Parameters
        ----------
        train : Dataset, Rows or RowSubset
            Training rows. Targets are class numbers from 0 for classification, numbers otherwise.
            Ranking also needs groups. New feature ids need `grow` first.
        valid : Dataset, Rows or RowSubset, optional
            Validation rows, with targets in the same form. Without any there is no early stopping:
            `fieldfare.training.job.Job` splits some off where that is wanted.
        config : TrainingConfig, optional
            Used for this call, but with the seed of the session.
        callbacks : sequence of Callback
            Called in this order, after the divergence guard and before the progress display.
        resume : path, optional
            Checkpoint of an interrupted run with the same model, data and seed, to continue from.
        last : bool
            Whether this is the last call: the session may then hand over its own memory, and must
            not be used again.
        more : bool
            Whether these rows come on top of those of earlier calls, which matters where penalties
            depend on how often features occur.

        Returns
        -------
        FitResult

        Raises
        ------
        DataError
            If a model that uses fields meets a field that it was not made for, or a row holds a
            feature that is not in the tables.
        DivergenceError
            If a loss is infinite or not a number.
        TrainingError
            If the checkpoint belongs to another run.
        """
        config = (config or self.config).seeded(self.seed)
        rows = self._checked(train)
        held_out = None if valid is None else RowSubset.of(valid)
        run = self._prepared(rows, held_out, config, callbacks, more=more)
        if resume is not None:
            run.restore(SavedRun.read(resume), resume)
        return self._ended(run, last=last)

    def fit_twice(
        self,
        parts: tuple[RowSubset, RowSubset],
        train: RowSubset,
        config: TrainingConfig,
        callbacks: Sequence[Callback] = (),
        *,
        resume: PathLike | None = None,
        last: bool = False,
    ) -> FitResult:
        """Train on a part, find the best epoch on the rest, and train again on all rows as long.

        Parameters
        ----------
        parts : (RowSubset, RowSubset)
            The rows to train on at first, and those that are held out.
        train : RowSubset
            All rows.
        config, callbacks, resume, last
            As for `fit`. Both trainings count for ``max_time``; the second is left out if it would
            not end in time.

        Returns
        -------
        FitResult
            The model of the second training. If that was not finished, or not begun: the best of
            the first.
        """
        config = config.seeded(self.seed)
        rows, begin, before = self._checked(train), time.monotonic(), self.epochs
        start = copy.deepcopy(self._solver) if self._has_changed else None
        saved = None if resume is None else SavedRun.read(resume)
        first = None if saved is None else saved.first
        if first is None or first.goes_on(before + config.max_iter):
            run = self._prepared(*parts, config, callbacks)
            if resume is not None and saved is not None:
                run.restore(first or saved, resume)
                saved = None
            result = self._ended(run)
            first = _as_first(run)
        else:
            assert resume is not None
            with fitting(resume):
                model = with_parameters(self._solver.export(), first.best)
            result = FitResult(model, first.history)
        history = result.history
        if history.best_epoch is None or result.interrupted:
            return result
        n_epochs = history.best_epoch - before
        left = None if config.max_time is None else begin + config.max_time - time.monotonic()
        if left is not None and left <= n_epochs * history.best["seconds"]:
            return result
        del self._solver  # its memory is enough for one
        self._solver = start or make_solver(self._start, self._how, seed=self.seed)
        self.epochs = before
        again = replace(config, max_iter=n_epochs, max_time=left, early_stopping=False)
        run = self._prepared(rows, None, again, callbacks)
        run.follow(first, result.model)
        if resume is not None and saved is not None:
            run.restore(saved, resume)
        return self._ended(run, last=last)

    def _checked(self, train: Dataset | Rows | RowSubset) -> RowSubset:
        """Return training rows, whose fields must be known."""
        rows, known_fields = RowSubset.of(train), self._start.n_fields
        if known_fields and rows.rows.n_fields > known_fields:
            raise DataError(
                f"This model was made for {known_fields} fields, and the data have "
                f"{rows.rows.n_fields}. Features can be added to a model, fields cannot: train a "
                "new one."
            )
        return rows

    def _prepared(
        self,
        train: RowSubset,
        valid: RowSubset | None,
        config: TrainingConfig,
        callbacks: Sequence[Callback],
        *,
        more: bool = False,
    ) -> Run:
        if self._solver.needs_visits:
            self._solver.learn_visits(self._visits(train, config.memory_limit), more=more)
        return Run(self._start, self._solver, train, valid, config, callbacks, self.epochs)

    def _ended(self, run: Run, *, last: bool = False) -> FitResult:
        self._has_changed = True
        try:
            return run(last=last)
        finally:
            self.epochs = run.state.epoch

    def _visits(self, rows: RowSubset, memory_limit: int | None) -> Int64Array:
        """Return how often an epoch visits each feature; those that are shifted are in each row."""
        visits = rows.visits(self.n_features, memory_limit)
        if self.scaling is not None:
            weight = rows.weight
            n_rows = rows.n_rows if weight is None else np.count_nonzero(weight)
            visits[self.scaling.centred] = n_rows
        return visits


def _as_first(run: Run) -> SavedRun:
    """Return what the second training needs of the first, and its checkpoints."""
    state = run.state
    if not any(isinstance(callback, Checkpoint) for callback in run.callbacks):
        # Nothing will be resumed: its data need no checksum, and its solver no memory.
        return replace(as_saved(replace(state, fingerprint=str)), solver={})
    saved = as_saved(state)
    return saved if state.history.stopped == "max_iter" else replace(saved, solver={})


def fit(
    model: Model,
    solver: SolverConfig,
    train: Dataset | Rows | RowSubset,
    valid: Dataset | Rows | RowSubset | None = None,
    config: TrainingConfig | None = None,
    callbacks: Sequence[Callback] = (),
    resume: PathLike | None = None,
) -> FitResult:
    """Train a model in a session of one call; see `Session.fit`.

    Parameters
    ----------
    model : Model
        Where to start; not changed.
    solver : SolverConfig
        How the parameters move.
    train, valid, config, callbacks, resume
        As for `Session.fit`. Without a seed, that of the checkpoint is used.

    Returns
    -------
    FitResult
    """
    config = config or TrainingConfig()
    if resume is not None:
        config = config.seeded(seed_of(config, resume))
    session = Session(model, solver, config)
    return session.fit(train, valid, config, callbacks, resume=resume, last=True)


def seed_of(config: TrainingConfig, resume: PathLike) -> int:
    """Return the seed of a run that continues from a checkpoint, whose own seed is the default."""
    if config.random_state is None:
        return SavedRun.read(resume).seed
    return resolve_seed(config.random_state)
