"""How the training of a new model starts, where that is not left to the data."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fieldfare._typing import Float32Array
from fieldfare._validation import NONE, AnyOf, Number, check
from fieldfare.config import ModelConfig, SolverConfig
from fieldfare.exceptions import ConfigError, SettingWarning
from fieldfare.kernels.table import Units
from fieldfare.models.base import Model

_UNIT = Number(1e-12, 1e12)


@dataclass(frozen=True, eq=False)
class Start:
    """How the training of a new model starts; what is left out follows from the data.

    Steps and penalties are settings for a model whose targets and rows have unit size (see the
    guide on solvers). With all units set to one they are numbers for the data as they are, as they
    are in libffm and xLearn, so that settings that were tuned there mean the same here.

    Parameters
    ----------
    bias : float, optional
        By default the constant that fits best: the mean, or the log odds.
    factors : float array, or function from a shape to one, optional
        Initial factors in units of their own, of the shape that `fieldfare.Model` describes. By
        default they are drawn with mean zero and standard deviation ``init_scale``.
    target_unit, row_unit : float, optional
        What targets and rows are measured in: positive numbers.
    factor_unit : float
        What factors are divided by besides. A number L makes them move as if the products of two
        features were divided by L^2, and changes nothing that the model can express.

    Raises
    ------
    ConfigError
        If a value is not allowed.

    Examples
    --------
    >>> from fieldfare import Start, train
    >>> table = {"user": ["a", "b"] * 50, "item": ["x", "y"] * 50, "liked": [1, 0] * 50}
    >>> raw = Start(bias=0.0, target_unit=1.0, row_unit=1.0)
    >>> result = train(table, target="liked", start=raw, random_state=0)
    >>> result.model.units.row
    1.0
    """

    bias: float | None = None
    factors: Float32Array | Callable[[tuple[int, ...]], Any] | None = None
    target_unit: float | None = None
    row_unit: float | None = None
    factor_unit: float = 1.0

    def __post_init__(self) -> None:
        check("bias", self.bias, AnyOf((Number(), NONE)), "Start")
        for name in ("target_unit", "row_unit"):
            check(name, getattr(self, name), AnyOf((_UNIT, NONE)), "Start")
        check("factor_unit", self.factor_unit, _UNIT, "Start")


def started_units(start: Start | None, found: Units) -> Units:
    """Return the units to train in, of which those of the data are given."""
    if start is None:
        return found
    return Units(
        found.target if start.target_unit is None else float(start.target_unit),
        found.row if start.row_unit is None else float(start.row_unit),
        float(start.factor_unit),
    )


def started(start: Start | None, model: Model) -> Model:
    """Return a new model with the bias and the factors that were given.

    Raises
    ------
    ConfigError
        If the factors have another shape, or are not finite, or the model has none.
    """
    if start is None:
        return model
    kind = model.config
    if start.bias is not None and kind.fit_intercept:
        model = model.with_(bias=np.full(model.n_outputs, start.bias, np.float32))
    if start.factors is None:
        return model
    shape = model.factors_shape(kind, model.n_features, model.n_fields, model.n_outputs)
    if shape is None:
        raise ConfigError(f"Start has factors, and a {kind.model} model has none. Leave them out.")
    given = start.factors(shape) if callable(start.factors) else start.factors
    found = np.asarray(given, np.float64)
    if found.shape != shape or not np.isfinite(found).all():
        raise ConfigError(
            f"The factors of Start must be finite and of shape {shape}. Got shape {found.shape}."
        )
    return model.with_(factors=_in_units(found.astype(np.float32), kind, model.units))


def _in_units(factors: Float32Array, kind: ModelConfig, units: Units) -> Float32Array:
    """Return factors that were given in units of their own as a model has them."""
    out = np.empty_like(factors)
    begin = 0
    for part in kind.factor_blocks:
        end = begin + part.n_factors
        out[..., begin:end] = factors[..., begin:end] * units.of_factors(part.highest)
        begin = end
    return out


def goes_on(model: Model, solver: SolverConfig, scale_features: bool | str) -> bool:
    """Return whether a solver can continue from the state that a model holds; warn if it cannot.

    Of a model that another program trained, only the name of its solver is known.
    """
    before = None if model.trained_by is None else model.trained_by.solver
    if before is not None and not solver.kind.weights_from_state:
        # What the state holds does not depend on these.
        loose = ("learning_rate", "l2_linear", "l2_factors")
        before = replace(before, **{name: getattr(solver, name) for name in loose})
    is_known = model.progress is not None and model.progress.solver == solver.kind.name
    scaled = False if model.trained_by is None else model.trained_by.training.scale_features
    fits = scale_features in ("auto", scaled, model.scaling is not None)
    if is_known and before in (None, solver) and fits:
        return True
    warnings.warn(
        SettingWarning(
            "The model holds the state of its solver, which cannot be used with other settings of "
            "the solver, or with features scaled otherwise: training starts with a fresh state. "
            "Leave the settings as they were to continue from it."
        ),
        stacklevel=2,
    )
    return False
