"""The settings of a kernel, one small struct beside the arrays; and the shapes of these.

Parameters are plain arrays whose first axis is the feature, so that a growing table only appends.
With ``C`` outputs, ``k`` factors and ``F`` fields:

============  ============================  ===================================================
array         shape                         present
============  ============================  ===================================================
bias          float32[C]                    always; stays zero without ``fit_intercept``
linear        float32[n_features, C]        always; stays zero without ``fit_linear``
factors       float32[n_features, C, k]     models ``"fm"`` and ``"fwfm"``
factors       float32[n_features, C, F, k]  model ``"ffm"``
factors       float32[n_features, C, K]     model ``"hofm"``: the factors of order 2, then those of
                                            order 3, ...; K is the sum of their numbers
pair_weights  float32[C, F, F], symmetric   model ``"fwfm"``
============  ============================  ===================================================
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from fieldfare.config import ModelConfig, SolverConfig
from fieldfare.exceptions import ConfigError
from fieldfare.kinds.losses import loss_of
from fieldfare.kinds.models import FactorBlock, ModelKind
from fieldfare.kinds.solvers import Steps


class Units(NamedTuple):
    """Units of targets and rows, with which a step size means the same for all data."""

    target: float = 1.0
    """Standard deviation of the target."""
    row: float = 1.0
    """Root mean square of the Euclidean lengths of the rows."""
    factors: float = 1.0
    """What factors are divided by besides, see `fieldfare.Start`."""

    def of_weights(self, order: int) -> float:
        """Return the unit of weights that enter the score as products of ``order`` of them.

        Each is multiplied by a feature. With s the unit of the target and r that of rows, the unit
        is s^(1/order) / r, so that the products are in the unit of the target.
        """
        return float(self.target ** (1 / order) / self.row)

    def of_factors(self, order: int) -> float:
        """Return the unit of factors of an order, see `of_weights`."""
        return self.of_weights(order) / self.factors


NO_UNITS = Units()


@dataclass(frozen=True)
class Spec:
    """Everything, except the arrays, that determines what a kernel computes.

    Parameters
    ----------
    model : ModelConfig
    solver : SolverConfig
        For scoring only its loss and penalties are used.
    n_outputs : int
        Number of scores per sample, ``C``: 1 unless the loss is softmax.
    n_fields : int
        Number of fields, ``F``; 0 for models without fields.
    units : Units
        Units of targets and rows, see `rates`.

    Raises
    ------
    ConfigError
        If the loss does not belong to the task, or the number of penalties is not that of the
        model's orders.
    """

    model: ModelConfig
    solver: SolverConfig = field(default_factory=SolverConfig)
    n_outputs: int = 1
    n_fields: int = 0
    units: Units = NO_UNITS

    def __post_init__(self) -> None:
        loss_of(self.model.task, self.solver.loss)
        for name in ("l2_factors", "l1_factors"):
            value = getattr(self.solver, name)
            if isinstance(value, tuple) and len(value) != len(self.parts):
                orders = f", or one for each of its {len(self.parts)} orders" if self.parts else ""
                raise ConfigError(
                    f"The {name!r} parameter must be one number for this {self.model.model} "
                    f"model{orders}. Got {value!r}."
                )

    @property
    def kind(self) -> ModelKind:
        """The declaration of the kind of model."""
        return self.model.kind

    @property
    def loss(self) -> str:
        """Name of the loss: one of `LOSSES`. "pairwise" and "hinge" are losses of two rows."""
        return loss_of(self.model.task, self.solver.loss)

    @property
    def parts(self) -> tuple[FactorBlock, ...]:
        """The parts of a latent vector with rates of their own; empty if there is only one."""
        return self.model.factor_blocks if self.kind.by_order else ()

    @property
    def n_parts(self) -> int:
        """Number of groups of factors with rates of their own."""
        return max(1, len(self.parts))

    def rates(self, group: str, part: int = 0) -> Rates:
        """Return step size and penalties of ``"bias"``, ``"linear"``, ``"factors"`` or ``"pairs"``.

        The settings are meant for a model whose targets and rows are measured in ``units``. Here
        they are converted: a parameter with the unit u is u times as large as in that model. For a
        unit s of the target, the squared loss is s^2 times as large and its gradient s^2 / u times.
        Training is then the same whether targets and features are given in metres or millimetres.
        (This does not hold for factors that several orders share: their unit is that of the highest
        order and cannot suit them all.) The weights of pairs of fields have no unit.
        """
        solver = self.solver
        order = self.parts[part].highest if self.parts else 2
        unit, l2, l1 = {
            "bias": (self.units.target, 0.0, 0.0),
            "linear": (self.units.of_weights(1), solver.l2_linear, solver.l1_linear),
            "factors": (
                self.units.of_factors(order),
                _of_part(solver.l2_factors, part),
                _of_part(solver.l1_factors, part),
            ),
            "pairs": (1.0, solver.l2_fields, 0.0),
        }[group]
        gradient = self.units.target**2 / unit
        plain = solver.kind.steps is Steps.PLAIN
        return Rates(
            learning_rate=solver.learning_rate * (unit / gradient if plain else unit),
            l2=l2 * gradient / unit,
            l1=l1 * gradient,
            beta=solver.ftrl_beta * gradient,
            start=gradient**2 * (solver.ftrl_start if solver.kind.weights_from_state else 1.0),
        )


def _of_part(value: float | tuple[float, ...], part: int) -> float:
    return value[part] if isinstance(value, tuple) else value


class Rates(NamedTuple):
    """Step size and penalties of one group of parameters, in the units of that group."""

    learning_rate: float
    l2: float
    l1: float
    beta: float
    start: float
    """Initial value of the sums of squared gradients. Those of AdaGrad begin at one unit: the first
    step then has the length learning_rate * g / sqrt(1 + g^2), which is small for small gradients,
    as in libffm and xLearn. Those of FTRL begin at ftrl_start."""
