"""Training by several threads: in batches with the same bits for any number, and lock-free."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fieldfare.config import GRADIENT_SOLVERS
from fieldfare.rows import Rows

N_FEATURES, N_FIELDS = 12, 4

# Vectors of lengths known to the compiler and not; parts of unlike length.
CASES: list[dict[str, Any]] = [
    {"model": "linear"},
    {"model": "fm", "n_factors": 8},
    {"model": "fm", "n_factors": 20},
    {"model": "ffm", "n_factors": 3},
    {"model": "ffm", "n_factors": 12},
    {"model": "fwfm", "n_factors": 3},
    {"model": "fwfm", "n_factors": 20},
    {"model": "hofm", "order": 3, "n_factors": (9, 3)},
    {"model": "hofm", "order": 4, "n_factors": 4, "shared_factors": True},
]
IDS = ["-".join(map(str, case.values())) for case in CASES]


def draw_rows(n_rows: int) -> Rows:
    """Draw rows of many entries: fields of several features, features that every row repeats."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(0, 12, n_rows)
    indices = rng.integers(0, N_FEATURES, lengths.sum()).astype(np.uint32)
    return Rows(
        np.cumsum([0, *lengths], dtype=np.int64),
        indices,
        rng.normal(size=len(indices)).astype(np.float32),
        (indices % N_FIELDS).astype(np.uint16),
        rng.integers(0, 2, n_rows).astype(np.float32),
    )


def parameters(solver: Any) -> list[Any]:
    return [np.array(array) for array in solver.state().values()]


@pytest.mark.parametrize("case", CASES, ids=IDS)
@pytest.mark.parametrize("name", GRADIENT_SOLVERS)
def test_any_number_of_threads_gives_the_same_bits(make_solver, case, name):
    rows = draw_rows(1500)
    order = np.random.default_rng(1).permutation(len(rows))
    found = []
    for n_threads in (1, 2, 3):
        _, _, solver = make_solver(solver=name, **case)
        learned = solver.train(rows, order, n_threads=n_threads, deterministic=True)
        found.append([np.array(learned), *parameters(solver)])
    for other in found[1:]:
        for mine, theirs in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(theirs, mine)


@pytest.mark.parametrize("case", CASES, ids=IDS)
@pytest.mark.parametrize("loss", ["logistic", "softmax"])
def test_a_batch_of_one_sample_is_a_plain_step(make_solver, case, loss):
    rows = draw_rows(30)
    _, _, plain = make_solver(loss=loss, **case)
    _, _, batched = make_solver(loss=loss, **case)
    for row in range(len(rows)):
        plain.train(rows, np.array([row]))
        batched.train(rows, np.array([row]), n_threads=1, deterministic=True)
    for mine, theirs in zip(parameters(plain), parameters(batched), strict=True):
        np.testing.assert_allclose(theirs, mine, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_lock_free_threads_learn_as_much(make_solver, case):
    rows = draw_rows(3000)
    losses = []
    for n_threads in (1, 3):
        _, _, solver = make_solver(learning_rate=0.02, **case)
        for _ in range(3):
            loss, weight = solver.train(rows, np.arange(len(rows)), n_threads=n_threads)
        losses.append(loss / weight)
    assert losses[1] < losses[0] + 0.05
