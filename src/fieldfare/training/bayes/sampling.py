"""The loop over the sweeps of a Gibbs sampler."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from fieldfare._logging import say_aside
from fieldfare._typing import AnyArray, Float64Array
from fieldfare.config import GibbsConfig
from fieldfare.kernels import latent
from fieldfare.metrics import compute
from fieldfare.models.posterior import About, Posterior, Sample
from fieldfare.rows import RelatedRows, Rows
from fieldfare.solvers.gibbs import GibbsSampler, score_sample
from fieldfare.training.bayes.trace import Trace


class RunningPrediction:
    """Predictions for some rows, averaged over samples that need not be kept.

    Parameters
    ----------
    rows : Rows
    levels : float64 array or None
        The numbers that ordered classes stand for; ``None`` for regression.
    unordered : bool
        Whether the two classes are just that, and their probability is what counts.
    """

    def __init__(
        self, rows: Rows | RelatedRows, levels: AnyArray | None = None, *, unordered: bool = False
    ) -> None:
        self.rows, self.levels, self.unordered = rows, levels, unordered
        self.n_samples = 0
        n = rows.n_rows
        self._total = np.zeros(n if levels is None else (n, len(levels)))
        self._squares = np.zeros(n)
        self._noise = 0.0

    def add(self, sampler: GibbsSampler, sample: Sample, n_threads: int) -> None:
        """Take in a sample."""
        self.n_samples += 1
        scores = score_sample(sampler.model, sample, self.rows, n_threads)
        if self.levels is not None:
            cutpoints = sample.cutpoints[np.newaxis]
            self._total += latent.probabilities(scores[:, np.newaxis], cutpoints, n_threads)
            return
        wide = scores.astype(np.float64)
        self._total += wide
        self._squares += wide**2
        self._noise += 1 / sample.noise_precision

    @property
    def probabilities(self) -> Float64Array:
        """The probability of each class, of shape (n_rows, n_classes)."""
        return self._total / max(1, self.n_samples)

    @property
    def mean(self) -> Float64Array:
        """The expected target of each row."""
        found = self._total / max(1, self.n_samples)
        return found if self.levels is None else found @ self.levels

    @property
    def std(self) -> Float64Array:
        """The standard deviation of the target of each row, noise included."""
        n = max(1, self.n_samples)
        if self.levels is None:
            variance = self._squares / n - self.mean**2 + self._noise / n
        else:
            variance = self.probabilities @ self.levels**2 - self.mean**2
        return np.sqrt(np.maximum(variance, 0))

    def metrics(self) -> dict[str, float]:
        """Return how good the averaged predictions are."""
        target = self.rows.target
        if target is None or self.n_samples == 0:
            return {}
        if self.unordered:
            names, predicted = ("logloss", "auc"), self.probabilities[:, 1]
        else:
            names, predicted = ("rmse", "mae"), self.mean
            target = target if self.levels is None else self.levels[target.astype(np.int64)]
        found = compute(list(names), target, predicted, weight=self.rows.weight)
        return {f"valid_{name}": float(value) for name, value in found.items()}


@dataclass(frozen=True)
class SamplingResult:
    """What sampling found.

    Parameters
    ----------
    posterior : Posterior or None
        The kept samples; ``None`` if none were kept.
    trace : Trace
        The sweeps.
    interrupted : bool
        Whether Ctrl-C ended it early.
    """

    posterior: Posterior | None
    trace: Trace
    interrupted: bool


def run(
    sampler: GibbsSampler,
    config: GibbsConfig,
    followed: RunningPrediction | None = None,
    about: About | None = None,
    *,
    n_threads: int = 1,
    verbose: int = 0,
) -> SamplingResult:
    """Sweep, follow, and keep samples.

    Parameters
    ----------
    sampler : GibbsSampler
        It is left where the last sweep ended, so that it can continue.
    config : GibbsConfig
    followed : RunningPrediction, optional
        Rows to predict on the way.
    about : About, optional
        What is known of the posterior besides its samples.
    n_threads : int
        The samples do not depend on it.
    verbose : int
        1: a line for each sweep.

    Returns
    -------
    SamplingResult
    """
    n_keep = config.n_samples if config.n_keep_samples is None else config.n_keep_samples
    n_keep = min(n_keep, config.n_samples)
    # Counted back from the last, so that the kept samples are as far from the start as can be.
    kept_at = set(np.linspace(config.n_samples, 0, n_keep, endpoint=False).astype(int).tolist())
    kept: list[Sample] = []
    trace = Trace(config.n_warmup)
    interrupted = False
    try:
        for number in range(1, config.n_warmup + config.n_samples + 1):
            begin = time.monotonic()
            sampler.sweep(n_threads)
            record = {"sweep": float(sampler.sweeps), **sampler.describe()}
            sampled = number - config.n_warmup
            keeps = sampled in kept_at
            if keeps or (followed is not None and sampled > 0):
                sample = sampler.sample()
                if keeps:
                    kept.append(sample)
                if followed is not None:
                    followed.add(sampler, sample, n_threads)
                    record |= followed.metrics()
            record["seconds"] = time.monotonic() - begin
            trace.sweeps.append(record)
            if verbose:
                say_aside(_line(record))
    except KeyboardInterrupt:
        interrupted = True
    if about is not None:
        about = replace(about, provenance=about.provenance | {"trace": trace.to_json()})
    posterior = Posterior.of(sampler.model.config, kept, about) if kept else None
    return SamplingResult(posterior, trace, interrupted)


def _line(record: dict[str, float]) -> str:
    shown = [f"{k} {v:.5f}" for k, v in record.items() if k.startswith(("train_", "valid_"))]
    return f"sweep {record['sweep']:.0f}  " + "  ".join(shown)
