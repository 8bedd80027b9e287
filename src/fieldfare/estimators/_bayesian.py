"""What the Bayesian estimators share: sampling, saving, and what they learned."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

import numpy as np

from fieldfare._arguments import checked
from fieldfare._typing import AnyArray, Float64Array, PathLike
from fieldfare._validation import OneOf, check
from fieldfare.config import GibbsConfig, ModelConfig, TrainingConfig
from fieldfare.estimators._checks import check_is_fitted
from fieldfare.estimators.base import Factorization
from fieldfare.exceptions import ModelFileError
from fieldfare.kinds.solvers import GIBBS
from fieldfare.models.posterior import Posterior
from fieldfare.persist.posterior import load_posterior, save_posterior
from fieldfare.rows import Rows
from fieldfare.schema.schema import Schema
from fieldfare.settings import Settings
from fieldfare.training.bayes.chain import Chain
from fieldfare.training.bayes.trace import Trace
from fieldfare.training.prepare.targets import TargetMap

_BayesianT = TypeVar("_BayesianT", bound="BayesianFM")


class BayesianFM(Factorization):
    """Base of the Bayesian estimators."""

    _kind = "fm"
    _posterior_task: ClassVar[str]

    model: str

    classes_: AnyArray

    trace_: Trace
    eval_prediction_: Float64Array
    eval_std_: Float64Array
    _posterior: Posterior | None
    _state: dict[str, AnyArray] | None = None  # of the sampler

    def fit(
        self: _BayesianT, X: Any, y: Any = None, sample_weight: Any = None, eval_set: Any = None
    ) -> _BayesianT:
        """Sample from the posterior.

        Parameters
        ----------
        X : data frame, Arrow table, list of dict, array, sparse matrix or path
            Samples, as for `FMRegressor.fit`.
        y : array-like of shape (n_samples,), str or None
            Target, or the name of the target column of a data frame or a file.
        sample_weight : array-like of shape (n_samples,), str or None
            Precision of the noise of each sample, relative to the others; regression only.
        eval_set : (X, y), path or None
            Rows to predict while sampling. The average over the samples is then in
            ``eval_prediction_``, its deviation in ``eval_std_``, and how good it was after each
            sweep in ``trace_``, even if no sample is kept.

        Returns
        -------
        self
            The fitted estimator. Ctrl-C ends sampling early, with the samples there are.

        Raises
        ------
        ConfigError
            If a parameter has a value that is not allowed.
        DataError
            If the data cannot be used as they are.
        """
        kind = self._model_config()
        self._settings()
        self._check_others()
        with self._one_at_a_time(), self._learning() as learner:
            state = self._state if self.warm_start else None
            data = learner._read(X, y, sample_weight, learn=state is None)
            valid = learner._read_validation(eval_set, y, sample_weight)
            job = learner._job(data, None, valid=valid)
            chain = Chain(job if state else job.told(), kind, self._posterior_task, self.groups)
            result = chain.run(resume=state)
            learner._posterior, learner.trace_ = result.posterior, result.trace
            learner._state = chain.sampler.state() if self.warm_start else None
            learner.n_iter_ = chain.sampler.sweeps
            if chain.followed is not None:
                learner.eval_prediction_ = chain.followed.mean
                learner.eval_std_ = chain.followed.std
        return self

    @property
    def posterior_(self) -> Posterior:
        """The kept samples."""
        if not hasattr(self, "_posterior"):
            raise AttributeError("This estimator is not fitted.")
        if self._posterior is None:
            return Posterior.of(self._model_config(), [])
        return self._posterior

    @property
    def feature_importances_(self) -> Float64Array:
        """Share of the variance of the scores that each column of X accounts for.

        The variance is the mean over the kept samples; see `fieldfare.models.importances`.
        """
        check_is_fitted(self, "trace_")
        return self._importances(self.posterior_.as_model())

    @checked
    def save(self, path: PathLike) -> None:
        """Save the kept samples to a file; see `fieldfare.save_posterior`.

        The state of the chain is not saved: pickle the estimator to continue it with
        ``warm_start=True``.
        """
        check_is_fitted(self, "trace_")
        save_posterior(self.posterior_, path)

    @classmethod
    @checked
    def load(cls: type[_BayesianT], path: PathLike) -> _BayesianT:
        """Return a fitted estimator for saved samples.

        Raises
        ------
        ModelFileError
            If the file is damaged, or holds a model or a posterior of another kind.
        """
        posterior = load_posterior(path)
        estimator = cls()
        if posterior.task != cls._posterior_task:
            raise ModelFileError(
                f"{path} holds a {posterior.task} posterior, which is not for {cls.__name__}."
            )
        estimator._restore_parameters(posterior.config, posterior.trained_by, posterior.schema)
        estimator._posterior = posterior
        estimator.schema_ = posterior.schema or Schema.indexed(posterior.n_features, 0)
        estimator._learn_columns(estimator.schema_.names_in_table)
        if posterior.classes is not None:
            estimator.classes_ = np.array(posterior.classes)
        estimator.trace_ = Trace.from_json(posterior.provenance.get("trace"))
        estimator.n_iter_ = len(estimator.trace_)
        return estimator

    def _targets(self) -> TargetMap:
        if self._posterior_task == "regression":
            return TargetMap("regression")
        task = "binary" if self._posterior_task == "binary" else "multiclass"
        return TargetMap.numbered(task, self.classes_.tolist())

    def _model_config(self) -> ModelConfig:
        check("model", self.model, OneOf(GIBBS.model_kinds), type(self).__name__)
        return self._config(ModelConfig, task="regression")

    def _settings(self) -> Settings:
        return Settings(self._config(TrainingConfig), gibbs=self._config(GibbsConfig))

    def _probabilities(self, X: Any) -> Float64Array:
        posterior, rows = self._posterior_and_rows(X)
        return posterior.probabilities(rows, self.n_jobs)

    def _posterior_and_rows(self, X: Any) -> tuple[Posterior, Rows]:
        """Return the samples of the posterior, and the samples to predict with them."""
        check_is_fitted(self, "trace_")
        posterior = self.posterior_  # another thread may replace it meanwhile
        return posterior, self._rows(X, posterior.schema or self.schema_)

    def _predicts(self, task: str) -> bool:
        return False
