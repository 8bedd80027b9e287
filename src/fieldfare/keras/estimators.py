"""scikit-learn estimators that Keras trains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

from fieldfare.estimators._parameters import documented, store
from fieldfare.estimators.classifier import Classifier
from fieldfare.estimators.regressor import Regressor
from fieldfare.keras._base import KerasEstimator
from fieldfare.schema.schema import Schema


@final
@documented
class KerasFMClassifier(KerasEstimator, Classifier):
    """Factorization machine that tells classes apart, trained by Keras.

    `fieldfare.FMClassifier` trains the same model by the library's own solvers; this one is for
    optimizers, callbacks and accelerators of Keras.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
        The classes, sorted.
    model_ : Model
        What was learned, which predicts; for `fieldfare.explain`, `fieldfare.save_model` and the
        like.
    keras_model_ : keras.Model
        The same for Keras: it takes what `fieldfare.keras.to_inputs` makes of rows, and returns
        scores.
    history_ : History
        The epochs of the last call of `fit`; prints as a table.
    schema_ : Schema
        What the features mean.
    n_iter_ : int
        Number of epochs.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : array of shape (n_features_in_,)
        Names of the columns of X, if they have names.

    Examples
    --------
    >>> X = [{"user": u, "item": i} for u, i in zip("ab" * 50, "xy" * 50)]
    >>> clf = KerasFMClassifier(batch_size=10, random_state=0).fit(X, ["yes", "no"] * 50)
    >>> str(clf.predict(X[:1])[0])
    'yes'
    """

    def __init__(  # noqa: PLR0913 - scikit-learn reads the parameters from here
        self,
        *,
        n_factors: int = 8,
        optimizer: str = "adam",
        learning_rate: float = 0.01,
        max_iter: int = 20,
        batch_size: int = 256,
        l2_linear: float = 1e-5,
        l2_factors: float = 1e-4,
        fit_intercept: bool = True,
        fit_linear: bool = True,
        instance_norm: bool = False,
        init_scale: float = 0.1,
        shuffle: bool = True,
        random_state: Any = None,
        verbose: int = 0,
        schema: Schema | None = None,
        callbacks: Sequence[Any] | None = None,
    ) -> None:
        store(self, locals())


@final
@documented
class KerasFMRegressor(KerasEstimator, Regressor):
    """Factorization machine that predicts numbers, trained by Keras.

    `fieldfare.FMRegressor` trains the same model by the library's own solvers; this one is for
    optimizers, callbacks and accelerators of Keras. It learns in units of the target's standard
    deviation.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    model_ : Model
        What was learned, which predicts; for `fieldfare.explain`, `fieldfare.save_model` and the
        like.
    keras_model_ : keras.Model
        The same for Keras: it takes what `fieldfare.keras.to_inputs` makes of rows, and returns
        scores.
    history_ : History
        The epochs of the last call of `fit`; prints as a table.
    schema_ : Schema
        What the features mean.
    n_iter_ : int
        Number of epochs.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : array of shape (n_features_in_,)
        Names of the columns of X, if they have names.

    Examples
    --------
    >>> X = [{"user": u, "item": i} for u, i in zip("ab" * 50, "xy" * 50)]
    >>> reg = KerasFMRegressor(batch_size=10, random_state=0).fit(X, [1.0, 3.0] * 50)
    >>> round(float(reg.predict(X[:1])[0]))
    1
    """

    def __init__(  # noqa: PLR0913 - scikit-learn reads the parameters from here
        self,
        *,
        n_factors: int = 8,
        optimizer: str = "adam",
        learning_rate: float = 0.01,
        max_iter: int = 20,
        batch_size: int = 256,
        l2_linear: float = 1e-5,
        l2_factors: float = 1e-4,
        fit_intercept: bool = True,
        fit_linear: bool = True,
        instance_norm: bool = False,
        init_scale: float = 0.1,
        shuffle: bool = True,
        random_state: Any = None,
        verbose: int = 0,
        schema: Schema | None = None,
        callbacks: Sequence[Any] | None = None,
    ) -> None:
        store(self, locals())
