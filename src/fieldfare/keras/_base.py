"""What the estimators that Keras trains share: batches of data, training, the trained model."""

from __future__ import annotations

from collections.abc import Iterator
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
from fieldfare.training.loop.history import History
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
            Validation data, evaluated after each epoch. The model is that of the best epoch by
            their loss; all ``max_iter`` epochs are trained, unless a callback ends them.

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
        self._settings()  # checked before any data are read
        with self._one_at_a_time(), self._learning() as learner:
            data = learner._read(X, y, sample_weight, learn=True)
            valid = learner._read_validation(eval_set, y, sample_weight)
            job = learner._job(data, None, valid=valid)
            network = learner._compiled(job.told())
            learner._fit_network(network, job, learner._dataset(job.train, job.seed))
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
            Validation data, as for `fit`.
        steps_per_epoch : int or None
            Batches an epoch has; ``None``: the length of ``batches``.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        ConfigError
            If the number of steps is neither given nor known.
        DataError
            If the batches end early, or do not fit the first. Columns of tables are learned from
            the first batch, unless the ``schema`` parameter is a fitted Schema: give one when
            values may be new in later batches.
        """
        self._settings()  # checked before any data are read
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
        network = self._compiled(job)

        def converted() -> Iterator[tuple[Any, ...]]:
            rows = self._scaled(job.train.joined)
            yield batch(rows, first_width(rows), fields=False)
            for item in stream:
                later = RowSubset.of(self._read_batch(item)).weighed_in(job.weight_unit)
                rows = self._scaled(later.joined)
                yield batch(rows, width_of(rows), fields=False)

        self._fit_network(network, job, converted(), steps_per_epoch)

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
            network = self.keras_model_ if fitted else self._compiled(job)
            if not network.compiled:
                self._compile(network)
            self._fit_network(network, job, self._dataset(job.train, job.seed), epochs=1)

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

    def _compiled(self, job: Job) -> Any:
        """Return the Keras model to train, starting where the library's own solvers start."""
        start = job.new_model(self._model_config())
        job.warn_of_unused(start.config)
        self._unit, self._scaling = start.units.target, start.scaling
        self._weight_unit = job.weight_unit
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
            self._scaled(rows.joined),
            self.batch_size,
            shuffle=self.shuffle and seed is not None,
            seed=seed or 0,
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
        job: Job,
        batches: Any,
        steps: int | None = None,
        epochs: int | None = None,
    ) -> None:
        self._network = None  # made from model_ again if this training fails halfway
        if self._scaling is not None:
            _put(network, self._scaling.unfold(self._model_of(network)))
        _scale(network, 1 / self._unit)
        history = network.fit(
            batches,
            epochs=epochs or self.max_iter,
            steps_per_epoch=steps,
            validation_data=None if job.valid is None else self._dataset(job.valid),
            callbacks=[*(self.callbacks or ()), *self._keeping_the_best(job)],
            shuffle=False,  # RowsDataset has shuffled the rows themselves
            verbose=2 if self.verbose else 0,
        )
        if not np.isfinite(history.history["loss"]).all():
            raise DivergenceError(
                "The loss became infinite or not a number. Scale the features and the target, or "
                "lower 'learning_rate'."
            )
        _scale(network, self._unit)
        if self._scaling is not None:
            _put(network, self._scaling.fold(self._model_of(network)))
        whole = steps is None and epochs is None
        self._adopt_network(network, job, history.history, whole=whole)

    def _keeping_the_best(self, job: Job) -> list[Any]:
        """Return what restores the best epoch by the validation data, and stops nothing."""
        if job.valid is None:
            return []
        return [
            keras.callbacks.EarlyStopping(
                f"val_{_METRIC}", patience=self.max_iter, mode="min", restore_best_weights=True
            )
        ]

    def _adopt_network(
        self, network: Any, job: Job, logs: dict[str, list[float]], *, whole: bool
    ) -> None:
        """Take over a trained network; if it saw the ``whole`` training data, judge it."""
        self.history_ = History("valid_loss" if f"val_{_METRIC}" in logs else None)
        for epoch in range(len(logs[_METRIC])):
            record = {
                name: float(logs[key][epoch]) * self._unit**2
                for key, name in _NAMES.items()
                if key in logs
            }
            self.history_.append({"epoch": epoch + 1, **record})
        units = {"units": Units(self._unit), "scaling": self._scaling}
        model = self._model_of(network).with_(**units)
        if whole:
            self.history_.comparison = compare(model, job.train, job.valid, job.config)
            warn_of(self.history_, job.config)
        self.model_ = job.stamped(model, self.history_)
        self.n_iter_ = len(self.history_)
        self._network = network

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
