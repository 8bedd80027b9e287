"""What the Bayesian estimators share: sampling, and groups of features."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from sklearn.utils.validation import check_is_fitted

from fieldfare._random import resolve_seed
from fieldfare._typing import AnyArray, Float64Array, PathLike, UInt32Array
from fieldfare.config import GibbsConfig, ModelConfig, SolverConfig, TrainingConfig
from fieldfare.data.schema import Schema
from fieldfare.estimators._base import Factorization
from fieldfare.exceptions import ConfigError
from fieldfare.kernels.native import resolve_threads
from fieldfare.models.posterior import Posterior
from fieldfare.solvers.gibbs import GibbsSampler
from fieldfare.training import sampling
from fieldfare.training.parts import Part
from fieldfare.training.resources import check_memory
from fieldfare.training.targets import TargetMap
from fieldfare.training.trace import Trace
from fieldfare.training.workflow import new_model

_BayesianT = TypeVar("_BayesianT", bound="BayesianFM")


class BayesianFM(Factorization):
    """Base of the Bayesian estimators."""

    _kind = "fm"

    trace_: Trace
    eval_prediction_: Float64Array
    eval_std_: Float64Array
    _posterior: Posterior | None
    _chain: dict[str, AnyArray] | None = None

    def fit(
        self: _BayesianT, X: Any, y: Any = None, sample_weight: Any = None, eval_set: Any = None
    ) -> _BayesianT:
        """Sample from the posterior.

        Parameters
        ----------
        X : data frame, Arrow table, list of dict, array, sparse matrix or path
            Samples, as for `FMRegressor.fit`.
        y : array-like of shape (n_samples,), str or None
            Target, or the name of the target column of a data frame or a file.
        sample_weight : array-like of shape (n_samples,), str or None
            Precision of the noise of each sample, relative to the others; regression only.
        eval_set : (X, y), path or None
            Rows to predict while sampling. The average over the samples is then in
            ``eval_prediction_``, its deviation in ``eval_std_``, and how good it was after each
            sweep in ``trace_``, even if no sample is kept.

        Returns
        -------
        self
            The fitted estimator. Ctrl-C ends sampling early, with the samples there are.

        Raises
        ------
        ConfigError
            If a parameter has a value that is not allowed.
        DataError
            If the data cannot be used as they are.
        """
        gibbs, training = self._config(GibbsConfig), self._config(TrainingConfig)
        chain = self._chain if self.warm_start else None
        train = self._read(X, y, sample_weight, learn=chain is None)
        followed = self._followed(eval_set)
        training = replace(training, random_state=resolve_seed(training.random_state))
        sampler = self._sampler(train, training)
        if chain is not None:
            sampler.load_state(chain)
            # Other rows may come now; their scores are found anew.
            sampler.forget_scores()
            gibbs = replace(gibbs, n_warmup=0)
        n_keep = gibbs.n_samples if gibbs.n_keep_samples is None else gibbs.n_keep_samples
        check_memory(
            8 * n_keep * self.schema_.n_features * (1 + sampler.model.config.n_factors),
            f"Keeping {n_keep} samples of {self.schema_.n_features} features",
            "Keep fewer ('n_keep_samples'), or use fewer factors ('n_factors').",
        )
        n_threads = resolve_threads(training.n_jobs, train.n_rows)
        result = sampling.run(
            sampler, gibbs, followed, n_threads=n_threads, verbose=int(training.verbose)
        )
        self._posterior, self.trace_ = result.posterior, result.trace
        self._chain = sampler.state() if self.warm_start else None
        self.n_iter_ = sampler.sweeps
        if followed is not None:
            self.eval_prediction_, self.eval_std_ = followed.mean, followed.std
        return self

    @property
    def posterior_(self) -> Posterior:
        """The kept samples."""
        if not hasattr(self, "_posterior"):
            raise AttributeError("This estimator is not fitted.")
        return (
            Posterior(self._config(ModelConfig), [])
            if self._posterior is None
            else (self._posterior)
        )

    def save(self, path: PathLike) -> None:
        """Refuse: a model file holds one set of parameters. Pickle the estimator instead."""
        raise ConfigError(
            f"{type(self).__name__} holds many samples, and a model file ({path}) one. Pickle the "
            "estimator instead."
        )

    @classmethod
    def load(cls: type[_BayesianT], path: PathLike) -> _BayesianT:
        """Refuse: see `save`."""
        raise ConfigError(
            f"{cls.__name__} holds many samples, and a model file ({path}) one. Unpickle the "
            "estimator instead."
        )

    def _sampler(self, train: Part, training: TrainingConfig) -> GibbsSampler:
        """Return a chain at its start."""
        kind = self._config(ModelConfig, model="fm", task="regression")
        targets = TargetMap("regression")
        model = new_model(kind, SolverConfig(), self.schema_, targets, train, training)
        n_classes = self._n_classes()
        if n_classes:
            model.bias[:] = 0
            if n_classes > 2:  # the cutpoints do what a bias would do
                model.config = replace(kind, fit_intercept=False)
        return GibbsSampler(
            model,
            train.rows,
            feature_groups(self.groups, self.schema_),
            n_classes=n_classes,
            seed=training.random_state,
        )

    def _followed(self, eval_set: Any) -> sampling.RunningPrediction | None:
        valid = self._read_validation(eval_set)
        if valid is None:
            return None
        unordered = self._task() == "binary"
        return sampling.RunningPrediction(valid.rows, self._levels(), unordered=unordered)

    def _moments(self, X: Any) -> tuple[Float64Array, Float64Array]:
        """Return mean and variance of the scores."""
        check_is_fitted(self, "trace_")
        return self.posterior_.moments(self._rows(X), self.n_jobs)

    def _probabilities(self, X: Any) -> Float64Array:
        check_is_fitted(self, "trace_")
        return self.posterior_.probabilities(self._rows(X), self.n_jobs)

    def _predicts(self, task: str) -> bool:
        return False

    @abstractmethod
    def _n_classes(self) -> int:
        """Return the number of classes, 0 for regression."""

    def _levels(self) -> Float64Array | None:
        """Return the numbers that classes stand for, None for regression."""
        return None


def feature_groups(groups: Any, schema: Schema) -> UInt32Array:
    """Return the group of each feature, as numbers from 0 without gaps.

    Parameters
    ----------
    groups : array-like of shape (n_features,), "all" or None
        ``None``: the field.
    schema : Schema

    Raises
    ------
    ConfigError
        If there is not one group per feature.
    """
    n = schema.n_features
    if groups is None and schema.n_fields:
        given: AnyArray = schema.field_of
    elif groups is None or (isinstance(groups, str) and groups == "all"):
        given = np.zeros(n, np.uint32)
    else:
        given = np.asarray(groups)
    if given.shape != (n,):
        raise ConfigError(
            f"The 'groups' parameter must be None, 'all', or hold one group per feature ({n} after "
            f"encoding). Got {groups!r:.100} of shape {given.shape}."
        )
    return np.unique(given, return_inverse=True)[1].astype(np.uint32)
