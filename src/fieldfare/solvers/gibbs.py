"""Gibbs sampling of a factorization machine and of all its hyperparameters.

Every parameter has a normal prior. Its mean and precision, one of each for the linear weights and
for each factor of every group of features, have a normal-gamma prior themselves and are sampled, as
is the precision of the noise (Rendle 2012, section 5.3; Freudenthaler, Schmidt-Thieme and Rendle
2011). So only the number of factors has to be chosen. For classes, a latent normal variable is
sampled (Albert and Chib 1993), and with more than two classes the cutpoints between them too.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import factorial
from typing import Any

import numpy as np

from fieldfare._random import stream
from fieldfare._sums import dot
from fieldfare._typing import AnyArray, Float32Array, Float64Array, UInt32Array
from fieldfare.exceptions import DataError
from fieldfare.kernels import latent, native
from fieldfare.kernels.coordinate import Design, Observed, Prior, SweepParameters, orders_of
from fieldfare.models.base import Model
from fieldfare.models.posterior import Sample
from fieldfare.models.scaling import Scaling
from fieldfare.rows import RelatedRows, Rows, squared_lengths
from fieldfare.solvers.state import check_state

# Sweeps update scores by differences. After this many, they are computed from scratch.
_REFRESH = 10
# Of the normal-gamma priors: weak, as in libFM. The rate is in units of the variance for which
# scores are as wide as the target, see `_shares`: groups of few features stay near this prior.
_SHAPE = _RATE = _MEAN_STRENGTH = 1.0
# The first sweep has no hyperparameters of an earlier one. Its prior is that of parameters so many
# times as wide as the initial factors. From a wide start all factors grow at once, and the chain
# soon predicts well; from a narrow start they grow as the data require, which takes more sweeps
# and ends better.
_FIRST_SPREAD, _LEAST_SCALE = 10.0**0.5, 1e-3
# But never with more than so many times the variance that the prior expects, see `_shares`.
_FIRST_SHARES = 3.0
_BIAS_PRECISION = 0.01  # of classifications, whose bias could run away; none for regression
_NEWTON_STEPS = 20


class GibbsSampler:
    """A chain: each sweep draws all parameters and hyperparameters once.

    Parameters
    ----------
    model : Model
        A linear model, an FM or a HOFM: where to start; not changed.
    rows : Rows or RelatedRows
        Training rows; side tables are used as they are. The target is a number, or a class number
        from 0.
    group : uint32 array of shape (n_features,)
        Group of each feature.
    n_classes : int
        0 for regression, else the number of classes: 2 for probit, more for ordered probit.
    seed : int
        Fixes every draw.
    """

    def __init__(
        self,
        model: Model,
        rows: Rows | RelatedRows,
        group: UInt32Array,
        *,
        n_classes: int = 0,
        seed: int = 0,
    ) -> None:
        if rows.target is None:
            raise DataError("Training needs a target for every row. These rows have none.")
        self._scaling, self._rows = model.scaling, rows
        if model.scaling is not None:
            model = model.scaling.unfold(model)
        self.model, self.seed, self.n_classes = model, seed, n_classes
        self._target, self._weight = rows.target, rows.weight
        self._labels = rows.target.astype(np.uint8) if n_classes else np.zeros(0, np.uint8)
        self._mass = float(rows.n_rows if rows.weight is None else rows.weight.sum())
        self._squares = np.nan  # of the residuals after the last sweep
        self._design, length = self._designed()
        self._group = group
        self._group_sizes = np.bincount(group).astype(np.float64)
        self._unit = model.units.target if n_classes == 0 else 1.0
        parts = model.config.factor_blocks
        order = np.array([t for _, t, n in parts for _ in range(n)], np.float64)
        unit = self._unit ** np.array([2, *(2 / order)])[:, np.newaxis]
        share = _shares(parts, length)[:, np.newaxis]
        self._scale = share * unit
        spread = _FIRST_SPREAD * max(model.config.init_scale, _LEAST_SCALE)
        first = _first_precision(spread, order, share, self._group_sizes, n_classes)
        self._state: dict[str, AnyArray] = {
            "bias": model.bias.copy(),
            "linear": model.linear[:, 0].copy(),
            "precision": first / unit,
            "mean": np.zeros_like(first),
            "noise_precision": np.array([1 / self._unit**2]),
            "cutpoints": _first_cutpoints(self._labels, n_classes),
            "scores": np.zeros(0, np.float32),
            "sweeps": np.zeros(1, np.int64),
        }
        if model.factors is not None:
            self._state["factors"] = np.array(model.factors[:, 0].T, order="C")

    def _designed(self) -> tuple[Design, float]:
        """Return the training rows as sweeps read them, and their mean squared length.

        They are scaled if the features are.
        """
        model, rows = self.model, self._rows
        if self._scaling is not None:
            rows = self._scaling.apply(rows)
        design = Design(rows, None, model.n_features, normalised=model.config.instance_norm)
        length = 1.0 if model.config.instance_norm else float(squared_lengths(rows).mean())
        return design, length or 1.0

    @property
    def sweeps(self) -> int:
        """Number of sweeps so far."""
        return int(self._state["sweeps"][0])

    def sweep(self, n_threads: int = 1) -> None:
        """Draw every parameter and hyperparameter once, each given all others."""
        state, parameters = self._state, self._parameters()
        if len(state["scores"]) != self._design.n_rows or self.sweeps % _REFRESH == 0:
            state["scores"] = self._design.score(parameters, n_threads)
        scores, state["scores"] = state["scores"], np.zeros(0, np.float32)  # lost if interrupted
        state["sweeps"][0] += 1
        random = stream(self.seed, "sample", self.sweeps)
        target = self._draw_target(scores, random, n_threads)
        observed = Observed(
            scores - target, target, None, self._weight, float(state["noise_precision"][0])
        )
        prior = Prior(
            state["precision"].astype(np.float32),
            state["mean"].astype(np.float32),
            self._group,
            bias_precision=_BIAS_PRECISION if self.n_classes else 0.0,
        )
        key = self._key(0)
        self._design.sweep(parameters, prior, observed, key=key, n_threads=n_threads)
        state["scores"] = observed.residual + target
        if self.n_classes == 0:
            self._draw_noise_precision(observed.residual, random)
        self._draw_hyperparameters(random)

    def sample(self) -> Sample:
        """Return the current parameters, copied, for values of features as they are."""
        state = self._state
        factors = state.get("factors")
        model = self.model.with_(
            bias=state["bias"].copy(),
            linear=state["linear"][:, np.newaxis].copy(),
            factors=None if factors is None else np.array(factors.T, order="C")[:, np.newaxis],
        )
        if self._scaling is not None:
            model = self._scaling.fold(model, in_place=True)
        return Sample(
            bias=model.bias,
            linear=model.linear[:, 0],
            factors=None if model.factors is None else model.factors[:, 0],
            noise_precision=float(state["noise_precision"][0]),
            cutpoints=state["cutpoints"].copy(),
        )

    def describe(self) -> dict[str, float]:
        """Return numbers to follow: the fit to the training rows, and the hyperparameters.

        The hyperparameters of factors are averaged over the factors of an order, which may change
        places.
        """
        state = self._state
        found: dict[str, float] = {}
        if self.n_classes == 0:
            found["train_rmse"] = float(np.sqrt(self._squares / max(1e-30, self._mass)))
            found["noise"] = float(state["noise_precision"][0] ** -0.5)
        else:
            value = latent.likelihood(state["scores"], self._labels, state["cutpoints"]).value
            found["train_logloss"] = -value / len(self._labels)
        found["bias"] = float(state["bias"][0])
        if self.n_classes > 2:
            found |= {f"cutpoint_{c}": float(at) for c, at in enumerate(state["cutpoints"], 1)}
        spread = state["precision"] ** -0.5
        for g in range(len(self._group_sizes)):
            found[f"linear_mean_{g}"] = float(state["mean"][0, g])
            found[f"linear_spread_{g}"] = float(spread[0, g])
            begin = 1
            for _, order, n_factors in self.model.config.factor_blocks:
                name = "factor_spread" if order == 2 else f"factor_spread_order_{order}"
                found[f"{name}_{g}"] = float(spread[begin : begin + n_factors, g].mean())
                begin += n_factors
        return found

    def state(self) -> dict[str, AnyArray]:
        """Return what is needed to continue exactly with the same rows and seed, copied."""
        state = {name: array.copy() for name, array in self._state.items()}
        return state if self._scaling is None else state | self._scaling.arrays()

    def load_state(self, state: dict[str, AnyArray]) -> None:
        """Continue from a state that ``state`` returned, with these rows or others.

        Raises
        ------
        DataError
            If the arrays do not fit the model.
        """
        check_state(state, self._state, of_any_length=("scores",))
        self._state = {name: np.array(state[name], own.dtype) for name, own in self._state.items()}
        scaling = Scaling.from_arrays(state)
        if scaling is not None or self._scaling is not None:
            self._scaling = scaling
            self._design, _ = self._designed()

    def forget_scores(self) -> None:
        """Discard the scores, because the rows are not those that the state was made with."""
        self._state["scores"] = np.zeros(0, np.float32)

    def _parameters(self) -> SweepParameters:
        config, state = self.model.config, self._state
        return SweepParameters(
            state["bias"] if config.fit_intercept else None,
            state["linear"] if config.fit_linear else None,
            state.get("factors"),
            orders_of(config),
        )

    def _key(self, purpose: int) -> int:
        """Return the key of the random draws of the core in this sweep."""
        return (self.seed << 32) + 2 * self.sweeps + purpose

    def _draw_target(
        self, scores: Float32Array, random: np.random.Generator, n_threads: int
    ) -> Float32Array:
        """Return what the scores are regressed on: the target, or latent variables."""
        if self.n_classes == 0:
            return self._target.copy()
        if self.n_classes > 2:
            self._draw_cutpoints(scores, random, n_threads)
        cutpoints = self._state["cutpoints"]
        return latent.draw_latent(scores, self._labels, cutpoints, self._key(1), n_threads)

    def _draw_noise_precision(self, residual: Float32Array, random: np.random.Generator) -> None:
        weighted = residual if self._weight is None else residual * self._weight
        self._squares = float(dot(residual, weighted))
        rate = (_RATE * self._unit**2 + self._squares) / 2
        shape = (_SHAPE + np.count_nonzero(weighted)) / 2
        self._state["noise_precision"][0] = random.gamma(shape) / rate

    def _draw_hyperparameters(self, random: np.random.Generator) -> None:
        """Draw mean and precision of each group from their normal-gamma posterior.

        With p features in the group, theta their parameters: the precision is gamma with shape
        (1 + p + 1) / 2 and rate (1 + sum (theta - m)^2 + m^2) / 2, then the mean m is normal around
        sum theta / (p + 1) with the precision times (p + 1); (Rendle 2012, eqs. 37 to 40).
        """
        state, sizes = self._state, self._group_sizes
        tables = [state["linear"], *state.get("factors", ())]
        sums = np.array([np.bincount(self._group, t, len(sizes)) for t in tables])
        squares = np.array(
            [np.bincount(self._group, np.square(t, dtype=np.float64), len(sizes)) for t in tables]
        )
        mean = state["mean"]
        spread = squares - 2 * mean * sums + (sizes + _MEAN_STRENGTH) * mean**2
        rate = (_RATE * self._scale + spread) / 2
        state["precision"] = random.gamma((_SHAPE + sizes + 1) / 2, size=rate.shape) / rate
        strength = sizes + _MEAN_STRENGTH
        deviation = (strength * state["precision"]) ** -0.5
        state["mean"] = random.normal(sums / strength, deviation)

    def _draw_cutpoints(
        self, scores: Float32Array, random: np.random.Generator, n_threads: int
    ) -> None:
        """Make one Metropolis step on the cutpoints, without the latent variables.

        The proposal is the normal approximation at the mode (Albert and Chib 2001), which does not
        depend on the present cutpoints, so that nearly every step is accepted.
        """
        present = self._state["cutpoints"]
        mode, curvature = _mode(scores, self._labels, present, n_threads)
        root = np.linalg.cholesky(curvature)
        proposed = mode + np.linalg.solve(root.T, random.normal(size=len(mode)))
        chance = random.uniform()
        if (np.diff(proposed) <= 0).any():
            return

        def log_ratio(cutpoints: Float64Array) -> float:
            step = root.T @ (cutpoints - mode)
            value = latent.likelihood(scores, self._labels, cutpoints, n_threads).value
            return float(value + step @ step / 2)

        if np.log(chance) < log_ratio(proposed) - log_ratio(present):
            self._state["cutpoints"] = proposed

    def __getstate__(self) -> dict[str, Any]:
        raise TypeError("A sampler holds its rows in the core: keep its state() instead.")


def score_sample(
    model: Model, sample: Sample, rows: Rows | RelatedRows, n_threads: int | None
) -> Float32Array:
    """Return the score of every row under one sample, float32[n_rows]."""
    factors = None if sample.factors is None else sample.factors[:, np.newaxis]
    linear = sample.linear[:, np.newaxis]
    scorer = native.Scorer(model.spec(), sample.bias, linear, factors)
    return scorer.score(rows, n_threads)[:, 0]


def _shares(parts: Sequence[tuple[int, int, int]], squared_length: float) -> Float64Array:
    """Return the variance of linear weights, and of the factors, for which scores have variance 1.

    Linear weights of variance u give rows of squared length s the variance u s. Of order t, rows of
    many features have some s^t / t! products for each of k factors: u^t k s^t / t!, a little less
    in truth. So no order has to explain more than the target varies, however long the rows are.
    """
    orders = [(1, 1), *((t, n) for _, t, n in parts)]
    shares = [(factorial(t) / n) ** (1 / t) / squared_length for t, n in orders]
    return np.repeat(shares, [1, *(n for _, _, n in parts)])


def _first_precision(
    spread: float,
    order: Float64Array,
    share: Float64Array,
    sizes: Float64Array,
    n_classes: int,
) -> Float64Array:
    """Return the precisions of the first sweep, by linear weights or factor and group.

    For regression, linear weights start as narrow as factors of order 2, so that both begin to grow
    together, and each group starts with the precision expected of its number of parameters: small
    groups wide. For classes, wide linear weights and groups that start alike predict better.
    If rows are long, all start so narrow that the first scores are not far out.
    """
    variance = spread ** np.array([0 if n_classes else 2, *(4 / order)])[:, np.newaxis]
    variance = np.minimum(variance, _FIRST_SHARES * share)
    if n_classes:
        return np.repeat(1 / variance, len(sizes), axis=1)
    return np.asarray((_SHAPE + sizes) / (_RATE * share + sizes * variance))


def _first_cutpoints(labels: AnyArray, n_classes: int) -> Float64Array:
    """Return the cutpoints that fit the frequencies of the classes: 0 for two classes."""
    if n_classes < 3:
        return np.zeros(min(n_classes, 1))
    share = np.cumsum(np.bincount(labels, minlength=n_classes) + 0.5)
    return np.array([latent.normal_quantile(p) for p in share[:-1] / share[-1]])


def _mode(
    scores: Float32Array, labels: AnyArray, start: Float64Array, n_threads: int
) -> tuple[Float64Array, Float64Array]:
    """Return the most likely cutpoints, by Newton's method, and the curvature there.

    The likelihood is concave; a step that loses the order of the cutpoints is shortened.
    """
    at = start
    for _ in range(_NEWTON_STEPS):
        found = latent.likelihood(scores, labels, at, n_threads)
        curvature = -found.hessian + 1e-6 * np.eye(len(at))
        step = np.linalg.solve(curvature, found.gradient)
        while (np.diff(at + step) <= 0).any():
            step = step / 2
        at = at + step
        if (step @ curvature @ step) < 1e-4:  # in squared posterior deviations
            break
    return at, curvature
