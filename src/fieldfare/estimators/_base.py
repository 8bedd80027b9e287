"""What the estimators share: reading X and y, training, and scoring."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, replace
from dataclasses import fields as config_fields
from typing import Any, ClassVar, TypeVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import Tags
from sklearn.utils.validation import (
    _check_sample_weight,
    _get_feature_names,
    check_is_fitted,
    validate_data,
)

from fieldfare._random import resolve_seed
from fieldfare._typing import AnyArray, Float32Array, PathLike
from fieldfare.config import (
    GRADIENT_SOLVERS,
    MODELS_WITH_FIELDS,
    SOLVERS,
    Config,
    ModelConfig,
    SolverConfig,
    TrainingConfig,
)
from fieldfare.data.dataset import Dataset, RelatedDataset
from fieldfare.data.extend import extend
from fieldfare.data.loading import load, load_related
from fieldfare.estimators import _input
from fieldfare.exceptions import ConfigError, DataError, ModelFileError
from fieldfare.models.base import Model
from fieldfare.persist.file import load_model, save_model
from fieldfare.rows import Rows, as_rows
from fieldfare.schema.schema import Schema
from fieldfare.settings import Settings
from fieldfare.training.loop.history import History
from fieldfare.training.loop.session import Session
from fieldfare.training.prepare.provenance import stamped
from fieldfare.training.prepare.row_subset import RowSubset
from fieldfare.training.prepare.targets import TargetMap
from fieldfare.training.workflow import new_model, schema_of

_ConfigT = TypeVar("_ConfigT", bound=Config)
_EstimatorT = TypeVar("_EstimatorT", bound="Factorization")


def learns_in_parts(estimator: Factorization) -> bool:
    """Return whether there is a ``partial_fit``, or raise why not: `available_if` asks so."""
    solver = getattr(estimator, "solver", "sgd")  # Keras has optimisers instead
    if solver in SOLVERS and solver not in GRADIENT_SOLVERS:
        raise ConfigError(
            f"solver={solver!r} needs all samples at once, so there is no partial_fit. Use "
            "fit, with warm_start=True to go on, or a gradient solver such as solver='adagrad'."
        )
    return True


class Factorization(BaseEstimator, metaclass=ABCMeta):  # type: ignore[misc]
    """Base of the estimators; `classifier`, `regressor` and `ranker` say what the target is."""

    _kind: ClassVar[str]

    model_: Model
    history_: History
    schema_: Schema
    n_iter_: int
    n_features_in_: int
    # The optimiser's state takes as much memory as the model: kept only where training may go on.
    _session: Session | None = None

    def fit(
        self: _EstimatorT, X: Any, y: Any = None, sample_weight: Any = None, eval_set: Any = None
    ) -> _EstimatorT:
        """Train the model.

        Parameters
        ----------
        X : data frame, Arrow table, list of dict, array, sparse matrix or path
            Samples. Columns of data frames may hold text, categories, dates or numbers with
            missing values. Arrays of shape (n_samples, n_features) are numeric, and zeros count
            as absent. A path, or a list of paths, names files of any format that
            `fieldfare.load_data` reads. A `JoinedTable` has side tables.
        y : array-like of shape (n_samples,), str or None
            Target, or the name of the target column of a data frame or a file. ``None`` for files
            that have a target of their own.
        sample_weight : array-like of shape (n_samples,), str or None
            Weights of the samples, or the name of a column that holds them.
        eval_set : (X, y), path or None
            Validation data, of the same kinds as ``X`` and ``y``.

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
        for group in (TrainingConfig, SolverConfig):
            # Parameters are checked before any data are read.
            self._config(group)
        session = self._session if self.warm_start else None
        train = self._read(X, y, sample_weight, learn=session is None, session=session)
        valid = self._read_validation(eval_set)
        config = self._config(TrainingConfig)
        if session is None:
            session = self._start(train, config)
        self._train(session, train, valid, config)
        self._session = session if self.warm_start else None
        return self

    def _partial_fit(
        self, X: Any, y: Any, sample_weight: Any, *, keep_classes: bool = False
    ) -> None:
        """Visit the samples once, from where the last call stopped."""
        self._config(SolverConfig)
        fitted = hasattr(self, "model_")
        if fitted and self._session is None:
            self._session = Session(
                self.model_, self._config(SolverConfig), self._config(TrainingConfig)
            )
        part = self._read(
            X, y, sample_weight, learn=not fitted, session=self._session, keep_classes=keep_classes
        )
        config = replace(self._config(TrainingConfig), max_iter=1, early_stopping=False)
        if self._session is None:
            self._session = self._start(part, config)
        self._train(self._session, part, None, config)

    def _start(self, train: RowSubset, config: TrainingConfig) -> Session:
        """Return a session over a new model."""
        config = replace(config, random_state=resolve_seed(config.random_state))
        kind = self._config(ModelConfig, model=self._kind, task=self._task())
        solver = self._config(SolverConfig)
        model = new_model(kind, solver, self.schema_, self._targets(), train, config)
        return Session(model, solver, config)

    def _train(
        self, session: Session, train: RowSubset, valid: RowSubset | None, config: TrainingConfig
    ) -> None:
        result = session.fit(train, valid, config, self.callbacks or ())
        settings = Settings(self._config(TrainingConfig), self._config(SolverConfig))
        self.model_ = stamped(
            result.model, result.history, train, valid, settings, session.config.random_state
        )
        self.history_ = result.history
        self.n_iter_ = session.epochs

    # --- reading ----------------------------------------------------------------------------------

    def _read(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        *,
        learn: bool = False,
        session: Session | None = None,
        keep_classes: bool = False,
    ) -> RowSubset:
        """Return labelled samples, with the target as the kernels want it.

        ``learn`` takes the meaning of the columns and the classes from these samples; a
        ``session`` is told of new features.
        """
        if _input.is_source(X):
            part, y, names = self._read_source(X, y, sample_weight, learn, session)
        else:
            rows, y = self._read_samples(X, y, sample_weight, learn, session)
            part, names = RowSubset(rows), None
        if sample_weight is not None and not isinstance(sample_weight, str):
            weight = _check_sample_weight(
                sample_weight, y, dtype=np.float32, ensure_non_negative=True
            )
            part = replace(part, rows=part.rows.with_(weight=weight))
        return part.with_target(self._encode_target(y, names, learn=learn and not keep_classes))

    def _read_source(
        self, X: Any, y: Any, sample_weight: Any, learn: bool, session: Session | None
    ) -> tuple[RowSubset, AnyArray, Sequence[str] | None]:
        """Return the samples of a file, their target, and the texts that the target stands for."""
        if y is not None and not isinstance(y, str):
            raise DataError(
                "The target of files and of Rows comes from themselves. Leave y out, or give the "
                f"name of the target column. Got y of type {type(y).__name__}."
            )
        if learn:
            weight = sample_weight if isinstance(sample_weight, str) else None
            data = self._load(X, schema=self.schema, target=y, weight=weight)
            self.schema_ = data.schema
            self._learn_columns([column.name for column in data.schema.columns])
        elif session is not None:
            data = extend(schema_of(self.model_), X)
            self.schema_ = data.schema
            session.grow(self.schema_.n_features, self.schema_)
        else:
            data = self._load(X, schema=self.schema_)
        target = data.rows.target
        if target is None:
            raise DataError(
                "These samples have no target. Name the target column, as in y='clicked', or use "
                "labelled data."
            )
        whole = target.astype(np.int64)
        exact = whole if np.array_equal(whole, target) else target
        return RowSubset.of(data), exact, data.schema.target_classes

    def _load(self, X: Any, **options: Any) -> Dataset | RelatedDataset:
        """Return samples with their side tables, if any, as the solver can use them."""
        related = getattr(self, "solver", "als") == "als"  # without the parameter: Gibbs sampling
        return (load_related if related else load)(X, **options)

    def _read_samples(
        self, X: Any, y: Any, sample_weight: Any, learn: bool, session: Session | None
    ) -> tuple[Rows, AnyArray]:
        """Return tables and arrays as rows without a target, and the target."""
        given = {"target": y, "weight": sample_weight}
        roles = {role: name for role, name in given.items() if isinstance(name, str)}
        if y is None:
            # scikit-learn has its own words for this.
            validate_data(self, X="no_validation", y=y)
        y = _input.labels(_input.column(X, y) if isinstance(y, str) else y)
        table = self._as_table(X, learn, tuple(roles.values()))
        if table is None:
            X, y = self._check_array(X, y, learn=learn)
            if learn:
                self.schema_ = self._array_schema(X.shape[1])
            return self._array_rows(X), y
        if learn:
            self.schema_ = _input.fit_schema(self.schema, table, roles)
        elif session is not None:
            self.schema_ = self.schema_.extend(table)
            session.grow(self.schema_.n_features, self.schema_)
        rows = self.schema_.encode(table, labelled=False)
        if len(y) != len(rows):
            raise DataError(f"X and y must be of equal length. Got {len(rows)} and {len(y)}.")
        if "weight" in roles:
            weight = _input.column(X, roles["weight"])
            rows = rows.with_(weight=np.ascontiguousarray(weight, np.float32)).validate()
        return rows, y

    def _read_validation(self, eval_set: Any) -> RowSubset | None:
        if eval_set is None:
            return None
        if isinstance(eval_set, tuple):
            if len(eval_set) != 2:
                raise DataError(
                    f"eval_set must be (X, y), a path or None. Got {len(eval_set)} parts."
                )
            return self._read(*eval_set, None)
        return self._read(eval_set, None, None)

    def _rows(self, X: Any) -> Rows:
        """Return samples to predict."""
        if _input.is_source(X):
            return as_rows(self._load(X, schema=self.schema_, labelled=None).rows)
        table = self._as_table(X, False, ())
        if table is None:
            return self._array_rows(self._check_array(X, learn=False))
        return self.schema_.encode(table, labelled=False)

    def _as_table(self, X: Any, learn: bool, roles: Sequence[str]) -> Any:
        """Return X as a table, its columns checked as scikit-learn does, or None for an array."""
        known = None if learn else self.schema_
        if known is not None and known.is_indexed:
            return None
        if _input.is_frame(X):
            if known is not None:
                roles = [name for name in (known.target, known.weight) if name is not None]
            features = _input.without_columns(X, roles)
            names = _input.column_names(features)
            # scikit-learn before 1.8 does not see the column names of newer polars frames.
            if _get_feature_names(features) is None and all(isinstance(n, str) for n in names):
                if learn:
                    self._learn_columns(names)
            else:
                validate_data(self, features, reset=learn, skip_check_array=True)
            return X
        if _input.is_records(X):
            if learn:
                self._learn_columns([n for n in _input.column_names(X) if n not in roles])
            return X
        if known is None and not _input.is_text_array(X):
            return None
        validate_data(self, X, reset=learn, skip_check_array=True)
        return _input.records(X, None if known is None else [c.name for c in known.columns])

    def _check_array(self, X: Any, y: Any = "no_validation", *, learn: bool) -> Any:
        # Float32 is what the kernels compute in, so what overflows it is as bad as infinity.
        return validate_data(self, X, y, reset=learn, accept_sparse="csr", dtype=np.float32)

    def _array_schema(self, n_columns: int) -> Schema:
        if self._kind not in MODELS_WITH_FIELDS:
            return Schema.indexed(n_columns, 0)
        numbers, names = _input.field_numbers(self.fields, n_columns)
        return Schema.indexed(n_columns, len(names), field_names=names, field_of=numbers)

    def _array_rows(self, X: Any) -> Rows:
        rows = self.schema_.encode(X, labelled=False)
        if self._kind in MODELS_WITH_FIELDS and rows.fields is None:
            rows = rows.with_(fields=self.schema_.field_of[rows.indices])
        return rows

    def _learn_columns(self, names: Sequence[str]) -> None:
        """Set what scikit-learn wants to know of the columns of data that are no array or frame."""
        self.n_features_in_ = len(names) or self.schema_.n_features
        if names:
            self.feature_names_in_ = np.array(names, dtype=object)
        else:
            self.__dict__.pop("feature_names_in_", None)

    # --- scoring ----------------------------------------------------------------------------------

    def _scores(self, X: Any) -> Float32Array:
        """Return raw scores, of shape (n_samples, n_outputs)."""
        check_is_fitted(self)
        return self.model_.score(self._rows(X), self.n_jobs)

    def _labelled(self, X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
        """Return samples, labels and weights to compute a score from, whatever they come in."""
        if not _input.is_source(X) and not isinstance(y, str):
            return X, y, sample_weight
        check_is_fitted(self)
        part = self._read(X, y, sample_weight)
        return part.rows.with_(target=None), self._decode_target(part.target), part.weight

    # --- the learned model ------------------------------------------------------------------------

    def save(self, path: PathLike) -> None:
        """Save the model to a file; see `fieldfare.save_model`.

        The file holds the model and the hyperparameters, and `load` brings both back. It does not
        hold the state of the optimiser, nor ``schema``, ``callbacks`` and ``warm_start``, which are
        no hyperparameters: pickle the estimator to keep these too.
        """
        check_is_fitted(self)
        save_model(self.model_, path)

    @classmethod
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
        estimator._restore_parameters(model.config, model.trained_by)
        estimator._adopt(model)
        return estimator

    def _restore_parameters(self, config: ModelConfig, trained_by: Settings | None) -> None:
        """Set the parameters to those that a model has and was trained with."""
        saved = asdict(config) | ({} if trained_by is None else trained_by.flat())
        own = self.get_params(deep=False)
        self.set_params(**{name: value for name, value in saved.items() if name in own})

    def _adopt(self, model: Model) -> None:
        """Take over a model that was trained elsewhere."""
        self.model_ = model
        self.schema_ = model.schema or Schema.indexed(model.n_features, model.n_fields)
        self._learn_columns([column.name for column in self.schema_.columns])
        # A model that was put together by hand has no history.
        known = model.provenance.get("history")
        self.history_ = History() if known is None else History.from_json(known)
        self.n_iter_ = len(self.history_)

    @property
    def factors_(self) -> Float32Array:
        """Latent vectors, without the axis of outputs if there is but one."""
        factors = self.model_.factors
        if factors is None:
            raise AttributeError(f"{type(self).__name__} has no factors.")
        return factors[:, 0] if factors.shape[1] == 1 else factors

    # --- for subclasses and scikit-learn ----------------------------------------------------------

    @abstractmethod
    def _task(self) -> str:
        """Return what is predicted."""

    @abstractmethod
    def _predicts(self, task: str) -> bool:
        """Whether a model for this task is one for this estimator."""

    @abstractmethod
    def _encode_target(
        self, y: AnyArray, names: Sequence[str] | None, *, learn: bool
    ) -> Float32Array:
        """Return the target as the kernels want it; ``names`` are what numbers in y stand for."""

    @abstractmethod
    def _decode_target(self, target: Float32Array) -> AnyArray:
        """Return the labels that `_encode_target` was given."""

    def _targets(self) -> TargetMap:
        """Return what the targets are, encoded as they are."""
        return TargetMap(self._task())

    def _config(self, group: type[_ConfigT], **fixed: Any) -> _ConfigT:
        """Return a group of parameters, checked."""
        names = {item.name for item in config_fields(group)} - set(fixed)
        given = {n: v for n, v in self.get_params(deep=False).items() if n in names}
        # NumPy scalars, which grids of parameters hold, would not go into a file header.
        plain = {n: v.item() if isinstance(v, np.generic) else v for n, v in given.items()}
        return group(**plain, **fixed)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.target_tags.required = True
        return tags
