"""The functional front door of Gibbs sampling: from any kind of data to a posterior."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from fieldfare._random import resolve_seed
from fieldfare._typing import AnyArray, Float32Array, UInt32Array
from fieldfare._validation import NONE, AnyOf, OneOf, check, closest
from fieldfare.config import (
    SAMPLED_MODEL_PARAMETERS,
    GibbsConfig,
    ModelConfig,
    TrainingConfig,
)
from fieldfare.data.loading import load_related
from fieldfare.exceptions import ConfigError, DataError
from fieldfare.kernels.native import resolve_threads
from fieldfare.metrics import compute, default_metrics
from fieldfare.models.posterior import TASKS, About, Posterior
from fieldfare.schema.schema import Schema
from fieldfare.settings import Settings
from fieldfare.solvers.gibbs import GibbsSampler
from fieldfare.training.bayes import sampling
from fieldfare.training.bayes.sampling import RunningPrediction, SamplingResult
from fieldfare.training.prepare.provenance import data_provenance
from fieldfare.training.prepare.resources import check_memory
from fieldfare.training.prepare.row_subset import RowSubset
from fieldfare.training.prepare.targets import TargetMap, infer_targets
from fieldfare.training.workflow import ROLES, new_model

MAX_LEVELS = 256
KINDS = ("linear", "fm", "hofm")
TRAINING_PARAMETERS = ("random_state", "n_jobs", "verbose")


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
        ``schema``, ``target``, ``weight``, ``group`` and ``fields`` say how to read the data;
        model ("fm", "hofm" or "linear"), n_factors, order, shared_factors, fit_intercept,
        fit_linear, instance_norm, init_scale, n_warmup, n_samples, n_keep_samples, random_state,
        n_jobs and verbose how to sample.

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
    >>> from fieldfare.training.bayes.front import sample
    >>> table = {"user": ["a", "b"] * 50, "item": ["x", "y"] * 50, "stars": [1, 3] * 50}
    >>> result = sample(table, target="stars", task="regression", n_factors=2, random_state=0)
    >>> len(result.posterior)
    100
    """
    check("task", task, AnyOf((OneOf(TASKS), NONE)), "sample")
    roles = {name: parameters.pop(name) for name in ROLES if name in parameters}
    kind, gibbs, config = read_parameters(parameters)
    dataset = load_related(data, **roles)
    part, targets, about = _encoded(RowSubset.of(dataset), task, dataset.schema)
    followed = None
    if valid is not None:
        held = targets.encode(RowSubset.of(load_related(valid, schema=dataset.schema)))
        followed = RunningPrediction(
            held.rows, levels_of(about), unordered=targets.task == "binary"
        )
    if about.classes is not None and part.rows.weight is not None:
        raise DataError("Sample weights are for regression. Leave them out of these classes.")
    sampler = start_chain(kind, dataset.schema, part, groups, about, config)
    return run_chain(sampler, gibbs, config, part, about, followed)


def evaluate_posterior(
    posterior: Posterior,
    data: Any,
    metrics: str | Sequence[str] | None = None,
    *,
    n_jobs: int | None = None,
    **roles: Any,
) -> dict[str, float]:
    """Measure the averaged predictions of a posterior on labelled data of any kind.

    Parameters
    ----------
    posterior : Posterior
    data, metrics, n_jobs, **roles
        As for `fieldfare.evaluate`.

    Returns
    -------
    dict
        Each metric by name; by default those usual for a regression or for two classes.
    """
    part = RowSubset.of(load_related(data, **{"schema": posterior.schema} | roles))
    task = "binary" if posterior.task == "binary" else "regression"
    names = [metrics] if isinstance(metrics, str) else metrics or default_metrics(task)
    if posterior.classes is not None and task == "binary":
        named = posterior.schema is not None and posterior.schema.target_classes is not None
        raw = (0.0, 1.0) if named else tuple(map(float, posterior.classes))
        part = TargetMap("binary", raw, tuple(posterior.classes)).encode(part)
    predicted = np.concatenate([posterior.predict(rows, n_jobs) for rows in part.blocks()])
    found = compute(list(names), part.target, predicted, weight=part.weight, group=part.group)
    return {name: float(found[name]) for name in names}


def read_parameters(parameters: dict[str, Any]) -> tuple[ModelConfig, GibbsConfig, TrainingConfig]:
    """Sort hyperparameters into their groups; ConfigError names what is unknown."""
    own = tuple(item.name for item in fields(GibbsConfig))
    known = (*SAMPLED_MODEL_PARAMETERS, *own, *TRAINING_PARAMETERS)
    for name in parameters:
        if name not in known:
            raise ConfigError(
                f"There is no parameter {name!r} of sampling.{closest(name, known)} The "
                f"parameters are {', '.join(known)}."
            )
    chosen = [
        {name: parameters[name] for name in names if name in parameters}
        for names in (SAMPLED_MODEL_PARAMETERS, own, TRAINING_PARAMETERS)
    ]
    config = TrainingConfig(**chosen[2])
    seed = resolve_seed(config.random_state)
    check("model", chosen[0].setdefault("model", "fm"), OneOf(KINDS), "sample")
    kind = ModelConfig(task="regression", **chosen[0])
    return kind, GibbsConfig(**chosen[1]), replace(config, random_state=seed)


def start_chain(
    kind: ModelConfig,
    schema: Schema,
    train: RowSubset,
    groups: Any,
    about: About,
    config: TrainingConfig,
) -> GibbsSampler:
    """Return a chain at its start, over rows with encoded targets."""
    n_classes = 0 if about.classes is None else len(about.classes)
    model = new_model(kind, None, schema, TargetMap("regression"), train, config)
    if n_classes:
        model = model.with_(bias=np.zeros(1, np.float32))
    if n_classes > 2:  # the cutpoints do what a bias would do
        model = model.with_(config=replace(kind, fit_intercept=False))
    return GibbsSampler(
        model,
        train.rows,
        feature_groups(groups, schema),
        n_classes=n_classes,
        seed=config.random_state,
    )


def run_chain(
    sampler: GibbsSampler,
    gibbs: GibbsConfig,
    config: TrainingConfig,
    train: RowSubset,
    about: About,
    followed: RunningPrediction | None,
) -> SamplingResult:
    """Sample, after a look at the memory that the kept samples take."""
    n_keep = gibbs.n_samples if gibbs.n_keep_samples is None else gibbs.n_keep_samples
    n_features = sampler.model.n_features
    check_memory(
        8 * n_keep * n_features * (1 + sampler.model.config.total_factors),
        f"Keeping {n_keep} samples of {n_features} features",
        "Keep fewer ('n_keep_samples'), or use fewer factors ('n_factors').",
    )
    n_threads = resolve_threads(config.n_jobs, train.n_rows)
    about = replace(
        about,
        trained_by=Settings(config, gibbs=gibbs),
        provenance=data_provenance(train, config.random_state),
    )
    return sampling.run(
        sampler, gibbs, followed, about, n_threads=n_threads, verbose=int(config.verbose)
    )


def levels_of(about: About) -> AnyArray | None:
    """Return the numbers that the classes stand for; None for regression."""
    if about.task == "regression":
        return None
    return np.array([0.0, 1.0] if about.task == "binary" else about.classes, np.float64)


def ordered_levels(target: Float32Array) -> AnyArray:
    """Return the different numbers of an ordinal target, ascending.

    Raises
    ------
    DataError
        If there is but one, or so many that they are no classes.
    """
    levels = np.unique(target).astype(np.float64)
    if not 2 <= len(levels) <= MAX_LEVELS:
        raise DataError(
            f"Ordered classes must be 2 to {MAX_LEVELS} different numbers. Got "
            f"{len(levels)}: numbers of any size are a regression."
        )
    return levels


def feature_groups(groups: Any, schema: Schema) -> UInt32Array:
    """Return the group of each feature, as numbers from 0 without gaps.

    Parameters
    ----------
    groups : array-like of shape (n_features,), "all" or None
        ``None``: the field.
    schema : Schema

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
        given = np.asarray(groups)
    if given.shape != (n,):
        raise ConfigError(
            f"The 'groups' parameter must be None, 'all', or hold one group per feature ({n} after "
            f"encoding). Got {groups!r:.100} of shape {given.shape}."
        )
    return np.unique(given, return_inverse=True)[1].astype(np.uint32)


def _encoded(
    part: RowSubset, task: str | None, schema: Schema
) -> tuple[RowSubset, TargetMap, About]:
    """Return the rows with targets as the sampler wants them, and what they mean."""
    if task == "ordinal":
        raw = tuple(float(level) for level in ordered_levels(part.target))
        names = schema.target_classes
        if names is not None:
            raise DataError(f"Ordered classes must be numbers. Got text ({names[0]!r}).")
        targets = TargetMap("multiclass", raw, raw)
    else:
        targets = infer_targets(part, task, schema.target_classes)
        task = targets.task
    if task == "multiclass":
        raise DataError(
            f"There are {len(targets.raw)} classes, and sampling knows two, or ordered numbers. "
            "Use fieldfare.train."
        )
    classes = None if targets.classes is None else list(targets.classes)
    return targets.encode(part), targets, About(task, schema, classes)
