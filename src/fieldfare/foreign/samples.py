"""Samples of parameters that another program drew, as a Posterior.

One sample is a model whose probability is the normal distribution function of its score.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fieldfare._typing import AnyArray
from fieldfare.config import ModelConfig
from fieldfare.exceptions import ConfigError, ModelFileError
from fieldfare.foreign.form import finite, linear_or
from fieldfare.kinds.models import FM, LINEAR
from fieldfare.models.posterior import About, Posterior
from fieldfare.schema.schema import Schema


def make_posterior(task: str, arrays: Mapping[str, AnyArray], *, origin: str) -> Posterior:
    """Return the Posterior of draws.

    Parameters
    ----------
    task : {"regression", "binary"}
    arrays : mapping
        ``bias`` of shape (n_samples,), ``linear`` (n_features, n_samples), and ``factors``
        (n_features, n_samples, n_factors) where there are any; for a regression also
        ``noise_precision`` (n_samples,).
    origin : str
        The program, for the provenance.

    Raises
    ------
    ModelFileError
        If a number is not finite in float32, or there are more factors than ours may have.
    """
    linear, factors = finite("linear weights", arrays["linear"]), arrays.get("factors")
    kind = linear_or(FM, factors)
    n_factors = {} if kind is LINEAR or factors is None else {"n_factors": factors.shape[2]}
    try:
        config = ModelConfig(model=kind.name, task="regression", **n_factors)
    except ConfigError as error:
        raise ModelFileError(f"The model cannot be expressed: {error.args[0]}") from error
    n = linear.shape[1]
    classes = [0, 1] if task == "binary" else None
    precision = np.ones(n) if classes else np.asarray(arrays["noise_precision"], np.float64)
    return Posterior(
        config,
        finite("biases", arrays["bias"]),
        linear,
        finite("factors", factors) if n_factors and factors is not None else None,
        precision,
        np.zeros((n, 1 if classes else 0)),
        about=About(
            task,
            schema=Schema.indexed(len(linear), 0),
            classes=classes,
            provenance={"imported_from": origin},
        ),
    )
