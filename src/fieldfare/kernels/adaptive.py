"""SGD with adaptive regularisation, in the compiled core."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fieldfare import _core
from fieldfare._typing import Float32Array, Float64Array, Int64Array
from fieldfare.exceptions import DataError
from fieldfare.kernels.native import core_rows
from fieldfare.kernels.table import Spec
from fieldfare.rows import Rows


def adaptive_epoch(  # noqa: PLR0913 - rows, and the parameters one by one
    spec: Spec,
    rows: Rows,
    orders: tuple[Int64Array, Int64Array],
    bias: Float32Array | None,
    linear: Float32Array | None,
    factors: Float32Array | None,
    penalties: Float64Array,
    *,
    times: Float32Array | None = None,
    weight: Float32Array | None = None,
) -> float:
    """Take one step on each training row, and after each of them one step on the penalties.

    A step moves the parameters to theta' = theta - eta (g + lambda theta), where g is the gradient
    of the training row's loss (zero for features that it does not have). Then the penalties lambda
    move against the gradient of the next held-out row's loss at theta' (Rendle, WSDM 2012,
    section 4). They do not become negative.

    Parameters
    ----------
    spec : Spec
        Its loss, rates and units are used; its penalties are not.
    rows : Rows
        With targets.
    orders : pair of int64 arrays
        Numbers of the training rows in order, and of the held-out rows, which are visited in turn.
    bias : float32 array of shape (1,) or None
    linear : float32 array of shape (n_features,) or None
    factors : float32 array of shape (n_features, n_factors) or None
        Changed in place, as are bias and linear. None means that the model lacks this part.
    penalties : float64 array of shape (1 + n_factors,)
        Penalty of the linear weights and of each factor; changed in place.
    times : float32 array of shape (n_features,), optional
        By what the penalties of each feature are multiplied; by default one.
    weight : float32 array of shape (n_rows,), optional

    Returns
    -------
    float
        The sum of weight times loss of the training rows, each before its step.

    Raises
    ------
    DataError
        If a row number or a feature id is out of range.
    """
    tables = [table for table in (linear, factors) if table is not None]
    n_features = len(tables[0]) if tables else rows.n_features
    found = _core.adaptive_epoch(
        core_rows(rows),
        weight,
        *orders,
        bias,
        linear,
        factors,
        penalties,
        times,
        np.array(step_sizes(spec)),
        n_features,
        spec.loss == "logistic",
        spec.model.instance_norm,
    )
    if isinstance(found, tuple):
        raise DataError(
            f"Row {found[0]} cannot be trained on: it lies outside the {rows.n_rows} rows, or "
            f"holds a feature id of {n_features} or more."
        )
    return found


def step_sizes(spec: Spec) -> tuple[float, float, float, float, float]:
    """Return the step sizes of bias, linear weights and factors, and of the two penalties.

    The unit of a penalty is `Rates.l2` for a setting of 1, and that of the loss is s^2 for a target
    scale s. With these units, the penalties move alike whatever the target is measured in.
    """
    rates = [spec.rates(group).learning_rate for group in ("bias", "linear", "factors")]
    of_one = replace(spec, solver=replace(spec.solver, l2_linear=1.0, l2_factors=1.0))
    scales = [of_one.rates(group).l2 / spec.units.target for group in ("linear", "factors")]
    linear, factors = (spec.solver.learning_rate * scale**2 for scale in scales)
    return (rates[0], rates[1], rates[2], linear, factors)
