"""SGD with adaptive regularisation again in float64 NumPy, from the formulas: what tests trust."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fieldfare._typing import AnyArray, Float64Array


@dataclass
class Adaptive:
    """A dense problem: X of shape (n_rows, n_features), parameters and penalties.

    ``factors`` has the shape (n_features, k), ``penalties`` (1 + k,), and ``rates`` are the step
    sizes of bias, linear weights, factors, and of the penalties on either.
    """

    X: Float64Array
    y: Float64Array
    weight: Float64Array
    bias: float
    linear: Float64Array
    factors: Float64Array
    penalties: Float64Array
    rates: tuple[float, float, float, float, float]
    logistic: bool = False
    times: Float64Array | None = None
    """By what the penalties of each feature are multiplied."""

    @property
    def own(self) -> Float64Array:
        """The multiples, float64[n_features]."""
        return np.ones(len(self.linear)) if self.times is None else self.times

    def score(self, x: Float64Array, bias: float, w: Float64Array, v: Float64Array) -> float:
        """Return the score of one row."""
        q = x @ v
        return float(bias + x @ w + (q**2 - x**2 @ v**2).sum() / 2)

    def loss(self, score: float, y: float) -> float:
        """Return the logistic loss, or half the squared error."""
        return float(np.logaddexp(0, score) - y * score if self.logistic else (score - y) ** 2 / 2)

    def slope(self, score: float, y: float) -> float:
        """Return the derivative of the loss."""
        return float((1 / (1 + np.exp(-score)) if self.logistic else score) - y)

    def stepped(
        self, row: int, penalties: Float64Array
    ) -> tuple[float, Float64Array, Float64Array]:
        """Return all parameters after a step on a row, with the given penalties on all of them."""
        x = self.X[row]
        g = self.slope(self.score(x, self.bias, self.linear, self.factors), self.y[row])
        g *= self.weight[row]
        slopes = x[:, None] * (x @ self.factors) - x[:, None] ** 2 * self.factors
        return (
            self.bias - self.rates[0] * g,
            self.linear - self.rates[1] * (g * x + self.own * penalties[0] * self.linear),
            self.factors
            - self.rates[2] * (g * slopes + self.own[:, None] * penalties[1:] * self.factors),
        )

    def held_out_loss(self, row: int, held_out: int, penalties: Float64Array) -> float:
        """Return the weighted loss of a held-out row after the step: what penalties go against."""
        score = self.score(self.X[held_out], *self.stepped(row, penalties))
        return float(self.weight[held_out] * self.loss(score, self.y[held_out]))

    def penalty_gradient(self, row: int, held_out: int) -> Float64Array:
        """Return the derivative of `held_out_loss` by the penalties, by the chain rule."""
        x = self.X[held_out]
        bias, w, v = self.stepped(row, self.penalties)
        g = self.weight[held_out] * self.slope(self.score(x, bias, w, v), self.y[held_out])
        shrunk = self.own[:, None] * self.factors
        by_factors = (x @ v) * (x @ shrunk) - x**2 @ (v * shrunk)
        slopes = [-self.rates[1] * (x @ (self.own * self.linear)), *(-self.rates[2] * by_factors)]
        gradient: Float64Array = g * np.array(slopes)
        return gradient

    def epoch(self, train: AnyArray, held_out: AnyArray) -> None:
        """Step on each training row, then on the penalties."""
        for s, row in enumerate(train):
            gradient = self.penalty_gradient(row, held_out[s % len(held_out)])
            there = self.X[row] != 0  # only what the row touches moves
            bias, linear, factors = self.stepped(row, self.penalties)
            self.bias = bias
            self.linear = np.where(there, linear, self.linear)
            self.factors = np.where(there[:, None], factors, self.factors)
            rates = np.array([self.rates[3], *[self.rates[4]] * self.factors.shape[1]])
            self.penalties = np.maximum(0, self.penalties - rates * gradient)
