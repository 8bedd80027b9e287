"""What a kernel is told: one small struct of scalars beside the arrays.

Parameters are plain arrays, feature-major so that a growing table only appends. With ``C`` outputs,
``k`` factors and ``F`` fields:

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

from dataclasses import dataclass
from typing import NamedTuple

from fieldfare.kinds.models import FactorBlock


class Units(NamedTuple):
    """What targets and rows are measured in, so that a step size means the same for all of them."""

    target: float = 1.0
    """Spread of the target."""
    row: float = 1.0
    """Length of a row: the root of the mean of its squared Euclidean length."""

    def of_weights(self, order: int) -> float:
        """Return the unit of the weights of which ``order`` are multiplied, each with a feature.

        With s the unit of the target and r that of rows it is s^(1/order) / r: products of as many
        weights and features are then in the unit of the target.
        """
        return float(self.target ** (1 / order) / self.row)


NO_UNITS = Units()


@dataclass(frozen=True)
class Spec:
    """Everything but the arrays that decides what a kernel computes.

    Parameters
    ----------
    model : str
        One of ``config.MODELS``.
    loss : {"squared", "logistic", "softmax", "pairwise", "hinge"}
        The last two are of pairs of rows.
    solver : str
        One of ``config.GRADIENT_SOLVERS`` for the kernels of one sample at a time.
    n_outputs : int
        Number of scores per sample, ``C``: 1 unless the loss is softmax.
    n_factors : int
        Length of a latent vector, ``k``; that of all its parts for hofm; ignored by the linear
        model.
    n_fields : int
        Number of fields, ``F``; used by models with fields only.
    fit_intercept, fit_linear : bool
        Whether the bias and the linear weights are part of the model.
    instance_norm : bool
        Whether each sample is divided by its Euclidean length first.
    learning_rate : float
    l2_linear, l2_factors, l1_linear, l1_factors : float
        Regularisation; L1 is used by FTRL only. Those of factors may be tuples, one number a part.
    ftrl_beta : float
        Smoothing of the FTRL step size.
    units : Units
        What targets and rows are measured in, see `rates`.
    parts : tuple of FactorBlock
        Used by hofm only: which factors serve which orders.
    """

    model: str
    loss: str
    solver: str
    n_outputs: int
    n_factors: int
    n_fields: int
    fit_intercept: bool
    fit_linear: bool
    instance_norm: bool
    learning_rate: float
    l2_linear: float
    l2_factors: float | tuple[float, ...]
    l1_linear: float
    l1_factors: float | tuple[float, ...]
    ftrl_beta: float
    units: Units = NO_UNITS
    parts: tuple[FactorBlock, ...] = ()

    @property
    def n_parts(self) -> int:
        """Number of groups of factors with rates of their own."""
        return max(1, len(self.parts))

    def rates(self, group: str, part: int = 0) -> Rates:
        """Return step size and penalties of ``"bias"``, ``"linear"``, ``"factors"`` or ``"pairs"``.

        They are those of a model of targets and rows measured in ``units``, put into the numbers
        of this one: its parameters are u times as large, so gradients of the squared loss, which is
        itself s^2 times as large for a unit s of the target, are s^2 / u times as large. Training
        is then the same whether targets and features are given in metres or in millimetres. (Not
        so for factors that orders share, which cannot suit them all: there t is the highest.) The
        weights of pairs of fields have no unit, and no penalty: there are few, and every sample
        moves them.
        """
        order = self.parts[part].highest if self.parts else 2
        unit, l2, l1 = {
            "bias": (self.units.target, 0.0, 0.0),
            "linear": (self.units.of_weights(1), self.l2_linear, self.l1_linear),
            "factors": (
                self.units.of_weights(order),
                _of_part(self.l2_factors, part),
                _of_part(self.l1_factors, part),
            ),
            "pairs": (1.0, 0.0, 0.0),
        }[group]
        gradient = self.units.target**2 / unit
        return Rates(
            learning_rate=self.learning_rate
            * (unit / gradient if self.solver in ("sgd", "sgda") else unit),
            l2=l2 * gradient / unit,
            l1=l1 * gradient,
            beta=self.ftrl_beta * gradient,
            start=gradient**2,
        )


def _of_part(value: float | tuple[float, ...], part: int) -> float:
    return value[part] if isinstance(value, tuple) else value


class Rates(NamedTuple):
    """Step size and penalties of one group of parameters, in its own units."""

    learning_rate: float
    l2: float
    l1: float
    beta: float
    start: float
    """Where AdaGrad's sums of squared gradients begin: at one unit. The first step then has the
    length learning_rate * g / sqrt(1 + g^2), small for small gradients, as in libffm and xLearn."""
