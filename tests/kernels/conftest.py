"""Small models and awkward rows for the kernel tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fieldfare.kernels.reference import Parameters
from fieldfare.kernels.table import Spec
from fieldfare.rows import Rows

N_FEATURES, N_FIELDS = 12, 4
DEFAULTS: dict[str, Any] = {
    "model": "fm",
    "loss": "logistic",
    "solver": "adagrad",
    "n_outputs": 1,
    "n_factors": 3,
    "n_fields": N_FIELDS,
    "fit_intercept": True,
    "fit_linear": True,
    "instance_norm": False,
    "learning_rate": 0.1,
    "l2_linear": 0.01,
    "l2_factors": 0.02,
    "l1_linear": 0.0,
    "l1_factors": 0.0,
    "ftrl_beta": 1.0,
}


def _spec(**changes: Any) -> Spec:
    if changes.get("loss") == "softmax":
        changes.setdefault("n_outputs", 3)
    return Spec(**DEFAULTS | changes)


def _parameters(spec: Spec, n_features: int = N_FEATURES, seed: int = 0) -> Parameters:
    """Draw parameters that float32 holds exactly, so that both sides start from the same ones."""
    rng = np.random.default_rng(seed)

    def draw(*shape: int, scale: float = 1.0) -> Any:
        return rng.normal(scale=scale, size=shape).astype(np.float32).astype(np.float64)

    c, k = spec.n_outputs, spec.n_factors
    shapes = {"fm": (n_features, c, k), "ffm": (n_features, c, spec.n_fields, k)}
    return Parameters(
        bias=draw(c) * spec.fit_intercept,
        linear=draw(n_features, c, scale=0.5) * spec.fit_linear,
        factors=draw(*shapes[spec.model], scale=0.5 / k**0.5) if spec.model in shapes else None,
    )


def _rows(kind: str = "mixed", *, loss: str = "logistic", n_rows: int = 24, seed: int = 0) -> Rows:
    """Draw labelled rows of one kind.

    Kinds: dense, sparse, empty, single, repeated, mixed (of all), ones (values is None), binary.
    """
    rng = np.random.default_rng([seed, len(kind)])
    kinds = ["dense", "sparse", "empty", "single", "repeated"]
    ids, values = [], []
    for r in range(n_rows):
        shape = kinds[r % len(kinds)] if kind == "mixed" else kind
        if shape == "dense":
            row = np.arange(N_FEATURES)
        elif shape == "empty":
            row = np.arange(0)
        elif shape == "single":
            row = rng.integers(N_FEATURES, size=1)
        elif shape == "repeated":
            row = rng.choice([1, 5, 7], size=5)
        else:
            row = rng.choice(N_FEATURES, size=5, replace=False)
        ids.append(row)
        values.append(np.ones(len(row)) if shape == "binary" else rng.normal(size=len(row)))
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in ids])])
    indices = np.concatenate(ids).astype(np.uint32)
    target = {
        "squared": rng.normal(size=n_rows),
        "logistic": rng.integers(2, size=n_rows),
        "softmax": rng.integers(3, size=n_rows),
    }.get(loss, np.zeros(n_rows))
    return Rows(
        indptr.astype(np.int64),
        indices,
        values=None if kind == "ones" else np.concatenate(values).astype(np.float32),
        fields=(indices % N_FIELDS).astype(np.uint16),
        target=target.astype(np.float32),
    )


@pytest.fixture
def make_spec() -> Callable[..., Spec]:
    """Build a Spec from the changes to a small default."""
    return _spec


@pytest.fixture
def make_parameters() -> Callable[..., Parameters]:
    """Draw parameters for a Spec."""
    return _parameters


@pytest.fixture
def make_rows() -> Callable[..., Rows]:
    """Draw rows of one kind."""
    return _rows
