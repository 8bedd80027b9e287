"""Comparison: a trained model beside a constant and beside its own linear part."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

CONSTANT, LINEAR = "constant", "linear"
_ALWAYS = {
    "logloss": "always predicting the rate of the training rows",
    "rmse": "always predicting the mean of the training rows",
    "share of wrong pairs": "equal scores for all rows",
}


@dataclass(frozen=True)
class Comparison:
    """How good a model is, and how good what is simpler; less is better. Prints as one line.

    Parameters
    ----------
    rows : {"validation", "training"}
        Which rows all were measured on.
    measure : {"logloss", "rmse", "share of wrong pairs"}
        What was measured, with sample and class weights. Pairs are rows of a group with different
        targets, and wrong if their scores are in the other order; half wrong if they are equal.
    model, constant : float
        Of the model, and of always predicting the same: the mean, or the rates of the classes, of
        the training rows.
    linear : float or None
        Of the model's bias and linear weights alone; None if it has nothing else, or no weights.
    worse_than : {"constant", "linear"} or None
        What the model loses to by more than noise.
    """

    rows: str
    measure: str
    model: float
    constant: float
    linear: float | None = None
    worse_than: str | None = None

    def __str__(self) -> str:
        text = f"{self.rows} {self.measure} {self.model:.4g}"
        text += f"; {_ALWAYS[self.measure]}: {self.constant:.4g}"
        return text if self.linear is None else f"{text}; its linear part alone: {self.linear:.4g}"

    def to_json(self) -> dict[str, Any]:
        """Return everything as a JSON object."""
        return asdict(self)

    @staticmethod
    def from_json(saved: Mapping[str, Any] | None) -> Comparison | None:
        """Return the comparison that `to_json` described; of ``None``, none.

        Raises
        ------
        KeyError, TypeError
            If it is something else.
        """
        if saved is None:
            return None
        if saved["measure"] not in _ALWAYS:
            raise TypeError(f"A comparison is of {', '.join(_ALWAYS)}.")
        model, constant = (math.nan if saved[n] is None else saved[n] for n in ("model", CONSTANT))
        found = Comparison(**{**saved, "model": model, "constant": constant})
        str(found)  # fails unless they are numbers
        return found
