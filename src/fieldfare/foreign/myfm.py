"""myFM's models: samples of ``w0``, ``w`` and ``V``, which together predict.

They are taken from a fitted object, or from an npz file in which the first axis of each array
counts the samples: ``w0`` of shape (n_samples,), ``w`` (n_samples, n_features) and ``V``
(n_samples, n_features, rank); of a regression also ``alpha`` (n_samples,), the precision of the
noise.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fieldfare._arguments import checked
from fieldfare.exceptions import ConfigError, ModelFileError
from fieldfare.foreign.arrays import arrays_of, holds
from fieldfare.foreign.form import ForeignFormat
from fieldfare.foreign.samples import make_posterior
from fieldfare.models.posterior import Posterior

NAMES = ("w0", "w", "V")
TASKS = ("regression", "binary")


@checked
def load_myfm(source: Any, *, task: str | None = None) -> Posterior:
    """Load the samples of a regressor or classifier of myFM.

    Parameters
    ----------
    source : MyFMRegressor, MyFMGibbsRegressor, MyFMClassifier, MyFMGibbsClassifier, or path
        Fitted, or an npz file of its samples.
    task : {"regression", "binary"}
        Of an npz file: whether a regressor or a classifier was fitted. An object says it.

    Returns
    -------
    Posterior
        Its prediction is that of myFM: the mean over the samples.

    Raises
    ------
    ModelFileError
        If it is not fitted, or the arrays of a file do not fit each other.
    ConfigError
        If it is an ordered probit, whose cutpoints have another form, or by variational inference;
        or if ``task`` is missing, or not for this source.
    """
    if isinstance(source, str):
        return _of_file(source, task)
    if task is not None:
        raise ConfigError("A fitted model of myFM says what it predicts. Leave out task=.")
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


def _of_file(path: str, task: str | None) -> Posterior:
    if task not in TASKS:
        raise ConfigError(
            "Samples of myFM do not say what they predict. Say task='regression' for a regressor, "
            f"or task='binary' for a classifier (--task). Got {task!r}."
        )
    biases, linear, factors = arrays_of(path, NAMES)
    (alpha,) = arrays_of(path, ["alpha"]) if task == "regression" else (np.ones(biases.shape),)
    found = [array.shape for array in (biases, linear, factors, alpha)]
    sizes = (*linear.shape, *factors.shape[2:])
    if len(sizes) != 3 or found != [sizes[:1], sizes[:2], sizes, sizes[:1]] or not biases.size:
        raise ModelFileError(f"The arrays w0, w, V and alpha do not fit each other: {found}.")
    if not (alpha > 0).all():
        raise ModelFileError("The precision of the noise, alpha, must be positive.")
    arrays = {"bias": biases, "linear": linear.T, "noise_precision": alpha}
    if factors.size:
        arrays["factors"] = factors.transpose(1, 0, 2)
    return make_posterior(task, arrays, origin="myfm")


def _precision(source: Any, n: int) -> Any:
    """Return the precision of the noise of each sample, where myFM kept it."""
    history = getattr(getattr(source, "history_", None), "hypers", None) or []
    found = [float(hyper.alpha) for hyper in history[-n:]]
    return np.array(found if len(found) == n else [1.0] * n)


def _is_myfm(source: Any) -> bool:
    return hasattr(source, "predictor_")


FORMATS = (ForeignFormat("myfm", "samples of myFM (npz)", holds(NAMES), load_myfm, fits=_is_myfm),)
