"""Coordinate descent again in float64 NumPy, one parameter at a time: what tests trust.

The order is that of `fieldfare.kernels.coordinate`: bias, linear weights, then factor by factor,
and within each of them field by field in the order of ids.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fieldfare._typing import AnyArray, Float64Array


@dataclass
class Fit:
    """A dense problem: X of shape (n_rows, n_features), parameters, and penalties.

    ``precision`` and ``mean`` have the shape (1 + n_factors, n_features); row 0 is for the linear
    weights.
    """

    X: Float64Array
    y: Float64Array
    bias: float
    linear: Float64Array
    factors: Float64Array
    precision: Float64Array
    mean: Float64Array
    weight: Float64Array
    noise_precision: float = 1.0

    def scores(self) -> Float64Array:
        """Return w_0 + X w + 1/2 sum_f ((X v_f)^2 - X^2 v_f^2)."""
        q = self.X @ self.factors.T
        pairs = (q**2 - self.X**2 @ self.factors.T**2).sum(axis=1) / 2
        scores: Float64Array = self.bias + self.X @ self.linear + pairs
        return scores

    def sweep(self, order: AnyArray, label: Float64Array | None = None) -> None:
        """Move every parameter to its optimum; ``order`` is that of the features.

        With labels the loss is logistic: the target is moved before each row of parameters.
        """
        self._move_target(label)
        n = len(self.y)
        self.bias = self._optimum(self.bias, np.ones(n), 0.0, 0.0)
        for row in range(len(self.precision)):
            self._move_target(label)
            table = self.linear if row == 0 else self.factors[row - 1]
            for j in order:
                x = self.X[:, j]
                h = x if row == 0 else x * (self.X @ table - x * table[j])
                table[j] = self._optimum(table[j], h, self.precision[row, j], self.mean[row, j])

    def _optimum(self, theta: float, h: Float64Array, precision: float, mean: float) -> float:
        e = self.scores() - self.y
        a = self.noise_precision
        num, den = (self.weight * h * e).sum(), (self.weight * h * h).sum()
        total = a * den + precision
        if total <= 0:
            return theta
        return float((a * (theta * den - num) + precision * mean) / total)

    def _move_target(self, label: Float64Array | None) -> None:
        if label is not None:
            scores = self.scores()
            self.y = scores - 4 * (1 / (1 + np.exp(-scores)) - label)
