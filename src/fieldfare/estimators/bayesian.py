"""Bayesian factorization machines: Gibbs sampling of the model and its hyperparameters."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from fieldfare._typing import AnyArray, Float32Array, Float64Array
from fieldfare._validation import Number, check
from fieldfare.data.schema import Schema
from fieldfare.estimators._bayesian import BayesianFM
from fieldfare.estimators._parameters import documented, store
from fieldfare.estimators.classifier import Classifier
from fieldfare.estimators.regressor import Regressor
from fieldfare.exceptions import DataError

_MAX_LEVELS = 256


@documented
class BayesianFMRegressor(RegressorMixin, BayesianFM):  # type: ignore[misc]
    """Bayesian factorization machine that predicts numbers, with their uncertainty.

    Nothing but the number of factors has to be tuned: penalties and noise are sampled along with
    the parameters, by Gibbs sampling (Freudenthaler, Schmidt-Thieme and Rendle 2011; Rendle 2012,
    section 5.3), and predictions are averaged over the samples.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    trace_ : Trace
        Fit and hyperparameters of every sweep; prints as a table of diagnostics.
    posterior_ : Posterior
        The kept samples.
    eval_prediction_, eval_std_ : float64 array
        Prediction for the rows of ``eval_set``, and the standard deviation of their targets.
    schema_ : Schema
        What the features mean.
    n_iter_ : int
        Number of sweeps.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : array of shape (n_features_in_,)
        Names of the columns of X, if they have names.

    Examples
    --------
    >>> X = [{"user": u, "item": i} for u, i in zip("ab" * 50, "xy" * 50)]
    >>> reg = BayesianFMRegressor(n_factors=2, random_state=0).fit(X, [1.0, 3.0] * 50)
    >>> mean, std = reg.predict(X[:1], return_std=True)
    >>> round(float(mean[0]))
    1
    """

    def __init__(  # noqa: PLR0913 - scikit-learn reads the parameters from here
        self,
        *,
        n_factors: int = 8,
        n_warmup: int = 20,
        n_samples: int = 100,
        n_keep_samples: int | None = None,
        fit_intercept: bool = True,
        fit_linear: bool = True,
        instance_norm: bool = False,
        init_scale: float = 0.1,
        groups: Any = None,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
        warm_start: bool = False,
        schema: Schema | None = None,
    ) -> None:
        store(self, locals())

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Return the expected numbers.

        Parameters
        ----------
        X : as in `fit`
            Samples.
        return_std : bool
            Whether to return standard deviations too.

        Returns
        -------
        mean : float32 array of shape (n_samples,)
        std : float64 array of shape (n_samples,)
            Only with ``return_std``: the deviation of a new observation, from the uncertainty about
            the parameters and from noise.
        """
        mean, variance = self._moments(X)
        if not return_std:
            return mean.astype(np.float32)
        noise = float((1 / self.posterior_.noise_precision).mean())
        return mean.astype(np.float32), np.sqrt(variance + noise)

    def predict_interval(
        self, X: Any, coverage: float = 0.95, *, noise: bool = True
    ) -> Float64Array:
        """Return intervals that should hold the target with a given probability.

        Parameters
        ----------
        X : as in `fit`
            Samples.
        coverage : float in (0, 1)
            The probability.
        noise : bool
            True: interval for a new observation, by the normal distribution of its mean and
            deviation. False: credible interval for its expectation, between quantiles of the
            samples.

        Returns
        -------
        float64 array of shape (n_samples, 2)
            Lower and upper ends.
        """
        check("coverage", coverage, Number(0, 1, low_open=True, high_open=True), "predict_interval")
        check_is_fitted(self, "trace_")
        tail = (1 - coverage) / 2
        if noise:
            mean, std = self.predict(X, return_std=True)
            z = NormalDist().inv_cdf(1 - tail)
            return np.column_stack([mean - z * std, mean + z * std])
        rows = self._rows(X)
        out = np.empty((rows.n_rows, 2))
        for part, scores in self.posterior_.blocks(rows, self.n_jobs):
            out[part] = np.quantile(scores, [tail, 1 - tail], axis=1).T
        return out

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the coefficient of determination, R squared."""
        return float(super().score(*self._labelled(X, y, sample_weight)))

    _task = Regressor._task
    _encode_target = Regressor._encode_target
    _decode_target = Regressor._decode_target

    def _n_classes(self) -> int:
        return 0


@documented
class BayesianFMClassifier(ClassifierMixin, BayesianFM):  # type: ignore[misc]
    """Bayesian factorization machine for two classes, with the probit link.

    The probability of the second class is Phi(score), averaged over samples of all parameters and
    hyperparameters (Albert and Chib 1993). See `BayesianFMRegressor`.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    classes_ : array of shape (2,)
        The classes.
    trace_ : Trace
        Fit and hyperparameters of every sweep; prints as a table of diagnostics.
    posterior_ : Posterior
        The kept samples.
    eval_prediction_, eval_std_ : float64 array
        For the rows of ``eval_set``: probability of the second class, and the standard deviation
        of whether it is.
    schema_ : Schema
        What the features mean.
    n_iter_ : int
        Number of sweeps.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : array of shape (n_features_in_,)
        Names of the columns of X, if they have names.

    Examples
    --------
    >>> X = [{"user": u, "item": i} for u, i in zip("ab" * 50, "xy" * 50)]
    >>> clf = BayesianFMClassifier(n_factors=2, random_state=0).fit(X, ["no", "yes"] * 50)
    >>> clf.predict(X[:2])
    array(['no', 'yes'], dtype='<U3')
    """

    classes_: AnyArray

    def __init__(  # noqa: PLR0913 - scikit-learn reads the parameters from here
        self,
        *,
        n_factors: int = 8,
        n_warmup: int = 20,
        n_samples: int = 100,
        n_keep_samples: int | None = None,
        fit_intercept: bool = True,
        fit_linear: bool = True,
        instance_norm: bool = False,
        init_scale: float = 0.1,
        groups: Any = None,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
        warm_start: bool = False,
        schema: Schema | None = None,
    ) -> None:
        store(self, locals())

    def fit(  # type: ignore[override]
        self, X: Any, y: Any = None, eval_set: Any = None
    ) -> BayesianFMClassifier:
        """Sample from the posterior; see `BayesianFMRegressor.fit`. There are no sample weights."""
        return super().fit(X, y, None, eval_set)

    def predict_proba(self, X: Any) -> Float64Array:
        """Return the probability of each class, of shape (n_samples, 2)."""
        return self._probabilities(X)

    def predict(self, X: Any) -> AnyArray:
        """Return the more probable class of each sample."""
        best = self._probabilities(X).argmax(axis=1)
        labels: AnyArray = self.classes_[best]
        return labels

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the accuracy."""
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

    def _n_classes(self) -> int:
        return 2

    def _levels(self) -> Float64Array:
        return np.array([0.0, 1.0])

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


@documented
class BayesianFMOrdinalRegressor(RegressorMixin, BayesianFM):  # type: ignore[misc]
    """Bayesian factorization machine for ordered classes, such as stars, by ordered probit.

    The class is the interval between two sampled cutpoints in which score plus standard normal
    noise falls (Albert and Chib 1993), so that the step from one star to two may be another than
    that from four to five. See `BayesianFMRegressor`.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    classes_ : float64 array of shape (n_classes,)
        The numbers that occur as targets, ascending.
    trace_ : Trace
        Fit and hyperparameters of every sweep; prints as a table of diagnostics.
    posterior_ : Posterior
        The kept samples.
    eval_prediction_, eval_std_ : float64 array
        Prediction for the rows of ``eval_set``, and the standard deviation of their targets.
    schema_ : Schema
        What the features mean.
    n_iter_ : int
        Number of sweeps.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : array of shape (n_features_in_,)
        Names of the columns of X, if they have names.

    Examples
    --------
    >>> X = [{"user": u, "item": i} for u, i in zip("abc" * 40, "xyz" * 40)]
    >>> reg = BayesianFMOrdinalRegressor(n_factors=2, random_state=0).fit(X, [1, 2, 5] * 40)
    >>> reg.predict_proba(X[:3]).argmax(axis=1).tolist()
    [0, 1, 2]
    """

    classes_: Float64Array

    def __init__(  # noqa: PLR0913 - scikit-learn reads the parameters from here
        self,
        *,
        n_factors: int = 8,
        n_warmup: int = 20,
        n_samples: int = 100,
        n_keep_samples: int | None = None,
        fit_linear: bool = True,
        instance_norm: bool = False,
        init_scale: float = 0.1,
        groups: Any = None,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
        warm_start: bool = False,
        schema: Schema | None = None,
    ) -> None:
        store(self, locals())

    def fit(  # type: ignore[override]
        self, X: Any, y: Any = None, eval_set: Any = None
    ) -> BayesianFMOrdinalRegressor:
        """Sample from the posterior; see `BayesianFMRegressor.fit`. There are no sample weights."""
        return super().fit(X, y, None, eval_set)

    def predict_proba(self, X: Any) -> Float64Array:
        """Return the probability of each class, of shape (n_samples, n_classes)."""
        return self._probabilities(X)

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Return the expected number, and with ``return_std`` its standard deviation.

        The expectation has the smallest squared error; for the most probable class take the largest
        column of `predict_proba`.
        """
        probabilities = self._probabilities(X)
        mean = probabilities @ self.classes_
        if not return_std:
            return mean
        return mean, np.sqrt(np.maximum(probabilities @ self.classes_**2 - mean**2, 0))

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the coefficient of determination, R squared, of the expected numbers."""
        return float(super().score(*self._labelled(X, y, sample_weight)))

    def _encode_target(
        self, y: AnyArray, names: Sequence[str] | None, *, learn: bool
    ) -> Float32Array:
        numbers = Regressor._encode_target(self, y, names, learn=learn)
        if learn:
            levels = np.unique(numbers).astype(np.float64)
            if not 2 <= len(levels) <= _MAX_LEVELS:
                raise DataError(
                    f"Ordered classes must be 2 to {_MAX_LEVELS} different numbers. Got "
                    f"{len(levels)}: use BayesianFMRegressor for numbers of any size."
                )
            self.classes_ = levels
        place = np.minimum(np.searchsorted(self.classes_, numbers), len(self.classes_) - 1)
        unknown = self.classes_[place] != numbers
        if unknown.any():
            raise DataError(
                f"y holds {numbers[unknown][0]:g}, and the known classes are {self.classes_}. "
                "Remove these samples."
            )
        return place.astype(np.float32)

    def _decode_target(self, target: Float32Array) -> AnyArray:
        return self.classes_[target.astype(np.int64)]

    def _task(self) -> str:
        return "regression"

    def _n_classes(self) -> int:
        return len(self.classes_)

    def _levels(self) -> Float64Array:
        return self.classes_
