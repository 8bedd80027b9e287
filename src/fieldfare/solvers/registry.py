"""The solvers, by name."""

from __future__ import annotations

from fieldfare.config import SolverConfig
from fieldfare.models.base import Model
from fieldfare.solvers.als import AlsSolver
from fieldfare.solvers.gradient import Solver


def make_solver(model: Model, config: SolverConfig, *, seed: int) -> Solver | AlsSolver:
    """Return the solver that a configuration names, at the start of its work on a model."""
    solver_class = AlsSolver if config.solver == "als" else Solver
    return solver_class(model, config, seed=seed)
