# Written by `make generate` from fieldfare.config and tools/estimators: do not edit.
"""Estimators of the factorization machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, final

import numpy as np

from fieldfare.estimators.classifier import Classifier
from fieldfare.estimators.ranker import Ranker
from fieldfare.estimators.regressor import Regressor
from fieldfare.schema.schema import Schema
from fieldfare.training.loop.callbacks import Callback


@final
class FMClassifier(Classifier):
    """Factorization machine (Rendle 2010) for classification.

    The score of a sample is a bias, plus the weighted sum of its features, plus the inner product
    of the latent vectors of each pair of features (eq. 1). Two classes are learned by the logistic
    loss; more by the softmax loss, with one score per class.

    Parameters
    ----------
    n_factors : int in [1, 256], default=8
        Length of each latent vector (k).
    solver : {'adagrad', 'rowwise_adagrad', 'sgd', 'ftrl', 'als', 'sgda'}, default='adagrad'
        Optimiser: 'adagrad' (AdaGrad), 'rowwise_adagrad' (AdaGrad with one step size per latent
        vector), 'sgd' (stochastic gradient descent), 'ftrl' (FTRL-Proximal), 'als' (alternating
        least squares) or 'sgda' (stochastic gradient descent that learns its L2 penalties).
    learning_rate : float > 0 or 'auto', default='auto'
        Step size, for rows whose length is one on average; for FTRL its alpha. 'auto' is 0.4, 0.02
        for 'sgd' and 'sgda', 0.2 for 'ftrl'.
    max_iter : int >= 1 or 'auto', default='auto'
        Maximum number of epochs. 'auto' is 20.
    l2_linear : float >= 0 or 'auto', default='auto'
        L2 penalty on the linear weights of a sample's features; see l2_exponent. 'auto' is 0.001,
        0.1 for 'ftrl', 20.0 for 'als', 1e-05 for 'sgda'.
    l2_factors : float >= 0 or 'auto', default='auto'
        L2 penalty on the latent factors of a sample's features; see l2_exponent. 'auto' is 0.03,
        1.0 for 'ftrl', 20.0 for 'als', 0.0001 for 'sgda'.
    l2_exponent : float >= 0 or 'auto', default='auto'
        How the penalties of a feature grow with the number n of training rows that have it: over an
        epoch they add up to n raised to this power, times l2_linear or l2_factors. 1 applies them
        in full at each visit, 0.5 penalises frequent features less at each visit, and 0 penalises
        all features alike. For solver='nonsampled', n is the total weight of the pairs of query and
        item that a parameter is in. 'auto' is 0.5, 0.0 for 'ftrl' and 'als', 1.0 for 'sgda'.
    l1_linear : float >= 0, default=0.0
        L1 penalty on the linear weights, which makes many of them exactly zero. FTRL only.
    l1_factors : float >= 0, default=0.0
        L1 penalty on the latent factors, which makes many of them exactly zero. FTRL only.
    ftrl_beta : float >= 0, default=1.0
        Smoothing of the step size of FTRL (its beta).
    ftrl_start : float >= 0, default=0.0
        Sum of squared gradients that FTRL starts from: with 1, its first steps are as long as those
        of xLearn.
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
    eval_metric : str or None, default=None
        Metric on the validation data; None means the training loss.
    class_weight : 'balanced', mapping or None, default=None
        Weights of the classes, or 'balanced' for weights inverse to the frequency of each class.
    max_time : float > 0 or None, default=None
        Seconds after which no new epoch starts.
    shuffle : bool, default=True
        Whether to visit blocks of rows, and the rows within them, in random order.
    memory_limit : int >= 1 or None, default=None
        Megabytes of stored rows to keep in memory when training from disk; None leaves this to the
        operating system. The model itself is not counted.
    random_state : int, RandomState, Generator or None, default=None
        Seed of everything random. The same seed gives the same result, bit for bit, on any number
        of cores, unless deterministic=False.
    n_jobs : int in [1, 2147483647], -1 or None, default=None
        Number of threads; None or -1 means all cores.
    deterministic : bool or 'auto', default='auto'
        Whether to update in the order of one thread where the result would depend on the number of
        threads (AdaGrad); everything else still uses all of them. 'auto' does so if there is a
        random_state; False trains faster on several cores, but results differ from run to run.
    verbose : int >= 0 or bool, default=0
        0: silent; 1: a line or a progress bar per epoch.
    keep_state : bool, default=False
        Whether the model keeps the state of its solver, also in its file: training it further then
        continues as if it had never stopped. It takes about as much room again, and more.
    warm_start : bool, default=False
        Whether `fit` continues from the last `fit`, with the state of the optimiser, instead of
        starting anew. New values of categorical columns extend the model.
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
    callbacks : sequence of Callback or None, default=None
        Instances of `fieldfare.Callback`, called in this order.

    Attributes
    ----------
    classes_ : array of shape (n_classes,)
        The classes, sorted.
    model_ : Model
        The trained model, for `fieldfare.explain`, `fieldfare.save_model` and so on.
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
    >>> clf = FMClassifier(n_factors=2, random_state=0).fit(X, ["yes", "no"] * 50)
    >>> str(clf.predict(X[:1])[0])
    'yes'
    """

    _kind = "fm"

    def __init__(  # noqa: PLR0913 - scikit-learn reads the parameters from here
        self,
        *,
        n_factors: int = 8,
        solver: Literal["adagrad", "rowwise_adagrad", "sgd", "ftrl", "als", "sgda"] = "adagrad",
        learning_rate: float | Literal["auto"] = "auto",
        max_iter: int | Literal["auto"] = "auto",
        l2_linear: float | Literal["auto"] = "auto",
        l2_factors: float | Literal["auto"] = "auto",
        l2_exponent: float | Literal["auto"] = "auto",
        l1_linear: float = 0.0,
        l1_factors: float = 0.0,
        ftrl_beta: float = 1.0,
        ftrl_start: float = 0.0,
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
        eval_metric: str | None = None,
        class_weight: Literal["balanced"] | Mapping[Any, float] | None = None,
        max_time: float | None = None,
        shuffle: bool = True,
        memory_limit: int | None = None,
        random_state: int | np.random.RandomState | np.random.Generator | None = None,
        n_jobs: int | None = None,
        deterministic: bool | Literal["auto"] = "auto",
        verbose: int = 0,
        keep_state: bool = False,
        warm_start: bool = False,
        schema: Schema | None = None,
        categorical: Sequence[str] | None = None,
        numeric: Sequence[str] | None = None,
        ignore: Sequence[str] | None = None,
        bins: int | Mapping[str, int] | None = None,
        na_values: Sequence[str] | Mapping[str, Sequence[str]] | None = None,
        callbacks: Sequence[Callback] | None = None,
    ) -> None:
        self.n_factors = n_factors
        self.solver = solver
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.l2_linear = l2_linear
        self.l2_factors = l2_factors
        self.l2_exponent = l2_exponent
        self.l1_linear = l1_linear
        self.l1_factors = l1_factors
        self.ftrl_beta = ftrl_beta
        self.ftrl_start = ftrl_start
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
        self.eval_metric = eval_metric
        self.class_weight = class_weight
        self.max_time = max_time
        self.shuffle = shuffle
        self.memory_limit = memory_limit
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.deterministic = deterministic
        self.verbose = verbose
        self.keep_state = keep_state
        self.warm_start = warm_start
        self.schema = schema
        self.categorical = categorical
        self.numeric = numeric
        self.ignore = ignore
        self.bins = bins
        self.na_values = na_values
        self.callbacks = callbacks


@final
class FMRegressor(Regressor):
    """Factorization machine (Rendle 2010) for regression.

    The score of a sample is a bias, plus the weighted sum of its features, plus the inner product
    of the latent vectors of each pair of features (eq. 1). It is learned by the squared loss.

    Parameters
    ----------
    n_factors : int in [1, 256], default=8
        Length of each latent vector (k).
    solver : {'adagrad', 'rowwise_adagrad', 'sgd', 'ftrl', 'als', 'sgda'}, default='adagrad'
        Optimiser: 'adagrad' (AdaGrad), 'rowwise_adagrad' (AdaGrad with one step size per latent
        vector), 'sgd' (stochastic gradient descent), 'ftrl' (FTRL-Proximal), 'als' (alternating
        least squares) or 'sgda' (stochastic gradient descent that learns its L2 penalties).
    learning_rate : float > 0 or 'auto', default='auto'
        Step size, for rows whose length is one on average; for FTRL its alpha. 'auto' is 0.4, 0.02
        for 'sgd' and 'sgda', 0.2 for 'ftrl'.
    max_iter : int >= 1 or 'auto', default='auto'
        Maximum number of epochs. 'auto' is 20.
    l2_linear : float >= 0 or 'auto', default='auto'
        L2 penalty on the linear weights of a sample's features; see l2_exponent. 'auto' is 0.001,
        0.1 for 'ftrl', 20.0 for 'als', 1e-05 for 'sgda'.
    l2_factors : float >= 0 or 'auto', default='auto'
        L2 penalty on the latent factors of a sample's features; see l2_exponent. 'auto' is 0.03,
        1.0 for 'ftrl', 20.0 for 'als', 0.0001 for 'sgda'.
    l2_exponent : float >= 0 or 'auto', default='auto'
        How the penalties of a feature grow with the number n of training rows that have it: over an
        epoch they add up to n raised to this power, times l2_linear or l2_factors. 1 applies them
        in full at each visit, 0.5 penalises frequent features less at each visit, and 0 penalises
        all features alike. For solver='nonsampled', n is the total weight of the pairs of query and
        item that a parameter is in. 'auto' is 0.5, 0.0 for 'ftrl' and 'als', 1.0 for 'sgda'.
    l1_linear : float >= 0, default=0.0
        L1 penalty on the linear weights, which makes many of them exactly zero. FTRL only.
    l1_factors : float >= 0, default=0.0
        L1 penalty on the latent factors, which makes many of them exactly zero. FTRL only.
    ftrl_beta : float >= 0, default=1.0
        Smoothing of the step size of FTRL (its beta).
    ftrl_start : float >= 0, default=0.0
        Sum of squared gradients that FTRL starts from: with 1, its first steps are as long as those
        of xLearn.
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
    eval_metric : str or None, default=None
        Metric on the validation data; None means the training loss.
    max_time : float > 0 or None, default=None
        Seconds after which no new epoch starts.
    shuffle : bool, default=True
        Whether to visit blocks of rows, and the rows within them, in random order.
    memory_limit : int >= 1 or None, default=None
        Megabytes of stored rows to keep in memory when training from disk; None leaves this to the
        operating system. The model itself is not counted.
    random_state : int, RandomState, Generator or None, default=None
        Seed of everything random. The same seed gives the same result, bit for bit, on any number
        of cores, unless deterministic=False.
    n_jobs : int in [1, 2147483647], -1 or None, default=None
        Number of threads; None or -1 means all cores.
    deterministic : bool or 'auto', default='auto'
        Whether to update in the order of one thread where the result would depend on the number of
        threads (AdaGrad); everything else still uses all of them. 'auto' does so if there is a
        random_state; False trains faster on several cores, but results differ from run to run.
    verbose : int >= 0 or bool, default=0
        0: silent; 1: a line or a progress bar per epoch.
    keep_state : bool, default=False
        Whether the model keeps the state of its solver, also in its file: training it further then
        continues as if it had never stopped. It takes about as much room again, and more.
    warm_start : bool, default=False
        Whether `fit` continues from the last `fit`, with the state of the optimiser, instead of
        starting anew. New values of categorical columns extend the model.
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
    callbacks : sequence of Callback or None, default=None
        Instances of `fieldfare.Callback`, called in this order.

    Attributes
    ----------
    model_ : Model
        The trained model, for `fieldfare.explain`, `fieldfare.save_model` and so on.
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
    >>> reg = FMRegressor(n_factors=2, random_state=0).fit(X, [1.0, 3.0] * 50)
    >>> round(float(reg.predict(X[:1])[0]))
    1
    """

    _kind = "fm"

    def __init__(  # noqa: PLR0913 - scikit-learn reads the parameters from here
        self,
        *,
        n_factors: int = 8,
        solver: Literal["adagrad", "rowwise_adagrad", "sgd", "ftrl", "als", "sgda"] = "adagrad",
        learning_rate: float | Literal["auto"] = "auto",
        max_iter: int | Literal["auto"] = "auto",
        l2_linear: float | Literal["auto"] = "auto",
        l2_factors: float | Literal["auto"] = "auto",
        l2_exponent: float | Literal["auto"] = "auto",
        l1_linear: float = 0.0,
        l1_factors: float = 0.0,
        ftrl_beta: float = 1.0,
        ftrl_start: float = 0.0,
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
        eval_metric: str | None = None,
        max_time: float | None = None,
        shuffle: bool = True,
        memory_limit: int | None = None,
        random_state: int | np.random.RandomState | np.random.Generator | None = None,
        n_jobs: int | None = None,
        deterministic: bool | Literal["auto"] = "auto",
        verbose: int = 0,
        keep_state: bool = False,
        warm_start: bool = False,
        schema: Schema | None = None,
        categorical: Sequence[str] | None = None,
        numeric: Sequence[str] | None = None,
        ignore: Sequence[str] | None = None,
        bins: int | Mapping[str, int] | None = None,
        na_values: Sequence[str] | Mapping[str, Sequence[str]] | None = None,
        callbacks: Sequence[Callback] | None = None,
    ) -> None:
        self.n_factors = n_factors
        self.solver = solver
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.l2_linear = l2_linear
        self.l2_factors = l2_factors
        self.l2_exponent = l2_exponent
        self.l1_linear = l1_linear
        self.l1_factors = l1_factors
        self.ftrl_beta = ftrl_beta
        self.ftrl_start = ftrl_start
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
        self.eval_metric = eval_metric
        self.max_time = max_time
        self.shuffle = shuffle
        self.memory_limit = memory_limit
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.deterministic = deterministic
        self.verbose = verbose
        self.keep_state = keep_state
        self.warm_start = warm_start
        self.schema = schema
        self.categorical = categorical
        self.numeric = numeric
        self.ignore = ignore
        self.bins = bins
        self.na_values = na_values
        self.callbacks = callbacks


@final
class FMRanker(Ranker):
    """Factorization machine (Rendle 2010) for ranking.

    It orders the samples of a group, such as the results of a query. It is trained on pairs of
    samples of the same group, by the logistic loss of the difference of their scores (Rendle et al.
    2009; Burges et al. 2005) or by the hinge loss (Herbrich et al. 2000).

    For recall, each sample is an interaction of a user with an item: `fit` takes the ``roles`` of
    the columns, or guesses them, and tables of users and items. By default the model is learned
    from all pairs of users and items at once (``solver="nonsampled"``); ``negatives`` draws items
    against each interaction. There are no groups, and a rating is optional: a row is an interaction
    unless its rating is 0.

    Parameters
    ----------
    n_factors : int in [1, 256] or 'auto', default='auto'
        Length of each latent vector (k). 'auto' is 8, 64 for 'nonsampled'.
    loss : {'auto', 'pairwise', 'hinge', 'warp', 'softmax', 'logistic'}, default='auto'
        What is minimised: 'pairwise' (logistic) or 'hinge', both of the difference of two scores;
        with drawn ``negatives`` also 'warp', 'softmax' or 'logistic'. 'auto' is 'pairwise'.
    pairs_per_row : int >= 1, default=10
        For ranking: how many worse rows of its group each row is compared with per epoch, at most;
        they are drawn anew each time.
    negatives : {'uniform', 'popularity', 'batch'} or None, default=None
        For ranking: draw 'pairs_per_row' items against each row instead of comparing rows of a
        group: 'uniform' draws all items alike, 'popularity' by a power of their number of rows, and
        'batch' from the rows learned together.
    negatives_exponent : float >= 0, default=0.75
        The power for negatives='popularity'.
    known_negatives : bool, default=False
        Whether to draw items already seen with the query as negatives, too.
    solver : {'auto', 'adagrad', 'rowwise_adagrad', 'sgd', 'ftrl', 'nonsampled'}, default='auto'
        Optimiser: 'adagrad' (AdaGrad), 'rowwise_adagrad' (AdaGrad with one step size per latent
        vector), 'sgd' (stochastic gradient descent), 'ftrl' (FTRL-Proximal) or 'nonsampled' (least
        squares over all pairs of queries and items, seen or not). 'auto' is 'nonsampled' for
        interactions without drawn ``negatives``, else 'adagrad'.
    learning_rate : float > 0 or 'auto', default='auto'
        Step size, for rows whose length is one on average; for FTRL its alpha. 'auto' is 0.4, 0.02
        for 'sgd', 0.2 for 'ftrl'.
    max_iter : int >= 1 or 'auto', default='auto'
        Maximum number of epochs. 'auto' is 20.
    l2_linear : float >= 0 or 'auto', default='auto'
        L2 penalty on the linear weights of a sample's features; see l2_exponent. 'auto' is 0.001,
        0.1 for 'ftrl'.
    l2_factors : float >= 0 or 'auto', default='auto'
        L2 penalty on the latent factors of a sample's features; see l2_exponent. 'auto' is 0.03,
        1.0 for 'ftrl'.
    l2_exponent : float >= 0 or 'auto', default='auto'
        How the penalties of a feature grow with the number n of training rows that have it: over an
        epoch they add up to n raised to this power, times l2_linear or l2_factors. 1 applies them
        in full at each visit, 0.5 penalises frequent features less at each visit, and 0 penalises
        all features alike. For solver='nonsampled', n is the total weight of the pairs of query and
        item that a parameter is in. 'auto' is 0.5, 0.0 for 'ftrl', 1.0 for 'nonsampled'.
    l1_linear : float >= 0, default=0.0
        L1 penalty on the linear weights, which makes many of them exactly zero. FTRL only.
    l1_factors : float >= 0, default=0.0
        L1 penalty on the latent factors, which makes many of them exactly zero. FTRL only.
    ftrl_beta : float >= 0, default=1.0
        Smoothing of the step size of FTRL (its beta).
    ftrl_start : float >= 0, default=0.0
        Sum of squared gradients that FTRL starts from: with 1, its first steps are as long as those
        of xLearn.
    unobserved_weight : float > 0 or 'auto', default='auto'
        For solver='nonsampled': weight of the pairs of query and item that were not seen; a pair
        that was seen weighs one on average. 'auto' takes less, the fewer of the pairs were seen,
        and divides the weight of a user and an item among the contexts of the user.
    l2_queries : float >= 0 or 'auto', default='auto'
        For solver='nonsampled': L2 penalty on the parameters of users and contexts. 'auto' follows
        from the numbers of users, items and interactions, and falls from sweep to sweep.
    l2_items : float >= 0 or 'auto', default='auto'
        For solver='nonsampled': L2 penalty on the parameters of items. 'auto' follows from the
        numbers of users, items and interactions, and falls from sweep to sweep.
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
    eval_metric : str or None, default=None
        Metric on the validation data; None means the training loss.
    max_time : float > 0 or None, default=None
        Seconds after which no new epoch starts.
    shuffle : bool, default=True
        Whether to visit blocks of rows, and the rows within them, in random order.
    memory_limit : int >= 1 or None, default=None
        Megabytes of stored rows to keep in memory when training from disk; None leaves this to the
        operating system. The model itself is not counted.
    random_state : int, RandomState, Generator or None, default=None
        Seed of everything random. The same seed gives the same result, bit for bit, on any number
        of cores, unless deterministic=False.
    n_jobs : int in [1, 2147483647], -1 or None, default=None
        Number of threads; None or -1 means all cores.
    deterministic : bool or 'auto', default='auto'
        Whether to update in the order of one thread where the result would depend on the number of
        threads (AdaGrad); everything else still uses all of them. 'auto' does so if there is a
        random_state; False trains faster on several cores, but results differ from run to run.
    verbose : int >= 0 or bool, default=0
        0: silent; 1: a line or a progress bar per epoch.
    keep_state : bool, default=False
        Whether the model keeps the state of its solver, also in its file: training it further then
        continues as if it had never stopped. It takes about as much room again, and more.
    warm_start : bool, default=False
        Whether `fit` continues from the last `fit`, with the state of the optimiser, instead of
        starting anew. New values of categorical columns extend the model.
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
    callbacks : sequence of Callback or None, default=None
        Instances of `fieldfare.Callback`, called in this order.

    Attributes
    ----------
    model_ : Model
        The trained model, for `fieldfare.explain`, `fieldfare.save_model` and so on.
    history_ : History
        The epochs of the last call of `fit`; prints as a table. ``best_epoch`` is the best of them;
        ``refit`` has those of a second training on all rows, if there was one.
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
    coef_ : float32 array of shape (n_features,)
        Linear weights of the features after encoding; ``schema_.feature_names`` has their names.
    factors_ : float32 array of shape (n_features, n_factors)
        Latent vectors.

    Examples
    --------
    >>> X = [{"user": u, "item": i} for u in "ab" for i in "xy"] * 20
    >>> ranker = FMRanker(n_factors=2, random_state=0)
    >>> ranker = ranker.fit(X, [1, 0, 0, 1] * 20, qid=[0, 0, 1, 1] * 20)
    >>> scores = ranker.predict([{"user": "a", "item": "x"}, {"user": "a", "item": "y"}])
    >>> bool(scores[0] > scores[1])
    True

    >>> seen = [{"user": u, "item": i} for u, i in ("ax", "ay", "bx", "by", "cy", "cz")]
    >>> ranker = FMRanker(n_factors=2, random_state=0)
    >>> ranker = ranker.fit(seen, roles={"user": "user", "item": "item"})
    >>> scores = ranker.predict([{"user": "a", "item": "x"}, {"user": "a", "item": "z"}])
    >>> bool(scores[0] > scores[1])
    True
    """

    _kind = "fm"

    def __init__(  # noqa: PLR0913 - scikit-learn reads the parameters from here
        self,
        *,
        n_factors: int | Literal["auto"] = "auto",
        loss: Literal["auto", "pairwise", "hinge", "warp", "softmax", "logistic"] = "auto",
        pairs_per_row: int = 10,
        negatives: Literal["uniform", "popularity", "batch"] | None = None,
        negatives_exponent: float = 0.75,
        known_negatives: bool = False,
        solver: Literal["auto", "adagrad", "rowwise_adagrad", "sgd", "ftrl", "nonsampled"] = "auto",
        learning_rate: float | Literal["auto"] = "auto",
        max_iter: int | Literal["auto"] = "auto",
        l2_linear: float | Literal["auto"] = "auto",
        l2_factors: float | Literal["auto"] = "auto",
        l2_exponent: float | Literal["auto"] = "auto",
        l1_linear: float = 0.0,
        l1_factors: float = 0.0,
        ftrl_beta: float = 1.0,
        ftrl_start: float = 0.0,
        unobserved_weight: float | Literal["auto"] = "auto",
        l2_queries: float | Literal["auto"] = "auto",
        l2_items: float | Literal["auto"] = "auto",
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
        eval_metric: str | None = None,
        max_time: float | None = None,
        shuffle: bool = True,
        memory_limit: int | None = None,
        random_state: int | np.random.RandomState | np.random.Generator | None = None,
        n_jobs: int | None = None,
        deterministic: bool | Literal["auto"] = "auto",
        verbose: int = 0,
        keep_state: bool = False,
        warm_start: bool = False,
        schema: Schema | None = None,
        categorical: Sequence[str] | None = None,
        numeric: Sequence[str] | None = None,
        ignore: Sequence[str] | None = None,
        bins: int | Mapping[str, int] | None = None,
        na_values: Sequence[str] | Mapping[str, Sequence[str]] | None = None,
        callbacks: Sequence[Callback] | None = None,
    ) -> None:
        self.n_factors = n_factors
        self.loss = loss
        self.pairs_per_row = pairs_per_row
        self.negatives = negatives
        self.negatives_exponent = negatives_exponent
        self.known_negatives = known_negatives
        self.solver = solver
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.l2_linear = l2_linear
        self.l2_factors = l2_factors
        self.l2_exponent = l2_exponent
        self.l1_linear = l1_linear
        self.l1_factors = l1_factors
        self.ftrl_beta = ftrl_beta
        self.ftrl_start = ftrl_start
        self.unobserved_weight = unobserved_weight
        self.l2_queries = l2_queries
        self.l2_items = l2_items
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
        self.eval_metric = eval_metric
        self.max_time = max_time
        self.shuffle = shuffle
        self.memory_limit = memory_limit
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.deterministic = deterministic
        self.verbose = verbose
        self.keep_state = keep_state
        self.warm_start = warm_start
        self.schema = schema
        self.categorical = categorical
        self.numeric = numeric
        self.ignore = ignore
        self.bins = bins
        self.na_values = na_values
        self.callbacks = callbacks
