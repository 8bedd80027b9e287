"""The oracle itself: against the definitions written out, numerical gradients and closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.oracle.kernels import (
    Parameters,
    Trainer,
    gradients,
    known,
    loss_and_gradient,
    pair_weight_gradient,
    samples,
    score,
)

from fieldfare.kinds.models import MODEL_KINDS

LOSSES = ("squared", "logistic", "softmax")
KINDS = ("dense", "sparse", "empty", "single", "repeated", "ones")


def loss_of(params, spec, sample, target):
    loss, _ = loss_and_gradient(spec.loss, score(params, spec, *sample), target)
    return loss


def numerical(function, array, h=1e-6):
    """Central differences of a function that reads the array."""
    result = np.zeros_like(array)
    for at in np.ndindex(array.shape):
        kept = array[at]
        array[at] = kept + h
        high = function()
        array[at] = kept - h
        low = function()
        array[at] = kept
        result[at] = (high - low) / (2 * h)
    return result


@pytest.mark.parametrize("instance_norm", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("model", MODEL_KINDS)
def test_gradient_equals_central_differences(
    make_spec, make_parameters, make_rows, model, loss, kind, instance_norm
):
    spec = make_spec(model=model, loss=loss, instance_norm=instance_norm, n_factors=2)
    params = make_parameters(spec)
    rows = make_rows(kind, loss=loss, n_rows=1)
    (sample,), target = samples(rows), float(rows.target[0])

    _, slope = loss_and_gradient(loss, score(params, spec, *sample), target)
    slope = slope * (2 if loss == "squared" else 1)
    ids, linear, factors = gradients(params, spec, *sample)
    expected = Parameters(slope, np.zeros_like(params.linear), None)
    np.add.at(expected.linear, ids, linear[:, None] * slope)

    def current():
        return loss_of(params, spec, sample, target)

    tolerance = {"rtol": 1e-5, "atol": 1e-7}
    np.testing.assert_allclose(expected.bias, numerical(current, params.bias), **tolerance)
    np.testing.assert_allclose(expected.linear, numerical(current, params.linear), **tolerance)
    if factors is not None:
        total = np.zeros_like(params.factors)
        np.add.at(total, ids, factors * slope.reshape(-1, *[1] * (factors.ndim - 2)))
        np.testing.assert_allclose(total, numerical(current, params.factors), **tolerance)
    if params.pair_weights is not None:
        entries = known(spec, len(params.linear), sample)
        of_pairs = pair_weight_gradient(params, spec, *entries) * slope[:, None, None]
        got = numerical(current, params.pair_weights)  # each triangle has its share
        got = np.triu(got) + np.triu(got.swapaxes(1, 2), 1)
        np.testing.assert_allclose(got, of_pairs, **tolerance)


@pytest.mark.parametrize("model", ["fm", "ffm", "fwfm"])
def test_score_is_the_sum_over_pairs(make_spec, make_parameters, make_rows, model):
    spec = make_spec(model=model)
    params = make_parameters(spec)
    for ids, fields, x in samples(make_rows("mixed")):
        expected = params.bias[0] + sum(x[a] * params.linear[i, 0] for a, i in enumerate(ids))
        for a in range(len(ids)):
            for b in range(a + 1, len(ids)):
                v, u = params.factors[ids[a], 0], params.factors[ids[b], 0]
                if model == "ffm":
                    v, u = v[fields[b]], u[fields[a]]
                r = 1 if model != "fwfm" else params.pair_weights[0, fields[a], fields[b]]
                expected += x[a] * x[b] * r * (v @ u)
        np.testing.assert_allclose(score(params, spec, ids, fields, x), [expected], atol=1e-12)


def test_unknown_ids_are_left_out_before_the_norm(make_spec):
    spec = make_spec(instance_norm=True)
    sample = np.array([1, 50, 2]), np.array([0, 1, 2]), np.array([3.0, 100.0, 4.0])
    ids, fields, values = known(spec, 12, sample)
    assert ids.tolist() == [1, 2]
    assert fields.tolist() == [0, 2]
    np.testing.assert_allclose(values, [0.6, 0.8])


@pytest.mark.parametrize("z", [-800.0, -1.0, 0.0, 1.0, 800.0])
def test_logistic_loss_is_stable(z):
    for target in (0.0, 1.0):
        loss, slope = loss_and_gradient("logistic", np.array([z]), target)
        assert np.isfinite(loss)
        assert 0 <= abs(slope[0]) <= 1


def one_weight(make_spec, **changes):
    """A linear model of one weight and no bias, learning from x = 1."""
    spec = make_spec(model="linear", loss="squared", fit_intercept=False, **changes)
    return Trainer(Parameters(np.zeros(1), np.array([[0.5]])), spec)


ONE = (np.array([0]), np.array([0]), np.array([1.0]))


def test_sgd_step(make_spec):
    trainer = one_weight(make_spec, solver="sgd", learning_rate=0.1, l2_linear=0.2)
    assert trainer.step(ONE, 2.0) == pytest.approx(1.5**2)
    assert trainer.params.linear[0, 0] == pytest.approx(0.5 - 0.1 * (-1.5 + 0.2 * 0.5))


@pytest.mark.parametrize("solver", ["adagrad", "rowwise_adagrad"])
def test_adagrad_step(make_spec, solver):
    trainer = one_weight(make_spec, solver=solver, learning_rate=0.1, l2_linear=0.0)
    trainer.step(ONE, 2.0)
    assert trainer.params.linear[0, 0] == pytest.approx(0.5 + 0.1 * 1.5 / np.sqrt(1 + 1.5**2))


def test_ftrl_starts_from_the_given_weight_and_solves_its_own_objective(make_spec):
    """The closed form is the minimum of g.w + sum sigma/2 |w - w_s|^2 + l1 |w| + l2/2 w^2."""
    options = {"solver": "ftrl", "l1_linear": 0.05, "l2_linear": 0.3, "learning_rate": 0.7}
    trainer = one_weight(make_spec, **options)
    z, n = trainer.linear.z[0, 0, 0], trainer.linear.n[0, 0, 0]
    assert -(z + 0.05) / ((1.0 + np.sqrt(n)) / 0.7 + 0.3) == pytest.approx(0.5)
    trainer.step(ONE, 2.0)
    z, n = trainer.linear.z[0, 0, 0], trainer.linear.n[0, 0, 0]
    grid = np.linspace(-3, 3, 600001)
    objective = z * grid + 0.5 * ((1 + np.sqrt(n)) / 0.7 + 0.3) * grid**2 + 0.05 * np.abs(grid)
    assert trainer.params.linear[0, 0] == pytest.approx(grid[objective.argmin()], abs=1e-5)


@pytest.mark.parametrize("solver", ["sgd", "adagrad", "rowwise_adagrad", "ftrl"])
@pytest.mark.parametrize("model", MODEL_KINDS)
def test_training_lowers_the_loss(make_spec, make_parameters, make_rows, model, solver):
    spec = make_spec(model=model, solver=solver, l2_linear=0, l2_factors=0)
    trainer = Trainer(make_parameters(spec), spec)
    rows = make_rows("sparse")
    losses = [trainer.epoch(rows, np.arange(len(rows)))[0] for _ in range(8)]
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize("model", MODEL_KINDS)
def test_a_sample_of_weight_zero_moves_nothing(make_spec, make_parameters, make_rows, model):
    spec = make_spec(model=model)
    params = make_parameters(spec)
    trainer = Trainer(params, spec)
    rows = make_rows("mixed")
    nothing = np.zeros(len(rows), np.float32)
    assert trainer.epoch(rows.with_(weight=nothing), np.arange(len(rows))) == (0.0, 0.0)
    np.testing.assert_array_equal(trainer.params.linear, params.linear)
    if params.factors is not None:
        np.testing.assert_array_equal(trainer.params.factors, params.factors)


@pytest.mark.parametrize("solver", ["sgd", "adagrad", "rowwise_adagrad", "ftrl"])
def test_ffm_moves_only_the_fields_of_the_row(make_spec, make_parameters, solver):
    spec = make_spec(model="ffm", solver=solver)
    params = make_parameters(spec)
    trainer = Trainer(params, spec)
    trainer.step(
        (np.array([3, 7, 0, 8]), np.array([3, 3, 0, 0]), np.array([1.0, 2.0, 3.0, -1.0])), 1.0
    )
    moved = np.any(trainer.params.factors != params.factors, axis=(1, 3))
    expected = [[i, b] for i in (0, 3, 7, 8) for b in (0, 3)]
    assert np.argwhere(moved).tolist() == expected


def test_a_fm_is_an_ffm_of_one_field(make_spec, make_parameters, make_rows):
    fm = make_spec(model="fm")
    ffm = make_spec(model="ffm", n_fields=1)
    params = make_parameters(fm)
    wide = replace(params, factors=params.factors[:, :, None, :])
    rows = make_rows("mixed")
    rows = rows.with_(fields=np.zeros_like(rows.fields))
    one, other = Trainer(params, fm), Trainer(wide, ffm)
    order = np.arange(len(rows))
    assert one.epoch(rows, order) == pytest.approx(other.epoch(rows, order))
    np.testing.assert_allclose(
        one.params.factors, other.params.factors[:, :, 0, :], rtol=1e-10, atol=1e-12
    )


def test_a_fwfm_starts_as_a_fm(make_spec, make_parameters, make_rows):
    spec = make_spec(model="fwfm")
    params = make_parameters(spec)
    params = replace(params, pair_weights=np.ones_like(params.pair_weights))
    plain = replace(params, pair_weights=None)
    for sample in samples(make_rows("mixed")):
        expected = score(plain, make_spec(model="fm"), *sample)
        np.testing.assert_allclose(score(params, spec, *sample), expected)


@pytest.mark.parametrize("solver", ["sgd", "adagrad", "rowwise_adagrad", "ftrl"])
def test_fwfm_moves_only_the_weights_of_pairs_that_occur(make_spec, make_parameters, solver):
    spec = make_spec(model="fwfm", solver=solver)
    params = make_parameters(spec)
    trainer = Trainer(params, spec)
    trainer.step(
        (np.array([3, 7, 0, 9]), np.array([3, 3, 0, 1]), np.array([1.0, 2.0, 3.0, -1.0])), 1.0
    )
    moved = np.argwhere(trainer.params.pair_weights[0] != params.pair_weights[0])
    pairs = {(3, 3), (0, 3), (1, 3), (0, 1)}
    assert {tuple(pair) for pair in moved.tolist()} == pairs | {(b, a) for a, b in pairs}
