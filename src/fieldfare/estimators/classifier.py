"""Classifiers: two classes by the logistic loss, more by softmax."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.metaestimators import available_if

from fieldfare._arrays import as_array, distinct
from fieldfare._typing import AnyArray, Float32Array, Float64Array
from fieldfare.config import Config, TrainingConfig
from fieldfare.estimators._checks import check_classification_targets, coded
from fieldfare.estimators._names import answered
from fieldfare.estimators.base import Factorization, has_partial_fit
from fieldfare.exceptions import DataError
from fieldfare.kinds.solvers import SGD, SOLVER_KINDS
from fieldfare.models.base import Model
from fieldfare.models.links import link
from fieldfare.training.prepare.targets import TargetMap, class_numbers

_ConfigT = TypeVar("_ConfigT", bound=Config)
_ClassifierT = TypeVar("_ClassifierT", bound="Classifier")


class Classifier(ClassifierMixin, Factorization):  # type: ignore[misc]
    """Base of the classifiers."""

    classes_: AnyArray

    @available_if(has_partial_fit)  # type: ignore[untyped-decorator]
    @answered
    def partial_fit(
        self: _ClassifierT, X: Any, y: Any = None, classes: Any = None, sample_weight: Any = None
    ) -> _ClassifierT:
        """Visit the samples once, keeping what was learned and the state of the optimiser.

        New values of categorical columns, and new ids in files, grow the model.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        classes : array-like of shape (n_classes,) or None
            All classes that will ever occur. Needed in the first call unless its y holds them all.

        Returns
        -------
        self
            The estimator.
        """
        with self._one_at_a_time():
            if classes is not None:
                classes, _ = distinct("The classes", as_array("The classes", classes, ndim=1))
                known = getattr(self, "classes_", classes)
                if not np.array_equal(known, classes):
                    raise DataError(
                        f"The classes must be those of the first call of partial_fit, {known}. Got "
                        f"{classes}."
                    )
                self.classes_ = classes
            self._partial_fit(X, y, sample_weight, keep_classes=classes is not None)
        return self

    def decision_function(self, X: Any) -> Float32Array:
        """Return the scores of the classes, before the link function.

        Parameters
        ----------
        X : as in `fit`
            Samples.

        Returns
        -------
        float32 array of shape (n_samples,) or (n_samples, n_classes)
            For two classes the log odds of the second; otherwise one score per class.
        """
        fitted = self._as_it_is()
        scores = fitted._scores(X)
        return scores[:, 0] if len(fitted.classes_) == 2 else scores

    def predict_proba(self, X: Any) -> Float64Array:
        """Return the probability of each class.

        Parameters
        ----------
        X : as in `fit`
            Samples.

        Returns
        -------
        float64 array of shape (n_samples, n_classes)
            Rows sum to one; columns are in the order of ``classes_``.
        """
        fitted = self._as_it_is()
        scores = fitted._scores(X)
        # In float64, because float32 would round the probabilities of confident models to one.
        probability: Float64Array = np.asarray(link(fitted._task(), scores.astype(np.float64)))
        if probability.ndim == 1:
            return np.column_stack([1 - probability, probability])
        return probability

    def predict_log_proba(self, X: Any) -> Float64Array:
        """Return the logarithm of the probability of each class.

        Parameters
        ----------
        X : as in `fit`
            Samples.

        Returns
        -------
        float64 array of shape (n_samples, n_classes)
            Columns are in the order of ``classes_``. Finite, also where `predict_proba` is rounded
            to 0.
        """
        scores = self._scores(X).astype(np.float64)
        if scores.shape[1] > 1:
            scores -= scores.max(axis=1, keepdims=True)
            return np.asarray(scores - np.log(np.exp(scores).sum(axis=1, keepdims=True)))
        # log(1 / (1 + exp(-s))) = -log(exp(0) + exp(-s)), which does not overflow.
        signed = np.column_stack([scores[:, 0], -scores[:, 0]])
        return np.asarray(-np.logaddexp(0, signed))

    def predict(self, X: Any) -> AnyArray:
        """Return the most probable class of each sample.

        Parameters
        ----------
        X : as in `fit`
            Samples.

        Returns
        -------
        array of shape (n_samples,)
            Members of ``classes_``.
        """
        fitted = self._as_it_is()
        scores = fitted._scores(X)
        best = scores.argmax(axis=1) if scores.shape[1] > 1 else (scores[:, 0] > 0).astype(int)
        predicted: AnyArray = fitted.classes_[best]
        return predicted

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the accuracy.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.

        Returns
        -------
        float
            The (weighted) share of samples whose class is predicted.
        """
        with coded():
            return float(super().score(*self._labelled(X, y, sample_weight)))

    def _task(self) -> str:
        return "binary" if len(self.classes_) == 2 else "multiclass"

    def _targets(self) -> TargetMap:
        return TargetMap.numbered(self._task(), self.classes_.tolist())

    def _encode_target(
        self, y: AnyArray, names: Sequence[str] | None, *, learn: bool
    ) -> Float32Array:
        """Return class numbers; ``names`` are those that the numbers in y stand for, if any."""
        if names is not None:
            classes, codes = np.asarray(names), y.astype(np.int64)
        else:
            check_classification_targets(y)
            with coded():  # texts beside numbers have no order
                classes, codes = np.unique(y, return_inverse=True)
        if learn:
            if not len(classes):
                raise DataError("A classifier needs samples of at least two classes. Got none.")
            if len(classes) < 2:
                raise DataError(
                    f"A classifier needs samples of at least two classes. All {len(y)} samples are "
                    f"of the class {classes.tolist()[0]!r}."
                )
            self.classes_ = classes
        advice = "Pass classes= to the first call of partial_fit, or remove these samples."
        return class_numbers(classes, self.classes_, advice)[codes]

    def _decode_target(self, target: Float32Array) -> AnyArray:
        return self.classes_[target.astype(np.int64)]

    def _predicts(self, task: str) -> bool:
        return task in ("binary", "multiclass")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        solver = SOLVER_KINDS.get(getattr(self, "solver", SGD.name))
        tags.classifier_tags.multi_class = solver is not None and "multiclass" in solver.tasks
        return tags

    def _adopt(self, model: Model) -> None:
        super()._adopt(model)
        n_classes = max(2, model.n_outputs)
        self.classes_ = np.asarray(range(n_classes) if model.classes is None else model.classes)

    def _config(self, group: type[_ConfigT], **fixed: Any) -> _ConfigT:
        config = super()._config(group, **fixed)
        if isinstance(config, TrainingConfig) and isinstance(config.class_weight, Mapping):
            # Labels compare by value here (1, 1.0 and np.int64(1) are one class) but by name below.
            known = {label: label for label in getattr(self, "classes_", np.array([])).tolist()}
            weights = {known.get(label, label): w for label, w in config.class_weight.items()}
            return replace(config, class_weight=weights)
        return config

    @property
    def coef_(self) -> Float32Array:
        """Linear weights, of shape (1, n_features) or (n_classes, n_features)."""
        return self.model_.linear.T

    @property
    def intercept_(self) -> Float32Array:
        """Bias, of shape (1,) or (n_classes,)."""
        return self.model_.bias
