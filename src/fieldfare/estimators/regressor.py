"""Regressors: numbers by the squared loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.metaestimators import available_if

from fieldfare._typing import AnyArray, Float32Array
from fieldfare.estimators._checks import check_array, coded
from fieldfare.estimators._names import answered
from fieldfare.estimators.base import Factorization, has_partial_fit
from fieldfare.exceptions import DataError

_RegressorT = TypeVar("_RegressorT", bound="Regressor")


class Regressor(RegressorMixin, Factorization):  # type: ignore[misc]
    """Base of the regressors."""

    @available_if(has_partial_fit)  # type: ignore[untyped-decorator]
    @answered
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
        with coded():
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
