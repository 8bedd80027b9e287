"""Folding in: features that a model does not know get parameters, and all others stay."""

from __future__ import annotations

from typing import Any

import numpy as np

from fieldfare._arguments import checked
from fieldfare._arrays import as_array
from fieldfare.config import SolverConfig
from fieldfare.data.loading import extend, load
from fieldfare.exceptions import ConfigError, DataError
from fieldfare.kernels.native import resolve_threads
from fieldfare.kinds.solvers import NONSAMPLED
from fieldfare.models.base import FittedEstimator, Model, model_of
from fieldfare.rows import as_rows
from fieldfare.solvers.nonsampled import NonSampledSolver
from fieldfare.training.functions import schema_of
from fieldfare.training.prepare.units import mean_weight
from fieldfare.training.samples.subset import RowSubset

_FOUND_IN_DATA = ("unobserved_weight", "l2_queries", "l2_items")


@checked
def fold_in(
    model: Model | FittedEstimator,
    interactions: Any,
    *,
    known: Any,
    sample_weight: Any = None,
    n_jobs: int | None = None,
) -> Model:
    """Return a model that also knows new users and items, and is otherwise the same.

    Each feature that occurs only in the interactions, such as the id of a new user, gets the
    parameters that suit them best while everything else stays fixed: those that a sweep of the
    ``"nonsampled"`` solver would give it, with the weight and the penalties that the model was
    trained with.

    Parameters
    ----------
    model : Model or fitted estimator
        Learned by ``solver="nonsampled"``, which is how `FMRanker` trains for recall. It may come
        from a file.
    interactions : table
        All interactions of the new users and items, one per row.
    known : table
        The interactions that the model was trained on. Their users and items are needed because
        the pairs that were not seen count, too.
    sample_weight : array-like of shape (n_interactions,), optional
        Weights of the new interactions; only their proportions count.
    n_jobs : int, optional
        Number of threads; all cores by default. The result does not depend on it.

    Returns
    -------
    Model

    Raises
    ------
    ConfigError
        If the model was learned in another way.
    DataError
        If the data or their weights cannot be used as they are.

    Examples
    --------
    >>> model = fieldfare.load_model("model.ff")  # doctest: +SKIP
    >>> larger = fieldfare.fold_in(model, newcomers, known=interactions)  # doctest: +SKIP
    """
    model = model_of(model, "fold_in")
    config = settings_to_fold_in(model)
    schema = schema_of(model)
    before = load(known, schema=schema, labelled=False)
    extended = extend(schema, interactions, labelled=False)
    rows = extended.rows
    if sample_weight is not None:
        weight = as_array("sample_weight", sample_weight, np.float32, ndim=1)
        if len(weight) != len(rows):
            raise DataError(
                f"sample_weight must have one weight for each of the {len(rows)} rows. "
                f"Got {len(weight)}."
            )
        rows = rows.with_(weight=weight).validate()
    fresh = RowSubset(rows)
    fresh = fresh.weighed_in(mean_weight(fresh))
    solver = NonSampledSolver(model, config)
    n_threads = resolve_threads(n_jobs, len(rows))
    solver.fold_in(extended.schema, as_rows(fresh.rows), as_rows(before.rows), n_threads)
    return solver.export().with_(schema=extended.schema)


def settings_to_fold_in(model: Model) -> SolverConfig:
    """Return the settings that a model was learned with from all pairs, none of them "auto".

    Raises
    ------
    ConfigError
        If it was learned in another way, or does not say by which numbers.
    """
    config = None if model.trained_by is None else model.trained_by.solver
    if config is None or not config.kind.all_pairs:
        got = (
            "a model that does not say how it was trained"
            if config is None
            else f"one by solver={config.solver!r}"
        )
        raise ConfigError(
            f"Folding in needs a model that was learned by solver={NONSAMPLED.name!r}, from all "
            f"pairs of users and items. Got {got}: continue training it with the new rows, or "
            "train a new model."
        )
    open_ones = [name for name in _FOUND_IN_DATA if isinstance(getattr(config, name), str)]
    if open_ones:
        raise ConfigError(
            f"Folding in needs the numbers that the model was trained with. Its file has "
            f"'auto' as {', '.join(open_ones)}, as earlier versions wrote it: train it again."
        )
    return config
