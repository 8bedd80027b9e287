"""Posterior: samples of the parameters of a factorization machine, which predict together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from statistics import NormalDist
from typing import Any, final

import numpy as np

from fieldfare._arguments import checked
from fieldfare._typing import AnyArray, Float32Array, Float64Array
from fieldfare._validation import Number, check
from fieldfare.config import ModelConfig
from fieldfare.exceptions import ConfigError, DataError
from fieldfare.kernels import latent, native
from fieldfare.kernels.table import Spec
from fieldfare.models.base import Model
from fieldfare.models.registry import MODEL_CLASSES
from fieldfare.rows import Rows
from fieldfare.schema.schema import Schema
from fieldfare.settings import Settings

TASKS = ("regression", "binary", "ordinal")
# How many scores are in memory at a time: rows times samples.
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


@dataclass(frozen=True)
class About:
    """What describes a posterior besides its samples.

    Parameters
    ----------
    task : {"regression", "binary", "ordinal"}
    schema : Schema or None
        What the features mean.
    classes : list or None
        Labels of the classes, numbers if they are ordered; None for regression.
    trained_by : Settings or None
        The settings of the sampling; None if they are not known.
    provenance : dict
        How the samples were made: JSON values, for people to read. Nothing depends on them.
    """

    task: str = "regression"
    schema: Schema | None = None
    classes: list[Any] | None = None
    trained_by: Settings | None = None
    provenance: dict[str, Any] = field(default_factory=dict)


@final
class Posterior:
    """Samples of the parameters, which together predict.

    Parameters
    ----------
    config : ModelConfig
    bias : float32 array of shape (n_samples,)
    linear : float32 array of shape (n_features, n_samples)
    factors : float32 array of shape (n_features, n_samples, n_factors) or None
    noise_precision : float64 array of shape (n_samples,)
        One over the variance of the noise; 1 for classes.
    cutpoints : float64 array of shape (n_samples, n_classes - 1)
        Between ordered classes, ascending; 0 for two classes, none for regression.
    about : About, optional
        What the features and the classes mean, and how the samples were made.

    Raises
    ------
    DataError
        If there are no samples, or the arrays do not fit each other.
    """

    def __init__(
        self,
        config: ModelConfig,
        bias: Float32Array,
        linear: Float32Array,
        factors: Float32Array | None,
        noise_precision: Float64Array,
        cutpoints: Float64Array,
        *,
        about: About | None = None,
    ) -> None:
        self.config = config
        self.bias, self.linear, self.factors = bias, linear, factors
        self.noise_precision, self.cutpoints = noise_precision, cutpoints
        self.about = about or About()
        self._check()

    @classmethod
    def of(
        cls, config: ModelConfig, samples: Sequence[Sample], about: About | None = None
    ) -> Posterior:
        """Return the posterior of some samples, at least one."""
        if not samples:
            raise DataError(
                "There are no samples to predict with: n_keep_samples is 0, or sampling was "
                "interrupted before the first. Keep samples, or give the rows to predict to fit."
            )
        factors = [sample.factors for sample in samples if sample.factors is not None]
        return cls(
            config,
            np.concatenate([sample.bias for sample in samples]),
            np.stack([sample.linear for sample in samples], axis=1),
            np.stack(factors, axis=1) if factors else None,
            np.array([sample.noise_precision for sample in samples]),
            np.stack([sample.cutpoints for sample in samples]),
            about=about,
        )

    def _check(self) -> None:
        n, n_features = len(self.bias), len(self.linear)
        k = self.config.total_factors
        n_cutpoints = 0 if self.about.classes is None else len(self.about.classes) - 1
        expected = {
            "bias": (np.float32, (n,)),
            "linear": (np.float32, (n_features, n)),
            "factors": (np.float32, (n_features, n, k)),
            "noise_precision": (np.float64, (n,)),
            "cutpoints": (np.float64, (n, n_cutpoints)),
        }
        if self.about.task not in TASKS or n == 0:
            raise DataError(
                f"A posterior is for one of {', '.join(TASKS)} and has at least one sample. Got "
                f"{self.about.task!r} and {n} samples."
            )
        for name, array in self.arrays().items():
            dtype, shape = expected[name]
            if name == "cutpoints" and self.about.classes is None:
                shape = (n, array.shape[-1])
            if array.dtype != dtype or array.shape != shape:
                raise DataError(
                    f"A posterior needs {name} as {np.dtype(dtype)} of shape {shape}. Got "
                    f"{array.dtype} of shape {array.shape}."
                )

    def arrays(self) -> dict[str, AnyArray]:
        """Return the samples by the names of the parameters."""
        names = ("bias", "linear", "factors", "noise_precision", "cutpoints")
        arrays = {name: getattr(self, name) for name in names}
        return {name: array for name, array in arrays.items() if array is not None}

    @property
    def task(self) -> str:
        """What is predicted: "regression", "binary" or "ordinal"."""
        return self.about.task

    @property
    def classes(self) -> list[Any] | None:
        """Labels of the classes; numbers, ascending, for ordered ones; None for regression."""
        return self.about.classes

    @property
    def schema(self) -> Schema | None:
        """What the features mean, if that is known."""
        return self.about.schema

    @property
    def trained_by(self) -> Settings | None:
        """The settings of the sampling; None if they are not known."""
        return self.about.trained_by

    @property
    def provenance(self) -> dict[str, Any]:
        """How the samples were made: JSON values, for people to read."""
        return self.about.provenance

    @property
    def n_features(self) -> int:
        """Number of features."""
        return len(self.linear)

    @property
    def n_outputs(self) -> int:
        """Number of scores per row under one sample: 1."""
        return 1

    def __repr__(self) -> str:
        k = 0 if self.factors is None else self.factors.shape[2]
        return (
            f"Posterior({self.task}, {len(self)} samples, {self.n_features} features, {k} factors)"
        )

    def __len__(self) -> int:
        return len(self.bias)

    def as_model(self) -> Model:
        """Return a model of which each output is the score under one sample, sharing the arrays."""
        config = replace(self.config, task="multiclass")
        model = MODEL_CLASSES[config.model]
        return model(config, self.bias, self.linear, self.factors, schema=self.schema)

    @property
    def nbytes(self) -> int:
        """Bytes of the samples."""
        return sum(array.nbytes for array in self.arrays().values())

    @checked
    def scores(self, rows: Rows, n_threads: int | None = None) -> Float32Array:
        """Return the score of every row under every sample, float32[n_rows, n_samples]."""
        scorer = native.Scorer(
            Spec(self.config, n_outputs=len(self)), self.bias, self.linear, self.factors
        )
        return scorer.score(rows, n_threads)

    @checked
    def blocks(
        self, rows: Rows, n_threads: int | None = None
    ) -> Iterator[tuple[slice, Float32Array]]:
        """Yield slices of the rows and their scores, so that little memory is needed."""
        size = max(1, _SCORES_AT_ONCE // len(self))
        for start in range(0, rows.n_rows, size):
            part = slice(start, min(start + size, rows.n_rows))
            yield part, self.scores(rows.slice(part.start, part.stop), n_threads)

    @checked
    def moments(
        self, rows: Rows, n_threads: int | None = None
    ) -> tuple[Float64Array, Float64Array]:
        """Return mean and variance of the score of every row over the samples."""
        mean, variance = np.empty(rows.n_rows), np.empty(rows.n_rows)
        for part, scores in self.blocks(rows, n_threads):
            mean[part] = scores.mean(axis=1, dtype=np.float64)
            variance[part] = scores.var(axis=1, dtype=np.float64)
        return mean, variance

    @checked
    def probabilities(self, rows: Rows, n_threads: int | None = None) -> Float64Array:
        """Return the probability of each class, float64[n_rows, n_classes]."""
        out = np.empty((rows.n_rows, self.cutpoints.shape[1] + 1))
        for part, scores in self.blocks(rows, n_threads):
            threads = min(native.resolve_threads(n_threads, len(scores)), max(1, len(scores)))
            out[part] = latent.probabilities(scores, self.cutpoints, threads)
        return out

    @checked
    def predict(self, rows: Rows, n_threads: int | None = None) -> Float64Array:
        """Return the expected target of every row: for two classes, the probability of the second.

        Parameters
        ----------
        rows : Rows
            Features that are not known are ignored.
        n_threads : int, optional
            All cores by default; the result does not depend on it.

        Returns
        -------
        float64 array of shape (n_rows,)
        """
        if self.task == "regression":
            return self.moments(rows, n_threads)[0]
        expected = self.probabilities(rows, n_threads) @ self._levels()
        # Rounding may leave the range of the classes, in which probabilities must be.
        return np.clip(expected, *self._levels()[[0, -1]])

    @checked
    def deviations(self, rows: Rows, n_threads: int | None = None) -> Float64Array:
        """Return the standard deviation of the target of every row, float64[n_rows].

        It covers the uncertainty of the parameters, and the noise.
        """
        if self.task == "regression":
            noise = float((1 / self.noise_precision).mean())
            return np.sqrt(self.moments(rows, n_threads)[1] + noise)
        probabilities, levels = self.probabilities(rows, n_threads), self._levels()
        variance = probabilities @ levels**2 - (probabilities @ levels) ** 2
        return np.sqrt(np.maximum(variance, 0))

    @checked
    def intervals(
        self,
        rows: Rows,
        coverage: float = 0.95,
        *,
        noise: bool = True,
        n_threads: int | None = None,
    ) -> Float64Array:
        """Return intervals that contain the target of a regression with a given probability.

        Parameters
        ----------
        rows : Rows
        coverage : float in (0, 1)
            The probability.
        noise : bool
            True: interval for a new observation, by the normal distribution of its mean and
            deviation. False: credible interval for its expectation, between quantiles of the
            samples.
        n_threads : int, optional

        Returns
        -------
        float64 array of shape (n_rows, 2)
            Lower and upper ends.

        Raises
        ------
        ConfigError
            If the coverage is not a probability, or there are classes.
        """
        check("coverage", coverage, Number(0, 1, low_open=True, high_open=True), "intervals")
        if self.task != "regression":
            raise ConfigError(
                f"Intervals are for regression. This posterior is {self.task}: its probabilities "
                "express the uncertainty."
            )
        tail = (1 - coverage) / 2
        out = np.empty((rows.n_rows, 2))
        if not noise:
            for part, scores in self.blocks(rows, n_threads):
                out[part] = np.quantile(scores, [tail, 1 - tail], axis=1).T
            return out
        mean, variance = self.moments(rows, n_threads)
        deviation = np.sqrt(variance + float((1 / self.noise_precision).mean()))
        reach = NormalDist().inv_cdf(1 - tail) * deviation
        return np.column_stack([mean - reach, mean + reach])

    def _levels(self) -> Float64Array:
        """Return the numbers that the classes stand for."""
        return np.array([0.0, 1.0] if self.task == "binary" else self.classes, np.float64)
