"""The solvers, by name."""

from __future__ import annotations

from fieldfare.config import SolverConfig
from fieldfare.models.base import Model
from fieldfare.solvers.als import AlsSolver
from fieldfare.solvers.base import Solver
from fieldfare.solvers.gradient import GradientSolver
from fieldfare.solvers.nonsampled import NonSampledSolver
from fieldfare.solvers.scaled import ScaledSolver
from fieldfare.solvers.sgda import SgdaSolver

SOLVER_CLASSES: dict[str, type[Solver]] = {
    kind.name: solver
    for solver in (GradientSolver, AlsSolver, SgdaSolver, NonSampledSolver)
    for kind in solver.runs
}
"""The class that runs each of `fieldfare.kinds.solvers.SOLVER_KINDS`."""


def make_solver(model: Model, config: SolverConfig, *, seed: int) -> Solver:
    """Return the solver that a configuration names, at the start of its work on a model.

    It trains on scaled values if the model says how they are scaled.
    """
    chosen = SOLVER_CLASSES[config.solver]
    if model.scaling is None:
        return chosen(model, config, seed=seed)
    scaling = model.scaling.grown(model.n_features)
    return ScaledSolver(chosen(scaling.unfold(model), config, seed=seed), scaling)
