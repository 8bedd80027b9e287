"""How far the solver of a model had come: what training needs to continue exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from fieldfare._typing import JSON, AnyArray
from fieldfare.exceptions import DataError
from fieldfare.kinds.solvers import SOLVER_KINDS

_MAX = 2**64


@dataclass(frozen=True, eq=False)
class Progress:
    """The state of a solver, and what the numbering of its epochs continues.

    Parameters
    ----------
    solver : str
        Its name.
    epoch : int
        Epochs so far.
    state : mapping from str to array
        As the solver returned it, with the parameters of the model. Or, of a model that another
        program trained, what belongs to each number of ``bias``, ``linear`` and ``factors``: arrays
        of the shapes that these have, with a last axis for the sum of squared gradients (AdaGrad),
        for z and this sum (FTRL), or of no length (SGD).
    weight_unit : float
        What the weights of the rows were divided by.
    """

    solver: str
    epoch: int
    state: Mapping[str, AnyArray]
    weight_unit: float = 1.0

    def weighed_in(self, unit: float) -> Progress:
        """Return the progress of a training whose weights were divided by a unit."""
        return replace(self, weight_unit=unit)

    def to_json(self) -> JSON:
        """Return everything but the arrays."""
        return {"solver": self.solver, "epoch": self.epoch, "weight_unit": self.weight_unit}

    @staticmethod
    def from_json(found: Any, state: Mapping[str, AnyArray]) -> Progress:
        """Return the progress that `to_json` described.

        Raises
        ------
        DataError
            If it is not of this form, or there is no state.
        """
        if not isinstance(found, dict) or set(found) != {"solver", "epoch", "weight_unit"}:
            raise DataError(
                "The progress must be an object of solver, epoch and weight_unit. Got "
                f"{found!r:.200}."
            )
        solver, epoch, unit = found["solver"], found["epoch"], found["weight_unit"]
        if solver not in SOLVER_KINDS:
            raise DataError(f"There is no solver {solver!r:.80} of this name.")
        if type(epoch) is not int or not 0 <= epoch < _MAX:
            raise DataError(f"The epoch must be a whole number. Got {epoch!r:.80}.")
        if type(unit) not in (int, float) or not unit > 0:
            raise DataError(f"The weight_unit must be a positive number. Got {unit!r:.80}.")
        if not state:
            raise DataError("There is progress of a solver, but no state.")
        return Progress(solver, epoch, state, float(unit))
