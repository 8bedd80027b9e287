# Written by `make generate` from fieldfare.config and tools/estimators: do not edit.
"""Bayesian estimators, whose parameters are sampled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, final

import numpy as np

from fieldfare._typing import AnyArray
from fieldfare.estimators.bayesian_tasks import (
    BayesianClassifier,
    BayesianOrdinalRegressor,
    BayesianRegressor,
)
from fieldfare.schema.schema import Schema


@final
class BayesianFMRegressor(BayesianRegressor):
    """Bayesian factorization machine that predicts numbers and their uncertainty.

    Only the number of factors has to be tuned: Gibbs sampling draws penalties and noise along with
    the parameters (Freudenthaler, Schmidt-Thieme and Rendle 2011; Rendle 2012, section 5.3), and
    predictions are averages over the samples.

    Parameters
    ----------
    model : {'linear', 'fm', 'hofm'}, default='fm'
        Kind of model: linear, a factorization machine, or one of higher order (hofm).
    n_factors : int in [1, 256] or sequence of int in [1, 256], default=8
        Length of each latent vector (k). For hofm also one length per order, from order 2 on.
    order : int in [2, 16], default=3
        Largest number of features that interact, in a model of higher order (hofm).
    shared_factors : bool, default=False
        Whether to share the latent vectors among all orders of a hofm, instead of each having its
        own.
    n_warmup : int >= 0, default=20
        Sweeps before the first sample is taken, so that the chain can leave its start.
    n_samples : int >= 1, default=100
        Sweeps after the warm-up; each one is a sample of all parameters.
    n_keep_samples : int >= 0 or None, default=None
        How many samples to keep for predicting new rows, evenly spaced; None keeps them all. Each
        takes as much memory as a model. With 0, only the rows of eval_set are predicted.
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
        Standard deviation of the initial latent factors. For hofm, those of order t start with its
        power 2/t.
    groups : array-like of shape (n_features,), 'all' or None, default=None
        Which features share a prior: None for those of the same field, 'all' for all of them, or
        the number or name of the group of each feature, after encoding.
    random_state : int, RandomState, Generator or None, default=None
        Seed of everything random. The same seed gives the same result, bit for bit, on any number
        of cores, unless deterministic=False.
    n_jobs : int in [1, 2147483647], -1 or None, default=None
        Number of threads; None or -1 means all cores.
    verbose : int >= 0 or bool, default=0
        0: silent; 1: a line or a progress bar per epoch.
    warm_start : bool, default=False
        Whether `fit` continues the chain of the last `fit` instead of starting a new one.
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

    Attributes
    ----------
    trace_ : Trace
        Fit and hyperparameters of every sweep; prints as a table of diagnostics.
    posterior_ : Posterior
        The samples that were kept.
    schema_ : Schema
        What the columns and the features mean.
    feature_importances_ : float64 array of shape (n_features_in_,)
        Share of the variance of the scores that each column of X accounts for, as if the columns
        were independent; half of that of an interaction goes to each of its columns. They sum to 1.
        Only defined after fitting on a table or an array.
    n_iter_ : int
        Number of sweeps so far.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : object array of shape (n_features_in_,)
        Names of the columns of X. Only defined if they have names.
    eval_prediction_ : float64 array of shape (n_eval_samples,)
        Prediction for each row of ``eval_set``, if given.
    eval_std_ : float64 array of shape (n_eval_samples,)
        Standard deviation of the target of each of these rows.

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
        model: Literal["linear", "fm", "hofm"] = "fm",
        n_factors: int | Sequence[int] = 8,
        order: int = 3,
        shared_factors: bool = False,
        n_warmup: int = 20,
        n_samples: int = 100,
        n_keep_samples: int | None = None,
        fit_intercept: bool = True,
        fit_linear: bool = True,
        instance_norm: bool = False,
        norm_unknown: bool = False,
        scale_features: bool | Literal["auto"] = "auto",
        init_scale: float = 0.1,
        groups: Sequence[int | str] | AnyArray | Literal["all"] | None = None,
        random_state: int | np.random.RandomState | np.random.Generator | None = None,
        n_jobs: int | None = None,
        verbose: int = 0,
        warm_start: bool = False,
        schema: Schema | None = None,
        categorical: Sequence[str] | None = None,
        numeric: Sequence[str] | None = None,
        ignore: Sequence[str] | None = None,
        bins: int | Mapping[str, int] | None = None,
        na_values: Sequence[str] | Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.model = model
        self.n_factors = n_factors
        self.order = order
        self.shared_factors = shared_factors
        self.n_warmup = n_warmup
        self.n_samples = n_samples
        self.n_keep_samples = n_keep_samples
        self.fit_intercept = fit_intercept
        self.fit_linear = fit_linear
        self.instance_norm = instance_norm
        self.norm_unknown = norm_unknown
        self.scale_features = scale_features
        self.init_scale = init_scale
        self.groups = groups
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.warm_start = warm_start
        self.schema = schema
        self.categorical = categorical
        self.numeric = numeric
        self.ignore = ignore
        self.bins = bins
        self.na_values = na_values


@final
class BayesianFMClassifier(BayesianClassifier):
    """Bayesian factorization machine for two classes, with the probit link.

    The probability of the second class is Phi(score), averaged over samples of all parameters and
    hyperparameters (Albert and Chib 1993). See `BayesianFMRegressor`.

    Parameters
    ----------
    model : {'linear', 'fm', 'hofm'}, default='fm'
        Kind of model: linear, a factorization machine, or one of higher order (hofm).
    n_factors : int in [1, 256] or sequence of int in [1, 256], default=8
        Length of each latent vector (k). For hofm also one length per order, from order 2 on.
    order : int in [2, 16], default=3
        Largest number of features that interact, in a model of higher order (hofm).
    shared_factors : bool, default=False
        Whether to share the latent vectors among all orders of a hofm, instead of each having its
        own.
    n_warmup : int >= 0, default=20
        Sweeps before the first sample is taken, so that the chain can leave its start.
    n_samples : int >= 1, default=100
        Sweeps after the warm-up; each one is a sample of all parameters.
    n_keep_samples : int >= 0 or None, default=None
        How many samples to keep for predicting new rows, evenly spaced; None keeps them all. Each
        takes as much memory as a model. With 0, only the rows of eval_set are predicted.
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
        Standard deviation of the initial latent factors. For hofm, those of order t start with its
        power 2/t.
    groups : array-like of shape (n_features,), 'all' or None, default=None
        Which features share a prior: None for those of the same field, 'all' for all of them, or
        the number or name of the group of each feature, after encoding.
    random_state : int, RandomState, Generator or None, default=None
        Seed of everything random. The same seed gives the same result, bit for bit, on any number
        of cores, unless deterministic=False.
    n_jobs : int in [1, 2147483647], -1 or None, default=None
        Number of threads; None or -1 means all cores.
    verbose : int >= 0 or bool, default=0
        0: silent; 1: a line or a progress bar per epoch.
    warm_start : bool, default=False
        Whether `fit` continues the chain of the last `fit` instead of starting a new one.
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

    Attributes
    ----------
    classes_ : array of shape (2,)
        The classes, sorted.
    trace_ : Trace
        Fit and hyperparameters of every sweep; prints as a table of diagnostics.
    posterior_ : Posterior
        The samples that were kept.
    schema_ : Schema
        What the columns and the features mean.
    feature_importances_ : float64 array of shape (n_features_in_,)
        Share of the variance of the scores that each column of X accounts for, as if the columns
        were independent; half of that of an interaction goes to each of its columns. They sum to 1.
        Only defined after fitting on a table or an array.
    n_iter_ : int
        Number of sweeps so far.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : object array of shape (n_features_in_,)
        Names of the columns of X. Only defined if they have names.
    eval_prediction_ : float64 array of shape (n_eval_samples,)
        Probability of the second class for each row of ``eval_set``, if given.
    eval_std_ : float64 array of shape (n_eval_samples,)
        Standard deviation of the target of each of these rows.

    Examples
    --------
    >>> X = [{"user": u, "item": i} for u, i in zip("ab" * 50, "xy" * 50)]
    >>> clf = BayesianFMClassifier(n_factors=2, random_state=0).fit(X, ["no", "yes"] * 50)
    >>> [str(label) for label in clf.predict(X[:2])]
    ['no', 'yes']
    """

    _posterior_task = "binary"

    def __init__(  # noqa: PLR0913 - scikit-learn reads the parameters from here
        self,
        *,
        model: Literal["linear", "fm", "hofm"] = "fm",
        n_factors: int | Sequence[int] = 8,
        order: int = 3,
        shared_factors: bool = False,
        n_warmup: int = 20,
        n_samples: int = 100,
        n_keep_samples: int | None = None,
        fit_intercept: bool = True,
        fit_linear: bool = True,
        instance_norm: bool = False,
        norm_unknown: bool = False,
        scale_features: bool | Literal["auto"] = "auto",
        init_scale: float = 0.1,
        groups: Sequence[int | str] | AnyArray | Literal["all"] | None = None,
        random_state: int | np.random.RandomState | np.random.Generator | None = None,
        n_jobs: int | None = None,
        verbose: int = 0,
        warm_start: bool = False,
        schema: Schema | None = None,
        categorical: Sequence[str] | None = None,
        numeric: Sequence[str] | None = None,
        ignore: Sequence[str] | None = None,
        bins: int | Mapping[str, int] | None = None,
        na_values: Sequence[str] | Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.model = model
        self.n_factors = n_factors
        self.order = order
        self.shared_factors = shared_factors
        self.n_warmup = n_warmup
        self.n_samples = n_samples
        self.n_keep_samples = n_keep_samples
        self.fit_intercept = fit_intercept
        self.fit_linear = fit_linear
        self.instance_norm = instance_norm
        self.norm_unknown = norm_unknown
        self.scale_features = scale_features
        self.init_scale = init_scale
        self.groups = groups
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.warm_start = warm_start
        self.schema = schema
        self.categorical = categorical
        self.numeric = numeric
        self.ignore = ignore
        self.bins = bins
        self.na_values = na_values


@final
class BayesianFMOrdinalRegressor(BayesianOrdinalRegressor):
    """Bayesian factorization machine for ordered classes, with the ordered probit link.

    The class is the interval between two sampled cutpoints into which the score plus standard
    normal noise falls (Albert and Chib 1993). With stars, the step from one to two may therefore
    differ from that from four to five. See `BayesianFMRegressor`.

    Parameters
    ----------
    model : {'linear', 'fm', 'hofm'}, default='fm'
        Kind of model: linear, a factorization machine, or one of higher order (hofm).
    n_factors : int in [1, 256] or sequence of int in [1, 256], default=8
        Length of each latent vector (k). For hofm also one length per order, from order 2 on.
    order : int in [2, 16], default=3
        Largest number of features that interact, in a model of higher order (hofm).
    shared_factors : bool, default=False
        Whether to share the latent vectors among all orders of a hofm, instead of each having its
        own.
    n_warmup : int >= 0, default=20
        Sweeps before the first sample is taken, so that the chain can leave its start.
    n_samples : int >= 1, default=100
        Sweeps after the warm-up; each one is a sample of all parameters.
    n_keep_samples : int >= 0 or None, default=None
        How many samples to keep for predicting new rows, evenly spaced; None keeps them all. Each
        takes as much memory as a model. With 0, only the rows of eval_set are predicted.
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
        Standard deviation of the initial latent factors. For hofm, those of order t start with its
        power 2/t.
    groups : array-like of shape (n_features,), 'all' or None, default=None
        Which features share a prior: None for those of the same field, 'all' for all of them, or
        the number or name of the group of each feature, after encoding.
    random_state : int, RandomState, Generator or None, default=None
        Seed of everything random. The same seed gives the same result, bit for bit, on any number
        of cores, unless deterministic=False.
    n_jobs : int in [1, 2147483647], -1 or None, default=None
        Number of threads; None or -1 means all cores.
    verbose : int >= 0 or bool, default=0
        0: silent; 1: a line or a progress bar per epoch.
    warm_start : bool, default=False
        Whether `fit` continues the chain of the last `fit` instead of starting a new one.
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

    Attributes
    ----------
    classes_ : float64 array of shape (n_classes,)
        The numbers that occur as targets, ascending.
    trace_ : Trace
        Fit and hyperparameters of every sweep; prints as a table of diagnostics.
    posterior_ : Posterior
        The samples that were kept.
    schema_ : Schema
        What the columns and the features mean.
    feature_importances_ : float64 array of shape (n_features_in_,)
        Share of the variance of the scores that each column of X accounts for, as if the columns
        were independent; half of that of an interaction goes to each of its columns. They sum to 1.
        Only defined after fitting on a table or an array.
    n_iter_ : int
        Number of sweeps so far.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : object array of shape (n_features_in_,)
        Names of the columns of X. Only defined if they have names.
    eval_prediction_ : float64 array of shape (n_eval_samples,)
        Expected number for each row of ``eval_set``, if given.
    eval_std_ : float64 array of shape (n_eval_samples,)
        Standard deviation of the target of each of these rows.

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
        model: Literal["linear", "fm", "hofm"] = "fm",
        n_factors: int | Sequence[int] = 8,
        order: int = 3,
        shared_factors: bool = False,
        n_warmup: int = 20,
        n_samples: int = 100,
        n_keep_samples: int | None = None,
        fit_linear: bool = True,
        instance_norm: bool = False,
        norm_unknown: bool = False,
        scale_features: bool | Literal["auto"] = "auto",
        init_scale: float = 0.1,
        groups: Sequence[int | str] | AnyArray | Literal["all"] | None = None,
        random_state: int | np.random.RandomState | np.random.Generator | None = None,
        n_jobs: int | None = None,
        verbose: int = 0,
        warm_start: bool = False,
        schema: Schema | None = None,
        categorical: Sequence[str] | None = None,
        numeric: Sequence[str] | None = None,
        ignore: Sequence[str] | None = None,
        bins: int | Mapping[str, int] | None = None,
        na_values: Sequence[str] | Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.model = model
        self.n_factors = n_factors
        self.order = order
        self.shared_factors = shared_factors
        self.n_warmup = n_warmup
        self.n_samples = n_samples
        self.n_keep_samples = n_keep_samples
        self.fit_linear = fit_linear
        self.instance_norm = instance_norm
        self.norm_unknown = norm_unknown
        self.scale_features = scale_features
        self.init_scale = init_scale
        self.groups = groups
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.warm_start = warm_start
        self.schema = schema
        self.categorical = categorical
        self.numeric = numeric
        self.ignore = ignore
        self.bins = bins
        self.na_values = na_values
