"""The kinds of model, by name, and how a new one is made."""

from __future__ import annotations

import math
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
from fieldfare.schema.schema import Schema

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
    schema: Schema | None = None,
    classes: list[Any] | None = None,
    units: Units = NO_UNITS,
) -> Model:
    """Return an untrained model: zero bias and weights, random factors fixed by the seed.

    Weights of pairs of fields are one, so that training starts from a factorization machine.

    The scale of the initial scores follows from ``units``, those of targets and rows; see
    `fieldfare.kernels.table.Spec.rates`.
    """
    shapes = config.shapes(n_features=n_features, n_fields=n_fields, n_outputs=n_outputs)
    factors, pairs = shapes.get("factors"), shapes.get("pair_weights")
    return MODEL_CLASSES[config.model](
        config,
        np.zeros(shapes["bias"], np.float32),
        np.zeros(shapes["linear"], np.float32),
        None if factors is None else initial_factors(config, factors, seed, units),
        pair_weights=None if pairs is None else np.ones(pairs, np.float32),
        schema=schema,
        classes=classes,
        units=units,
    )


def initial_factors(
    config: ModelConfig, shape: tuple[int, ...], seed: int, units: Units
) -> InitialFactors:
    """Return random factors, still to be drawn, each fixed by seed, feature and position.

    Those of order t have the standard deviation ``init_scale ** (2 / t)``: products of t of them
    are then as large at the start as those of two. If all had the same, the higher orders would
    start with gradients too small to grow against the penalty.
    """
    parts = [
        (part.n_factors, config.init_scale ** (2 / part.highest) * units.of_factors(part.highest))
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

    Nothing is allocated. The sum covers the training table and a copy of the best parameters so
    far.
    """
    kind = (solver or SolverConfig()).kind
    shapes = config.shapes(n_features=1, n_fields=n_fields, n_outputs=n_outputs)
    factors = math.prod(shapes.get("factors", (0,)))
    pairs = math.prod(shapes.get("pair_weights", (0,)))
    vectors = n_outputs * len(config.factor_blocks)
    state = kind.slots * (vectors if kind.slots_per_vector else factors)
    weights = factors + n_outputs
    per_feature = weights + weights + state + kind.slots * n_outputs + 1  # times its penalty
    return 4 * (n_features * per_feature + pairs * (1 + 1 + kind.slots))
