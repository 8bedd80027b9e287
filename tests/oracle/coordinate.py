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
    weights. ``orders`` holds the lowest and highest order of each factor.
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
    orders: AnyArray | None = None

    def scores(self) -> Float64Array:
        """Return w_0 + X w + sum_f (kernels of the products x_j v_jf, of the orders of f)."""
        scores: Float64Array = self.bias + self.X @ self.linear
        for f, v in enumerate(self.factors):
            lowest, highest = self._orders(f)
            scores = scores + anova(self.X * v, highest)[lowest:].sum(axis=0)
        return scores

    def _orders(self, f: int) -> tuple[int, int]:
        return (2, 2) if self.orders is None else (int(self.orders[f, 0]), int(self.orders[f, 1]))

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
                h = self.X[:, j]
                if row > 0:
                    lowest, highest = self._orders(row - 1)
                    others = np.delete(self.X * table, j, axis=1)
                    h = h * anova(others, highest - 1)[lowest - 1 :].sum(axis=0)
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


def anova(products: Float64Array, order: int) -> Float64Array:
    """Return the sums over subsets of 0 to ``order`` columns of their products, for each row."""
    kernels = np.zeros((order + 1, len(products)))
    kernels[0] = 1
    for p in products.T:
        kernels[1:] += kernels[:-1] * p  # the right side is computed before it is added
    return kernels
