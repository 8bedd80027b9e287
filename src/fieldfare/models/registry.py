"""The kinds of model, by name, and how a new one is made."""

from __future__ import annotations

from typing import Any

import numpy as np

from fieldfare.config import ModelConfig, SolverConfig
from fieldfare.kernels import native
from fieldfare.models.base import Model
from fieldfare.models.ffm import FFMModel
from fieldfare.models.fm import FMModel
from fieldfare.models.linear import LinearModel

MODEL_CLASSES: dict[str, type[Model]] = {
    model.kind: model for model in (LinearModel, FMModel, FFMModel)
}


def build(  # noqa: PLR0913 - sizes, seed and labels, each given by name
    config: ModelConfig,
    *,
    n_features: int,
    n_fields: int = 0,
    n_outputs: int = 1,
    seed: int = 0,
    schema: Any = None,
    classes: list[Any] | None = None,
    target_scale: float = 1.0,
) -> Model:
    """Return an untrained model: zero bias and weights, random factors fixed by the seed.

    With a ``target_scale`` s, scores are to be s times as large, and so the factors sqrt(s) times.
    """
    model_class = MODEL_CLASSES[config.model]
    shape = model_class.factors_shape(config, n_features, n_fields, n_outputs)
    scale = config.init_scale * target_scale**0.5
    return model_class(
        config,
        np.zeros(n_outputs, np.float32),
        np.zeros((n_features, n_outputs), np.float32),
        None if shape is None else native.init_factors(shape, seed, scale),
        schema=schema,
        classes=classes,
        provenance={"target_scale": target_scale},
    )


def estimate_bytes(
    config: ModelConfig,
    solver: SolverConfig | None = None,
    *,
    n_features: int,
    n_fields: int = 0,
    n_outputs: int = 1,
) -> int:
    """Return the memory that training a model takes: parameters, optimiser state and best epoch.

    Nothing is allocated. The sum is two copies of the parameters (the one being made and the best
    so far) and the training table.
    """
    solver = solver or SolverConfig()
    shape = MODEL_CLASSES[config.model].factors_shape(config, 1, n_fields, n_outputs)
    factors = 0 if shape is None else int(np.prod(shape))
    slots = {"sgd": 0, "adagrad": 1, "rowwise_adagrad": 1, "ftrl": 2, "als": 0}[solver.solver]
    state = factors // config.n_factors if solver.solver == "rowwise_adagrad" else slots * factors
    weights = factors + n_outputs
    return 4 * n_features * (2 * weights + weights + state + slots * n_outputs)
