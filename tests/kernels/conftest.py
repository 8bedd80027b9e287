"""Small models and awkward rows for the kernel tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from tests.oracle.kernels import Parameters

from fieldfare.config import ModelConfig, SolverConfig
from fieldfare.kernels.table import Spec
from fieldfare.kinds.losses import LOSSES_OF_TASK
from fieldfare.models.registry import MODEL_CLASSES
from fieldfare.rows import Rows
from fieldfare.solvers.gradient import GradientSolver

N_FEATURES, N_FIELDS = 12, 4
TASK_OF_LOSS = {loss: task for task, losses in LOSSES_OF_TASK.items() for loss in losses}
MODEL = {"model": "fm", "n_factors": 3}
SOLVER = {"solver": "adagrad", "learning_rate": 0.1, "l2_linear": 0.01, "l2_factors": 0.02}


def _spec(*, loss: str = "logistic", **changes: Any) -> Spec:
    """Return a Spec; the changes are parameters of models and solvers, or its own."""

    def chosen(group: type, defaults: dict[str, Any]) -> dict[str, Any]:
        names = [item.name for item in fields(group)]
        return defaults | {name: changes.pop(name) for name in names if name in changes}

    task = TASK_OF_LOSS[loss]
    model = ModelConfig(task=task, **chosen(ModelConfig, MODEL))
    solver = SolverConfig(loss=loss, **chosen(SolverConfig, SOLVER))
    n_outputs = 3 if task == "multiclass" else 1
    return Spec(model, solver, **{"n_outputs": n_outputs, "n_fields": N_FIELDS} | changes)


def symmetric(pairs: Any) -> Any:
    return np.triu(pairs) + np.triu(pairs, 1).swapaxes(1, 2)


def _parameters(spec: Spec, n_features: int = N_FEATURES, seed: int = 0) -> Parameters:
    """Draw parameters that float32 holds exactly, so that both sides start from the same ones."""
    rng = np.random.default_rng(seed)

    def draw(*shape: int, scale: float = 1.0) -> Any:
        return rng.normal(scale=scale, size=shape).astype(np.float32).astype(np.float64)

    c, k = spec.n_outputs, spec.model.total_factors
    shapes = spec.model.shapes(n_features=n_features, n_fields=spec.n_fields, n_outputs=c)
    return Parameters(
        bias=draw(c) * spec.model.fit_intercept,
        linear=draw(n_features, c, scale=0.5) * spec.model.fit_linear,
        factors=draw(*shapes["factors"], scale=0.5 / k**0.5) if "factors" in shapes else None,
        pair_weights=symmetric(draw(*shapes["pair_weights"], scale=0.5))
        if "pair_weights" in shapes
        else None,
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


@pytest.fixture
def make_solver(make_spec: Any, make_parameters: Any) -> Callable[..., Any]:
    """Build a spec, its float64 parameters, and a native solver that starts from the same ones."""

    def make(seed: int = 0, **changes: Any) -> Any:
        spec = make_spec(**changes)
        params = make_parameters(spec, seed=seed)
        arrays = {
            name: array.astype(np.float32)
            for name, array in vars(params).items()
            if array is not None
        }
        model = MODEL_CLASSES[spec.kind.name](spec.model, **arrays)
        return spec, params, GradientSolver(model, spec.solver)

    return make
