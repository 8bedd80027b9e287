"""The solvers, each declared once.

A declaration says what a solver takes and how it treats it. Whoever needs to know asks it, usually
through `SolverConfig.kind`, and compares no names. The class that runs a solver stands in
`fieldfare.solvers.registry`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from fieldfare.kinds.losses import TASKS
from fieldfare.kinds.models import MODEL_KINDS, InteractionForm, ModelKind


class Steps(Enum):
    """How far a solver moves a parameter at a time."""

    SOLVED = auto()
    """To its optimum: there is no learning rate."""
    PLAIN = auto()
    """By the learning rate times the gradient."""
    SCALED = auto()
    """By the learning rate times a gradient that is divided by the size of earlier ones."""


@dataclass(frozen=True)
class Defaults:
    """The hyperparameters whose default depends on the solver.

    The fields bear their names in `fieldfare.config`, where the default of each is ``"auto"``.
    """

    n_factors: int = 8
    learning_rate: float = 0.4
    max_iter: int = 20
    l2_linear: float = 1e-3
    l2_factors: float = 0.03
    l2_exponent: float = 0.5


@dataclass(frozen=True, eq=False)
class SolverKind:
    """What is true of a solver whatever its settings.

    Parameters
    ----------
    name : str
        As users write it: ``solver="adagrad"``.
    title : str
        In words.
    steps : Steps
        How far it moves a parameter at a time.
    interactions : frozenset of InteractionForm
        The models that it takes, by how their features interact.
    tasks : tuple of str
        The tasks that it takes.
    needs_all_rows : bool
        Whether an epoch needs all rows in memory at once, so that there is no ``partial_fit``.
    reads_side_tables : bool
        Whether it uses side tables as they are; for all others they are joined first.
    all_pairs : bool
        Whether it learns from all pairs of queries and items: rows are then interactions.
    races : bool
        Whether several threads learn at once without locks, so that the bits depend on how many
        there are.
    slots : int
        Numbers of state that it keeps for each weight.
    slots_per_vector : bool
        Whether the state of factors is one number for each latent vector instead.
    weights_from_state : bool
        Whether weights follow from the state, which has to be set to change them.
    penalises_visits : bool
        Whether it applies a penalty at each visit of a feature, rather than once for all visits.
    defaults : Defaults
        What ``"auto"`` means for it.
    """

    name: str
    title: str
    steps: Steps
    interactions: frozenset[InteractionForm] = frozenset(InteractionForm)
    tasks: tuple[str, ...] = TASKS
    needs_all_rows: bool = False
    reads_side_tables: bool = False
    all_pairs: bool = False
    races: bool = False
    slots: int = 0
    slots_per_vector: bool = False
    weights_from_state: bool = False
    penalises_visits: bool = True
    defaults: Defaults = Defaults()

    @property
    def takes_steps(self) -> bool:
        """Whether there is a learning rate, whose unit depends on the data."""
        return self.steps is not Steps.SOLVED

    @property
    def starts_at_unit(self) -> bool:
        """Whether the state begins at one unit of the squared gradient, see `Rates.start`."""
        return self.slots > 0 and not self.weights_from_state

    @property
    def model_kinds(self) -> tuple[str, ...]:
        """Names of the kinds of model that it takes."""
        return tuple(name for name, kind in MODEL_KINDS.items() if self.takes(kind))

    def takes(self, kind: ModelKind) -> bool:
        """Whether it trains models of a kind."""
        return kind.interactions in self.interactions


_COORDINATES = frozenset({InteractionForm.NONE, InteractionForm.PAIRS, InteractionForm.ALL_ORDERS})

ADAGRAD = SolverKind("adagrad", "AdaGrad", Steps.SCALED, races=True, slots=1)
ROWWISE_ADAGRAD = SolverKind(
    "rowwise_adagrad",
    "AdaGrad with one step size per latent vector",
    Steps.SCALED,
    races=True,
    slots=1,
    slots_per_vector=True,
)
SGD = SolverKind(
    "sgd", "stochastic gradient descent", Steps.PLAIN, defaults=Defaults(learning_rate=0.02)
)
FTRL = SolverKind(
    "ftrl",
    "FTRL-Proximal",
    Steps.SCALED,
    slots=2,
    weights_from_state=True,
    penalises_visits=False,
    defaults=Defaults(learning_rate=0.2, l2_linear=0.1, l2_factors=1.0, l2_exponent=0.0),
)
ALS = SolverKind(
    "als",
    "alternating least squares",
    Steps.SOLVED,
    interactions=_COORDINATES,
    tasks=("regression", "binary"),
    needs_all_rows=True,
    reads_side_tables=True,
    defaults=Defaults(l2_linear=20.0, l2_factors=20.0, l2_exponent=0.0),
)
SGDA = SolverKind(
    "sgda",
    "stochastic gradient descent that learns its L2 penalties",
    Steps.PLAIN,
    interactions=frozenset({InteractionForm.NONE, InteractionForm.PAIRS}),
    tasks=("regression", "binary"),
    needs_all_rows=True,
    # Its penalties are learned, from small ones.
    defaults=Defaults(learning_rate=0.02, l2_linear=1e-5, l2_factors=1e-4, l2_exponent=1.0),
)
NONSAMPLED = SolverKind(
    "nonsampled",
    "least squares over all pairs of queries and items, seen or not",
    Steps.SOLVED,
    interactions=frozenset({InteractionForm.PAIRS}),
    tasks=("rank",),
    needs_all_rows=True,
    all_pairs=True,
    # An order of all items needs more factors than a rating does.
    defaults=Defaults(n_factors=64, l2_exponent=1.0),
)
GIBBS = SolverKind(
    "gibbs",
    "Gibbs sampling",
    Steps.SOLVED,
    interactions=_COORDINATES,
    tasks=("regression", "binary", "ordinal"),
    needs_all_rows=True,
    reads_side_tables=True,
)
"""Draws the samples of a Posterior; not a value of ``solver=``."""

SOLVER_KINDS = {
    kind.name: kind for kind in (ADAGRAD, ROWWISE_ADAGRAD, SGD, FTRL, ALS, SGDA, NONSAMPLED)
}
"""What ``solver=`` may be."""
