"""The Gibbs sampler: known posteriors, seeds, threads, and going on."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from fieldfare.config import ModelConfig
from fieldfare.exceptions import DataError
from fieldfare.kernels import latent
from fieldfare.kernels.table import Units
from fieldfare.models.registry import build
from fieldfare.rows import Rows
from fieldfare.solvers.gibbs import GibbsSampler, score_sample

N = 13


def _rows(n: int = 400, *, task: str = "regression", weighted: bool = False) -> Rows:
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 6, (n, 2)) + [0, 6]
    score = np.where(ids[:, 0] % 2 == ids[:, 1] % 2, 1.0, -1.0) + 0.5 * rng.normal(size=n)
    classes = {"binary": score > 0, "ordinal": np.digitize(score, [-1, 0, 1])}
    return Rows(
        np.arange(0, 2 * n + 1, 2, dtype=np.int64),
        ids.astype(np.uint32).ravel(),
        fields=np.tile(np.arange(2, dtype=np.uint16), n),
        target=classes.get(task, score).astype(np.float32),
        weight=rng.uniform(0.5, 2, n).astype(np.float32) if weighted else None,
    )


def _sampler(
    rows: Rows, *, seed: int = 1, n_classes: int = 0, model: str = "fm", **config: Any
) -> GibbsSampler:
    config = {"task": "regression", "n_factors": 3} | config
    start = build(ModelConfig(model=model, **config), n_features=N, seed=7)
    group = (np.arange(N) >= 6).astype(np.uint32)
    return GibbsSampler(start, rows, group, n_classes=n_classes, seed=seed)


def assert_same(a: GibbsSampler, b: GibbsSampler) -> None:
    for name, array in a.state().items():
        np.testing.assert_array_equal(array, b.state()[name])


KINDS = [("regression", 0, "fm"), ("binary", 2, "fm"), ("ordinal", 4, "fm"),
         ("regression", 0, "hofm"), ("ordinal", 4, "hofm")]  # fmt: skip


@pytest.mark.parametrize(("task", "n_classes", "model"), KINDS)
def test_a_seed_fixes_the_chain_for_any_number_of_threads(
    task: str, n_classes: int, model: str
) -> None:
    rows = _rows(task=task)
    one, two, other = (_sampler(rows, n_classes=n_classes, seed=s, model=model) for s in (1, 1, 2))
    for _ in range(12):
        one.sweep(1)
        two.sweep(3)
        other.sweep(1)
    assert_same(one, two)
    assert (one.state()["linear"] != other.state()["linear"]).all()


@pytest.mark.parametrize(("task", "n_classes", "model"), KINDS)
def test_a_state_goes_on_exactly(task: str, n_classes: int, model: str) -> None:
    rows = _rows(task=task)
    whole, first, second = (_sampler(rows, n_classes=n_classes, model=model) for _ in range(3))
    for _ in range(7):
        whole.sweep()
        first.sweep()
    second.load_state(first.state())
    for _ in range(7):
        whole.sweep()
        second.sweep()
    assert_same(whole, second)


def test_states_that_do_not_fit_and_pickles_are_refused() -> None:
    sampler = _sampler(_rows())
    with pytest.raises(DataError, match="Got nothing"):
        sampler.load_state({})
    with pytest.raises(DataError, match=r"Got float32 of shape \(3,\)"):
        sampler.load_state(sampler.state() | {"linear": np.zeros(3, np.float32)})
    for scores in (np.float32(0), np.zeros((2, 3), np.float32), np.array(["a"])):
        with pytest.raises(DataError, match="'scores' must be float32"):
            sampler.load_state(sampler.state() | {"scores": np.asarray(scores)})
    with pytest.raises(TypeError, match="keep its state"):
        pickle.dumps(sampler)
    with pytest.raises(DataError, match="target"):
        _sampler(_rows().with_(target=None))


@pytest.mark.parametrize("weighted", [False, True])
def test_it_learns_the_pairs_and_the_noise(weighted: bool) -> None:
    rows = _rows(2000, weighted=weighted)
    sampler, total = _sampler(rows), np.zeros(2000)
    for sweep in range(60):
        sampler.sweep()
        if sweep >= 20:
            total += score_sample(sampler.model, sampler.sample(), rows, 1) / 40
    truth = np.where(rows.indices[0::2] % 2 == rows.indices[1::2] % 2, 1.0, -1.0)
    assert np.sqrt(np.mean((total - truth) ** 2)) < 0.15
    noise = 0.5 if not weighted else 0.5 * np.sqrt(np.mean(rows.weight))
    assert sampler.describe()["noise"] == pytest.approx(noise, rel=0.1)
    np.testing.assert_allclose(
        sampler.state()["scores"], score_sample(sampler.model, sampler.sample(), rows, 1), atol=1e-4
    )


@pytest.mark.parametrize("model", ["fm", "hofm"])
def test_the_unit_of_the_target_does_not_change_the_chain(model: str) -> None:
    rows = _rows() if model == "fm" else _triples(400)
    assert rows.target is not None
    found = []
    for unit in (1.0, 4096.0):  # whose square and cube roots are exact
        config = ModelConfig(model=model, task="regression", n_factors=3)
        start = build(config, n_features=N, seed=7, units=Units(unit))
        scaled = rows.with_(target=rows.target * np.float32(unit))
        sampler = GibbsSampler(start, scaled, np.zeros(N, np.uint32), seed=1)
        for _ in range(5):
            sampler.sweep()
        found.append(score_sample(sampler.model, sampler.sample(), rows, 1) / unit)
    np.testing.assert_allclose(found[0], found[1], rtol=1e-3, atol=1e-4)


def _triples(n: int) -> Rows:
    """Return rows of three fields of 4, 4 and 5 features, whose target is a product of three."""
    rng = np.random.default_rng(0)
    ids = rng.integers(0, [4, 4, 5], (n, 3))
    signs = np.where(ids % 2 == 0, 1.0, -1.0).prod(axis=1)
    return Rows(
        np.arange(0, 3 * n + 1, 3, dtype=np.int64),
        (ids + [0, 4, 8]).astype(np.uint32).ravel(),
        target=(signs + 0.3 * rng.normal(size=n)).astype(np.float32),
    )


def test_factors_of_each_order_are_drawn_from_their_conditional_distribution() -> None:
    # All else is as it was when a sweep comes to its first factor: without bias, linear weights and
    # factors of order 2 that is the one of order 3.
    rows = _triples(60)
    given = {"order": 3, "fit_intercept": False, "fit_linear": False, "n_factors": (1, 1)}
    sampler = _sampler(rows, model="hofm", **given)
    state = sampler.state()
    v = np.random.default_rng(1).normal(size=N).astype(np.float32)
    # No spread: what is drawn for order 2 is zero.
    precision = np.vstack([np.ones((2, 2)) * 1e12, np.full((1, 2), 3.0)])
    mean = np.vstack([np.zeros((2, 2)), np.full((1, 2), 0.5)])
    start = {"factors": np.stack([0 * v, v]), "precision": precision, "mean": mean}
    start["scores"] = np.zeros(0, np.float32)
    drawn = []
    for sweep in range(1500):
        sampler.load_state(state | start | {"sweeps": np.array([sweep])})
        sampler.sweep()
        drawn.append(sampler.state()["factors"][1, 0])
    at = rows.indices.reshape(-1, 3)
    own, alpha = at[:, 0] == 0, float(state["noise_precision"][0])
    assert rows.target is not None
    h, y = (v[at[:, 1]] * v[at[:, 2]])[own].astype(np.float64), rows.target[own]
    total = alpha * (h @ h) + 3.0
    expected = (alpha * (h @ y) + 3.0 * 0.5) / total
    assert np.mean(drawn) == pytest.approx(expected, abs=4 / np.sqrt(1500 * total))
    assert np.std(drawn) == pytest.approx(1 / np.sqrt(total), rel=0.08)


@pytest.mark.parametrize("shared", [False, True])
def test_it_learns_triples(shared: bool) -> None:
    rows = _triples(1200)
    sampler = _sampler(rows, model="hofm", order=3, shared_factors=shared)
    for _ in range(40):
        sampler.sweep()
    found = sampler.describe()
    assert found["noise"] == pytest.approx(0.3, rel=0.1)
    assert {"factor_spread_order_3_0", "factor_spread_order_3_1"} <= set(found)
    assert ("factor_spread_0" in found) != shared
    np.testing.assert_allclose(
        sampler.state()["scores"], score_sample(sampler.model, sampler.sample(), rows, 1), atol=1e-3
    )


def test_the_first_prior_is_wide_for_small_groups_and_narrow_for_large_ones() -> None:
    start = build(
        ModelConfig(model="fm", task="regression", n_factors=2, init_scale=0.01),
        n_features=N, seed=7, units=Units(4.0),
    )  # fmt: skip
    group = (np.arange(N) == 0).astype(np.uint32)
    precision = GibbsSampler(start, _rows(), group).state()["precision"]
    # Twelve features and one, each of variance 10 * 0.01^2, and one prior observation: of variance
    # 1 / 2 in rows of two ones, in the unit of this target (16 for linear weights, 4 for factors).
    expected = np.array([13 / (0.5 + 12 * 0.001), 2 / (0.5 + 0.001)])
    np.testing.assert_allclose(precision, np.stack([expected / 16, expected / 4, expected / 4]))
    # Of classes, linear weights start wide, and groups alike.
    precision = GibbsSampler(start, _rows(task="binary"), group, n_classes=2).state()["precision"]
    expected = np.ones(2)
    np.testing.assert_allclose(precision, np.stack([expected, 1000 * expected, 1000 * expected]))


def test_priors_shrink_with_the_length_of_rows() -> None:
    rows = _rows()
    tenfold = rows.with_(values=np.full(rows.nnz, 10, np.float32))
    config: dict[str, Any] = {"init_scale": 3.0, "n_factors": 2}  # so wide that it is narrowed
    first, narrow = (_sampler(one, **config).state()["precision"] for one in (rows, tenfold))
    np.testing.assert_allclose(narrow, 100 * first)
    # Scores of this prior vary as much as the target: 2 u for weights, 2 u^2 for factors.
    scale = _sampler(rows, **config)._scale
    np.testing.assert_allclose(scale[:, 0], [0.5, 0.5, 0.5], rtol=1e-6)
    np.testing.assert_allclose(_sampler(tenfold, **config)._scale, scale / 100)


@pytest.mark.parametrize("n_classes", [0, 2])
def test_rows_of_many_numbers_in_groups_of_their_own_are_predicted(n_classes: int) -> None:
    rng = np.random.default_rng(3)
    n, width = 600, 60
    x = rng.normal(size=(n, width)).astype(np.float32)
    score = x[:, :3].sum(axis=1) + rng.normal(size=n)
    target = (score > 0 if n_classes else score).astype(np.float32)
    indptr = np.arange(0, n * width + 1, width, dtype=np.int64)
    ids = np.tile(np.arange(width, dtype=np.uint32), n)
    rows = Rows(indptr, ids, x.ravel(), target=target)
    spread = 1.0 if n_classes else float(target[:400].std())
    config = ModelConfig(model="fm", task="regression")
    start = build(config, n_features=width, seed=7, units=Units(spread))
    groups = np.arange(width, dtype=np.uint32)
    sampler = GibbsSampler(start, rows.slice(0, 400), groups, n_classes=n_classes, seed=1)
    test, scores = rows.slice(400, n), []
    for sweep in range(30):
        sampler.sweep()
        if sweep >= 10:
            scores.append(score_sample(sampler.model, sampler.sample(), test, 1))
    mean = np.mean(scores, axis=0)
    if n_classes:
        assert np.mean((mean > 0) == (target[400:] > 0)) > 0.65
    else:
        assert np.sqrt(np.mean((mean - target[400:]) ** 2)) < 0.8 * target[400:].std()


def test_hyperparameters_follow_their_posterior() -> None:
    # With the weights fixed, mean and precision are normal-gamma: E[m] = sum / (p + 1).
    sampler = _sampler(_rows(), model="linear")
    weights = np.linspace(-1, 2, N).astype(np.float32)
    state = sampler.state() | {"linear": weights}
    sampler.load_state(state)
    random = np.random.default_rng(0)
    means, precisions = [], []
    for _ in range(4000):
        sampler._draw_hyperparameters(random)
        now = sampler.state()
        means.append(now["mean"][0])
        precisions.append(now["precision"][0])
    for g, own in enumerate((weights[:6], weights[6:])):
        p = len(own)
        assert np.mean(means, axis=0)[g] == pytest.approx(own.sum() / (p + 1), abs=0.05)
        # Marginally gamma with shape (1 + p) / 2, the mean integrated out.
        rate = (0.5 + (own**2).sum() - own.sum() ** 2 / (p + 1)) / 2
        assert np.mean(precisions, axis=0)[g] == pytest.approx((1 + p) / 2 / rate, rel=0.05)


def test_cutpoints_follow_their_posterior() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 12).astype(np.uint8)
    scores = rng.normal(size=12).astype(np.float32)
    rows = _rows(12).with_(target=labels.astype(np.float32))
    sampler = _sampler(rows, n_classes=3)
    random = np.random.default_rng(1)
    drawn = []
    for _ in range(6000):
        sampler._draw_cutpoints(scores, random, 1)
        drawn.append(sampler.state()["cutpoints"])
    grid = np.linspace(-4, 4, 161)
    a, b = (axis.ravel() for axis in np.meshgrid(grid, grid))
    keep = a < b
    pairs = np.column_stack([a, b])[keep]
    density = np.exp([latent.likelihood(scores, labels, pair).value for pair in pairs])
    expected = density @ pairs / density.sum()
    np.testing.assert_allclose(np.mean(drawn, axis=0), expected, atol=0.08)


@pytest.mark.parametrize("n_factors", [1, 3])
def test_a_sample_and_the_first_model_stay_as_they_are(n_factors: int) -> None:
    sampler = _sampler(_rows(), n_factors=n_factors)
    assert sampler.model.factors is not None
    first = sampler.model.factors.copy()
    sampler.sweep()
    sample = sampler.sample()
    assert sample.factors is not None
    taken = sample.factors.copy()
    sampler.sweep()
    np.testing.assert_array_equal(sampler.model.factors, first)
    np.testing.assert_array_equal(sample.factors, taken)
