"""The solvers, by name."""

from __future__ import annotations

from fieldfare.config import SolverConfig
from fieldfare.models.base import Model
from fieldfare.solvers.als import AlsSolver
from fieldfare.solvers.gradient import Solver
from fieldfare.solvers.sgda import SgdaSolver
from fieldfare.solvers.tables import TableSolver


def make_solver(model: Model, config: SolverConfig, *, seed: int) -> Solver | TableSolver:
    """Return the solver that a configuration names, at the start of its work on a model."""
    table_solvers = {"als": AlsSolver, "sgda": SgdaSolver}
    solver_class: type[Solver | TableSolver] = table_solvers.get(config.solver, Solver)
    return solver_class(model, config, seed=seed)
