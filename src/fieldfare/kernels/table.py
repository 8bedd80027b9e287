"""What a kernel is told: one small struct of scalars beside the arrays.

Parameters are plain arrays, feature-major so that a growing table only appends. With ``C`` outputs,
``k`` factors and ``F`` fields:

========  =====================================  ==============================================
array     shape                                  present
========  =====================================  ==============================================
bias      float32[C]                             always; stays zero without ``fit_intercept``
linear    float32[n_features, C]                 always; stays zero without ``fit_linear``
factors   float32[n_features, C, k]              model ``"fm"``
factors   float32[n_features, C, F, k]           model ``"ffm"``
========  =====================================  ==============================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Spec:
    """Everything but the arrays that decides what a kernel computes.

    Parameters
    ----------
    model : {"linear", "fm", "ffm"}
    loss : {"squared", "logistic", "softmax", "pairwise", "hinge"}
        The last two are of pairs of rows.
    solver : str
        One of ``config.GRADIENT_SOLVERS`` for the kernels of one sample at a time.
    n_outputs : int
        Number of scores per sample, ``C``: 1 unless the loss is softmax.
    n_factors : int
        Length of a latent vector, ``k``; ignored by the linear model.
    n_fields : int
        Number of fields, ``F``; used by FFM only.
    fit_intercept, fit_linear : bool
        Whether the bias and the linear weights are part of the model.
    instance_norm : bool
        Whether each sample is divided by its Euclidean length first.
    learning_rate : float
    l2_linear, l2_factors, l1_linear, l1_factors : float
        Regularisation; L1 is used by FTRL only.
    ftrl_beta : float
        Smoothing of the FTRL step size.
    target_scale : float
        Unit of the target, see `rates`.
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
    l2_factors: float
    l1_linear: float
    l1_factors: float
    ftrl_beta: float
    target_scale: float = 1.0

    def rates(self, group: str) -> Rates:
        """Return step size and penalties of ``"bias"``, ``"linear"`` or ``"factors"``.

        They are those of a model of the target divided by s = ``target_scale``, put into the units
        of this one: its weights are s times and its factors sqrt(s) times as large, so gradients
        of the squared loss are s and s sqrt(s) times as large. Training is then the same whether
        the target is given in metres or in millimetres.
        """
        scale = self.target_scale
        unit, gradient, l2, l1 = {
            "bias": (scale, scale, 0.0, 0.0),
            "linear": (scale, scale, self.l2_linear, self.l1_linear),
            "factors": (scale**0.5, scale**1.5, self.l2_factors, self.l1_factors),
        }[group]
        return Rates(
            learning_rate=self.learning_rate * (unit / gradient if self.solver == "sgd" else unit),
            l2=l2 * gradient / unit,
            l1=l1 * gradient,
            beta=self.ftrl_beta * gradient,
            start=gradient**2,
        )


class Rates(NamedTuple):
    """Step size and penalties of one group of parameters, in its own units."""

    learning_rate: float
    l2: float
    l1: float
    beta: float
    start: float
    """Where AdaGrad's sums of squared gradients begin: at one unit. The first step then has the
    length learning_rate * g / sqrt(1 + g^2), small for small gradients, as in libffm and xLearn."""
