"""Bayesian factorization machine for numbers: Gibbs sampling of all its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_is_fitted

from fieldfare._typing import Float64Array
from fieldfare.estimators._bayesian import BayesianFM
from fieldfare.estimators._parameters import documented, store
from fieldfare.estimators.regressor import Regressor
from fieldfare.schema.schema import Schema


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

    _posterior_task = "regression"

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
        check_is_fitted(self, "trace_")
        rows = self._rows(X)
        mean = self.posterior_.predict(rows, self.n_jobs).astype(np.float32)
        if not return_std:
            return mean
        return mean, self.posterior_.deviations(rows, self.n_jobs)

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
        check_is_fitted(self, "trace_")
        rows = self._rows(X)
        return self.posterior_.intervals(rows, coverage, noise=noise, n_threads=self.n_jobs)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the coefficient of determination, R squared."""
        return float(super().score(*self._labelled(X, y, sample_weight)))

    _task = Regressor._task
    _encode_target = Regressor._encode_target
    _decode_target = Regressor._decode_target
