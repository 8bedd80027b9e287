"""Settings without effect: hyperparameters that were set, and that this training does not use."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

from fieldfare.config import Config, ModelConfig
from fieldfare.exceptions import SettingWarning
from fieldfare.kinds.models import ModelKind
from fieldfare.kinds.needs import Need
from fieldfare.kinds.solvers import GIBBS, SolverKind
from fieldfare.rows import Rows
from fieldfare.settings import Settings
from fieldfare.training.samples.subset import RowSubset


@dataclass(frozen=True)
class TrainingPlan:
    """What the needs of hyperparameters are held against, see `fieldfare.kinds.needs.Plan`."""

    model: ModelKind
    solver: SolverKind | None
    task: str
    early_stopping: bool
    validated: bool
    normalised: bool
    negatives: str | None
    compared: bool
    limited: bool


def warn_of_unused(
    config: ModelConfig,
    settings: Settings,
    train: RowSubset,
    *,
    validated: bool,
    n_fields: int,
    once: bool = False,
) -> None:
    """Warn of hyperparameters that differ from their defaults and have no effect, in one line.

    Parameters
    ----------
    config : ModelConfig
        Of the model.
    settings : Settings
        Of the training.
    train : RowSubset
        The training rows.
    validated : bool
        Whether there are validation data.
    n_fields : int
        Fields of the data.
    once : bool
        Whether the rows are visited once: what says how training ends is then for other calls.
    """
    training = settings.training
    plan = TrainingPlan(
        model=config.kind,
        solver=None if settings.solver is None else settings.solver.kind,
        task=config.task,
        early_stopping=once or training.early_stopping is not False,
        validated=validated,
        normalised=config.instance_norm,
        negatives=training.negatives,
        compared=train.comparisons is not None,
        limited=train.store is not None or _size(train) <= (training.memory_limit or math.inf),
    )
    groups = (config, training, settings.solver)
    found = [
        f"{name}={value!r} (it is for {need.words})"
        for group in groups
        if group is not None
        for name, value, need in _unused(group, plan)
    ]
    if config.kind.uses_fields and n_fields == 1:
        found.append(f"model={config.model!r} (it is for data of several fields; these have one)")
    if found:
        warnings.warn(
            SettingWarning(f"Settings without effect: {', '.join(found)}. Leave them out."),
            stacklevel=2,
        )


def _size(train: RowSubset) -> float:
    """Return the megabytes of the rows, without those of side tables."""
    rows = train.rows
    return (rows if isinstance(rows, Rows) else rows.own).nbytes / 10**6


def warn_of_fixed(*groups: tuple[Config, Config]) -> None:
    """Warn of hyperparameters that were changed and stay as they are while training continues.

    Parameters
    ----------
    *groups : (Config, Config)
        What the training that continues has, and what is asked for now.
    """
    found = [
        f"{item.name}={getattr(now, item.name)!r} (it stays {getattr(before, item.name)!r})"
        for before, now in groups
        for item in fields(before)
        if getattr(before, item.name) != getattr(now, item.name)
    ]
    if found:
        warnings.warn(
            SettingWarning(
                f"Settings that do not change while training continues: {', '.join(found)}. Train "
                "a new model to use them."
            ),
            stacklevel=2,
        )


def _unused(group: Config, plan: TrainingPlan) -> Iterator[tuple[str, Any, Need]]:
    """Yield the parameters of a group that were set, with the first need that is not met."""
    for item in fields(group):
        value = getattr(group, item.name)
        usual = item.default
        if usual == "auto":
            usual = getattr((plan.solver or GIBBS).defaults, item.name, usual)
        if value in (item.default, usual):
            continue
        unmet = next((need for need in item.metadata["needs"] if not need.met(plan)), None)
        if unmet is not None:
            yield item.name, value, unmet
