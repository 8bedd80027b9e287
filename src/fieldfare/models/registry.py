"""The kinds of model, by name, and how a new one is made."""

from __future__ import annotations

from typing import Any

import numpy as np

from fieldfare.config import ModelConfig, SolverConfig
from fieldfare.kernels.initial import InitialFactors
from fieldfare.kernels.table import NO_UNITS, Units
from fieldfare.models.base import Model
from fieldfare.models.ffm import FFMModel
from fieldfare.models.fm import FMModel
from fieldfare.models.fwfm import FwFMModel
from fieldfare.models.hofm import HOFMModel
from fieldfare.models.linear import LinearModel

MODEL_CLASSES: dict[str, type[Model]] = {
    model.kind: model for model in (LinearModel, FMModel, FFMModel, FwFMModel, HOFMModel)
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
    units: Units = NO_UNITS,
) -> Model:
    """Return an untrained model: zero bias and weights, random factors fixed by the seed.

    Weights of pairs of fields are one, so that training starts from a factorization machine.

    Scores start as large as ``units`` of target and rows say; see
    `fieldfare.kernels.table.Spec.rates`.
    """
    model_class = MODEL_CLASSES[config.model]
    shape = model_class.factors_shape(config, n_features, n_fields, n_outputs)
    pairs_shape = model_class.pair_weights_shape(n_fields, n_outputs)
    return model_class(
        config,
        np.zeros(n_outputs, np.float32),
        np.zeros((n_features, n_outputs), np.float32),
        None if shape is None else initial_factors(config, shape, seed, units),
        pair_weights=None if pairs_shape is None else np.ones(pairs_shape, np.float32),
        schema=schema,
        classes=classes,
        units=units,
    )


def initial_factors(
    config: ModelConfig, shape: tuple[int, ...], seed: int, units: Units
) -> InitialFactors:
    """Return random factors, still to be drawn, each fixed by the seed, its feature and its place.

    Those of order t have the standard deviation ``init_scale ** (2 / t)``: products of t of them
    are then as large at the start as those of two. If all had the same, the higher orders would
    start with gradients too small to grow against the penalty.
    """
    parts = [
        (part.n_factors, config.init_scale ** (2 / part.highest) * units.of_weights(part.highest))
        for part in config.factor_blocks
    ]
    return InitialFactors(shape, seed, tuple(parts))


def estimate_bytes(
    config: ModelConfig,
    solver: SolverConfig | None = None,
    *,
    n_features: int,
    n_fields: int = 0,
    n_outputs: int = 1,
) -> int:
    """Return the memory that training a model takes: parameters, optimiser state and best epoch.

    Nothing is allocated. The sum is the training table and a copy of the parameters, the best so
    far.
    """
    solver = solver or SolverConfig()
    model_class = MODEL_CLASSES[config.model]
    shape = model_class.factors_shape(config, 1, n_fields, n_outputs)
    factors = 0 if shape is None else int(np.prod(shape))
    pairs = int(np.prod(model_class.pair_weights_shape(n_fields, n_outputs) or 0))
    slots = {"adagrad": 1, "rowwise_adagrad": 1, "ftrl": 2}.get(solver.solver, 0)
    state = slots * factors
    if solver.solver == "rowwise_adagrad":
        state = n_outputs * len(config.factor_blocks)
    weights = factors + n_outputs
    per_feature = weights + weights + state + slots * n_outputs
    return 4 * (n_features * per_feature + pairs * (1 + 1 + slots))
