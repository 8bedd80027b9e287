"""Diagnostics of chains whose properties are known."""

from __future__ import annotations

import numpy as np
import pytest

from fieldfare.exceptions import DataError
from fieldfare.report import plot_trace
from fieldfare.training.bayes.trace import Trace, effective_sample_size, split_r_hat


def chain(phi: float, n: int = 20_000) -> np.ndarray:
    noise = np.random.default_rng(0).normal(size=n)
    x = np.zeros(n)
    for t in range(1, n):
        x[t] = phi * x[t - 1] + noise[t]
    return x


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
def test_effective_sample_size_of_an_autoregression(phi: float) -> None:
    x = chain(phi)
    assert effective_sample_size(x) == pytest.approx(len(x) * (1 - phi) / (1 + phi), rel=0.15)


def test_chains_that_do_not_move_or_move_apart() -> None:
    assert effective_sample_size(np.ones(10)) == 10
    assert split_r_hat(np.ones(10)) == 1
    assert split_r_hat(np.repeat([0.0, 1.0], 5)) == np.inf
    assert split_r_hat(chain(0.0, 400)) == pytest.approx(1, abs=0.02)
    assert split_r_hat(np.linspace(0, 1, 100)) > 1.5


def test_the_table_is_about_the_samples_only() -> None:
    values = [100.0, 100.0, *np.random.default_rng(0).normal(size=50)]
    records = [{"sweep": float(i), "bias": v, "seconds": 0.1} for i, v in enumerate(values)]
    records[-1]["valid_rmse"] = 0.5
    trace = Trace(2, records)
    (row,) = trace.diagnostics()
    assert row["name"] == "bias"
    assert row["mean"] == pytest.approx(np.mean(values[2:]))
    assert trace["valid_rmse"][-1] == 0.5
    assert np.isnan(trace["valid_rmse"][0])
    lines = str(trace).splitlines()
    assert lines[0].split() == ["name", "mean", "std", "ess", "r_hat"]
    assert len(trace.to_frame()) == 52
    assert "too few" in str(Trace(0, records[:2]))


def test_traces_are_drawn(tmp_path) -> None:
    pytest.importorskip("matplotlib")
    noise = np.random.default_rng(0).normal(size=(30, 2))
    trace = Trace(5, [{"sweep": i + 1.0, "bias": a, "noise": b, "seconds": 0.1}
                      for i, (a, b) in enumerate(noise)])  # fmt: skip
    figure = plot_trace(trace, tmp_path / "trace.svg")
    assert len(figure.axes) == 2
    assert "R-hat" in (tmp_path / "trace.svg").read_text(encoding="utf-8")
    with pytest.raises(DataError, match="two sweeps"):
        plot_trace(Trace())
