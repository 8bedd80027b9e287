"""What the estimators share: their settings, training, saving and loading."""

from __future__ import annotations

import copy
import threading
from abc import ABCMeta, abstractmethod
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, TypeVar

import numpy as np

from fieldfare._arguments import checked
from fieldfare._typing import Float32Array, Float64Array, PathLike
from fieldfare._validation import NONE, AnyOf, Flag, Instance, check
from fieldfare.config import Config, ModelConfig, SolverConfig, TrainingConfig
from fieldfare.data.dataset import AnyDataset
from fieldfare.estimators import _input
from fieldfare.estimators._checks import check_is_fitted
from fieldfare.estimators._reading import Reading
from fieldfare.exceptions import ConfigError, ModelFileError
from fieldfare.kinds.solvers import SOLVER_KINDS
from fieldfare.models.base import Model
from fieldfare.models.importances import Moments, importances
from fieldfare.persist.file import load_model, save_model
from fieldfare.schema.schema import Schema
from fieldfare.settings import Settings, read
from fieldfare.training.functions import schema_of
from fieldfare.training.job import Job
from fieldfare.training.loop.callbacks import check_callbacks
from fieldfare.training.loop.history import History
from fieldfare.training.loop.session import Session
from fieldfare.training.prepare.held_out import split_by_of
from fieldfare.training.prepare.targets import TargetMap
from fieldfare.training.prepare.unused import warn_of_fixed
from fieldfare.training.provenance import history_of

_ConfigT = TypeVar("_ConfigT", bound=Config)
_EstimatorT = TypeVar("_EstimatorT", bound="Factorization")


_SCHEMA = AnyOf((Instance((Schema,), "a Schema"), NONE))


def has_partial_fit(estimator: Factorization) -> bool:
    """Return True if there is a ``partial_fit``, else raise why not: `available_if` asks so."""
    solver = SOLVER_KINDS.get(getattr(estimator, "solver", ""))  # Keras has optimisers instead
    if solver is not None and solver.needs_all_rows:
        raise ConfigError(
            f"solver={solver.name!r} needs all samples at once, so there is no partial_fit. Use "
            "fit, with warm_start=True to continue, or a gradient solver such as "
            "solver='adagrad'."
        )
    return True


class Factorization(Reading, metaclass=ABCMeta):
    """Base of the estimators; `classifier`, `regressor` and `ranker` say what the target is."""

    callbacks: Any
    warm_start: bool

    model_: Model
    history_: History
    n_iter_: int
    # It takes as much memory as the model: kept only where training may continue.
    _session: Session | None = None

    def fit(
        self: _EstimatorT, X: Any, y: Any = None, sample_weight: Any = None, eval_set: Any = None
    ) -> _EstimatorT:
        """Train the model.

        Parameters
        ----------
        X : data frame, Arrow table, dict of columns, list of dict, array, sparse matrix or path
            Samples. Columns of data frames may hold text, categories, dates or numbers with
            missing values; they are found by name, so that their order does not matter and there
            may be more of them. Arrays of shape (n_samples, n_features) are numeric, and zeros
            count as absent. A path, or a list of paths, names files of any format that
            `fieldfare.load_data` reads. A `JoinedTable` has side tables.
        y : array-like of shape (n_samples,), str, int or None
            Target; or the target column of a table or a file, by name, number or position.
            ``None`` for files that have a target of their own.
        sample_weight : array-like of shape (n_samples,), str, int or None
            Weights of the samples, or the column that holds them.
        eval_set : (X, y), [(X, y)], table, path or None
            Validation data, of the same kinds as ``X`` and ``y``. A table or a file without ``y``
            has the target column that ``y`` names.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        ConfigError
            If a parameter has a value that is not allowed.
        DataError
            If the data cannot be used as they are.
        DivergenceError
            If the loss became infinite or not a number.
        """
        self._fit(X, y, sample_weight, eval_set)
        return self

    def _fit(
        self, X: Any, y: Any, sample_weight: Any, eval_set: Any, *, comparisons: Any = None
    ) -> None:
        training = self._settings().training  # checked before any data are read
        self._check_others()
        check_callbacks(self.callbacks, {"X": X, "eval_set": eval_set})
        split_by = split_by_of(training, has_validation=eval_set is not None)
        with self._one_at_a_time():
            session = self._session if self.warm_start else None
            learn = session is None
            with self._learning(afresh=learn) as learner:
                data = learner._read(
                    X, y, sample_weight, learn=learn, extend=not learn, split_by=split_by
                )
                valid = learner._read_validation(eval_set, y, sample_weight)
                if session is not None:
                    learner._tell_fixed(session.kind, session)
                job = learner._job(data, session, valid=valid, comparisons=comparisons)
                session = session or job.told().start(learner._model_config())
                learner._train(job, session)
                learner._session = session if self.warm_start else None

    def _partial_fit(
        self, X: Any, y: Any, sample_weight: Any, *, keep_classes: bool = False
    ) -> None:
        """Visit the samples once, from where the last call stopped."""
        self._settings()
        self._check_others()
        check_callbacks(self.callbacks, {"X": X})
        with self._one_at_a_time():
            fitted = hasattr(self, "model_")
            data = self._read(
                X, y, sample_weight, learn=not fitted, extend=fitted, keep_classes=keep_classes
            )
            if fitted:
                self._tell_fixed(self.model_.config, self._session)
            job = self._job(data, self._session)
            if self._session is None:
                self._session = job.start(self.model_ if fitted else self._model_config())
            self._train(job, self._session, once=True)

    def _job(self, data: AnyDataset, session: Session | None, **how: Any) -> Job:
        seed = None if session is None else session.seed
        job = Job.of(data, self._settings(), targets=self._targets(), seed=seed, **how)
        return job if session is None else job.weighed_in(session.weight_unit)

    def _tell_fixed(self, kind: ModelConfig, session: Session | None) -> None:
        """Warn of parameters that were changed and stay as they are while training continues."""
        groups: list[tuple[Config, Config]] = [(kind, self._model_config())]
        if session is not None:
            groups.append((session.solver, self._config(SolverConfig)))
        warn_of_fixed(*groups)

    def _train(self, job: Job, session: Session, *, once: bool = False) -> None:
        result = job.run(session, self.callbacks or (), once=once)
        self.model_, self.history_ = result.model, result.history
        self.n_iter_ = session.epochs

    def _one_at_a_time(self) -> threading.RLock:
        """Return the lock that calls from several threads hold while they train."""
        # Made when first needed, as scikit-learn wants constructors to do nothing; setdefault
        # gives all threads the same one.
        lock: threading.RLock = self.__dict__.setdefault("_lock", threading.RLock())
        return lock

    @contextmanager
    def _learning(self: _EstimatorT, *, afresh: bool = True) -> Generator[_EstimatorT, None, None]:
        """Yield what learns: the estimator itself or, for a fit afresh, a stand-in.

        What the stand-in learned becomes the estimator's in one go at the end, so that until then,
        and if the fit fails, it predicts as before.
        """
        if not afresh:
            yield self
            return
        before = dict(self.__dict__)
        learner = object.__new__(type(self))
        learner.__dict__.update(before)
        yield learner
        after = learner.__dict__
        for name in before.keys() - after.keys():
            self.__dict__.pop(name, None)
        new = {n: value for n, value in after.items() if n not in before or before[n] is not value}
        self.__dict__.update(new)

    def _as_it_is(self: _EstimatorT) -> _EstimatorT:
        """Return the estimator as it is now, whatever another thread makes of it meanwhile."""
        now = object.__new__(type(self))
        now.__dict__.update(self.__dict__)  # at once: no other thread runs in between
        return now

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if state.get("_session") is not None:
            # Another thread may be training it, and pickling takes time.
            with self._one_at_a_time():
                state = dict(super().__getstate__())
                state["_session"] = copy.deepcopy(self._session)
        state.pop("_lock", None)
        return state

    # --- scoring ----------------------------------------------------------------------------------

    def _scores(self, X: Any) -> Float32Array:
        """Return raw scores, float32[n_samples, n_outputs]."""
        check_is_fitted(self)
        model = self.model_  # another thread may replace it meanwhile
        return model.score(self._rows(X, schema_of(model)), self.n_jobs)

    # --- the learned model ------------------------------------------------------------------------

    @checked
    def save(self, path: PathLike) -> None:
        """Save the model to a file; see `fieldfare.save_model`.

        The file holds the model and the hyperparameters, and `load` brings both back. It does not
        hold the state of the optimiser, nor ``schema``, ``callbacks`` and ``warm_start``, which are
        no hyperparameters: pickle the estimator to keep these too.
        """
        check_is_fitted(self)
        save_model(self.model_, path)

    @classmethod
    @checked
    def load(cls: type[_EstimatorT], path: PathLike) -> _EstimatorT:
        """Return a fitted estimator for a saved model, with the parameters it was trained with.

        Training continues with them, by `partial_fit` or where ``warm_start`` is then set.

        Raises
        ------
        ModelFileError
            If the file is damaged, or holds a model of another kind.
        """
        model = load_model(path)
        estimator = cls()
        if model.kind != cls._kind or not estimator._predicts(model.config.task):
            raise ModelFileError(
                f"{path} holds a {model.kind} model for {model.config.task}, which is not for "
                f"{cls.__name__}."
            )
        estimator._restore_parameters(model.config, model.trained_by, model.schema)
        estimator._adopt(model)
        return estimator

    def _restore_parameters(
        self, config: ModelConfig, trained_by: Settings | None, schema: Schema | None
    ) -> None:
        """Set the parameters to those that a model has and was trained with."""
        saved = asdict(config) | ({} if trained_by is None else trained_by.flat())
        if schema is not None:
            saved["fields"] = _input.fields_of_columns(schema)
        own = self.get_params(deep=False)
        self.set_params(**{name: value for name, value in saved.items() if name in own})

    def _adopt(self, model: Model) -> None:
        """Take over a trained model."""
        self.model_ = model
        self.schema_ = schema_of(model)
        self._learn_columns(self.schema_.names_in_table)
        self.history_ = history_of(model)
        self.n_iter_ = self.history_.refit_epochs or len(self.history_)

    @property
    def factors_(self) -> Float32Array:
        """Latent vectors, without the axis of outputs if there is but one."""
        factors = self.model_.factors
        if factors is None:
            raise AttributeError(f"{type(self).__name__} has no factors.")
        return factors[:, 0] if factors.shape[1] == 1 else factors

    @property
    def feature_importances_(self) -> Float64Array:
        """Share of the variance of the scores that each column of X accounts for.

        See `fieldfare.models.importances.importances`.
        """
        check_is_fitted(self)
        return self._importances(self.model_)

    def _importances(self, model: Model) -> Float64Array:
        schema = schema_of(model)
        moments = Moments.of_schema(schema)
        if moments is None:
            raise AttributeError(
                f"{type(self).__name__} has feature_importances_ if it was fitted on a table or an "
                "array. It was fitted on numbered features, whose values are not summed up."
            )
        if schema.is_indexed:
            columns = list(np.arange(model.n_features)[:, np.newaxis])
        else:
            names = [str(n) for n in getattr(self, "feature_names_in_", schema.names_in_table)]
            columns = schema.features_of(names)
        return importances(model, moments, columns)

    # --- for subclasses and scikit-learn ----------------------------------------------------------

    @abstractmethod
    def _task(self) -> str:
        """Return what is predicted."""

    @abstractmethod
    def _predicts(self, task: str) -> bool:
        """Whether a model for this task is one for this estimator."""

    def _targets(self) -> TargetMap:
        """Return what the targets are, encoded as they are."""
        return TargetMap(self._task())

    def _model_config(self) -> ModelConfig:
        """Return the configuration of the model, checked."""
        return self._config(ModelConfig, model=self._kind, task=self._task())

    def _settings(self) -> Settings:
        """Return the settings of the training, checked."""
        return Settings(self._config(TrainingConfig), self._config(SolverConfig))

    def _check_others(self) -> None:
        """Check the parameters that are no hyperparameters."""
        check("warm_start", self.warm_start, Flag(), type(self).__name__)
        check("schema", self.schema, _SCHEMA, type(self).__name__)

    def _config(self, group: type[_ConfigT], **fixed: Any) -> _ConfigT:
        """Return a group of parameters, checked."""
        return read(group, self.get_params(deep=False), **fixed)
