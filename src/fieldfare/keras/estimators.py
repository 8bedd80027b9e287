# Written by `make generate` from fieldfare.config and tools/estimators: do not edit.
"""Estimators that Keras trains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, final

import numpy as np

from fieldfare.estimators.classifier import Classifier
from fieldfare.estimators.regressor import Regressor
from fieldfare.keras._base import KerasEstimator
from fieldfare.schema.schema import Schema


@final
class KerasFMClassifier(KerasEstimator, Classifier):
    """Factorization machine for classification, trained by Keras.

    `fieldfare.FMClassifier` trains the same model with the library's own solvers; this class is for
    the optimizers, callbacks and accelerators of Keras.

    Parameters
    ----------
    n_factors : int in [1, 256], default=8
        Length of each latent vector (k).
    optimizer : str, default='adam'
        Name of a Keras optimizer; it takes a step per batch.
    learning_rate : float > 0, default=0.01
        Step size of the optimizer.
    max_iter : int >= 1, default=20
        Maximum number of epochs.
    batch_size : int >= 1, default=256
        Samples per batch; the gradient is their mean.
    l2_linear : float >= 0, default=1e-05
        L2 penalty on the linear weights of a sample's features.
    l2_factors : float >= 0, default=0.0001
        L2 penalty on the latent factors of a sample's features.
    fit_intercept : bool, default=True
        Whether to fit a bias term.
    fit_linear : bool, default=True
        Whether to fit one weight per feature.
    instance_norm : bool, default=False
        Whether to scale each sample to unit Euclidean length, in training and in prediction.
    norm_unknown : bool, default=False
        Whether to count features that the model does not know in the length that instance_norm
        divides by, as xLearn and libffm do.
    scale_features : bool or 'auto', default='auto'
        Whether to train on numbered features (arrays, sparse matrices, libsvm and libffm text) in
        units of their spread, as columns of tables always are; the model is for values as they are
        in any case. 'auto' does so where a number is more than ten times as large as another, or as
        its own spread.
    init_scale : float >= 0, default=0.1
        Standard deviation of the initial latent factors.
    early_stopping : bool or 'auto', default='auto'
        Whether to stop when the validation metric no longer improves, and keep the best epoch.
        Without validation data, a part of the rows is held out for it: 'auto' does so unless there
        are too few of them, True always. False runs all epochs on all rows.
    validation_fraction : float in (0, 1), default=0.15
        Share of the rows to hold out where no validation data are given.
    validation : {'random', 'time', 'group'}, default='random'
        Which rows to hold out: 'random' draws them (each class keeps its share, and for ranking
        whole groups are drawn), 'time' takes the latest, and 'group' draws whole groups.
    validation_column : str, int >= 0 or None, default=None
        Name or position of the column of times for validation='time', or of groups for 'group'; it
        may be a feature or not. None takes the rows in their order as times, and the groups of
        ranking as groups.
    refit : bool or 'auto', default='auto'
        Whether to train again on all rows after a part was held out, from the start and for the
        best number of epochs. 'auto' does so unless there are so many rows that those held out
        would add little.
    n_iter_no_change : int >= 1, default=3
        Epochs without a new best one after which training stops (patience).
    tol : float >= 0, default=0.0
        Smallest change of the metric that is an improvement.
    shuffle : bool, default=True
        Whether to visit blocks of rows, and the rows within them, in random order.
    random_state : int, RandomState, Generator or None, default=None
        Seed of everything random. The same seed gives the same result, bit for bit, on any number
        of cores, unless deterministic=False.
    verbose : int >= 0 or bool, default=0
        0: silent; otherwise one line per epoch.
    schema : Schema or None, default=None
        What the columns of a data frame or a file mean; None infers it. Ignored for numeric arrays.
    categorical : sequence of str or None, default=None
        Columns of a data frame or a file that are categories, whatever they look like.
    numeric : sequence of str or None, default=None
        Columns that are numbers.
    ignore : sequence of str or None, default=None
        Columns that are not used.
    bins : int in [2, 1000], mapping from column to int, or None, default=None
        Quantile bins instead of a number: so many for every numeric column, or for the named ones.
    na_values : sequence of str, mapping from column to sequence of str, or None, default=None
        Texts that mean a missing value: a sequence adds to the standard ones, for all columns; a
        mapping says exactly which are missing in the named columns.
    callbacks : sequence of keras.callbacks.Callback or None, default=None
        Callbacks of Keras, called in this order. A second training on all rows has no validation
        data, so those that watch them (``monitor='val_...'``) are for the first only.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
        The classes, sorted.
    model_ : Model
        The trained model, for `fieldfare.explain`, `fieldfare.save_model` and so on.
    keras_model_ : keras.Model
        The same model for Keras. Its inputs are what `fieldfare.keras.to_inputs` makes of rows, its
        outputs are scores.
    history_ : History
        The epochs of the last call of `fit` or `partial_fit`; prints as a table. ``best_epoch`` is
        the best of them; ``refit`` has those of a second training on all rows, if there was one.
    schema_ : Schema
        What the columns and the features mean.
    feature_importances_ : float64 array of shape (n_features_in_,)
        Share of the variance of the scores that each column of X accounts for, as if the columns
        were independent; half of that of an interaction goes to each of its columns. They sum to 1.
        Only defined after fitting on a table or an array.
    n_iter_ : int
        Number of epochs so far; after a second training on all rows, the epochs of that.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : object array of shape (n_features_in_,)
        Names of the columns of X. Only defined if they have names.
    intercept_ : float32 array of shape (1,) or (n_classes,)
        Bias.
    coef_ : float32 array of shape (1, n_features) or (n_classes, n_features)
        Linear weights of the features after encoding; ``schema_.feature_names`` has their names.
    factors_ : float32 array of shape (n_features, n_factors)
        Latent vectors. With more than two classes, the shape is (n_features, n_classes, n_factors).

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
        l2_linear: float = 1e-05,
        l2_factors: float = 0.0001,
        fit_intercept: bool = True,
        fit_linear: bool = True,
        instance_norm: bool = False,
        norm_unknown: bool = False,
        scale_features: bool | Literal["auto"] = "auto",
        init_scale: float = 0.1,
        early_stopping: bool | Literal["auto"] = "auto",
        validation_fraction: float = 0.15,
        validation: Literal["random", "time", "group"] = "random",
        validation_column: str | int | None = None,
        refit: bool | Literal["auto"] = "auto",
        n_iter_no_change: int = 3,
        tol: float = 0.0,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | np.random.Generator | None = None,
        verbose: int = 0,
        schema: Schema | None = None,
        categorical: Sequence[str] | None = None,
        numeric: Sequence[str] | None = None,
        ignore: Sequence[str] | None = None,
        bins: int | Mapping[str, int] | None = None,
        na_values: Sequence[str] | Mapping[str, Sequence[str]] | None = None,
        callbacks: Sequence[Any] | None = None,
    ) -> None:
        self.n_factors = n_factors
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.l2_linear = l2_linear
        self.l2_factors = l2_factors
        self.fit_intercept = fit_intercept
        self.fit_linear = fit_linear
        self.instance_norm = instance_norm
        self.norm_unknown = norm_unknown
        self.scale_features = scale_features
        self.init_scale = init_scale
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.validation = validation
        self.validation_column = validation_column
        self.refit = refit
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.shuffle = shuffle
        self.random_state = random_state
        self.verbose = verbose
        self.schema = schema
        self.categorical = categorical
        self.numeric = numeric
        self.ignore = ignore
        self.bins = bins
        self.na_values = na_values
        self.callbacks = callbacks


@final
class KerasFMRegressor(KerasEstimator, Regressor):
    """Factorization machine for regression, trained by Keras.

    `fieldfare.FMRegressor` trains the same model with the library's own solvers; this class is for
    the optimizers, callbacks and accelerators of Keras. It learns the target in units of its
    standard deviation.

    Parameters
    ----------
    n_factors : int in [1, 256], default=8
        Length of each latent vector (k).
    optimizer : str, default='adam'
        Name of a Keras optimizer; it takes a step per batch.
    learning_rate : float > 0, default=0.01
        Step size of the optimizer.
    max_iter : int >= 1, default=20
        Maximum number of epochs.
    batch_size : int >= 1, default=256
        Samples per batch; the gradient is their mean.
    l2_linear : float >= 0, default=1e-05
        L2 penalty on the linear weights of a sample's features.
    l2_factors : float >= 0, default=0.0001
        L2 penalty on the latent factors of a sample's features.
    fit_intercept : bool, default=True
        Whether to fit a bias term.
    fit_linear : bool, default=True
        Whether to fit one weight per feature.
    instance_norm : bool, default=False
        Whether to scale each sample to unit Euclidean length, in training and in prediction.
    norm_unknown : bool, default=False
        Whether to count features that the model does not know in the length that instance_norm
        divides by, as xLearn and libffm do.
    scale_features : bool or 'auto', default='auto'
        Whether to train on numbered features (arrays, sparse matrices, libsvm and libffm text) in
        units of their spread, as columns of tables always are; the model is for values as they are
        in any case. 'auto' does so where a number is more than ten times as large as another, or as
        its own spread.
    init_scale : float >= 0, default=0.1
        Standard deviation of the initial latent factors.
    early_stopping : bool or 'auto', default='auto'
        Whether to stop when the validation metric no longer improves, and keep the best epoch.
        Without validation data, a part of the rows is held out for it: 'auto' does so unless there
        are too few of them, True always. False runs all epochs on all rows.
    validation_fraction : float in (0, 1), default=0.15
        Share of the rows to hold out where no validation data are given.
    validation : {'random', 'time', 'group'}, default='random'
        Which rows to hold out: 'random' draws them (each class keeps its share, and for ranking
        whole groups are drawn), 'time' takes the latest, and 'group' draws whole groups.
    validation_column : str, int >= 0 or None, default=None
        Name or position of the column of times for validation='time', or of groups for 'group'; it
        may be a feature or not. None takes the rows in their order as times, and the groups of
        ranking as groups.
    refit : bool or 'auto', default='auto'
        Whether to train again on all rows after a part was held out, from the start and for the
        best number of epochs. 'auto' does so unless there are so many rows that those held out
        would add little.
    n_iter_no_change : int >= 1, default=3
        Epochs without a new best one after which training stops (patience).
    tol : float >= 0, default=0.0
        Smallest change of the metric that is an improvement.
    shuffle : bool, default=True
        Whether to visit blocks of rows, and the rows within them, in random order.
    random_state : int, RandomState, Generator or None, default=None
        Seed of everything random. The same seed gives the same result, bit for bit, on any number
        of cores, unless deterministic=False.
    verbose : int >= 0 or bool, default=0
        0: silent; otherwise one line per epoch.
    schema : Schema or None, default=None
        What the columns of a data frame or a file mean; None infers it. Ignored for numeric arrays.
    categorical : sequence of str or None, default=None
        Columns of a data frame or a file that are categories, whatever they look like.
    numeric : sequence of str or None, default=None
        Columns that are numbers.
    ignore : sequence of str or None, default=None
        Columns that are not used.
    bins : int in [2, 1000], mapping from column to int, or None, default=None
        Quantile bins instead of a number: so many for every numeric column, or for the named ones.
    na_values : sequence of str, mapping from column to sequence of str, or None, default=None
        Texts that mean a missing value: a sequence adds to the standard ones, for all columns; a
        mapping says exactly which are missing in the named columns.
    callbacks : sequence of keras.callbacks.Callback or None, default=None
        Callbacks of Keras, called in this order. A second training on all rows has no validation
        data, so those that watch them (``monitor='val_...'``) are for the first only.

    Attributes
    ----------
    model_ : Model
        The trained model, for `fieldfare.explain`, `fieldfare.save_model` and so on.
    keras_model_ : keras.Model
        The same model for Keras. Its inputs are what `fieldfare.keras.to_inputs` makes of rows, its
        outputs are scores.
    history_ : History
        The epochs of the last call of `fit` or `partial_fit`; prints as a table. ``best_epoch`` is
        the best of them; ``refit`` has those of a second training on all rows, if there was one.
    schema_ : Schema
        What the columns and the features mean.
    feature_importances_ : float64 array of shape (n_features_in_,)
        Share of the variance of the scores that each column of X accounts for, as if the columns
        were independent; half of that of an interaction goes to each of its columns. They sum to 1.
        Only defined after fitting on a table or an array.
    n_iter_ : int
        Number of epochs so far; after a second training on all rows, the epochs of that.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : object array of shape (n_features_in_,)
        Names of the columns of X. Only defined if they have names.
    intercept_ : float
        Bias.
    coef_ : float32 array of shape (n_features,)
        Linear weights of the features after encoding; ``schema_.feature_names`` has their names.
    factors_ : float32 array of shape (n_features, n_factors)
        Latent vectors.

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
        l2_linear: float = 1e-05,
        l2_factors: float = 0.0001,
        fit_intercept: bool = True,
        fit_linear: bool = True,
        instance_norm: bool = False,
        norm_unknown: bool = False,
        scale_features: bool | Literal["auto"] = "auto",
        init_scale: float = 0.1,
        early_stopping: bool | Literal["auto"] = "auto",
        validation_fraction: float = 0.15,
        validation: Literal["random", "time", "group"] = "random",
        validation_column: str | int | None = None,
        refit: bool | Literal["auto"] = "auto",
        n_iter_no_change: int = 3,
        tol: float = 0.0,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | np.random.Generator | None = None,
        verbose: int = 0,
        schema: Schema | None = None,
        categorical: Sequence[str] | None = None,
        numeric: Sequence[str] | None = None,
        ignore: Sequence[str] | None = None,
        bins: int | Mapping[str, int] | None = None,
        na_values: Sequence[str] | Mapping[str, Sequence[str]] | None = None,
        callbacks: Sequence[Any] | None = None,
    ) -> None:
        self.n_factors = n_factors
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.l2_linear = l2_linear
        self.l2_factors = l2_factors
        self.fit_intercept = fit_intercept
        self.fit_linear = fit_linear
        self.instance_norm = instance_norm
        self.norm_unknown = norm_unknown
        self.scale_features = scale_features
        self.init_scale = init_scale
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.validation = validation
        self.validation_column = validation_column
        self.refit = refit
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.shuffle = shuffle
        self.random_state = random_state
        self.verbose = verbose
        self.schema = schema
        self.categorical = categorical
        self.numeric = numeric
        self.ignore = ignore
        self.bins = bins
        self.na_values = na_values
        self.callbacks = callbacks
