"""myFM's models: samples of ``w0``, ``w`` and ``V``, which together predict."""

from __future__ import annotations

from typing import Any

import numpy as np

from fieldfare.exceptions import ConfigError, ModelFileError
from fieldfare.foreign.arrays import arrays_of
from fieldfare.foreign.form import ForeignFormat
from fieldfare.foreign.samples import make_posterior
from fieldfare.models.posterior import Posterior

NAMES = ("w0", "w", "V")


def load_myfm(source: Any) -> Posterior:
    """Load the samples of a fitted regressor or classifier of myFM.

    Parameters
    ----------
    source : MyFMRegressor, MyFMGibbsRegressor, MyFMClassifier or MyFMGibbsClassifier

    Returns
    -------
    Posterior
        Its prediction is that of myFM: the mean over the samples.

    Raises
    ------
    ModelFileError
        If it is not fitted.
    ConfigError
        If it is an ordered probit, whose cutpoints have another form, or by variational inference.
    """
    predictor = source.predictor_
    draws = getattr(predictor, "samples", None)
    name = type(source).__name__
    if draws is None:
        raise ConfigError(f"Only models by sampling are imported from myFM. Got {name}.")
    if not draws:
        raise ModelFileError("The model of myFM has no samples. Fit it first.")
    if "Ordered" in name or "Ordinal" in name:
        raise ConfigError("Ordered probit models of myFM are not imported: fit an FM of ours.")
    parts = [arrays_of(draw, NAMES) for draw in draws]
    task = "binary" if "Classifier" in name else "regression"
    arrays = {
        "bias": np.array([bias for bias, _, _ in parts]),
        "linear": np.stack([linear.reshape(-1) for _, linear, _ in parts], axis=1),
        "noise_precision": _precision(source, len(parts)),
    }
    if parts[0][2].size:
        arrays["factors"] = np.stack([factors for _, _, factors in parts], axis=1)
    return make_posterior(task, arrays, origin="myfm")


def _precision(source: Any, n: int) -> Any:
    """Return the precision of the noise of each sample, where myFM kept it."""
    history = getattr(getattr(source, "history_", None), "hypers", None) or []
    found = [float(hyper.alpha) for hyper in history[-n:]]
    return np.array(found if len(found) == n else [1.0] * n)


def _is_myfm(source: Any) -> bool:
    return hasattr(source, "predictor_")


FORMATS = (ForeignFormat("myfm", "a fitted model of myFM", None, load_myfm, fits=_is_myfm),)
