"""What targets, rows and weights are measured in, so that steps and penalties suit all data."""

from __future__ import annotations

import math

import numpy as np

from fieldfare._sums import dot
from fieldfare._typing import Float32Array
from fieldfare.config import ModelConfig, SolverConfig
from fieldfare.exceptions import TrainingError
from fieldfare.kernels.table import Units
from fieldfare.models.base import Model
from fieldfare.models.scaling import Scaling
from fieldfare.rows import Rows, squared_lengths
from fieldfare.schema.schema import Schema
from fieldfare.settings import Settings
from fieldfare.training.prepare.scaling import scaling_of
from fieldfare.training.samples.subset import RowSubset

_BLOCK = 2**20
# The cube of a unit is kept in float32.
_SMALLEST, _LARGEST = 1e-12, 1e12


def units_of(
    kind: ModelConfig,
    subset: RowSubset,
    solver: SolverConfig | None,
    scaling: Scaling | None = None,
    memory_limit: int | None = None,
) -> Units:
    """Return the units in which a new model is trained.

    Parameters
    ----------
    kind : ModelConfig
        What is trained.
    subset : RowSubset
        Training rows, with targets.
    solver : SolverConfig or None
        How it is trained; ``None`` if by none of the library's own solvers. How long steps along
        gradients may be is up to the length of the rows; solvers that take no such steps find
        them from the rows themselves, and get a unit of 1.
    scaling : Scaling, optional
        How the features are scaled for training.
    memory_limit : int, optional
        Megabytes of a store that may stay in memory.

    Raises
    ------
    TrainingError
        If all sample weights are zero.
    """
    target = target_scale(kind.task, subset, centred=kind.fit_intercept)
    return Units(target, _row_unit(kind, subset, solver, scaling, memory_limit))


def _row_unit(
    kind: ModelConfig,
    subset: RowSubset,
    solver: SolverConfig | None,
    scaling: Scaling | None,
    memory_limit: int | None,
) -> float:
    if not _by_gradients(solver) or kind.instance_norm:  # which makes rows of length 1
        return 1.0
    return row_scale(subset, memory_limit, scaling)


def _by_gradients(solver: SolverConfig | None) -> bool:
    return solver is not None and solver.kind.takes_steps


def in_units(model: Model, subset: RowSubset, schema: Schema, settings: Settings) -> Model:
    """Return a model that is to be trained further; the same one if it has its units already.

    It has no unit of rows if no gradient has moved its parameters: trained by other solvers, or
    made elsewhere. How its features are scaled is settled when it is first trained, unless the
    settings say that they should be, or should not be.

    Parameters
    ----------
    model : Model
    subset : RowSubset
        The rows to train on.
    schema : Schema
        Of the rows, which may have more features than the model.
    settings : Settings
        Of the training.
    """
    scale, limit = settings.training.scale_features, settings.training.memory_limit
    if scale is False:
        model = model.with_(scaling=None)
    elif model.scaling is None and (scale is True or model.trained_by is None):
        found = scaling_of(model.config, scale, subset, schema, limit)
        model = model.with_(scaling=None if found is None else found.of_first(model.n_features))
    if model.units.row != 1 or _was_moved_by_gradients(model):
        return model
    scaling = None if model.scaling is None else model.scaling.grown(schema.n_features)
    row = _row_unit(model.config, subset, settings.solver, scaling, limit)
    return model.with_(units=model.units._replace(row=row))


def _was_moved_by_gradients(model: Model) -> bool:
    """Whether a solver of the library was the last to train it, and took steps along gradients."""
    settings = model.trained_by
    return settings is not None and settings.keras is None and _by_gradients(settings.solver)


def target_scale(task: str, subset: RowSubset, *, centred: bool) -> float:
    """Return the unit in which the target of a regression is learned.

    Parameters
    ----------
    task : str
        What is predicted; 1 but for regression.
    subset : RowSubset
        Training rows.
    centred : bool
        Whether the model has a bias: then the standard deviation of the targets, else their root
        mean square. 1 where that is 0.
    """
    if task != "regression":
        return 1.0
    mean, mean_square = moments(subset)
    spread = math.sqrt(max(0.0, mean_square - (mean * mean if centred else 0.0)))
    # Rounding leaves a little where all targets are the same.
    if spread <= 1e-6 * math.sqrt(mean_square):
        return 1.0
    return _bounded(spread)


def row_scale(
    subset: RowSubset, memory_limit: int | None = None, scaling: Scaling | None = None
) -> float:
    """Return the root of the weighted mean of the squared Euclidean length of the rows.

    It has four digits: no more are needed, and a sum over the same rows in another order, or over
    columns in another order, then gives the same. 1 where all values are zero.
    """
    weight = subset.weight
    if scaling is None and isinstance(subset.rows, Rows) and subset.rows.values is None:
        lengths = np.diff(subset.rows.indptr)
        blocks = iter([lengths if subset.index is None else lengths[subset.index]])
    else:
        rows = subset.blocks(memory_limit)
        blocks = map(squared_lengths, rows if scaling is None else map(scaling.apply, rows))
    sums = np.zeros(2)
    start = 0
    for squares in blocks:
        w = np.ones(len(squares)) if weight is None else weight[start : start + len(squares)]
        sums += [dot(w, squares), np.sum(w, dtype=np.float64)]
        start += len(squares)
    mean = sums[0] / positive(float(sums[1]))
    length = float(f"{math.sqrt(mean):.4g}")
    return _bounded(length) if length > 0 else 1.0


def mean_weight(subset: RowSubset, class_weight: Float32Array | None = None) -> float:
    """Return the mean of the sample weights, which is their unit; 1 if there are none.

    Rows of weight zero count as absent.

    Parameters
    ----------
    subset : RowSubset
        Training rows, with encoded targets.
    class_weight : float32 array of shape (n_classes,), optional
        Weights that are multiplied by those of the rows.

    Raises
    ------
    TrainingError
        If all weights are zero.
    """
    weight = subset.weight
    if class_weight is not None:
        of_class = class_weight[subset.target.astype(np.int64)]
        weight = of_class if weight is None else weight * of_class
    if weight is None:
        return 1.0
    mean = positive(float(np.sum(weight, dtype=np.float64))) / np.count_nonzero(weight)
    # Balanced weights have this mean but for rounding, and rows without weights stay without.
    return 1.0 if math.isclose(mean, 1, rel_tol=1e-6) else mean


def moments(subset: RowSubset) -> tuple[float, float]:
    """Return the weighted means of the target and of its square."""
    target, weight = subset.target, subset.weight
    sums = np.zeros(3)
    for start in range(0, len(target), _BLOCK):
        y = target[start : start + _BLOCK].astype(np.float64)
        w = np.ones(len(y)) if weight is None else weight[start : start + len(y)]
        sums += [dot(w, y), dot(w, y * y), np.sum(w, dtype=np.float64)]
    mass = positive(float(sums[2]))
    return float(sums[0] / mass), float(sums[1] / mass)


def positive(mass: float) -> float:
    """Return a sum of sample weights, or raise TrainingError if it is zero."""
    if not mass > 0:
        raise TrainingError(
            "At least one sample must have a positive weight. All weights are zero."
        )
    return mass


def _bounded(unit: float) -> float:
    return min(max(unit, _SMALLEST), _LARGEST)
