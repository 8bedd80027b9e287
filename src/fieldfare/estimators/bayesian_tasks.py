"""Bayesian estimators by what they predict: numbers, two classes or ordered classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils import Tags

from fieldfare._arguments import checked
from fieldfare._typing import AnyArray, Float32Array, Float64Array
from fieldfare.estimators._bayesian import BayesianFM
from fieldfare.estimators._checks import coded
from fieldfare.estimators.classifier import Classifier
from fieldfare.estimators.regressor import Regressor
from fieldfare.exceptions import DataError
from fieldfare.training.bayes.functions import ordered_levels
from fieldfare.training.prepare.targets import class_numbers

_OfClassesT = TypeVar("_OfClassesT", bound="_OfClasses")


class BayesianRegressor(RegressorMixin, BayesianFM):  # type: ignore[misc]
    """Base for numbers, with their uncertainty."""

    @checked
    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Return the expected numbers.

        Parameters
        ----------
        X : as in `fit`
            Samples.
        return_std : bool, default=False
            Whether to return standard deviations, too.

        Returns
        -------
        mean : float32 array of shape (n_samples,)
            Average over the samples of the posterior.
        std : float64 array of shape (n_samples,)
            Only with ``return_std``: the standard deviation of a new observation, which comes from
            the uncertainty about the parameters and from noise.
        """
        posterior, rows = self._posterior_and_rows(X)
        mean = posterior.predict(rows, self.n_jobs).astype(np.float32)
        if not return_std:
            return mean
        return mean, posterior.deviations(rows, self.n_jobs)

    @checked
    def predict_interval(
        self, X: Any, coverage: float = 0.95, *, noise: bool = True
    ) -> Float64Array:
        """Return intervals that contain the target with a given probability.

        Parameters
        ----------
        X : as in `fit`
            Samples.
        coverage : float in (0, 1), default=0.95
            The probability.
        noise : bool, default=True
            True: the interval is for a new observation, from the normal distribution with its mean
            and standard deviation. False: it is a credible interval for the expectation of the
            observation, between quantiles of the samples.

        Returns
        -------
        float64 array of shape (n_samples, 2)
            Lower and upper bound.
        """
        posterior, rows = self._posterior_and_rows(X)
        return posterior.intervals(rows, coverage, noise=noise, n_threads=self.n_jobs)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the coefficient of determination, R squared; see `FMRegressor.score`."""
        with coded():
            return float(super().score(*self._labelled(X, y, sample_weight)))

    _task = Regressor._task
    _encode_target = Regressor._encode_target
    _decode_target = Regressor._decode_target


class _OfClasses(BayesianFM):
    """What two classes and ordered classes share."""

    def fit(  # type: ignore[override]
        self: _OfClassesT, X: Any, y: Any = None, eval_set: Any = None
    ) -> _OfClassesT:
        """Sample from the posterior; see `BayesianFMRegressor.fit`. There are no sample weights."""
        return super().fit(X, y, None, eval_set)

    def predict_proba(self, X: Any) -> Float64Array:
        """Return the probability of each class.

        Parameters
        ----------
        X : as in `fit`
            Samples.

        Returns
        -------
        float64 array of shape (n_samples, n_classes)
            Rows sum to one; columns are in the order of ``classes_``.
        """
        return self._probabilities(X)

    def predict_log_proba(self, X: Any) -> Float64Array:
        """Return the logarithm of what `predict_proba` returns; -inf where that is 0."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self._probabilities(X)))


class BayesianClassifier(ClassifierMixin, _OfClasses):  # type: ignore[misc]
    """Base for two classes, by probit."""

    def predict(self, X: Any) -> AnyArray:
        """Return the more probable class of each sample.

        Parameters
        ----------
        X : as in `fit`
            Samples.

        Returns
        -------
        array of shape (n_samples,)
            Members of ``classes_``.
        """
        fitted = self._as_it_is()
        best = fitted._probabilities(X).argmax(axis=1)
        labels: AnyArray = fitted.classes_[best]
        return labels

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the accuracy; see `FMClassifier.score`."""
        with coded():
            return float(super().score(*self._labelled(X, y, sample_weight)))

    _decode_target = Classifier._decode_target

    def _encode_target(
        self, y: AnyArray, names: Sequence[str] | None, *, learn: bool
    ) -> Float32Array:
        encoded = Classifier._encode_target(self, y, names, learn=learn)
        if len(self.classes_) > 2:
            raise DataError(
                "Only binary classification is supported. The type of the target is multiclass, "
                f"with {len(self.classes_)} classes. Use FMClassifier, or BayesianFMOrdinal"
                "Regressor if the classes are ordered."
            )
        return encoded

    def _task(self) -> str:
        return "binary"

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


class BayesianOrdinalRegressor(RegressorMixin, _OfClasses):  # type: ignore[misc]
    """Base for ordered classes, by ordered probit."""

    @checked
    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Return the expected numbers, as `BayesianFMRegressor.predict` does, but in float64.

        The expectation has the smallest squared error. For the most probable class, take the
        largest column of `predict_proba`.
        """
        posterior, rows = self._posterior_and_rows(X)
        mean = posterior.predict(rows, self.n_jobs)
        return (mean, posterior.deviations(rows, self.n_jobs)) if return_std else mean

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the coefficient of determination, R squared, of the expected numbers."""
        with coded():
            return float(super().score(*self._labelled(X, y, sample_weight)))

    def _encode_target(
        self, y: AnyArray, names: Sequence[str] | None, *, learn: bool
    ) -> Float32Array:
        numbers = Regressor._encode_target(self, y, names, learn=learn)
        if learn:
            self.classes_ = ordered_levels(numbers)
        return class_numbers(numbers, self.classes_, "Remove these samples.")

    def _decode_target(self, target: Float32Array) -> AnyArray:
        return self.classes_[target.astype(np.int64)]

    def _task(self) -> str:
        return "regression"
