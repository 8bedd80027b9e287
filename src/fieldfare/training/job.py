"""Job: one training, from samples and settings to a model. All training goes through it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from fieldfare._logging import say_notes
from fieldfare._random import resolve_seed
from fieldfare._typing import PathLike
from fieldfare.config import ModelConfig, SolverConfig, TrainingConfig
from fieldfare.data.dataset import AnyDataset, Dataset, RelatedDataset
from fieldfare.data.findings import warn_of_findings
from fieldfare.data.loading import read_dataset
from fieldfare.data.repeats import share_known
from fieldfare.data.road import Options
from fieldfare.data.unseen import warn_of_unseen
from fieldfare.exceptions import ConfigError, DataWarning
from fieldfare.models.base import Model
from fieldfare.models.registry import build, estimate_bytes
from fieldfare.schema.schema import Schema
from fieldfare.settings import Settings
from fieldfare.training.judging.verdict import Judge, warn_of
from fieldfare.training.loop.callbacks import Callback
from fieldfare.training.loop.history import History
from fieldfare.training.loop.run import FitResult
from fieldfare.training.loop.session import Session
from fieldfare.training.prepare.held_out import hold_out, is_refitted
from fieldfare.training.prepare.resources import check_memory
from fieldfare.training.prepare.scaling import measured, scaling_of
from fieldfare.training.prepare.start import Start, goes_on, started, started_units
from fieldfare.training.prepare.targets import (
    TargetMap,
    class_weights,
    infer_targets,
    start_bias,
)
from fieldfare.training.prepare.units import in_units, mean_weight, units_of
from fieldfare.training.prepare.unused import warn_of_unused
from fieldfare.training.provenance import stamped
from fieldfare.training.ranking.recall import labelled_interactions
from fieldfare.training.samples.subset import RowSubset


def read(source: Any, settings: Settings, **options: Any) -> AnyDataset:
    """Read samples for a job: with side tables left unjoined where the solver uses them so.

    Parameters
    ----------
    source, **options
        As for `fieldfare.data.loading.load`; threads are those of the job. What is decided about
        columns is told, once for each source that a Schema is made for.
    settings : Settings
        Of the job.
    """
    how = {"n_threads": settings.training.n_jobs, "join": not settings.reads_side_tables}
    data = read_dataset(source, Options.of(**how | options))
    tell_notes(source, options.get("schema"), data.schema, settings)
    return data


def tell_notes(source: Any, given: Schema | None, found: Schema, settings: Settings) -> None:
    """Tell what was decided about columns, unless nobody wants to hear it or has heard it before.

    Parameters
    ----------
    source : whatever `fieldfare.data.loading.load` takes
        A Dataset was read before, by someone who told.
    given, found : Schema or None, Schema
        The Schema that the samples were to be read with, and the one that they were read with.
    settings : Settings
        Of the job.
    """
    is_told = given is not None or isinstance(source, (Dataset, RelatedDataset))
    if settings.training.verbose and not is_told:
        say_notes(found.notes)


@dataclass(frozen=True, eq=False)
class Job:
    """Samples to learn from, what is predicted, and how to learn it. `Job.of` makes one.

    Parameters
    ----------
    data : Dataset or RelatedDataset
        The training samples as they were read.
    train : RowSubset
        Their rows, with encoded targets.
    valid : RowSubset or None
        Rows to validate on, with encoded targets.
    targets : TargetMap
        What the targets mean.
    settings : Settings
        The hyperparameters, besides those of the model.
    seed : int
        The seed of everything random.
    weight_unit : float
        What the weights of the training rows were divided by: only their proportions count.
    """

    data: AnyDataset
    train: RowSubset
    valid: RowSubset | None
    targets: TargetMap
    settings: Settings
    seed: int
    weight_unit: float = 1.0

    @classmethod
    def of(
        cls,
        data: AnyDataset,
        settings: Settings,
        *,
        targets: TargetMap | None = None,
        task: str | None = None,
        valid: AnyDataset | None = None,
        comparisons: Any = None,
        seed: int | None = None,
    ) -> Job:
        """Return the job of learning from samples.

        Parameters
        ----------
        data : Dataset or RelatedDataset
            Training samples, with the targets that their source has.
        settings : Settings
            The hyperparameters, besides those of the model.
        targets : TargetMap, optional
            What the targets mean, if that is known; else found out from them and the ``task``.
        task : {"regression", "binary", "multiclass", "rank"}, optional
            What to predict, if the user says so.
        valid : Dataset or RelatedDataset, optional
            Validation samples, read with the Schema of the training samples.
        comparisons : int array of shape (n_pairs, 2), optional
            For ranking: the rows to compare, the better one first, in place of groups.
        seed : int, optional
            By default that of the settings.

        Raises
        ------
        ConfigError
            If comparisons are given for another task than ranking.
        DataError
            If there are no samples, or a target is missing or not one of the known classes.
        TrainingError
            If there is nothing to learn, or all sample weights are zero.
        """
        rows = _with_targets(RowSubset.of(data), settings)
        if comparisons is not None:
            rows = rows.with_comparisons(comparisons)
        if targets is None:
            targets = infer_targets(rows, task, data.schema.target_classes)
        if comparisons is not None and targets.task != "rank":
            raise ConfigError(
                f"Pairs of rows are compared for ranking. The task is {targets.task!r}: pass "
                "task='rank', or leave out pairs."
            )
        held_out = None
        if valid is not None:
            held_out = targets.encode(_with_targets(RowSubset.of(valid), settings))
            _warn_of_validation(data, valid)
        seed = resolve_seed(settings.training.random_state) if seed is None else seed
        train = targets.encode(rows)
        given, classes = settings.training.class_weight, targets.classes
        unit = mean_weight(train, class_weights(given, targets.task, classes, train))
        return cls(data, train.weighed_in(unit), held_out, targets, settings, seed, unit)

    def weighed_in(self, unit: float) -> Job:
        """Return the job with weights in another unit: that of earlier parts of a training."""
        return replace(self, train=self.train.weighed_in(unit / self.weight_unit), weight_unit=unit)

    def told(self) -> Job:
        """Return the job; warn of what looks wrong with its samples, which a model is new to.

        Of further samples of a model nothing is said: they may well be of one kind.
        """
        warn_of_findings(self.data, with_leaks=self.targets.task != "rank")
        return self

    @property
    def config(self) -> TrainingConfig:
        """The training parameters, with the seed as ``random_state``."""
        return self.settings.training.seeded(self.seed)

    @property
    def solver(self) -> SolverConfig | None:
        """How the library's own solver moves the parameters; None if something else trains."""
        return None if self.settings.keras is not None else self.settings.solver

    def new_model(self, kind: ModelConfig, start: Start | None = None) -> Model:
        """Return an untrained model for the training rows, with the best constant as its bias.

        Parameters
        ----------
        kind : ModelConfig
            Its task is replaced by the one of the targets.
        start : Start, optional
            How training starts, where that is not left to the data.

        Raises
        ------
        ConfigError
            If a model that uses fields is asked for and the data have none.
        ResourceError
            If training it would take more memory than there is.
        """
        kind = replace(kind, task=self.targets.task)
        schema, targets = self.data.schema, self.targets
        if kind.kind.uses_fields and schema.n_fields == 0:
            raise ConfigError(
                f"A model that uses fields (model={kind.model!r}) needs data with fields: tables, "
                "where each column is a field, libffm text, or a matrix with fields=, one number "
                "per column (fieldfare.fields_of_one_hot(X) finds those of a one-hot matrix). "
                "These data have none. Use model='fm'."
            )
        sizes = {
            "n_features": schema.n_features,
            "n_fields": schema.n_fields,
            "n_outputs": targets.n_outputs,
        }
        check_memory(
            estimate_bytes(kind, self.solver, **sizes),
            f"A {kind.model} model of {schema.n_features} features",
            "Use fewer factors ('n_factors'), a higher minimum count or hashing for wide columns, "
            "or a model of a smaller kind.",
        )
        classes = None if targets.classes is None else list(targets.classes)
        memory_limit = self.settings.training.memory_limit
        setting = self.settings.training.scale_features
        scaling = scaling_of(kind, setting, self.train, schema, memory_limit)
        units = units_of(kind, self.train, self.solver, scaling, memory_limit)
        model = build(
            kind,
            **sizes,
            seed=self.seed,
            schema=schema,
            classes=classes,
            units=started_units(start, units),
        )
        if kind.fit_intercept:
            given = self.settings.training.class_weight
            weights = class_weights(given, kind.task, classes, self.train)
            bias = start_bias(kind.task, targets.n_outputs, self.train, weights)
            model = model.with_(bias=bias)
        model = started(start, model)
        return model if scaling is None else scaling.fold(model)

    def start(self, model: ModelConfig | Model, how: Start | None = None) -> Session:
        """Return a session over a new model, or over a model that is to be trained further.

        A model whose parameters no gradient has moved yet gets its units of rows here. One that
        has the state of its solver goes on with it, if the solver stays as it is.
        """
        config = self.config
        if isinstance(model, ModelConfig):
            return Session(self.new_model(model, how), self.solver, config, self.weight_unit)
        session = self._continued(model)
        if session is None:
            start = in_units(model, self.train, self.data.schema, self.settings)
            session = Session(start, self.solver, config, self.weight_unit)
        self._grow(session)
        return session

    def run(
        self,
        session: Session,
        callbacks: Sequence[Callback] = (),
        *,
        once: bool = False,
        resume: PathLike | None = None,
        last: bool = False,
        tell: bool = True,
    ) -> FitResult:
        """Train in a session, whose tables grow by the features that only these samples have.

        Parameters
        ----------
        session : Session
            Where training starts, or continues.
        callbacks : sequence of Callback
            Called in this order.
        once : bool
            Whether to visit the samples once, without early stopping.
        resume : path, optional
            Checkpoint to continue from.
        last : bool
            Whether the session is not used again, which saves a copy of the model.
        tell : bool
            Whether to warn of a model that is worse than a constant, or has not settled.

        Returns
        -------
        FitResult
            Its model says how it came about.
        """
        if session.epochs:
            self._grow(session)
        else:
            self.warn_of_unused(session.kind, once=once)
        config = replace(self.config, max_iter=1, early_stopping=False) if once else self.config
        parts = self.held_out(config)
        train, valid = (self.train, self.valid) if parts is None else parts
        judged = not (once or self.settings.for_recall)
        if judged:
            callbacks = [*callbacks, Judge(train, valid, config)]
        how: dict[str, Any] = {"callbacks": callbacks, "resume": resume, "last": last}
        if parts is None:
            result = session.fit(train, valid, config, **how, more=once)
        elif is_refitted(config, self.train.n_rows):
            result = session.fit_twice(parts, self.train, config, **how)
        else:
            result = session.fit(train, valid, config, **how)
        if tell and not once:
            warn_of(result.history, config, self.least_epochs)
        # The solver may have derived some of its settings from the rows.
        done = replace(self, settings=replace(self.settings, solver=session.solver))
        return replace(result, model=done.stamped(result.model, result.history, parts))

    def held_out(self, config: TrainingConfig) -> tuple[RowSubset, RowSubset] | None:
        """Return what to train and to validate on, if that is split here; see `hold_out`."""
        if self.valid is not None:
            return None
        for_recall = self.settings.for_recall
        return hold_out(
            self.train, self.targets.task, config, self.data.schema, for_recall=for_recall
        )

    @property
    def least_epochs(self) -> int:
        """The number of epochs from which on a training may be called unsettled.

        Users who neither give validation data nor ask for early stopping may train for fewer epochs
        than usual without being told that more would be better. Not for recall: there epochs are
        few, and a metric that still rises is not what one would expect after ten of them.
        """
        if self.settings.for_recall:
            return 0
        solver, asked = self.settings.solver, self.settings.training.early_stopping is True
        return 0 if self.valid is not None or asked or solver is None else _usual_epochs(solver)

    def warn_of_unused(self, kind: ModelConfig, *, once: bool = False) -> None:
        """Warn of hyperparameters that were set and have no effect; see `warn_of_unused`."""
        warn_of_unused(
            kind,
            self.settings,
            self.train,
            validated=self.valid is not None,
            n_fields=self.data.schema.n_fields,
            once=once,
        )

    def stamped(
        self, model: Model, history: History, parts: tuple[RowSubset, RowSubset] | None = None
    ) -> Model:
        """Return a trained model that says how it came about, see `provenance.stamped`.

        Parameters
        ----------
        model : Model
            As training left it.
        history : History
            The epochs.
        parts : (RowSubset, RowSubset) or None
            What `held_out` returned.
        """
        held_out = None if parts is None else parts[1]
        if model.progress is not None:
            model = model.with_(progress=model.progress.weighed_in(self.weight_unit))
        return stamped(
            model,
            history,
            self.data,
            self.valid if held_out is None else held_out,
            self.settings,
            self.seed,
            is_held_out=held_out is not None,
        )

    def _continued(self, model: Model) -> Session | None:
        """Return a session that goes on from the state that a model holds, if it can."""
        if model.progress is None:
            return None
        session = Session(model, self.solver, self.config, self.weight_unit)
        if not goes_on(model, session.solver, self.config.scale_features):
            return None
        session.go_on(model.progress)
        return session

    def _grow(self, session: Session) -> None:
        """Give a session the features that only these samples have."""
        schema = self.data.schema
        session.grow(schema.n_features, schema)
        if session.scaling is not None and not session.scaling.scale.all():
            kind = session.kind
            session.learn_scaling(measured(kind, self.train, schema, self.config.memory_limit))


def _usual_epochs(solver: SolverConfig) -> int:
    return solver.kind.defaults.max_iter


def _warn_of_validation(data: AnyDataset, valid: AnyDataset) -> None:
    """Warn of validation samples that are training samples, or have little in common with them."""
    warn_of_unseen(valid.rows, data.schema)
    share = share_known(data.rows, valid.rows)
    if share:
        warnings.warn(
            DataWarning(
                f"{share:.0%} of the validation rows stand among the training rows, so they cannot "
                "tell when a model learns these by heart. Validate on rows that are not trained on."
            ),
            stacklevel=3,
        )


def _with_targets(rows: RowSubset, settings: Settings) -> RowSubset:
    """Return rows as they are; for recall, rows without targets are interactions."""
    return labelled_interactions(rows) if settings.for_recall else rows
