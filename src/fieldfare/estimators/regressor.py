"""Regressors: numbers by the squared loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_array

from fieldfare._typing import AnyArray, Float32Array
from fieldfare.estimators._base import Factorization, has_partial_fit
from fieldfare.estimators._parameters import documented, store
from fieldfare.exceptions import DataError
from fieldfare.schema.schema import Schema
from fieldfare.training.loop.callbacks import Callback

_RegressorT = TypeVar("_RegressorT", bound="Regressor")


class Regressor(RegressorMixin, Factorization):  # type: ignore[misc]
    """Base of the regressors."""

    @available_if(has_partial_fit)  # type: ignore[untyped-decorator]
    def partial_fit(
        self: _RegressorT, X: Any, y: Any = None, sample_weight: Any = None
    ) -> _RegressorT:
        """Visit the samples once, keeping what was learned and the state of the optimiser.

        New values of categorical columns, and new ids in files, grow the model.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.

        Returns
        -------
        self
            The estimator.
        """
        self._partial_fit(X, y, sample_weight)
        return self

    def predict(self, X: Any) -> Float32Array:
        """Return the predicted numbers.

        Parameters
        ----------
        X : as in `fit`
            Samples.

        Returns
        -------
        float32 array of shape (n_samples,)
        """
        return self._scores(X)[:, 0]

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the coefficient of determination, R squared.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.

        Returns
        -------
        float
            1 is perfect, 0 as good as the mean of y, and less is worse.
        """
        return float(super().score(*self._labelled(X, y, sample_weight)))

    @property
    def coef_(self) -> Float32Array:
        """Linear weights, of shape (n_features,)."""
        return self.model_.linear[:, 0]

    @property
    def intercept_(self) -> float:
        """Bias."""
        return float(self.model_.bias[0])

    def _task(self) -> str:
        return "regression"

    def _predicts(self, task: str) -> bool:
        return task == "regression"

    def _decode_target(self, target: Float32Array) -> AnyArray:
        return target

    def _encode_target(
        self,
        y: AnyArray,
        names: Sequence[str] | None,
        *,
        learn: bool,
    ) -> Float32Array:
        if names is not None:
            raise DataError(
                f"A regressor needs a numeric target. The target is text, with values such as "
                f"{names[0]!r}. Use a classifier, or convert the column to numbers."
            )
        target: Float32Array = check_array(y, ensure_2d=False, dtype=np.float32, input_name="y")
        return target


@documented
class LinearRegressor(Regressor):
    """Linear regression on sparse features, trained by stochastic gradients.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    model_ : Model
        What was learned; for `fieldfare.explain`, `fieldfare.save_model` and the like.
    history_ : History
        The epochs of the last call of `fit` or `partial_fit`; prints as a table.
    schema_ : Schema
        What the features mean.
    n_iter_ : int
        Number of epochs.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : array of shape (n_features_in_,)
        Names of the columns of X, if they have names.
    intercept_ : float
        Bias.
    coef_ : float32 array of shape (n_features,)
        Linear weights of the features, after encoding (see ``schema_.feature_names``).

    Examples
    --------
    >>> X = [{"user": u, "item": i} for u, i in zip("ab" * 50, "xy" * 50)]
    >>> reg = LinearRegressor(random_state=0).fit(X, [1.0, 3.0] * 50)
    >>> round(float(reg.predict(X[:1])[0]))
    1
    """

    _kind = "linear"

    def __init__(  # noqa: PLR0913 - scikit-learn reads the parameters from here
        self,
        *,
        solver: str = "adagrad",
        learning_rate: float = 0.4,
        max_iter: int = 20,
        l2_linear: float = 1e-5,
        l1_linear: float = 0.0,
        ftrl_beta: float = 1.0,
        fit_intercept: bool = True,
        instance_norm: bool = False,
        early_stopping: bool | str = "auto",
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 3,
        tol: float = 0.0,
        eval_metric: str | None = None,
        max_time: float | None = None,
        shuffle: bool = True,
        memory_limit: int | None = None,
        random_state: Any = None,
        n_jobs: int | None = None,
        deterministic: bool = False,
        verbose: int = 0,
        warm_start: bool = False,
        schema: Schema | None = None,
        callbacks: Sequence[Callback] | None = None,
    ) -> None:
        store(self, locals())


@documented
class FMRegressor(Regressor):
    """Factorization machine (Rendle 2010) that predicts numbers.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    model_ : Model
        What was learned; for `fieldfare.explain`, `fieldfare.save_model` and the like.
    history_ : History
        The epochs of the last call of `fit` or `partial_fit`; prints as a table.
    schema_ : Schema
        What the features mean.
    n_iter_ : int
        Number of epochs.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : array of shape (n_features_in_,)
        Names of the columns of X, if they have names.
    intercept_ : float
        Bias.
    coef_ : float32 array of shape (n_features,)
        Linear weights of the features, after encoding (see ``schema_.feature_names``).
    factors_ : float32 array of shape (n_features, n_factors)
        Latent vectors.

    Examples
    --------
    >>> X = [{"user": u, "item": i} for u, i in zip("ab" * 50, "xy" * 50)]
    >>> reg = FMRegressor(n_factors=2, random_state=0).fit(X, [1.0, 3.0] * 50)
    >>> round(float(reg.predict(X[:1])[0]))
    1
    """

    _kind = "fm"

    def __init__(  # noqa: PLR0913 - scikit-learn reads the parameters from here
        self,
        *,
        n_factors: int = 8,
        solver: str = "adagrad",
        learning_rate: float = 0.4,
        max_iter: int = 20,
        l2_linear: float = 1e-5,
        l2_factors: float = 1e-4,
        l1_linear: float = 0.0,
        l1_factors: float = 0.0,
        ftrl_beta: float = 1.0,
        fit_intercept: bool = True,
        fit_linear: bool = True,
        instance_norm: bool = False,
        init_scale: float = 0.1,
        early_stopping: bool | str = "auto",
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 3,
        tol: float = 0.0,
        eval_metric: str | None = None,
        max_time: float | None = None,
        shuffle: bool = True,
        memory_limit: int | None = None,
        random_state: Any = None,
        n_jobs: int | None = None,
        deterministic: bool = False,
        verbose: int = 0,
        warm_start: bool = False,
        schema: Schema | None = None,
        callbacks: Sequence[Callback] | None = None,
    ) -> None:
        store(self, locals())


@documented
class FFMRegressor(Regressor):
    """Field-aware factorization machine (Juan et al. 2016) that predicts numbers.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    model_ : Model
        What was learned; for `fieldfare.explain`, `fieldfare.save_model` and the like.
    history_ : History
        The epochs of the last call of `fit` or `partial_fit`; prints as a table.
    schema_ : Schema
        What the features mean.
    n_iter_ : int
        Number of epochs.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : array of shape (n_features_in_,)
        Names of the columns of X, if they have names.
    intercept_ : float
        Bias.
    coef_ : float32 array of shape (n_features,)
        Linear weights of the features, after encoding (see ``schema_.feature_names``).
    factors_ : float32 array of shape (n_features, n_fields, n_factors)
        Latent vectors.

    Examples
    --------
    >>> X = [{"user": u, "item": i} for u, i in zip("ab" * 50, "xy" * 50)]
    >>> reg = FFMRegressor(n_factors=2, random_state=0).fit(X, [1.0, 3.0] * 50)
    >>> round(float(reg.predict(X[:1])[0]))
    1
    """

    _kind = "ffm"

    def __init__(  # noqa: PLR0913 - scikit-learn reads the parameters from here
        self,
        *,
        n_factors: int = 8,
        solver: str = "adagrad",
        learning_rate: float = 0.4,
        max_iter: int = 20,
        l2_linear: float = 1e-5,
        l2_factors: float = 1e-4,
        l1_linear: float = 0.0,
        l1_factors: float = 0.0,
        ftrl_beta: float = 1.0,
        fit_intercept: bool = True,
        fit_linear: bool = True,
        instance_norm: bool = False,
        init_scale: float = 0.1,
        early_stopping: bool | str = "auto",
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 3,
        tol: float = 0.0,
        eval_metric: str | None = None,
        max_time: float | None = None,
        shuffle: bool = True,
        memory_limit: int | None = None,
        random_state: Any = None,
        n_jobs: int | None = None,
        deterministic: bool = False,
        verbose: int = 0,
        warm_start: bool = False,
        schema: Schema | None = None,
        fields: Any = None,
        callbacks: Sequence[Callback] | None = None,
    ) -> None:
        store(self, locals())
