"""Posterior: what is known about a factorization machine, as samples of its parameters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from fieldfare._typing import Float32Array, Float64Array
from fieldfare.config import ModelConfig
from fieldfare.exceptions import DataError
from fieldfare.kernels import latent, native
from fieldfare.kernels.table import Spec
from fieldfare.rows import Rows

# Scores of all samples are held for so many rows at a time.
_SCORES_AT_ONCE = 2**23


@dataclass(frozen=True, eq=False)
class Sample:
    """One draw of all parameters.

    Parameters
    ----------
    bias : float32 array of shape (1,)
    linear : float32 array of shape (n_features,)
    factors : float32 array of shape (n_features, n_factors) or None
    noise_precision : float
        One over the variance of the noise; 1 for classes.
    cutpoints : float64 array of shape (n_classes - 1,)
        Between ordered classes; empty for regression.
    """

    bias: Float32Array
    linear: Float32Array
    factors: Float32Array | None
    noise_precision: float
    cutpoints: Float64Array


@final
class Posterior:
    """Samples of the parameters, which together predict.

    Parameters
    ----------
    config : ModelConfig
    samples : sequence of Sample
        At least one.

    Attributes
    ----------
    bias : float32 array of shape (n_samples,)
    linear : float32 array of shape (n_features, n_samples)
    factors : float32 array of shape (n_features, n_samples, n_factors) or None
    noise_precision : float64 array of shape (n_samples,)
    cutpoints : float64 array of shape (n_samples, n_classes - 1)
    """

    def __init__(self, config: ModelConfig, samples: Sequence[Sample]) -> None:
        if not samples:
            raise DataError(
                "There are no samples to predict with: n_keep_samples is 0, or sampling was "
                "interrupted before the first. Keep samples, or give the rows to predict to fit."
            )
        self.config = config
        self.bias = np.concatenate([sample.bias for sample in samples])
        self.linear = np.stack([sample.linear for sample in samples], axis=1)
        factors = [sample.factors for sample in samples if sample.factors is not None]
        self.factors = np.stack(factors, axis=1) if factors else None
        self.noise_precision = np.array([sample.noise_precision for sample in samples])
        self.cutpoints = np.stack([sample.cutpoints for sample in samples])

    def __len__(self) -> int:
        return len(self.bias)

    @property
    def nbytes(self) -> int:
        """Bytes of the samples."""
        factors = 0 if self.factors is None else self.factors.nbytes
        return self.bias.nbytes + self.linear.nbytes + factors

    def scores(self, rows: Rows, n_threads: int | None = None) -> Float32Array:
        """Return the score of every row under every sample, float32[n_rows, n_samples]."""
        scorer = native.Scorer(self._spec(), self.bias, self.linear, self.factors)
        return scorer.score(rows, n_threads)

    def blocks(
        self, rows: Rows, n_threads: int | None = None
    ) -> Iterator[tuple[slice, Float32Array]]:
        """Yield the scores of some rows after others, so that they need little memory."""
        size = max(1, _SCORES_AT_ONCE // len(self))
        for start in range(0, rows.n_rows, size):
            part = slice(start, min(start + size, rows.n_rows))
            yield part, self.scores(rows.slice(part.start, part.stop), n_threads)

    def moments(
        self, rows: Rows, n_threads: int | None = None
    ) -> tuple[Float64Array, Float64Array]:
        """Return mean and variance of the score of every row over the samples."""
        mean, variance = np.empty(rows.n_rows), np.empty(rows.n_rows)
        for part, scores in self.blocks(rows, n_threads):
            mean[part] = scores.mean(axis=1, dtype=np.float64)
            variance[part] = scores.var(axis=1, dtype=np.float64)
        return mean, variance

    def probabilities(self, rows: Rows, n_threads: int | None = None) -> Float64Array:
        """Return the probability of each class, float64[n_rows, n_classes]."""
        out = np.empty((rows.n_rows, self.cutpoints.shape[1] + 1))
        for part, scores in self.blocks(rows, n_threads):
            threads = native.resolve_threads(n_threads, len(scores))
            out[part] = latent.probabilities(scores, self.cutpoints, threads)
        return out

    def _spec(self) -> Spec:
        config = self.config
        return Spec(
            model="linear" if self.factors is None else "fm",
            loss="squared",
            solver="sgd",
            n_outputs=len(self),
            n_factors=config.n_factors,
            n_fields=0,
            fit_intercept=config.fit_intercept,
            fit_linear=config.fit_linear,
            instance_norm=config.instance_norm,
            learning_rate=1.0,
            l2_linear=0.0,
            l2_factors=0.0,
            l1_linear=0.0,
            l1_factors=0.0,
            ftrl_beta=1.0,
        )
