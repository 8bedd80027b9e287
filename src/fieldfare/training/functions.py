"""The functions that users call: train, predict and evaluate, with any kind of data."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fieldfare._arguments import checked
from fieldfare._typing import AnyArray, PathLike
from fieldfare._validation import OneOf, check
from fieldfare.config import ModelConfig, SolverConfig, TrainingConfig
from fieldfare.data.dataset import AnyDataset
from fieldfare.data.loading import extend, load, read_dataset
from fieldfare.data.road import Options
from fieldfare.data.unseen import warn_of_unseen
from fieldfare.exceptions import ConfigError, DataWarning
from fieldfare.metrics import compute, default_metrics, listed
from fieldfare.models.base import FittedEstimator, Model, model_of
from fieldfare.models.links import link
from fieldfare.models.posterior import Posterior
from fieldfare.schema.hints import HINTS
from fieldfare.schema.schema import Schema
from fieldfare.settings import TRAINED, Settings, check_names, names_of
from fieldfare.settings import read as read_group
from fieldfare.sources.files import are_files
from fieldfare.sources.reading import PARAMETERS, only_reading, without_reading
from fieldfare.training.job import Job, read
from fieldfare.training.judging.undefined import undefined
from fieldfare.training.loop.callbacks import Callback, check_callbacks
from fieldfare.training.loop.evaluation import evaluate_scores, score_subset
from fieldfare.training.loop.run import FitResult
from fieldfare.training.loop.session import seed_of
from fieldfare.training.prepare.held_out import split_by_of
from fieldfare.training.prepare.start import Start
from fieldfare.training.prepare.targets import targets_of
from fieldfare.training.samples.subset import RowSubset

TrainResult = FitResult
OUTPUTS = ("prediction", "score", "label", "proba")
ROLES = ("schema", "target", "weight", "group", "fields", *HINTS, *PARAMETERS)


@checked
def train(
    data: Any,
    *,
    valid: Any = None,
    model: str | Model | FittedEstimator = "fm",
    task: str | None = None,
    start: Start | None = None,
    callbacks: Sequence[Callback] = (),
    resume: PathLike | None = None,
    **parameters: Any,
) -> TrainResult:
    """Train a model on any kind of data.

    Parameters
    ----------
    data : path, paths, table, array, Rows or Dataset
        Whatever `fieldfare.load_data` takes. With targets.
    valid : the same, optional
        Validation data. They are read with the Schema of the training data.
    model : {"linear", "fm", "ffm", "fwfm", "hofm"}, Model or fitted estimator
        Kind of model; or a model to continue from, whose tables grow by new features. The
        state of its solver is continued from if the model holds it (``keep_state=True`` when it
        was trained) and the settings of the solver are the same, and starts afresh otherwise.
    task : {"regression", "binary", "multiclass", "rank"}, optional
        What to predict. By default two distinct targets make a binary task, text targets with more
        classes a multiclass task, and anything else a regression. ``"rank"`` needs a group.
    start : Start, optional
        How the training of a new model starts, where that is not left to the data.
    callbacks : sequence of Callback
        Called in this order.
    resume : path, optional
        Checkpoint to resume from, with the data and parameters of the run that wrote it.
    **parameters
        ``schema``, ``target``, ``weight``, ``group``, ``fields``, ``categorical``, ``numeric``,
        ``ignore``, ``bins``, ``na_values``, ``format``, ``header``, ``names``, ``sep`` and
        ``encoding`` say how to read the data, as in `fieldfare.load_data`, and the last five also
        how to read a file of validation data; ``pairs``, an integer array of shape (n_pairs, 2),
        says for ranking which rows to compare, the better one first, in place of groups; all others
        are hyperparameters, the fields of `ModelConfig`, `SolverConfig` and `TrainingConfig`. They
        mean the same whether the model is new or not.

    Returns
    -------
    TrainResult
        With ``model``, ``history`` and ``interrupted``.

    Raises
    ------
    ConfigError
        If a parameter is unknown or has a value that is not allowed, or differs from what the model
        to continue from has.
    DataError
        If the data cannot be used.
    TrainingError
        If there is nothing to learn, or training cannot continue.
    ResourceError
        If the model would not fit into memory.

    Examples
    --------
    >>> from fieldfare import train
    >>> table = {"user": ["a", "b"] * 50, "item": ["x", "y"] * 50, "liked": [1, 0] * 50}
    >>> result = train(table, target="liked", model="fm", n_factors=2, random_state=0)
    >>> result.model.n_outputs
    1
    """
    roles = {name: parameters.pop(name) for name in ROLES if name in parameters}
    roles, form = shared_form(roles, data, valid)
    pairs = parameters.pop("pairs", None)
    settings = read_settings(parameters)
    if pairs is not None or settings.for_recall:
        roles = {"labelled": None} | roles
    check_callbacks(callbacks, {"data": data, "valid": valid}, resume)
    roles["split_by"] = split_by_of(settings.training, has_validation=valid is not None)
    origin: ModelConfig | Model
    if not isinstance(model, str):
        if start is not None:
            raise ConfigError(
                "A Start is for new models, and this call continues from one. Leave out start."
            )
        model = model_of(model, "train")
        _check_same_kind(model, parameters, task)
        origin, targets = model, targets_of(model)
        dataset = _extended(model, data, {"n_threads": settings.training.n_jobs} | roles)
    else:
        origin, targets = read_group(ModelConfig, parameters, model=model), None
        dataset = read(data, settings, **roles)
    seed = None if resume is None else seed_of(settings.training, resume)
    held_out = None if valid is None else _read_validation(valid, dataset.schema, settings, form)
    job = Job.of(
        dataset,
        settings,
        targets=targets,
        task=task,
        valid=held_out,
        comparisons=pairs,
        seed=seed,
    )
    if isinstance(origin, ModelConfig):
        job.told()
    elif origin.progress is not None:
        job = job.weighed_in(origin.progress.weight_unit)
    return job.run(job.start(origin, start), callbacks, resume=resume, last=True)


@checked
def predict(
    model: Model | FittedEstimator | Posterior,
    data: Any,
    *,
    output: str = "prediction",
    n_jobs: int | None = None,
    **roles: Any,
) -> AnyArray:
    """Predict for any kind of data, read with the model's Schema.

    Parameters
    ----------
    model : Model, Posterior or fitted estimator
        A trained model, or samples of one, whose predictions are averaged.
    data : path, paths, table, array, Rows or Dataset
        Targets are not needed and not used.
    output : {"prediction", "score", "label", "proba"}
        What to return, see below.
    n_jobs : int, optional
        Threads; every core by default. The result does not depend on it.
    **roles
        ``weight`` and ``group`` name columns of a table, and ``format``, ``header``, ``names`` and
        ``sep`` say how to read a file, as in training.

    Returns
    -------
    array
        ``"prediction"``: float32[n_rows], a number (regression, rank) or the probability of the
        second class (binary); multiclass: float32[n_rows, n_classes], the probability of each
        class. ``"score"``: raw scores, float32[n_rows], multiclass float32[n_rows, n_classes].
        ``"label"``: the most likely class, of shape (n_rows,) and the type of the classes.
        ``"proba"``: float32[n_rows, n_classes], the probability of each class. A posterior has
        ``"prediction"`` and, for classes, ``"proba"``, in float64.

    Raises
    ------
    ConfigError
        If the output is unknown, or does not exist for the task.
    """
    model = getattr(model, "posterior_", model)
    if isinstance(model, Posterior):
        return _predict_posterior(model, data, output, n_jobs, roles)
    model = model_of(model, "predict")
    task = model.config.task
    allowed = OUTPUTS if task in ("binary", "multiclass") else OUTPUTS[:2]
    check("output", output, OneOf(allowed), f"predict for a {task} model")
    # Whether numbered features in text are labelled, the text itself tells; of tables, the target
    # is not even looked for.
    labelled = None if model.schema is None or model.schema.is_indexed else False
    options = {"schema": model.schema, "labelled": labelled, "n_threads": n_jobs} | roles
    rows = RowSubset.of(load(data, **options))
    warn_of_unseen(rows.rows, model.schema)
    scores = score_subset(model, rows, n_jobs)
    if output == "score":
        return scores if task == "multiclass" else scores[:, 0]
    found = link(task, scores)
    if output == "prediction":
        return found
    proba = np.column_stack([1 - found, found]) if task == "binary" else found
    if output == "proba":
        return proba
    labels: AnyArray = np.asarray(targets_of(model).classes)[np.argmax(proba, axis=1)]
    return labels


@checked
def evaluate(
    model: Model | FittedEstimator | Posterior,
    data: Any,
    metrics: str | Sequence[str] | None = None,
    *,
    n_jobs: int | None = None,
    **roles: Any,
) -> dict[str, float]:
    """Measure a model on labelled data of any kind.

    Parameters
    ----------
    model : Model, Posterior or fitted estimator
        A trained model, or samples of one, whose averaged predictions are measured.
    data : path, paths, table, array, Rows or Dataset
        With targets; unknown features are ignored.
    metrics : str or sequence of str, optional
        Names, in letters of either case; one text may hold several, as in ``"auc,logloss"``. By
        default those usual for the task.
    n_jobs : int, optional
        Threads; every core by default.
    **roles
        ``target``, ``weight`` and ``group`` name columns of a table, and ``format``, ``header``,
        ``names`` and ``sep`` say how to read a file, as in training.

    Returns
    -------
    dict
        For a model ``"loss"`` (mean squared error or mean negative log likelihood, with sample
        weights; for ranking that of the comparisons of each group), then each metric by name.

    Raises
    ------
    ConfigError
        If it is no model, or a metric is unknown.
    DataError
        If the data cannot be used, or have no targets.
    """
    model = getattr(model, "posterior_", model)
    if isinstance(model, Posterior):
        return _evaluate_posterior(model, data, metrics, n_jobs, roles)
    model = model_of(model, "evaluate")
    names = listed(metrics or default_metrics(model.task))
    options = {"schema": model.schema, "n_threads": n_jobs} | roles
    rows = targets_of(model).encode(RowSubset.of(load(data, **options)))
    warn_of_unseen(rows.rows, model.schema)
    return _told(evaluate_scores(model.task, score_subset(model, rows, n_jobs), rows, names))


def _predict_posterior(
    posterior: Posterior, data: Any, output: str, n_jobs: int | None, roles: Mapping[str, Any]
) -> AnyArray:
    allowed = ("prediction",) if posterior.task == "regression" else ("prediction", "proba")
    check("output", output, OneOf(allowed), f"predict for a {posterior.task} posterior")
    labelled = None if posterior.schema is None or posterior.schema.is_indexed else False
    options = {"schema": posterior.schema, "labelled": labelled, "n_threads": n_jobs} | dict(roles)
    rows = RowSubset.of(load(data, **options)).joined
    warn_of_unseen(rows, posterior.schema)
    if output == "proba":
        return posterior.probabilities(rows, n_jobs)
    return posterior.predict(rows, n_jobs)


def _evaluate_posterior(
    posterior: Posterior,
    data: Any,
    metrics: str | Sequence[str] | None,
    n_jobs: int | None,
    roles: Mapping[str, Any],
) -> dict[str, float]:
    options = {"schema": posterior.schema, "n_threads": n_jobs} | dict(roles)
    rows = RowSubset.of(read_dataset(data, Options.of(**options, join=False)))
    warn_of_unseen(rows.rows, posterior.schema)
    # Ordered classes are measured as the numbers that they are.
    task = "binary" if posterior.task == "binary" else "regression"
    names = listed(metrics or default_metrics(task))
    if task == "binary":
        rows = targets_of(posterior).encode(rows)
    predicted = np.concatenate([posterior.predict(block, n_jobs) for block in rows.blocks()])
    found = compute(names, rows.target, predicted, weight=rows.weight, group=rows.group)
    return _told({name: float(value) for name, value in found.items()})


def _told(figures: dict[str, float]) -> dict[str, float]:
    """Return figures; warn of those that are not defined."""
    lacking = [name for name, value in figures.items() if math.isnan(value)]
    if lacking:
        warnings.warn(DataWarning(undefined(lacking, "these rows")), stacklevel=3)
    return figures


def read_settings(
    parameters: Mapping[str, Any], owner: str = "train", others: Sequence[str] = ("valid", "task")
) -> Settings:
    """Return the settings of a training out of the keywords of a function.

    Parameters
    ----------
    parameters : mapping from str to value
        The keywords.
    owner : str
        The function.
    others : sequence of str
        What the function takes besides the names of columns, to suggest where one is meant.

    Raises
    ------
    ConfigError
        If a name is unknown, where the message names the nearest, or a value is not allowed.
    """
    check_names(parameters, TRAINED, owner, (*ROLES, *others))
    return Settings(read_group(TrainingConfig, parameters), read_group(SolverConfig, parameters))


def schema_of(model: Model) -> Schema:
    """Return the Schema of a model; one made without has numbered features."""
    return model.schema or Schema.indexed(model.n_features, model.n_fields)


def _extended(model: Model, data: Any, roles: Mapping[str, Any]) -> AnyDataset:
    """Read data with the Schema of a model, extended by the features that only they have."""
    known, given = schema_of(model), roles.get("schema")
    if given is not None and not isinstance(given, Schema):
        raise ConfigError(
            f"schema must be a fieldfare.Schema or None. Got {type(given).__name__}: name columns "
            "with target, categorical and the like."
        )
    if given is not None and given.columns != known.columns:
        raise ConfigError(
            "The model to continue from has a Schema of its own, and the given one has other "
            "columns. Leave schema out, or train a new model."
        )
    return extend(known, data, **{name: role for name, role in roles.items() if name != "schema"})


def shared_form(
    roles: Mapping[str, Any], data: Any, valid: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the keywords to read the data with, and those to read the validation data with.

    The form of files that the user gives holds for both where both are files.
    """
    if not are_files(valid):
        return dict(roles), {}
    own = dict(roles) if are_files(data) else without_reading(roles)
    return own, only_reading(roles)


def _read_validation(
    valid: Any, schema: Schema, settings: Settings, form: Mapping[str, Any]
) -> AnyDataset:
    labelled = None if settings.for_recall else True
    return read(valid, settings, schema=schema, labelled=labelled, **form)


def _check_same_kind(model: Model, parameters: Mapping[str, Any], task: str | None) -> None:
    """Refuse to continue from a model with a configuration that it does not have."""
    names = (name for name in names_of(ModelConfig) if parameters.get(name, "auto") != "auto")
    asked = {name: parameters[name] for name in names}
    for name, value in (asked | ({} if task is None else {"task": task})).items():
        own = getattr(model.config, name)
        if own != (tuple(value) if isinstance(value, list) else value):
            raise ConfigError(
                f"The model to continue from has {name}={own!r}, which cannot change. Got "
                f"{name}={value!r}: leave it out, or train a new model."
            )
