"""Sweeps over whole fields against one parameter at a time in float64."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from tests.oracle.coordinate import Fit

from fieldfare.exceptions import DataError
from fieldfare.kernels.coordinate import Design, Observed, Prior, SweepParameters
from fieldfare.rows import Rows

K = 3


def table(n: int, *fields: str, seed: int = 0) -> tuple[Rows, int]:
    """Draw rows with fields of some kinds; returns them and the number of features."""
    rng = np.random.default_rng(seed)
    columns: list[list[tuple[list[int], list[float]]]] = []
    first = 0
    for kind in fields:
        if kind == "one_hot":
            ids = rng.integers(0, 7, n)
            cells = [([int(first + j)], [1.0]) for j in ids]
            first += 7
        elif kind == "gaps":
            ids = rng.integers(0, 4, n)
            cells = [([int(first + j)] if j < 3 else [], [1.0] if j < 3 else []) for j in ids]
            first += 3
        elif kind == "sets":
            patterns = [sorted(rng.choice(5, rng.integers(0, 4), replace=False)) for _ in range(6)]
            chosen = [patterns[p] for p in rng.integers(0, 6, n)]
            cells = [([int(first + j) for j in s], [0.5] * len(s)) for s in chosen]
            first += 5
        else:
            cells = [([first, first + 1], list(rng.normal(size=2))) for _ in range(n)]
            first += 2
        columns.append(cells)
    indptr, indices, values, numbers = [0], [], [], []
    for i in range(n):
        for f, cells in enumerate(columns):
            indices += cells[i][0]
            values += cells[i][1]
            numbers += [f] * len(cells[i][0])
        indptr.append(len(indices))
    rows = Rows(
        np.array(indptr, np.int64),
        np.array(indices, np.uint32),
        np.array(values, np.float32),
        np.array(numbers, np.uint16),
        rng.normal(size=n).astype(np.float32),
    )
    return rows, first


def start(n_features: int, seed: int = 1) -> SweepParameters:
    rng = np.random.default_rng(seed)
    return SweepParameters(
        rng.normal(size=1).astype(np.float32),
        rng.normal(size=n_features).astype(np.float32),
        (0.3 * rng.normal(size=(K, n_features))).astype(np.float32),
    )


def copy(parameters: SweepParameters) -> SweepParameters:
    return SweepParameters(
        *(None if a is None else a.copy() for a in
          (parameters.bias, parameters.linear, parameters.factors))
    )  # fmt: skip


def dense(rows: Rows, n_features: int) -> Any:
    shape = (len(rows), n_features)
    values = np.ones(len(rows.indices)) if rows.values is None else rows.values
    return sparse.csr_matrix((values, rows.indices.astype(int), rows.indptr), shape).toarray()


def prior_of(n_features: int, seed: int = 2) -> Prior:
    rng = np.random.default_rng(seed)
    return Prior(
        rng.uniform(0.5, 2, (1 + K, 2)).astype(np.float32),
        rng.normal(size=(1 + K, 2)).astype(np.float32),
        group=rng.integers(0, 2, n_features).astype(np.uint32),
        multiplier=rng.uniform(0.5, 2, n_features).astype(np.float32),
    )


def reference(
    rows: Rows, start: SweepParameters, prior: Prior, weight: Any, precision: float
) -> Fit:
    assert start.bias is not None and start.linear is not None and start.factors is not None
    assert prior.group is not None and prior.multiplier is not None
    return Fit(
        dense(rows, len(start.linear)).astype(np.float64),
        np.asarray(rows.target, np.float64),
        float(start.bias[0]),
        start.linear.astype(np.float64),
        start.factors.astype(np.float64),
        (prior.precision[:, prior.group] * prior.multiplier).astype(np.float64),
        prior.mean[:, prior.group].astype(np.float64),
        np.ones(len(rows)) if weight is None else weight.astype(np.float64),
        precision,
    )


CASES = {
    "one-hot": (("one_hot", "one_hot"), ["one_hot", "one_hot"]),
    "gaps": (("one_hot", "gaps"), ["one_hot", "one_hot"]),
    "sets": (("one_hot", "sets", "one_hot"), ["one_hot", "table", "one_hot"]),
    "numbers": (("one_hot", "numbers"), ["one_hot", "direct"]),
    "all": (("numbers", "sets", "one_hot", "numbers", "gaps"),
            ["direct", "table", "one_hot", "direct", "one_hot"]),
}  # fmt: skip


@pytest.mark.parametrize("logistic", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_sweeps_match_one_parameter_at_a_time(case: str, weighted: bool, logistic: bool) -> None:
    fields, kinds = CASES[case]
    rows, p = table(60, *fields)
    rng = np.random.default_rng(3)
    weight = rng.uniform(0, 2, len(rows)).astype(np.float32) if weighted else None
    label = rng.integers(0, 2, len(rows)).astype(np.float32) if logistic else None
    parameters, prior = start(p), prior_of(p)
    design = Design(rows, None, p)
    assert [kind for kind, _, _ in design.blocks] == kinds
    expected = reference(rows, parameters, prior, weight, 0.7)
    assert rows.target is not None
    target = rows.target.copy()
    observed = Observed(design.score(parameters) - target, target, label, weight, 0.7)
    for _ in range(3):
        design.sweep(parameters, prior, observed)
        expected.sweep(range(p), None if label is None else label.astype(np.float64))
    assert parameters.bias is not None
    assert parameters.bias[0] == pytest.approx(expected.bias, rel=1e-4)
    np.testing.assert_allclose(parameters.linear, expected.linear, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(parameters.factors, expected.factors, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(design.score(parameters), expected.scores(), rtol=1e-3, atol=1e-4)
    scores = observed.residual + observed.target
    np.testing.assert_allclose(scores, design.score(parameters), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("key", [None, 7])
def test_any_number_of_threads_gives_the_same_bits(key: int | None) -> None:
    rows, p = table(3000, *CASES["all"][0])
    found = []
    for n_threads in (1, 2, 5):
        parameters = start(p)
        design = Design(rows, None, p)
        assert rows.target is not None
        observed = Observed(design.score(parameters, n_threads) - rows.target, rows.target.copy())
        for s in range(3):
            design.sweep(
                parameters, prior_of(p), observed,
                key=None if key is None else key + s, n_threads=n_threads,
            )  # fmt: skip
        found.append([parameters.bias, parameters.linear, parameters.factors, observed.residual])
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_positions_serve_as_fields_where_there_are_none() -> None:
    rows, p = table(50, "one_hot", "one_hot")
    blocks = Design(rows, None, p).blocks
    assert Design(rows.with_(fields=None), None, p).blocks == blocks
    assert [kind for kind, _, _ in blocks] == ["one_hot", "one_hot"]
    unequal, p = table(50, "one_hot", "gaps")
    assert [b[0] for b in Design(unequal.with_(fields=None), None, p).blocks] == ["table"]


def test_a_feature_of_two_fields_joins_them() -> None:
    rows = Rows(
        np.arange(0, 25, 3),
        np.tile(np.array([0, 1, 3, 2, 0, 4], np.uint32), 4),
        fields=np.tile(np.arange(3, dtype=np.uint16), 8),
    )
    assert Design(rows, None, 5).blocks == [("table", 3, 2), ("one_hot", 2, 3)]
    assert [b[0] for b in Design(rows, np.arange(0, 8, 2), 5).blocks] == ["one_hot"] * 3


def test_some_rows_in_an_order() -> None:
    rows, p = table(40, *CASES["all"][0])
    order = np.array([5, 3, 3, 30], np.int64)
    parameters = start(p)
    taken = Design(rows.take(order), None, p).score(parameters)
    np.testing.assert_array_equal(Design(rows, order, p).score(parameters), taken)


def test_normalised_rows() -> None:
    rows, p = table(40, *CASES["all"][0])
    X = dense(rows, p)
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    expected = reference(rows, start(p), prior_of(p), None, 1.0)
    scores = Design(rows, None, p, normalised=True).score(start(p))
    np.testing.assert_allclose(scores, replace(expected, X=X).scores(), rtol=1e-4, atol=1e-5)


def test_counts() -> None:
    rows, p = table(40, *CASES["all"][0])
    np.testing.assert_array_equal(Design(rows, None, p).counts(), (dense(rows, p) != 0).sum(axis=0))


def test_parts_can_be_left_out() -> None:
    rows, p = table(40, "one_hot", "sets")
    whole = start(p)
    assert rows.target is not None
    for parameters in (
        SweepParameters(None, whole.linear, None),
        SweepParameters(whole.bias, None, whole.factors),
        SweepParameters(whole.bias, None, None),
    ):
        k = 0 if parameters.factors is None else K
        prior = Prior(np.ones((1 + k, 1), np.float32), np.zeros((1 + k, 1), np.float32))
        own = copy(parameters)
        design = Design(rows, None, p)
        observed = Observed(design.score(own) - rows.target, rows.target.copy())
        before = (observed.residual**2).sum()
        for _ in range(3):
            design.sweep(own, prior, observed)
        after = design.score(own) - rows.target
        np.testing.assert_allclose(observed.residual, after, atol=1e-4)
        assert (after**2).sum() < before


def test_rows_that_cannot_be_used_are_named() -> None:
    rows, p = table(10, "sets", "one_hot")
    with pytest.raises(DataError, match=r"feature id of 3 or more"):
        Design(rows, None, 3)
    with pytest.raises(DataError, match=r"Row 99 .* outside the 10 rows"):
        Design(rows, np.array([0, 99]), p)
    twice = Rows(
        np.array([0, 1, 3], np.int64), np.array([0, 1, 1], np.uint32), target=np.ones(2, np.float32)
    )
    with pytest.raises(DataError, match=r"Row 1 holds a feature more than once"):
        Design(twice, None, 2)


def test_the_core_refuses_arrays_that_do_not_fit() -> None:
    rows, p = table(10, "one_hot", "one_hot")
    design = Design(rows, None, p)
    good, prior = start(p), prior_of(p)
    assert rows.target is not None
    observed = Observed(rows.target.copy(), rows.target.copy())
    short = np.zeros(3, np.float32)
    assert prior.group is not None
    for parameters, own_prior, own_observed in [
        (replace(good, linear=short), prior, observed),
        (replace(good, factors=np.zeros((K, 3), np.float32)), prior, observed),
        (replace(good, factors=None), prior, observed),
        (good, replace(prior, group=prior.group + np.uint32(2)), observed),
        (good, replace(prior, multiplier=short), observed),
        (good, prior, replace(observed, residual=short)),
        (good, prior, replace(observed, label=short)),
        (good, prior, replace(observed, weight=short)),
    ]:
        with pytest.raises(ValueError, match=r"there must be|out of range"):
            design.sweep(parameters, own_prior, own_observed)


def test_draws_have_the_conditional_distribution() -> None:
    # Orthogonal one-hot features without bias: the posterior of each weight is known.
    n, a, penalty, mean = 400, 2.0, 3.0, 0.5
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 5, n).astype(np.uint32)
    rows = Rows(np.arange(n + 1), ids, target=rng.normal(size=n).astype(np.float32))
    assert rows.target is not None
    prior = Prior(np.full((1, 1), penalty, np.float32), np.full((1, 1), mean, np.float32))
    design = Design(rows, None, 6)  # feature 5 is in no row: drawn from its prior
    parameters = SweepParameters(None, np.zeros(6, np.float32), None)
    assert parameters.linear is not None
    observed = Observed(-rows.target, rows.target.copy(), precision=a)
    draws = []
    for s in range(4000):
        design.sweep(parameters, prior, observed, key=s)
        draws.append(parameters.linear.copy())
    counts = np.bincount(ids, minlength=6)
    sums = np.bincount(ids, rows.target, minlength=6)
    precision = a * counts + penalty
    expected = (a * sums + penalty * mean) / precision
    deviation = precision**-0.5
    error = deviation / np.sqrt(len(draws))
    assert (np.abs(np.mean(draws, axis=0) - expected) < 4 * error).all()
    np.testing.assert_allclose(np.std(draws, axis=0), deviation, rtol=0.05)


def test_a_chain_has_the_posterior_of_a_linear_model() -> None:
    # Correlated features and a bias: with prior and noise fixed, the posterior is normal, with the
    # precision a X'X + L and the mean (a X'X + L)^-1 (a X'y + L m).
    n, a, penalty, mean, bias_precision = 40, 1.5, 2.0, 0.3, 0.5
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3)) @ np.array([[1, 0.5, 0], [0, 1, 0.5], [0, 0, 1.0]])
    y = (X @ [1, -1, 0.5] + rng.normal(size=n)).astype(np.float32)
    ids, starts = np.tile(np.arange(3, dtype=np.uint32), n), np.arange(0, 3 * n + 1, 3)
    rows = Rows(starts, ids, values=X.ravel().astype(np.float32), target=y)
    one = np.ones((1, 1), np.float32)
    prior = Prior(penalty * one, mean * one, bias_precision=bias_precision)
    design = Design(rows, None, 3)
    parameters = SweepParameters(np.zeros(1, np.float32), np.zeros(3, np.float32), None)
    assert parameters.linear is not None
    assert parameters.bias is not None
    observed = Observed(-y, y.copy(), precision=a)
    draws = []
    for s in range(8000):
        design.sweep(parameters, prior, observed, key=s)
        draws.append([*parameters.bias, *parameters.linear])
    wide = np.column_stack([np.ones(n), X])
    own = np.array([bias_precision, *[penalty] * 3])
    covariance = np.linalg.inv(a * wide.T @ wide + np.diag(own))
    expected = covariance @ (a * wide.T @ y + own * [0, mean, mean, mean])
    deviation = np.sqrt(np.diag(covariance))
    assert (np.abs(np.mean(draws, axis=0) - expected) < 0.06 * deviation).all()
    np.testing.assert_allclose(
        np.cov(np.transpose(draws)), covariance, atol=0.1 * deviation.max() ** 2
    )
