"""Small models and awkward rows for the kernel tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
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
    options = DEFAULTS | changes
    of_orders = {name: options.pop(name) for name in ("order", "shared_factors") if name in options}
    if options["model"] == "hofm":
        config = ModelConfig(model="hofm", n_factors=options["n_factors"], **of_orders)
        options |= {"n_factors": config.total_factors, "parts": config.factor_blocks}
    return Spec(**options)


def symmetric(pairs: Any) -> Any:
    return np.triu(pairs) + np.triu(pairs, 1).swapaxes(1, 2)


def _parameters(spec: Spec, n_features: int = N_FEATURES, seed: int = 0) -> Parameters:
    """Draw parameters that float32 holds exactly, so that both sides start from the same ones."""
    rng = np.random.default_rng(seed)

    def draw(*shape: int, scale: float = 1.0) -> Any:
        return rng.normal(scale=scale, size=shape).astype(np.float32).astype(np.float64)

    c, k = spec.n_outputs, spec.n_factors
    vectors = (n_features, c, k)
    shapes = {
        "fm": vectors,
        "fwfm": vectors,
        "hofm": vectors,
        "ffm": (n_features, c, spec.n_fields, k),
    }
    return Parameters(
        bias=draw(c) * spec.fit_intercept,
        linear=draw(n_features, c, scale=0.5) * spec.fit_linear,
        factors=draw(*shapes[spec.model], scale=0.5 / k**0.5) if spec.model in shapes else None,
        pair_weights=symmetric(draw(c, spec.n_fields, spec.n_fields, scale=0.5))
        if spec.model == "fwfm"
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
        wanted = asdict(spec) | changes
        rates = {name: wanted[name] for name in SolverConfig.__dataclass_fields__ if name in wanted}
        shape = {name: wanted[name] for name in ModelConfig.__dataclass_fields__ if name in wanted}
        if spec.model == "hofm":
            shape["n_factors"] = changes.get("n_factors", spec.parts[0].n_factors)
        config = ModelConfig(task=TASK_OF_LOSS[wanted["loss"]], **shape)
        params = make_parameters(spec, seed=seed)
        arrays = {
            name: array.astype(np.float32)
            for name, array in vars(params).items()
            if array is not None
        }
        model = MODEL_CLASSES[spec.model](config, **arrays)
        return spec, params, GradientSolver(model, SolverConfig(**rates))

    return make
