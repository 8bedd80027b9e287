"""How far the solver of a model had come: what training needs to continue exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from fieldfare._typing import JSON, AnyArray
from fieldfare.exceptions import DataError

_MAX = 2**64


@dataclass(frozen=True, eq=False)
class Progress:
    """The state of a solver, and what the numbering of its epochs continues.

    Parameters
    ----------
    epoch : int
        Epochs so far.
    seed : int
        Seed of the order of the rows.
    state : mapping from str to array
        As the solver returned it, with the parameters of the model.
    weight_unit : float
        What the weights of the rows were divided by.
    """

    epoch: int
    seed: int
    state: Mapping[str, AnyArray]
    weight_unit: float = 1.0

    def weighed_in(self, unit: float) -> Progress:
        """Return the progress of a training whose weights were divided by a unit."""
        return replace(self, weight_unit=unit)

    def to_json(self) -> JSON:
        """Return everything but the arrays."""
        return {"epoch": self.epoch, "seed": self.seed, "weight_unit": self.weight_unit}

    @staticmethod
    def from_json(found: Any, state: Mapping[str, AnyArray]) -> Progress:
        """Return the progress that `to_json` described.

        Raises
        ------
        DataError
            If it is not of this form, or there is no state.
        """
        if not isinstance(found, dict) or set(found) != {"epoch", "seed", "weight_unit"}:
            raise DataError(
                "The progress must be an object of epoch, seed and weight_unit. Got "
                f"{found!r:.200}."
            )
        epoch, seed, unit = found["epoch"], found["seed"], found["weight_unit"]
        if type(epoch) is not int or type(seed) is not int or min(epoch, seed) < 0:
            raise DataError(f"Epoch and seed must be whole numbers. Got {epoch!r}, {seed!r:.80}.")
        if max(epoch, seed) >= _MAX or type(unit) not in (int, float) or not unit > 0:
            raise DataError(f"The progress is out of range. Got {found!r:.200}.")
        if not state:
            raise DataError("There is progress of a solver, but no state of it.")
        return Progress(epoch, seed, state, float(unit))
