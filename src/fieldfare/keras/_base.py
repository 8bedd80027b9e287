"""What the estimators that Keras trains share: batches of data, training, the trained model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

import numpy as np

import keras
from fieldfare._random import resolve_seed
from fieldfare.config import KerasConfig, SolverConfig, TrainingConfig
from fieldfare.data.dataset import AnyDataset
from fieldfare.estimators.base import Factorization
from fieldfare.exceptions import ConfigError, DivergenceError
from fieldfare.keras.batches import RowsDataset, batch, endless, first_width, width_of
from fieldfare.keras.convert import from_keras, to_keras
from fieldfare.kernels.table import Units
from fieldfare.kinds.solvers import SGD
from fieldfare.models.base import Model
from fieldfare.models.scaling import Scaling
from fieldfare.rows import Rows
from fieldfare.settings import Settings
from fieldfare.training.job import Job
from fieldfare.training.judging.compare import compare
from fieldfare.training.judging.verdict import warn_of
from fieldfare.training.loop.callbacks import tell_of_refit
from fieldfare.training.loop.history import History
from fieldfare.training.prepare.held_out import Parts, is_refitted, split_by_of
from fieldfare.training.samples.subset import RowSubset

# Keras' own "loss" has the penalty in it.
_METRIC = "data_loss"
_NAMES = {_METRIC: "train_loss", f"val_{_METRIC}": "valid_loss"}

_EstimatorT = TypeVar("_EstimatorT", bound="KerasEstimator")


def _loss(task: str) -> tuple[Any, Any]:
    """Return the loss, without the penalty, and the metric that reports it."""
    if task == "regression":
        return keras.losses.MeanSquaredError(), keras.metrics.MeanSquaredError(_METRIC)
    name = "BinaryCrossentropy" if task == "binary" else "SparseCategoricalCrossentropy"
    loss = getattr(keras.losses, name)(from_logits=True)
    return loss, getattr(keras.metrics, name)(_METRIC, from_logits=True)


def _watches_validation(callback: Any) -> bool:
    return str(getattr(callback, "monitor", "")).startswith("val_")


def _scale(network: Any, factor: float) -> None:
    """Multiply the scores of a factorization machine by a factor."""
    if factor == 1.0:
        return
    layer = network.layers[-1]
    for weight, times in (
        (layer.bias, factor),
        (layer.linear, factor),
        (layer.factors, Units(factor).of_weights(2)),
    ):
        if weight is not None:
            weight.assign(weight.value * times)


def _put(network: Any, model: Model) -> None:
    """Write the parameters of a model into the network of another, alike but for their values."""
    layer = network.layers[-1]
    for weight, values in (
        (layer.bias, model.bias),
        (layer.linear, model.linear),
        (layer.factors, model.factors),
    ):
        if weight is not None:
            weight.assign(values)


class KerasEstimator(Factorization):
    """Trains with Keras what the other estimators train with the library's own solvers."""

    _kind = "fm"
    early_stopping: bool | str
    n_iter_no_change: int
    tol: float
    n_jobs: ClassVar[None] = None  # predictions are the library's own, on all cores
    _network: Any = None
    _unit = 1.0
    _scaling: Scaling | None = None
    _weight_unit: float | None = None  # of all parts of a training, settled by the first

    def fit(
        self: _EstimatorT, X: Any, y: Any = None, sample_weight: Any = None, eval_set: Any = None
    ) -> _EstimatorT:
        """Train the model in shuffled batches.

        Parameters
        ----------
        X : data frame, Arrow table, list of dict, array, sparse matrix, path, Rows or RowStore
            Samples, as for `fieldfare.FMClassifier`. A RowStore stays on disk.
        y : array-like of shape (n_samples,), str or None
            Target, or the name of the target column of a data frame or a file.
        sample_weight : array-like of shape (n_samples,), str or None
            Weights of the samples, or the name of a column that holds them.
        eval_set : (X, y), path or None
            Validation data, evaluated after each epoch. Their loss decides when training stops and
            which epoch is kept. ``None``: a part of the samples is held out for this, as
            ``early_stopping`` says.

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
        training = self._settings().training  # checked before any data are read
        split_by = split_by_of(training, has_validation=eval_set is not None)
        with self._one_at_a_time(), self._learning() as learner:
            data = learner._read(X, y, sample_weight, learn=True, split_by=split_by)
            valid = learner._read_validation(eval_set, y, sample_weight)
            learner._fit_job(learner._job(data, None, valid=valid).told())
        return self

    def fit_batches(
        self: _EstimatorT,
        batches: Any,
        *,
        classes: Any = None,
        eval_set: Any = None,
        steps_per_epoch: int | None = None,
    ) -> _EstimatorT:
        """Train on batches that come one by one.

        Parameters
        ----------
        batches : keras PyDataset, sequence or iterable of (X, y) or (X, y, sample_weight)
            Each X and y is what `fit` takes. What has a length and numbered batches is visited in a
            new order each epoch (if ``shuffle``). An iterator continues where it was.
        classes : array-like of shape (n_classes,) or None
            All classes that will ever occur; ``None``: those of the first batch.
        eval_set : (X, y), path or None
            Validation data, as for `fit`. Without them, all ``max_iter`` epochs are trained:
            batches that come one by one cannot be held out.
        steps_per_epoch : int or None
            Batches an epoch has; ``None``: the length of ``batches``.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        ConfigError
            If the number of steps is neither given nor known, or ``early_stopping=True`` is to
            stop training without validation data.
        DataError
            If the batches end early, or do not fit the first. Columns of tables are learned from
            the first batch, unless the ``schema`` parameter is a fitted Schema: give one when
            values may be new in later batches.
        """
        training = self._settings().training  # checked before any data are read
        if training.early_stopping is True and eval_set is None:
            raise ConfigError(
                "With early_stopping=True some validation data decide when training stops, and "
                "batches that come one by one cannot be held out. Pass eval_set, or leave "
                "early_stopping at 'auto'."
            )
        with self._one_at_a_time(), self._learning() as learner:
            learner._fit_batches(batches, classes, eval_set, steps_per_epoch)
        return self

    def _fit_batches(
        self, batches: Any, classes: Any, eval_set: Any, steps_per_epoch: int | None
    ) -> None:
        if steps_per_epoch is None:
            if not hasattr(batches, "__len__"):
                raise ConfigError(
                    "These batches have no length. Pass steps_per_epoch, the number of batches of "
                    "an epoch."
                )
            steps_per_epoch = len(batches)
        # One seed for the order of the batches and for the start of the model.
        seed = resolve_seed(self._config(TrainingConfig).random_state)
        stream = endless(batches, seed if self.shuffle else None)
        first = next(stream)
        if classes is not None:
            self.classes_ = np.unique(np.asarray(classes))
        data = self._read_batch(first, learn=True, keep_classes=classes is not None)
        valid = self._read_validation(eval_set)
        job = Job.of(data, self._settings(), targets=self._targets(), valid=valid, seed=seed)
        network = self._network_of(self._start_of(job))

        def converted() -> Iterator[tuple[Any, ...]]:
            rows = self._scaled(job.train.joined)
            yield batch(rows, first_width(rows), fields=False)
            for item in stream:
                later = RowSubset.of(self._read_batch(item)).weighed_in(job.weight_unit)
                rows = self._scaled(later.joined)
                yield batch(rows, width_of(rows), fields=False)

        history = self._fit_network(network, converted(), valid=job.valid, steps=steps_per_epoch)
        self._adopt_network(network, job, history)

    def _partial_fit(
        self, X: Any, y: Any, sample_weight: Any, *, keep_classes: bool = False
    ) -> None:
        """Visit the samples once; new values of categorical columns stay unknown."""
        self._settings()
        with self._one_at_a_time():
            fitted = hasattr(self, "model_")
            data = self._read(X, y, sample_weight, learn=not fitted, keep_classes=keep_classes)
            job = self._job(data, None)
            if fitted and self._weight_unit is not None:
                job = job.weighed_in(self._weight_unit)
            self._weight_unit = job.weight_unit
            network = self.keras_model_ if fitted else self._network_of(self._start_of(job))
            if not network.compiled:
                self._compile(network)
            before = self.n_iter_ if fitted else 0
            batches = self._dataset(job.train, job.seed)
            history = self._fit_network(network, batches, epochs=1, before=before)
            self._adopt_network(network, job, history)
            self.n_iter_ += before

    def _read_batch(
        self, item: tuple[Any, ...], learn: bool = False, keep_classes: bool = False
    ) -> AnyDataset:
        X, y, weight = (*item, None)[:3]
        return self._read(X, y, weight, learn=learn, keep_classes=keep_classes)

    def _settings(self) -> Settings:
        return Settings(
            self._config(TrainingConfig),
            self._config(SolverConfig, solver=SGD.name),
            keras=self._config(KerasConfig),
        )

    def _fit_job(self, job: Job) -> None:
        """Train on a part and then on all rows, as `Session.fit_twice` does, or once."""
        start, parts = self._start_of(job), job.held_out(job.config)
        train, valid = parts or (job.train, job.valid)
        network = self._network_of(start)
        history = self._fit_network(network, self._dataset(train, job.seed), valid=valid)
        first = self._in_units(network)
        history.comparison = compare(first, train, valid, job.config)
        if parts is not None and is_refitted(job.config, job.train.n_rows):
            if self.verbose:
                tell_of_refit(history, job.train.n_rows)
            again = self._network_of(start)
            batches, n_epochs = self._dataset(job.train, job.seed), history.best_epoch
            # Keras would warn of the others after each epoch.
            callbacks = [c for c in self.callbacks or () if not _watches_validation(c)]
            second = self._fit_network(again, batches, epochs=n_epochs, callbacks=callbacks)
            if len(second) == n_epochs:
                network, history = again, replace(history, refit=second.epochs)
            else:
                history = replace(history, stopped=second.stopped)
        warn_of(history, job.config, job.least_epochs)
        self._adopt_network(network, job, history, parts)

    def _start_of(self, job: Job) -> Model:
        """Return the model to start from, which is that of the library's own solvers."""
        start = job.new_model(self._model_config())
        job.warn_of_unused(start.config)
        self._unit, self._scaling = start.units.target, start.scaling
        self._weight_unit = job.weight_unit
        return start

    def _network_of(self, start: Model) -> Any:
        """Return a new Keras model to train."""
        network = to_keras(start, link=False)
        layer = network.get_layer(self._kind)
        layer.l2_linear, layer.l2_factors = self.l2_linear, self.l2_factors
        self._compile(network)
        return network

    def _scaled(self, rows: Rows) -> Rows:
        """Return rows whose targets and values are in the units that steps are made for."""
        assert rows.target is not None
        if self._scaling is not None:
            rows = self._scaling.apply(rows)
        assert rows.target is not None
        return rows.with_(target=rows.target / np.float32(self._unit))

    def _dataset(self, rows: RowSubset, seed: int | None = None) -> RowsDataset:
        return RowsDataset(
            self._scaled(replace(rows, index=None).joined),  # which stay on disk
            self.batch_size,
            shuffle=self.shuffle and seed is not None,
            seed=seed or 0,
            index=rows.index,
        )

    def _compile(self, network: Any) -> None:
        try:
            optimizer = keras.optimizers.get(self.optimizer)
        except ValueError as error:
            raise ConfigError(
                f"The 'optimizer' parameter must be the name of an optimizer of Keras. Got "
                f"{self.optimizer!r}."
            ) from error
        optimizer.learning_rate = self.learning_rate
        loss, metric = _loss(self._task())
        network.compile(optimizer, loss, weighted_metrics=[metric])

    def _fit_network(
        self,
        network: Any,
        batches: Any,
        *,
        valid: RowSubset | None = None,
        epochs: int | None = None,
        steps: int | None = None,
        before: int = 0,
        callbacks: Sequence[Any] | None = None,
    ) -> History:
        """Train a network, and return the epochs, numbered on from those ``before``."""
        callbacks = (self.callbacks or ()) if callbacks is None else callbacks
        self._network = None  # made from model_ again if this training fails halfway
        if self._scaling is not None:
            _put(network, self._scaling.unfold(self._model_of(network)))
        _scale(network, 1 / self._unit)
        epochs = epochs or self.max_iter
        stopping = [] if valid is None or self.early_stopping is False else [self._stopping()]
        logs = network.fit(
            batches,
            epochs=epochs,
            steps_per_epoch=steps,
            validation_data=None if valid is None else self._dataset(valid),
            callbacks=[*callbacks, *stopping],
            shuffle=False,  # RowsDataset has shuffled the rows themselves
            verbose=2 if self.verbose else 0,
        ).history
        if not np.isfinite([*logs["loss"], *logs.get(f"val_{_METRIC}", ())]).all():
            raise DivergenceError(
                "The loss became infinite or not a number. Scale the features and the target, or "
                "lower 'learning_rate'."
            )
        _scale(network, self._unit)
        if self._scaling is not None:
            _put(network, self._scaling.fold(self._model_of(network)))
        history = self._history_of(logs, before)
        if any(callback.stopped_epoch for callback in stopping):
            history.stopped = "early_stopping"
        else:
            history.stopped = "max_iter" if len(history) == epochs else "callback"
        return history

    def _stopping(self) -> Any:
        """Return what stops early, and restores the best epoch."""
        return keras.callbacks.EarlyStopping(
            f"val_{_METRIC}",
            min_delta=self.tol / self._unit**2,
            patience=self.n_iter_no_change,
            mode="min",
            restore_best_weights=True,
        )

    def _history_of(self, logs: dict[str, list[float]], before: int) -> History:
        history = History("valid_loss" if f"val_{_METRIC}" in logs else None)
        for epoch in range(len(logs[_METRIC])):
            record = {
                name: float(logs[key][epoch]) * self._unit**2
                for key, name in _NAMES.items()
                if key in logs
            }
            history.append({"epoch": before + epoch + 1, **record}, self.tol)
        return history

    def _adopt_network(
        self, network: Any, job: Job, history: History, parts: Parts | None = None
    ) -> None:
        self.history_ = history
        self.model_ = job.stamped(self._in_units(network), history, parts)
        self.n_iter_ = history.refit_epochs or len(history)
        self._network = network

    def _in_units(self, network: Any) -> Model:
        """Return the model that a trained network is, with the units that it was trained in."""
        return self._model_of(network).with_(units=Units(self._unit), scaling=self._scaling)

    def _model_of(self, network: Any) -> Model:
        """Return the model that a network is."""
        return from_keras(
            network, task=self._task(), schema=self.schema_, classes=self._targets().classes
        )

    def _adopt(self, model: Model) -> None:
        super()._adopt(model)
        self._network, self._unit, self._scaling = None, model.units.target, model.scaling
        self._weight_unit = None

    @property
    def keras_model_(self) -> Any:
        """The trained Keras model; its output is scores, before the link function."""
        if self._network is None:
            self._network = to_keras(self.model_, link=False)
        return self._network

    def __getstate__(self) -> dict[str, Any]:
        # The network is the model once more, and Keras' objects depend on the backend.
        state = dict(super().__getstate__())
        state.pop("_network", None)
        return state
