"""Estimators of the field-weighted factorization machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fieldfare._typing import Float32Array
from fieldfare.estimators._parameters import documented, store
from fieldfare.estimators.classifier import Classifier
from fieldfare.estimators.regressor import Regressor
from fieldfare.models.base import Model
from fieldfare.schema.schema import Schema
from fieldfare.training.loop.callbacks import Callback


class _WithPairWeights:
    """What both have that is learned of pairs of fields."""

    model_: Model

    @property
    def pair_weights_(self) -> Float32Array:
        """Weights of pairs of fields, without the axis of outputs if there is but one."""
        weights = self.model_.pair_weights
        assert weights is not None
        return weights[0] if len(weights) == 1 else weights


@documented
class FwFMClassifier(_WithPairWeights, Classifier):
    """Field-weighted factorization machine (Pan et al. 2018) that tells classes apart.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
        The classes, sorted.
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
    intercept_ : float32 array of shape (1,) or (n_classes,)
        Bias.
    coef_ : float32 array of shape (1, n_features) or (n_classes, n_features)
        Linear weights of the features, after encoding (see ``schema_.feature_names``).
    factors_ : float32 array of shape (n_features, n_factors)
        Latent vectors; with more than two classes there is an axis of classes after the
        first.
    pair_weights_ : float32 array of shape (n_fields, n_fields)
        Weight of each pair of fields, symmetric; with more than two classes there is an axis of
        classes before the others.

    Examples
    --------
    >>> X = [{"user": u, "item": i} for u, i in zip("ab" * 50, "xy" * 50)]
    >>> clf = FwFMClassifier(n_factors=2, random_state=0).fit(X, ["yes", "no"] * 50)
    >>> str(clf.predict(X[:1])[0])
    'yes'
    """

    _kind = "fwfm"

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
        class_weight: Mapping[Any, float] | str | None = None,
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


@documented
class FwFMRegressor(_WithPairWeights, Regressor):
    """Field-weighted factorization machine (Pan et al. 2018) that predicts numbers.

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
    pair_weights_ : float32 array of shape (n_fields, n_fields)
        Weight of each pair of fields, symmetric.

    Examples
    --------
    >>> X = [{"user": u, "item": i} for u, i in zip("ab" * 50, "xy" * 50)]
    >>> reg = FwFMRegressor(n_factors=2, random_state=0).fit(X, [1.0, 3.0] * 50)
    >>> round(float(reg.predict(X[:1])[0]))
    1
    """

    _kind = "fwfm"

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
