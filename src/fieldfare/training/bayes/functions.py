"""The functions of Gibbs sampling that users call: from any kind of data to a posterior."""

from __future__ import annotations

from typing import Any

import numpy as np

from fieldfare._arguments import checked
from fieldfare._typing import AnyArray, Float32Array
from fieldfare._validation import NONE, AnyOf, OneOf, check
from fieldfare.config import GibbsConfig, ModelConfig, TrainingConfig
from fieldfare.data.dataset import AnyDataset
from fieldfare.exceptions import DataError
from fieldfare.kinds.solvers import GIBBS
from fieldfare.models.posterior import TASKS
from fieldfare.settings import SAMPLED, Settings, check_names
from fieldfare.settings import read as read_group
from fieldfare.training.bayes.chain import Chain
from fieldfare.training.bayes.sampling import SamplingResult
from fieldfare.training.functions import ROLES, shared_form
from fieldfare.training.job import Job, read
from fieldfare.training.prepare.targets import TargetMap, infer_targets
from fieldfare.training.samples.subset import RowSubset

MAX_LEVELS = 256


@checked
def sample(
    data: Any, *, valid: Any = None, task: str | None = None, groups: Any = None, **parameters: Any
) -> SamplingResult:
    """Sample the posterior of a factorization machine or linear model from any kind of data.

    Parameters
    ----------
    data : path, paths, table, array, Rows or Dataset
        Whatever `fieldfare.load_data` takes. With targets. The side tables of a `JoinedTable` are
        used without joining them.
    valid : the same, optional
        Rows that are predicted while sampling, whose error goes into the trace.
    task : {"regression", "binary", "ordinal"}, optional
        What to predict: a number, which of two classes (probit), or one of several ordered numbers
        (ordered probit). By default two distinct targets make a binary task, and anything else a
        regression.
    groups : array-like of shape (n_features,), "all" or None
        Which features share a prior: those of a field (``None``), all, or as given.
    **parameters
        ``schema``, ``target``, ``weight``, ``group``, ``fields``, ``categorical``, ``numeric``,
        ``ignore``, ``bins`` and ``na_values`` say how to read the data; model ("fm", "hofm" or
        "linear"), n_factors, order, shared_factors, fit_intercept, fit_linear, instance_norm,
        norm_unknown, init_scale, n_warmup, n_samples, n_keep_samples, random_state, n_jobs and
        verbose how to sample.

    Returns
    -------
    SamplingResult
        With ``posterior`` and ``trace``.

    Raises
    ------
    ConfigError
        If a parameter is unknown or has a value that is not allowed.
    DataError
        If the data cannot be used.

    Examples
    --------
    >>> from fieldfare.training.bayes.functions import sample
    >>> table = {"user": ["a", "b"] * 50, "item": ["x", "y"] * 50, "stars": [1, 3] * 50}
    >>> result = sample(table, target="stars", task="regression", n_factors=2, random_state=0)
    >>> len(result.posterior)
    100
    """
    check("task", task, AnyOf((OneOf(TASKS), NONE)), "sample")
    roles = {name: parameters.pop(name) for name in ROLES if name in parameters}
    roles, form = shared_form(roles, data, valid)
    check_names(parameters, SAMPLED, "sample", ROLES)
    check("model", parameters.get("model", ModelConfig().model), OneOf(GIBBS.model_kinds), "sample")
    kind = read_group(ModelConfig, parameters, task="regression")
    settings = Settings(
        read_group(TrainingConfig, parameters), gibbs=read_group(GibbsConfig, parameters)
    )
    dataset = read(data, settings, **roles)
    targets = _targets(dataset, task)
    held_out = None if valid is None else read(valid, settings, schema=dataset.schema, **form)
    job = Job.of(dataset, settings, targets=targets, valid=held_out)
    return Chain(job.told(), kind, task or targets.task, groups).run()


def ordered_levels(target: Float32Array) -> AnyArray:
    """Return the different numbers of an ordinal target, ascending.

    Raises
    ------
    DataError
        If there is only one, or so many that they cannot be classes.
    """
    levels = np.unique(target).astype(np.float64)
    if not 2 <= len(levels) <= MAX_LEVELS:
        raise DataError(
            f"Ordered classes must be 2 to {MAX_LEVELS} different numbers. Got "
            f"{len(levels)}: numbers of any size are a regression."
        )
    return levels


def _targets(dataset: AnyDataset, task: str | None) -> TargetMap:
    """Return what the targets of training samples mean to a sampler."""
    rows, names = RowSubset.of(dataset), dataset.schema.target_classes
    if task == "ordinal":
        if names is not None:
            raise DataError(f"Ordered classes must be numbers. Got text ({names[0]!r}).")
        levels = tuple(float(level) for level in ordered_levels(rows.target))
        return TargetMap("multiclass", levels, levels)
    targets = infer_targets(rows, task, names)
    if targets.task == "multiclass":
        raise DataError(
            f"There are {len(targets.raw)} classes, and sampling takes two, or ordered numbers. "
            "Use fieldfare.train."
        )
    return targets
