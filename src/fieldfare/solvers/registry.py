"""The solvers, by name."""

from __future__ import annotations

from fieldfare.config import SolverConfig
from fieldfare.models.base import Model
from fieldfare.solvers.als import AlsSolver
from fieldfare.solvers.gradient import Solver
from fieldfare.solvers.nonsampled import NonSampledSolver
from fieldfare.solvers.sgda import SgdaSolver
from fieldfare.solvers.tables import TableSolver

AnySolver = Solver | TableSolver
_CLASSES: dict[str, type[AnySolver]] = {
    "als": AlsSolver,
    "sgda": SgdaSolver,
    "nonsampled": NonSampledSolver,
}


def make_solver(model: Model, config: SolverConfig, *, seed: int) -> AnySolver:
    """Return the solver that a configuration names, at the start of its work on a model."""
    return _CLASSES.get(config.solver, Solver)(model, config, seed=seed)
