"""The solvers, by name."""

from __future__ import annotations

from fieldfare.config import SolverConfig
from fieldfare.models.base import Model
from fieldfare.solvers.als import AlsSolver
from fieldfare.solvers.gradient import Solver
from fieldfare.solvers.nonsampled import NonSampledSolver


def make_solver(
    model: Model, config: SolverConfig, *, seed: int
) -> Solver | AlsSolver | NonSampledSolver:
    """Return the solver that a configuration names, at the start of its work on a model."""
    if config.solver == "als":
        return AlsSolver(model, config, seed=seed)
    if config.solver == "nonsampled":
        return NonSampledSolver(model, config, seed=seed)
    return Solver(model, config, seed=seed)
