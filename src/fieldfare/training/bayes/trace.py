"""Trace: what a chain of samples went through, and whether it can be trusted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fieldfare._tables import Printed
from fieldfare._typing import AnyArray, Float64Array
from fieldfare.sources.frames import to_pandas

_NOT_FOLLOWED = ("sweep", "seconds")


@dataclass
class Trace:
    """One record per sweep. Prints as a table of diagnostics.

    Parameters
    ----------
    n_warmup : int
        Sweeps at the start that are no samples.
    sweeps : list of dict
        Records: ``sweep`` (from 1), the fit to the training rows (``train_rmse`` or
        ``train_logloss``), the hyperparameters, ``valid_<metric>`` (of the predictions averaged
        over the samples so far) and ``seconds``.
    """

    n_warmup: int = 0
    sweeps: list[dict[str, float]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.sweeps)

    def __iter__(self) -> Iterator[dict[str, float]]:
        return iter(self.sweeps)

    def __getitem__(self, name: str) -> Float64Array:
        """Return a column, one number for each sweep; NaN where there was none yet."""
        return np.array([record.get(name, np.nan) for record in self.sweeps])

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self.sweeps[-1]) if self.sweeps else []

    @property
    def followed(self) -> list[str]:
        """Names of the columns that are sampled, and so have a distribution."""
        return [
            name
            for name in self.columns
            if name not in _NOT_FOLLOWED and not name.startswith("valid_")
        ]

    def diagnostics(self) -> list[dict[str, Any]]:
        """Return mean, deviation, effective sample size and split R-hat of what was sampled.

        Returns
        -------
        list of dict
            With ``name``, ``mean``, ``std``, ``ess`` and ``r_hat``. An R-hat above 1.05 or so, or
            an effective sample size below 20 or so, means that more sweeps are needed, or a longer
            warm-up; see `effective_sample_size` and `split_r_hat`.
        """
        rows = []
        for name in self.followed:
            values = self[name][self.n_warmup :]
            if len(values) < 4:
                continue
            rows.append(
                {
                    "name": name,
                    "mean": float(values.mean()),
                    "std": float(values.std(ddof=1)),
                    "ess": effective_sample_size(values),
                    "r_hat": split_r_hat(values),
                }
            )
        return rows

    def __str__(self) -> str:
        return str(self._printed())

    def _repr_html_(self) -> str:
        return self._printed().html()

    def _printed(self) -> Printed:
        rows = self.diagnostics()
        if not rows:
            return Printed((), (), above=(f"{len(self)} sweeps: too few to tell how they mix.",))
        cells = [
            [row["name"], *(f"{row[name]:.4g}" for name in ("mean", "std")),
             f"{row['ess']:.0f}", f"{row['r_hat']:.3f}"]
            for row in rows
        ]  # fmt: skip
        return Printed(list(rows[0]), cells)

    def to_json(self) -> dict[str, Any]:
        """Return the trace as JSON values; numbers that are not finite become None."""
        sweeps = [{k: v if math.isfinite(v) else None for k, v in r.items()} for r in self.sweeps]
        return {"n_warmup": self.n_warmup, "sweeps": sweeps}

    @staticmethod
    def from_json(saved: Any) -> Trace:
        """Return the trace that `to_json` described; an empty one if it is damaged."""
        try:
            sweeps = [
                {str(k): math.nan if v is None else float(v) for k, v in record.items()}
                for record in saved["sweeps"]
            ]
            return Trace(int(saved["n_warmup"]), sweeps)
        except (AttributeError, KeyError, TypeError, ValueError):
            return Trace()

    def to_frame(self) -> Any:
        """Return the sweeps as a pandas DataFrame (pandas must be installed)."""
        return to_pandas(self.sweeps)


def effective_sample_size(values: AnyArray) -> float:
    """Return how many independent samples a chain is worth for its mean.

    n / (1 + 2 sum of autocorrelations), summed in pairs as long as the pairs are positive and do
    not grow (Geyer 1992, initial monotone sequence).

    Parameters
    ----------
    values : array of shape (n,)

    Returns
    -------
    float
        At most n; n for a chain that does not move.
    """
    x: Float64Array = np.asarray(values, np.float64)
    n = len(x)
    x = x - x.mean()
    spectrum = np.fft.rfft(x, 2 * n)
    covariance = np.fft.irfft(np.abs(spectrum) ** 2)[:n] / n
    if covariance[0] <= 0:
        return float(n)
    rho = covariance / covariance[0]
    pairs = rho[: n // 2 * 2].reshape(-1, 2).sum(axis=1)
    negative = np.flatnonzero(pairs <= 0)
    pairs = np.minimum.accumulate(pairs[: negative[0]] if len(negative) else pairs)
    return float(min(n, n / max(2 * pairs.sum() - 1, 1e-12)))


def split_r_hat(values: AnyArray) -> float:
    """Return by how much the two halves of a chain differ (Gelman et al. 2013, section 11.4).

    Parameters
    ----------
    values : array of shape (n,)
        At least four.

    Returns
    -------
    float
        Near one if both halves have the same mean; 1 for a chain that does not move.
    """
    x: Float64Array = np.asarray(values, np.float64)
    half = len(x) // 2
    halves = np.stack([x[:half], x[-half:]])
    within = halves.var(axis=1, ddof=1).mean()
    between = half * halves.mean(axis=1).var(ddof=1)
    if within <= 0:
        return 1.0 if between <= 0 else float("inf")
    return float(np.sqrt(((half - 1) * within + between) / (half * within)))
