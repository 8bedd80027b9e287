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


@dataclass(frozen=True)
class Spec:
    """Everything but the arrays that decides what a kernel computes.

    Parameters
    ----------
    model : {"linear", "fm", "ffm"}
    loss : {"squared", "logistic", "softmax"}
    solver : str
        One of ``config.SOLVERS``.
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
