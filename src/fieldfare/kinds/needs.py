"""What a hyperparameter needs to have an effect: a kind of solver or model, or other settings.

Declared beside each parameter in `fieldfare.config`; `fieldfare.training.prepare.unused` reports
the parameters whose needs are not met.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from fieldfare.kinds.models import MODEL_KINDS, ModelKind
from fieldfare.kinds.solvers import SOLVER_KINDS, SolverKind


class Plan(Protocol):
    """What is known of a training before it begins."""

    model: ModelKind
    solver: SolverKind | None
    """None for samples of a posterior."""
    task: str
    early_stopping: bool
    """Whether training may stop early."""
    validated: bool
    """Whether there are validation data."""
    normalised: bool
    """Whether samples are scaled to unit length."""
    negatives: str | None
    compared: bool
    """Whether the user says which rows are compared."""
    limited: bool
    """Whether the rows are on disk, or take no more memory than they may."""


@dataclass(frozen=True)
class Need:
    """A condition, and the words for it that follow "is for".

    Parameters
    ----------
    words : str
        What the parameter is for.
    met : callable
        Whether a plan is so.
    """

    words: str
    met: Callable[[Plan], bool]


def _of_solver(has: Callable[[SolverKind], bool]) -> Need:
    names = [repr(name) for name, kind in SOLVER_KINDS.items() if has(kind)]
    return Need(
        f"solver={' or '.join(names)}", lambda plan: plan.solver is None or has(plan.solver)
    )


def _of_model(has: Callable[[ModelKind], bool]) -> Need:
    names = [repr(name) for name, kind in MODEL_KINDS.items() if has(kind)]
    return Need(f"model={' or '.join(names)}", lambda plan: has(plan.model))


STEPS = _of_solver(lambda kind: kind.takes_steps)
L1 = _of_solver(lambda kind: kind.weights_from_state)
PENALTIES = _of_solver(lambda kind: not kind.all_pairs)
ALL_PAIRS = _of_solver(lambda kind: kind.all_pairs)
VISITS = _of_solver(lambda kind: not kind.needs_all_rows)
FACTORS = _of_model(lambda kind: kind.has_factors)
ORDERS = _of_model(lambda kind: kind.by_order)
PAIR_WEIGHTS = _of_model(lambda kind: "pair_weights" in kind.parameters)
COMPARISONS = Need(
    "ranking by comparisons that are drawn",
    lambda plan: (
        plan.task == "rank" and not plan.compared and not (plan.solver and plan.solver.all_pairs)
    ),
)
NORMALISED = Need("instance_norm=True", lambda plan: plan.normalised)
NEGATIVES = Need("drawn 'negatives'", lambda plan: plan.negatives is not None)
POPULARITY = Need("negatives='popularity'", lambda plan: plan.negatives == "popularity")
STOPPING = Need("early stopping", lambda plan: plan.early_stopping)
HOLDING_OUT = Need(
    "early stopping without validation data",
    lambda plan: plan.early_stopping and not plan.validated,
)
VALIDATION = Need("validation", lambda plan: plan.early_stopping or plan.validated)
STORED = Need("training from disk", lambda plan: plan.limited)
