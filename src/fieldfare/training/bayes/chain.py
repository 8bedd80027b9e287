"""Chain: Gibbs sampling as a job, from its start to the kept samples."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from fieldfare._arrays import as_array, distinct
from fieldfare._typing import AnyArray, UInt32Array
from fieldfare.config import GibbsConfig, ModelConfig
from fieldfare.exceptions import ConfigError, DataError
from fieldfare.kernels.native import resolve_threads
from fieldfare.models.posterior import About, Posterior
from fieldfare.schema.schema import Schema
from fieldfare.solvers.gibbs import GibbsSampler
from fieldfare.training.bayes import sampling
from fieldfare.training.bayes.sampling import RunningPrediction, SamplingResult
from fieldfare.training.job import Job
from fieldfare.training.judging.posterior import compare_posterior
from fieldfare.training.judging.verdict import warn_of_losing
from fieldfare.training.prepare.resources import check_memory
from fieldfare.training.prepare.targets import TargetMap
from fieldfare.training.provenance import data_provenance, settings_to_keep
from fieldfare.training.samples.subset import RowSubset


class Chain:
    """A Gibbs sampler over the samples of a job.

    Parameters
    ----------
    job : Job
        With `GibbsConfig` among its settings. Its validation rows are predicted on the way.
    kind : ModelConfig
        The model whose parameters are sampled.
    task : {"regression", "binary", "ordinal"}
        What is predicted.
    groups : array-like of shape (n_features,), "all" or None
        Which features share a prior, see `feature_groups`.

    Attributes
    ----------
    sampler : GibbsSampler
        Where the chain stands.
    followed : RunningPrediction or None
        What is predicted for the validation rows.

    Raises
    ------
    ConfigError
        If there is not one group per feature.
    DataError
        If classes have sample weights.
    ResourceError
        If there is not enough memory.
    """

    def __init__(self, job: Job, kind: ModelConfig, task: str, groups: Any) -> None:
        self._job = job
        classes = job.targets.classes
        if classes is not None and job.train.rows.weight is not None:
            raise DataError(
                "Sample weights are for regression. Leave them out where classes are predicted."
            )
        self._about = About(task, job.data.schema, None if classes is None else list(classes))
        self.followed = None
        if job.valid is not None:
            levels = levels_of(self._about)
            self.followed = RunningPrediction(job.valid.rows, levels, unordered=task == "binary")
        n_classes = 0 if classes is None else len(classes)
        job.warn_of_unused(kind)
        # One score serves any number of ordered classes: it is the model of a regression.
        model = replace(job, targets=TargetMap("regression")).new_model(kind)
        if n_classes:
            model = model.with_(bias=np.zeros(1, np.float32))
        if n_classes > 2:  # the cutpoints do what a bias would do
            model = model.with_(config=replace(model.config, fit_intercept=False))
        self.sampler = GibbsSampler(
            model,
            job.train.rows,
            feature_groups(groups, job.data.schema),
            n_classes=n_classes,
            seed=job.seed,
        )

    def run(self, *, resume: dict[str, AnyArray] | None = None) -> SamplingResult:
        """Sample, and return the kept samples and the trace.

        Parameters
        ----------
        resume : dict, optional
            State of a sampler to continue from, without another warm-up.

        Raises
        ------
        ResourceError
            If the samples would take more memory than there is.
        """
        job, sampler, gibbs = self._job, self.sampler, self._job.settings.gibbs or GibbsConfig()
        n_keep = gibbs.n_samples if gibbs.n_keep_samples is None else gibbs.n_keep_samples
        n_features = sampler.model.n_features
        check_memory(
            8 * n_keep * n_features * (1 + sampler.model.config.total_factors),
            f"Keeping {n_keep} samples of {n_features} features",
            "Keep fewer ('n_keep_samples'), or use fewer factors ('n_factors').",
        )
        about = replace(
            self._about,
            trained_by=settings_to_keep(job.settings, job.seed),
            provenance=data_provenance(job.train, job.settings, job.seed),
        )
        if resume is not None:
            sampler.load_state(resume)
            # The rows may be others than before, so their scores are computed again.
            sampler.forget_scores()
            gibbs = replace(gibbs, n_warmup=0)
        training = job.settings.training
        n_threads = resolve_threads(training.n_jobs, job.train.n_rows)
        result = sampling.run(
            sampler,
            gibbs,
            self.followed,
            about,
            n_threads=n_threads,
            verbose=int(training.verbose),
        )
        if not result.interrupted:
            self._compare(result.posterior, n_threads)
        return result

    def _compare(self, posterior: Posterior | None, n_threads: int) -> None:
        """Compare the predictions with a constant; note it, and warn if they lose."""
        levels, train = levels_of(self._about), self._job.train
        followed = None
        if self.followed is not None and self.followed.n_samples and self._job.valid is not None:
            followed = _numbered(self._job.valid, levels), self.followed.mean
        numbered = _numbered(train, levels)
        found = compare_posterior(self._about.task, posterior, numbered, followed, n_threads)
        if found is not None and posterior is not None:
            posterior.provenance["comparison"] = str(found)
        warn_of_losing(found)


def _numbered(rows: RowSubset, levels: AnyArray | None) -> RowSubset:
    """Return rows with the numbers that their classes stand for as targets."""
    if levels is None or rows.rows.target is None:
        return rows
    return rows.with_target(levels[rows.rows.target.astype(np.int64)].astype(np.float32))


def levels_of(about: About) -> AnyArray | None:
    """Return the numbers that the classes stand for, float64[n_classes]; None for regression."""
    if about.task == "regression":
        return None
    return np.array([0.0, 1.0] if about.task == "binary" else about.classes, np.float64)


def feature_groups(groups: Any, schema: Schema) -> UInt32Array:
    """Return the group of each feature, as numbers from 0 without gaps.

    Parameters
    ----------
    groups : array-like of shape (n_features,), "all" or None
        ``None``: the field.
    schema : Schema
        Of the features.

    Returns
    -------
    uint32 array of shape (n_features,)

    Raises
    ------
    ConfigError
        If there is not one group per feature.
    """
    n = schema.n_features
    if groups is None and schema.n_fields:
        given: AnyArray = schema.field_of
    elif groups is None or (isinstance(groups, str) and groups == "all"):
        given = np.zeros(n, np.uint32)
    else:
        given = as_array("The groups", groups)
    if given.shape != (n,):
        raise ConfigError(
            f"The 'groups' parameter must be None, 'all', or hold one group per feature ({n} after "
            f"encoding). Got {groups!r:.100} of shape {given.shape}."
        )
    return distinct("The groups", given)[1].astype(np.uint32)
