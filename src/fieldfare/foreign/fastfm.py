"""fastFM's models: ``w0_``, ``w_`` and ``V_`` (of shape (n_factors, n_features))."""

from __future__ import annotations

from typing import Any

import numpy as np

from fieldfare._arguments import checked
from fieldfare.exceptions import ConfigError, ModelFileError
from fieldfare.foreign.arrays import arrays_of, has, holds
from fieldfare.foreign.form import ForeignFormat, make_model
from fieldfare.foreign.samples import make_posterior
from fieldfare.kinds.models import FM
from fieldfare.models.base import Model
from fieldfare.models.posterior import Posterior

NAMES = ("w0_", "w_", "V_")
OUTPUTS = ("regression", "logistic", "probit", "rank")


@checked
def load_fastfm(source: Any, *, output: str | None = None) -> Model | Posterior:
    """Load a fitted model of fastFM.

    Parameters
    ----------
    source : estimator of fastFM, or path of an npz file
        With the arrays ``w0_``, ``w_`` and ``V_``.
    output : {"regression", "logistic", "probit", "rank"}
        What the scores are: predictions of a regression; turned into probabilities by the logistic
        function (``fastFM.sgd.FMClassification``) or by the normal distribution function
        (``als.FMClassification``, ``mcmc.FMClassification``); or an order (``fastFM.bpr``).

    Raises
    ------
    ModelFileError
        If an array is missing, or they do not fit each other.
    ConfigError
        If ``output`` is missing.
    """
    if output not in OUTPUTS:
        raise ConfigError(
            "The arrays of fastFM do not say what the scores are. Say output= (--output) with one "
            f"of {', '.join(OUTPUTS)}. Got {output!r}."
        )
    bias, linear, factors = arrays_of(source, NAMES)
    if bias.size != 1 or linear.ndim != 1 or factors.shape[1:] != linear.shape:
        shapes = [array.shape for array in (bias, linear, factors)]
        raise ModelFileError(f"The arrays {', '.join(NAMES)} do not fit each other: {shapes}.")
    bias, factors = bias.reshape(1), factors.T
    if output == "probit":
        arrays = {"bias": bias, "linear": linear[:, np.newaxis]}
        arrays["factors"] = factors[:, np.newaxis]
        return make_posterior("binary", arrays, origin="fastfm")
    task = "binary" if output == "logistic" else output
    return make_model(FM, task, float(bias[0]), linear, factors, origin="fastfm")


FORMATS = (
    ForeignFormat("fastfm", "arrays of fastFM (npz)", holds(NAMES), load_fastfm, fits=has(NAMES)),
)
