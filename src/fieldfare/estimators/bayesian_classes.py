"""Bayesian factorization machines for two classes and for ordered classes, by probit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from fieldfare._typing import AnyArray, Float32Array, Float64Array
from fieldfare.estimators._bayesian import BayesianFM
from fieldfare.estimators._parameters import documented, store
from fieldfare.estimators.classifier import Classifier
from fieldfare.estimators.regressor import Regressor
from fieldfare.exceptions import DataError
from fieldfare.schema.schema import Schema
from fieldfare.training.bayes.functions import ordered_levels
from fieldfare.training.prepare.targets import class_numbers


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

    _posterior_task = "binary"

    def __init__(  # noqa: PLR0913 - scikit-learn reads the parameters from here
        self,
        *,
        model: str = "fm",
        n_factors: int | Sequence[int] = 8,
        order: int = 3,
        shared_factors: bool = False,
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

    _posterior_task = "ordinal"

    def __init__(  # noqa: PLR0913 - scikit-learn reads the parameters from here
        self,
        *,
        model: str = "fm",
        n_factors: int | Sequence[int] = 8,
        order: int = 3,
        shared_factors: bool = False,
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
        check_is_fitted(self, "trace_")
        rows = self._rows(X)
        mean = self.posterior_.predict(rows, self.n_jobs)
        return (mean, self.posterior_.deviations(rows, self.n_jobs)) if return_std else mean

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the coefficient of determination, R squared, of the expected numbers."""
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
