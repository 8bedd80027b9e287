"""Latent variables of probit models against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtri

from fieldfare.kernels import latent

CUTPOINTS = np.array([-1.0, 0.2, 1.5])


def problem(n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=n).astype(np.float32), rng.integers(0, 4, n).astype(np.uint8)


def test_quantiles() -> None:
    p = np.concatenate([10.0 ** -np.arange(1, 300, 7), np.linspace(0.001, 0.999, 99), [1 - 1e-12]])
    found = [latent.normal_quantile(float(x)) for x in p]
    np.testing.assert_allclose(found, ndtri(p), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("score", [-9.0, -1.0, 0.0, 2.0, 40.0])
@pytest.mark.parametrize("label", [0, 1, 3])
def test_draws_follow_the_truncated_normal(score: float, label: int) -> None:
    n = 20_000
    bounds = np.concatenate([[-np.inf], CUTPOINTS, [np.inf]])
    low, high = bounds[label : label + 2] - score
    scores, labels = np.full(n, score, np.float32), np.full(n, label, np.uint8)
    z = latent.draw_latent(scores, labels, CUTPOINTS, key=1) - score
    assert (z >= low - 1e-5).all() and (z <= high + 1e-5).all()
    if abs(score) < 9:
        mean, variance = stats.truncnorm.stats(low, high)
        assert z.mean() == pytest.approx(mean, abs=5 * np.sqrt(variance / n))
        assert z.var() == pytest.approx(variance, rel=0.1)


def test_draws_depend_on_the_key_and_not_on_threads() -> None:
    scores, labels = problem()
    one = latent.draw_latent(scores, labels, CUTPOINTS, key=1)
    np.testing.assert_array_equal(one, latent.draw_latent(scores, labels, CUTPOINTS, 1, 3))
    assert (one != latent.draw_latent(scores, labels, CUTPOINTS, key=2)).all()


def test_likelihood_and_derivatives() -> None:
    scores, labels = problem()
    bounds = np.concatenate([[-np.inf], CUTPOINTS, [np.inf]])
    p = stats.norm.cdf(bounds[labels + 1] - scores) - stats.norm.cdf(bounds[labels] - scores)
    found = latent.likelihood(scores, labels, CUTPOINTS)
    assert found.value == pytest.approx(np.log(p).sum(), rel=1e-10)
    assert latent.likelihood(scores, labels, CUTPOINTS, 3).value == found.value
    step = 1e-5
    for c in range(3):
        up, down = (
            latent.likelihood(scores, labels, CUTPOINTS + sign * step * np.eye(3)[c])
            for sign in (1, -1)
        )
        assert found.gradient[c] == pytest.approx((up.value - down.value) / (2 * step), rel=1e-5)
        np.testing.assert_allclose(
            found.hessian[c], (up.gradient - down.gradient) / (2 * step), rtol=1e-5, atol=1e-5
        )


def test_probabilities_are_averaged_over_samples() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(7, 5)).astype(np.float32)
    cutpoints = np.sort(rng.normal(size=(5, 3)), axis=1)
    below = stats.norm.cdf(cutpoints - scores[:, :, None])
    padded = np.concatenate([np.zeros((7, 5, 1)), below, np.ones((7, 5, 1))], axis=2)
    expected = np.diff(padded, axis=2).mean(axis=1)
    np.testing.assert_allclose(latent.probabilities(scores, cutpoints, 2), expected, rtol=1e-10)


def test_the_core_refuses_labels_and_shapes_that_do_not_fit() -> None:
    scores, labels = problem()
    with pytest.raises(ValueError, match="a label is out of range"):
        latent.likelihood(scores, labels + np.uint8(1), CUTPOINTS)
    with pytest.raises(ValueError, match="one label per row"):
        latent.draw_latent(scores, labels[:3], CUTPOINTS, key=1)
    with pytest.raises(ValueError, match="wrong shape"):
        latent.probabilities(scores[:, None], np.zeros((2, 3)))
