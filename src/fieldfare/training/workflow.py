"""The functional front door: train, go on training, predict and evaluate, from any kind of data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from fieldfare._typing import AnyArray, PathLike
from fieldfare._validation import OneOf, check, closest
from fieldfare.config import MODELS_WITH_FIELDS, ModelConfig, SolverConfig, TrainingConfig
from fieldfare.data.dataset import Dataset, RelatedDataset
from fieldfare.data.extend import extend
from fieldfare.data.loading import load, load_related
from fieldfare.exceptions import ConfigError
from fieldfare.metrics import default_metrics
from fieldfare.models.base import Model, check_model
from fieldfare.models.links import link
from fieldfare.models.registry import build, estimate_bytes
from fieldfare.schema.schema import Schema
from fieldfare.settings import Settings
from fieldfare.training.loop.callbacks import Callback
from fieldfare.training.loop.evaluation import evaluate_scores, score_part
from fieldfare.training.loop.run import FitResult, fit, resolve
from fieldfare.training.loop.session import Session
from fieldfare.training.prepare.provenance import stamped
from fieldfare.training.prepare.resources import check_memory
from fieldfare.training.prepare.row_subset import RowSubset
from fieldfare.training.prepare.targets import (
    TargetMap,
    class_weights,
    infer_targets,
    start_bias,
    targets_of,
)
from fieldfare.training.prepare.units import in_units, units_of
from fieldfare.training.ranking.recall import for_recall, labelled_interactions

TrainResult = FitResult
OUTPUTS = ("prediction", "score", "label", "proba")
ROLES = ("schema", "target", "weight", "group", "fields")


def train(
    data: Any,
    *,
    valid: Any = None,
    model: str | Model = "fm",
    task: str | None = None,
    callbacks: Sequence[Callback] = (),
    resume: PathLike | None = None,
    **parameters: Any,
) -> TrainResult:
    """Train a model on any kind of data.

    Parameters
    ----------
    data : path, paths, table, array, Rows or Dataset
        Whatever `fieldfare.data.loading.load` takes. With targets.
    valid : the same, optional
        Validation data. Columns are read as the training data taught.
    model : {"linear", "fm", "ffm", "fwfm", "hofm"} or Model
        Kind of model; or a model to go on from, whose tables grow with new feature
        ids. It is trained on with fresh optimiser state (a `Session` keeps it).
    task : {"regression", "binary", "multiclass", "rank"}, optional
        What to predict. By default two distinct targets make a binary task, text targets with more
        classes a multiclass task, and anything else a regression. ``"rank"`` needs a group.
    callbacks : sequence of Callback
        Called in this order.
    resume : path, optional
        Checkpoint to go on from, with the data and parameters of the run that wrote it.
    **parameters
        ``schema``, ``target``, ``weight``, ``group`` and ``fields`` say how to read the data, as
        in `fieldfare.data.loading.load`; ``pairs``, an integer array of shape (n_pairs, 2), says
        for ranking which rows to compare, the better one first, in place of groups; all others are
        hyperparameters, the fields of `ModelConfig`, `SolverConfig` and `TrainingConfig`.

    Returns
    -------
    TrainResult
        With ``model``, ``history`` and ``interrupted``.

    Raises
    ------
    ConfigError
        If a parameter is unknown or has a value that is not allowed.
    DataError
        If the data cannot be used.
    TrainingError
        If there is nothing to learn, or training cannot go on.
    ResourceError
        If the model would not fit into memory.

    Examples
    --------
    >>> from fieldfare.training.workflow import train
    >>> table = {"user": ["a", "b"] * 50, "item": ["x", "y"] * 50, "liked": [1, 0] * 50}
    >>> result = train(table, target="liked", model="fm", n_factors=2, random_state=0)
    >>> result.model.n_outputs
    1
    """
    roles = {name: parameters.pop(name) for name in ROLES if name in parameters}
    pairs = parameters.pop("pairs", None)
    kind, solver, config = read_parameters(parameters)
    plan = _Plan(solver, config, resolve(config, resume), tuple(callbacks), resume)
    if isinstance(model, Model):
        _check_same_kind(model, kind | ({} if task is None else {"task": task}))
        return _go_on(model, data, valid, roles, plan)
    recalls = for_recall(solver, plan.config)
    # Only coordinate descent works on side tables that are not joined.
    read = load_related if solver.solver == "als" else load
    dataset = read(data, **roles | ({} if pairs is None and not recalls else {"labelled": None}))
    raw = RowSubset.of(dataset) if pairs is None else RowSubset.of(dataset).with_pairs(pairs)
    if recalls:
        raw = labelled_interactions(raw)
    targets = infer_targets(raw, task, dataset.schema.target_classes)
    part = targets.encode(raw)
    held = _validation(valid, dataset.schema, targets, recalls=recalls)
    chosen = ModelConfig(model=model, task=targets.task, **kind)
    new = new_model(chosen, solver, dataset.schema, targets, part, plan.config)
    return _fit(new, dataset, part, held, plan)


def predict(
    model: Model, data: Any, *, output: str = "prediction", n_jobs: int | None = None, **roles: Any
) -> AnyArray:
    """Predict for any kind of data, read with the model's Schema.

    Parameters
    ----------
    model : Model
        A trained model.
    data : path, paths, table, array, Rows or Dataset
        Targets are not needed and not used.
    output : {"prediction", "score", "label", "proba"}
        What to return, see below.
    n_jobs : int, optional
        Threads; every core by default. The result does not depend on it.
    **roles
        ``weight`` and ``group`` name columns of a table, as in training.

    Returns
    -------
    array
        ``"prediction"``: a number each (regression, rank), the probability of the second class
        (binary) or of every class, shape (n_rows, n_classes) (multiclass). ``"score"``: raw scores,
        shape (n_rows,) or (n_rows, n_classes). ``"label"``: the most likely class.
        ``"proba"``: the probability of every class, shape (n_rows, n_classes).

    Raises
    ------
    ConfigError
        If the output is unknown, or does not exist for the task.
    """
    check_model(model, "predict")
    task = model.config.task
    allowed = OUTPUTS if task in ("binary", "multiclass") else OUTPUTS[:2]
    check("output", output, OneOf(allowed), f"predict for a {task} model")
    # Numbered features come as text in which the label's place tells; a table just lacks a column.
    labelled = None if model.schema is None or model.schema.is_indexed else False
    part = RowSubset.of(load(data, **{"schema": model.schema, "labelled": labelled} | roles))
    scores = score_part(model, part, n_jobs)
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


def evaluate(
    model: Model,
    data: Any,
    metrics: str | Sequence[str] | None = None,
    *,
    n_jobs: int | None = None,
    **roles: Any,
) -> dict[str, float]:
    """Measure a model on labelled data of any kind.

    Parameters
    ----------
    model : Model
        A trained model.
    data : path, paths, table, array, Rows or Dataset
        With targets; unknown features are ignored.
    metrics : str or sequence of str, optional
        Names; by default those usual for the task.
    n_jobs : int, optional
        Threads; every core by default.
    **roles
        ``target``, ``weight`` and ``group`` name columns of a table, as in training.

    Returns
    -------
    dict
        ``"loss"`` (mean squared error or mean negative log likelihood, with sample weights; for
        ranking that of the order of pairs), then each metric by name.
    """
    check_model(model, "evaluate")
    task = model.config.task
    names = [metrics] if isinstance(metrics, str) else metrics or default_metrics(task)
    part = targets_of(model).encode(RowSubset.of(load(data, **{"schema": model.schema} | roles)))
    scores = score_part(model, part, n_jobs)
    return evaluate_scores(task, scores, part, names)


def read_parameters(
    parameters: Mapping[str, Any],
) -> tuple[dict[str, Any], SolverConfig, TrainingConfig]:
    """Sort hyperparameters into their groups.

    Returns
    -------
    model : dict
        Parameters of `ModelConfig`; the task may still have to be found out.
    solver : SolverConfig
    training : TrainingConfig

    Raises
    ------
    ConfigError
        If a name is unknown; the message names the nearest.
    """
    groups = (ModelConfig, SolverConfig, TrainingConfig)
    names = [{item.name for item in fields(group)} for group in groups]
    known = set().union(*names)
    for name in parameters:
        if name not in known:
            raise ConfigError(
                f"There is no parameter {name!r}.{closest(name, known | set(ROLES))} The "
                f"parameters are {', '.join(sorted(known))}."
            )
    chosen = [{name: parameters[name] for name in own & set(parameters)} for own in names]
    return chosen[0], SolverConfig(**chosen[1]), TrainingConfig(**chosen[2])


def new_model(
    kind: ModelConfig,
    solver: SolverConfig | None,
    schema: Schema,
    targets: TargetMap,
    part: RowSubset,
    config: TrainingConfig,
) -> Model:
    """Return an untrained model for encoded rows, with the best constant as its bias.

    The solver is the one that it is made for, ``None`` if that is none of the library's own.

    Raises
    ------
    ConfigError
        If a model that uses fields is asked for and the data have none.
    ResourceError
        If training it would take more memory than there is.
    """
    if kind.model in MODELS_WITH_FIELDS and schema.n_fields == 0:
        raise ConfigError(
            f"A model that uses fields (model={kind.model!r}) needs data with fields: tables, "
            "where each column is a field, or libffm text. These data have none. Use model='fm'."
        )
    sizes = {
        "n_features": schema.n_features,
        "n_fields": schema.n_fields,
        "n_outputs": targets.n_outputs,
    }
    check_memory(
        estimate_bytes(kind, solver, **sizes),
        f"A {kind.model} model of {schema.n_features} features",
        "Use fewer factors ('n_factors'), a higher minimum count or hashing for wide columns, or a "
        "model of a smaller kind.",
    )
    classes = None if targets.classes is None else list(targets.classes)
    units = units_of(kind, part, solver, config.memory_limit)
    model = build(
        kind,
        **sizes,
        seed=config.random_state,
        schema=schema,
        classes=classes,
        units=units,
    )
    if not kind.fit_intercept:
        return model
    weights = class_weights(config.class_weight, kind.task, classes, part)
    return model.with_(bias=start_bias(kind.task, targets.n_outputs, part, weights))


@dataclass(frozen=True)
class _Plan:
    """How to train: what `train` was told besides data and model."""

    solver: SolverConfig
    given: TrainingConfig
    config: TrainingConfig
    callbacks: tuple[Callback, ...]
    resume: PathLike | None


def _fit(
    model: Model,
    dataset: Dataset | RelatedDataset,
    part: RowSubset,
    valid: RowSubset | None,
    plan: _Plan,
) -> TrainResult:
    """Train a model on encoded rows, and note in it how it came about."""
    result = fit(model, plan.solver, part, valid, plan.config, plan.callbacks, plan.resume)
    settings = Settings(plan.given, plan.solver)
    seed = plan.config.random_state
    model = stamped(result.model, result.history, dataset, valid, settings, seed)
    return FitResult(model, result.history)


def _go_on(model: Model, data: Any, valid: Any, roles: dict[str, Any], plan: _Plan) -> TrainResult:
    """Train a model further, after adding the features that only the new data have."""
    if for_recall(plan.solver, plan.config):
        roles = {"labelled": None} | roles
    dataset = extend(schema_of(model), data, **roles)
    targets = targets_of(model)
    recalls = for_recall(plan.solver, plan.config)
    held = _validation(valid, dataset.schema, targets, recalls=recalls)
    part = targets.encode(
        labelled_interactions(RowSubset.of(dataset)) if recalls else RowSubset.of(dataset)
    )
    start = in_units(model, part, plan.solver, plan.config.memory_limit)
    session = Session(start, plan.solver, plan.config)
    session.grow(dataset.schema.n_features, dataset.schema)
    return _fit(session.model, dataset, part, held, plan)


def schema_of(model: Model) -> Schema:
    """Return the Schema of a model; one made without has numbered features."""
    schema: Schema | None = model.schema
    return schema or Schema.indexed(model.n_features, model.n_fields)


def _validation(
    valid: Any, schema: Schema, targets: TargetMap, *, recalls: bool = False
) -> RowSubset | None:
    """Read validation data, with targets encoded as those of the training data."""
    if valid is None:
        return None
    part = RowSubset.of(load(valid, schema=schema, labelled=None if recalls else True))
    return targets.encode(labelled_interactions(part) if recalls else part)


def _check_same_kind(model: Model, asked: Mapping[str, Any]) -> None:
    """Refuse to go on from a model with a configuration that it does not have."""
    for name, value in asked.items():
        own = getattr(model.config, name)
        if own != (tuple(value) if isinstance(value, list) else value):
            raise ConfigError(
                f"The model to go on from has {name}={own!r}, which cannot change. Got "
                f"{name}={value!r}: leave it out, or train a new model."
            )
