"""The checks that all metrics of samples share; each raises a DataError that names the metric."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from fieldfare._arrays import as_array
from fieldfare._typing import AnyArray, Float64Array
from fieldfare.exceptions import DataError


class Described(Protocol):
    """What the checks read of a metric."""

    @property
    def name(self) -> str:
        """The name, for messages."""

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that it is defined for."""

    @property
    def needs_probability(self) -> bool:
        """Whether predictions must lie in [0, 1]."""


def check_length(item: Described, what: str, got: int, expected: int) -> None:
    """Raise DataError unless there are as many values as targets."""
    if got != expected:
        raise DataError(
            f"The metric {item.name!r} needs as many {what} as targets ({expected}). Got {got}."
        )


def _check_finite(item: Described, what: str, array: Float64Array) -> None:
    bad = ~np.isfinite(array)
    if bad.any():
        place = np.argwhere(bad)[0]
        raise DataError(
            f"The metric {item.name!r} needs finite {what}. "
            f"Sample {place[0]} has {array[tuple(place)]}."
        )


def _as_float(item: Described, what: str, values: npt.ArrayLike) -> Float64Array:
    array = as_array(f"The {what} of the metric {item.name!r}", values, np.float64)
    if array.ndim == 0:
        raise DataError(f"The metric {item.name!r} needs {what} for each sample. Got one number.")
    _check_finite(item, what, array)
    return array


def check_y(item: Described, y: npt.ArrayLike) -> Float64Array:
    """Return the targets as float64 of shape (n,)."""
    array = _as_float(item, "targets", y)
    if array.ndim != 1 or not len(array):
        raise DataError(
            f"The metric {item.name!r} needs a 1-d array of at least one target. "
            f"Got shape {array.shape}."
        )
    return array


def check_pred(item: Described, pred: npt.ArrayLike) -> Float64Array:
    """Return the predictions as float64, in as many dimensions as the tasks have."""
    array = _as_float(item, "predictions", pred)
    allowed = {2 if task == "multiclass" else 1 for task in item.tasks}
    if array.ndim not in allowed:
        raise DataError(
            f"The metric {item.name!r} is for {' and '.join(item.tasks)} predictions: an array of "
            f"{' or '.join(f'{n} dimension(s)' for n in sorted(allowed))}. Got shape {array.shape}."
        )
    if item.needs_probability and array.size:
        low, high = array.min(), array.max()
        if low < 0 or high > 1:
            raise DataError(
                f"The metric {item.name!r} needs probabilities, from 0 to 1. "
                f"Got predictions from {low:g} to {high:g}."
            )
    return array


def check_labels(item: Described, y: Float64Array, pred: Float64Array) -> None:
    """Raise DataError if a target is not one that the tasks allow."""
    if pred.ndim == 2:
        n_classes = pred.shape[1]
        bad = (y < 0) | (y >= n_classes) | (y != np.floor(y))
        allowed = f"class numbers from 0 to {n_classes - 1}"
    elif "rank" in item.tasks:
        bad = y < 0
        allowed = "relevances from 0"
    elif "binary" in item.tasks:
        bad = (y != 0) & (y != 1)
        allowed = "targets 0 and 1"
    else:
        return
    if bad.any():
        row = int(np.argmax(bad))
        raise DataError(
            f"The metric {item.name!r} needs {allowed}. Sample {row} has {y[row]:g}. "
            "Map the labels first, or choose a regression metric."
        )


def check_weight(item: Described, weight: npt.ArrayLike | None, n: int) -> Float64Array:
    """Return the weights as float64 of shape (n,), ones if there are none."""
    if weight is None:
        return np.ones(n)
    array = _as_float(item, "weights", weight)
    if array.ndim != 1:
        raise DataError(
            f"The metric {item.name!r} needs a 1-d array of weights. Got shape {array.shape}."
        )
    check_length(item, "weights", len(array), n)
    if array.min() < 0 or not array.any():
        raise DataError(
            f"The metric {item.name!r} needs weights that are not negative and not all zero. "
            f"Got weights from {array.min():g} to {array.max():g}."
        )
    return array


def check_group(item: Described, group: npt.ArrayLike | None, n: int) -> AnyArray:
    """Return the groups, shape (n,)."""
    if group is None:
        raise DataError(
            f"The metric {item.name!r} needs the group of each sample (a user or a query). "
            "Got none: name the group column, or choose a metric without groups."
        )
    array = as_array("Groups", group)
    if array.ndim != 1:
        raise DataError(
            f"The metric {item.name!r} needs a 1-d array of groups. Got shape {array.shape}."
        )
    check_length(item, "groups", len(array), n)
    return array
