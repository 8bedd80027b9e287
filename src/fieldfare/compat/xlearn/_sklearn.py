"""The three classes of xLearn in the manner of scikit-learn."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.metrics import accuracy_score, r2_score

from fieldfare import Model
from fieldfare._typing import AnyArray, Float32Array
from fieldfare.compat.xlearn import _reading, _training
from fieldfare.compat.xlearn._console import Silent
from fieldfare.compat.xlearn._params import METRICS, REGRESSION
from fieldfare.compat.xlearn.data import DMatrix
from fieldfare.compat.xlearn.xlearn import XLearn, converted
from fieldfare.exceptions import ConfigError, DataError, SettingWarning, UnfittedError
from fieldfare.kinds.models import FFM, FM, LINEAR, MODEL_KINDS
from fieldfare.kinds.solvers import SGD

__all__ = ["FFMModel", "FMModel", "LRModel"]


class BaseXLearnModel(BaseEstimator):  # type: ignore[misc]
    """What the three classes share; the parameters are those of xLearn.

    ``n_jobs`` counts only where ``nthread`` is None; zero, below and None mean all cores. Keywords
    that xLearn does not know are kept, and have no effect.
    """

    _kind: ClassVar[str]
    _usual: ClassVar[str]

    def __init__(  # noqa: PLR0913 - xLearn's own signature
        self,
        model_type: str | None = None,
        task: str = "binary",
        metric: str = "auc",
        block_size: int = 500,
        lr: float = 0.2,
        k: int = 4,
        reg_lambda: float = 0.1,
        init: float = 0.1,
        fold: int = 1,
        epoch: int = 5,
        stop_window: int = 2,
        opt: str = SGD.name,
        nthread: int | None = None,
        n_jobs: int = 4,
        alpha: float = 1,
        beta: float = 1,
        lambda_1: float = 1,
        lambda_2: float = 1,
        seed: int = 1,
        **kwargs: Any,
    ) -> None:
        self.model_type = model_type
        self.task = task
        self.metric = metric
        self.block_size = block_size
        self.lr = lr
        self.k = k
        self.reg_lambda = reg_lambda
        self.init = init
        self.fold = fold
        self.epoch = epoch
        self.stop_window = stop_window
        self.opt = opt
        self.nthread = nthread
        self.n_jobs = n_jobs
        self.alpha = alpha
        self.beta = beta
        self.lambda_1 = lambda_1
        self.lambda_2 = lambda_2
        self.seed = seed
        self.kwargs = kwargs

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name, with the keywords that have no effect."""
        found: dict[str, Any] = super().get_params(deep)
        return found | self.kwargs

    def set_params(self, **params: Any) -> BaseXLearnModel:
        """Set parameters by name; others than xLearn's have no effect."""
        known = super().get_params(deep=False)
        super().set_params(**{name: v for name, v in params.items() if name in known})
        self.kwargs |= {name: v for name, v in params.items() if name not in known}
        return self

    def get_xlearn_params(self) -> dict[str, Any]:
        """Return the parameters as the handles take them."""
        n_jobs = self.n_jobs if self.nthread is None else self.nthread
        if n_jobs is None or (isinstance(n_jobs, Integral) and n_jobs < 0):
            n_jobs = 0  # all cores
        metric = self.metric
        if not isinstance(metric, str):
            raise ConfigError(f"metric must be one name, as 'auc'. Got {metric!r:.80}.")
        if (metric in METRICS and metric not in REGRESSION) is (self.task == "reg"):
            metric = "none"  # the default, auc, is for classes
        return {
            "task": self.task,
            "metric": metric,
            "block_size": self.block_size,
            "lr": self.lr,
            "k": self.k,
            "lambda": self.reg_lambda,
            "init": self.init,
            "fold": self.fold,
            "epoch": self.epoch,
            "stop_window": self.stop_window,
            "opt": self.opt,
            "nthread": n_jobs,
            "alpha": self.alpha,
            "beta": self.beta,
            "lambda_1": self.lambda_1,
            "lambda_2": self.lambda_2,
            "seed": self.seed,
        }

    def fit(
        self,
        X: Any,
        y: Any = None,
        fields: Any = None,
        is_lock_free: bool = True,
        is_instance_norm: bool = True,
        eval_set: Any = None,
        is_quiet: bool = False,
    ) -> BaseXLearnModel:
        """Train.

        Parameters
        ----------
        X : array, data frame or sparse matrix of shape (n_rows, n_columns), or path
        y : sequence of shape (n_rows,)
            A class is whether it is positive. Left out with a path.
        fields : sequence of shape (n_columns,), optional
            The field of each column; needed by an `FFMModel` of arrays.
        is_lock_free : bool
            Whether several threads take steps at once; else the seed fixes the result.
        is_instance_norm : bool
            Whether rows are scaled to unit length.
        eval_set : [X, y], [(X, y)] or path, optional
            Validation data, by which training stops.
        is_quiet : bool
            Whether nothing is printed.

        Returns
        -------
        self
        """
        handle = XLearn(self._checked_type())
        handle.setTrain(self._source("X", X, y, fields))
        if eval_set is not None:
            handle.setValidate(self._eval_source(eval_set, fields))
        if not is_lock_free:
            handle.disableLockFree()
        if not is_instance_norm:
            handle.disableNorm()
        if is_quiet:
            handle.setQuiet()
        if self.kwargs:
            warnings.warn(
                SettingWarning(
                    f"Keywords without effect: {', '.join(self.kwargs)}. Leave them out."
                ),
                stacklevel=2,
            )
        console = Silent() if is_quiet else None
        self.model_ = handle.train(self.get_xlearn_params(), None, console)
        self.fields_ = fields
        return self

    def predict(self, X: Any) -> Float32Array:
        """Return probabilities of the positive class, or numbers for task="reg".

        Parameters
        ----------
        X : array, data frame or sparse matrix of shape (n_rows, n_columns), or path

        Returns
        -------
        float32 array of shape (n_rows,)
        """
        model = self.get_model()
        if isinstance(X, (str, os.PathLike)):
            rows = _reading.read(os.fspath(X))[0].rows
        else:
            rows = _reading.matrix_rows(X, self.fields_)
        score = _training.scores(model, rows)
        return converted(score, "raw" if self.task == "reg" else "sigmoid")

    def predict_proba(self, X: Any) -> Float32Array:
        """Return the probabilities of both classes, float32[n_rows, 2]; for task="binary"."""
        if self.task != "binary":
            raise ConfigError("Numbers have no probabilities: use predict.")
        positive = self.predict(X)
        return np.column_stack([1 - positive, positive])

    def score(self, X: Any, y: Any) -> float:
        """Return the accuracy, or R^2 for task="reg"."""
        found = self.predict(X)
        truth = _reading.column("y", y, len(found))
        if self.task == "reg":
            return float(r2_score(truth, found))
        return float(accuracy_score(truth > 0, found > 0.5))

    def get_model(self) -> Model:
        """Return the trained model, a `fieldfare.Model`."""
        if not hasattr(self, "model_"):
            raise UnfittedError(f"This {type(self).__name__} is not fitted yet: call fit first.")
        model: Model = self.model_
        return model

    @property
    def weights(self) -> tuple[AnyArray, AnyArray | None]:
        """The bias with the linear weights, float32[1 + n_features], and the factors.

        The factors have the shape (n_features, k), or (n_features, n_fields, k) of an `FFMModel`;
        None of an `LRModel`.
        """
        model = self.get_model()
        linear = np.concatenate([model.bias, model.linear[:, 0]])
        return linear, None if model.factors is None else model.factors[:, 0]

    @property
    def classes_(self) -> AnyArray:
        """The classes of task="binary": whether the label is positive."""
        if self.task != "binary":
            raise AttributeError("Numbers have no classes.")
        return np.array([0, 1])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.estimator_type = "classifier" if self.task == "binary" else "regressor"
        return tags

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def _checked_type(self) -> str:
        if self.model_type not in (None, self._usual, self._kind):
            raise ConfigError(
                f"model_type of {type(self).__name__} is {self._usual!r}. Got "
                f"{self.model_type!r:.80}: give parameters by name, as task='binary'."
            )
        return self._kind

    def _source(self, name: str, X: Any, y: Any, fields: Any) -> str | DMatrix:
        if isinstance(X, (str, os.PathLike)):
            if y is not None:
                raise ConfigError(
                    f"With a path, labels are in the file: leave out y. Got {y!r:.80}. Validation "
                    "data are given as eval_set, and the model is not saved to a file."
                )
            return os.fspath(X)
        if y is None:
            raise DataError(f"{name} is an array, and there are no labels for it. Give y.")
        if MODEL_KINDS[self._kind].uses_fields and fields is None:
            raise DataError(
                "An FFMModel needs the field of each column of an array: fields=[0, 0, 1, ...]."
            )
        return DMatrix(X, y, fields)

    def _eval_source(self, given: Any, fields: Any) -> str | DMatrix:
        if isinstance(given, (str, os.PathLike)):
            return self._source("eval_set", given, None, fields)
        parts = given
        if isinstance(parts, Sequence) and len(parts) == 1:
            parts = parts[0]
        if not isinstance(parts, Sequence) or len(parts) != 2:
            raise DataError("eval_set must be [X, y] or a path.")
        data, labels = parts
        if isinstance(data, tuple):
            raise DataError("eval_set must be one pair [X, y]. Got several.")
        return self._source("eval_set", data, labels, fields)


class LRModel(BaseXLearnModel):
    """A linear model; see `BaseXLearnModel`."""

    _kind, _usual = LINEAR.name, "lr"


class FMModel(BaseXLearnModel):
    """A factorization machine; see `BaseXLearnModel`."""

    _kind = _usual = FM.name


class FFMModel(BaseXLearnModel):
    """A field-aware factorization machine; see `BaseXLearnModel`."""

    _kind = _usual = FFM.name
