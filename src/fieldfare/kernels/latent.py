"""Ordered probit in the compiled core: a class is an interval of a latent normal variable.

The mean of the variable is the score and its variance is 1; ascending cutpoints separate the
classes. With two classes and the cutpoint 0 this is the probit model (Albert and Chib 1993).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fieldfare import _core
from fieldfare._typing import AnyArray, Float32Array, Float64Array


@dataclass(frozen=True, eq=False)
class Likelihood:
    """Log likelihood of cutpoints, its gradient, and its matrix of second derivatives.

    With m cutpoints the shapes are (m,) and (m, m).
    """

    value: float
    gradient: Float64Array
    hessian: Float64Array


def draw_latent(
    scores: Float32Array, labels: AnyArray, cutpoints: Float64Array, key: int, n_threads: int = 1
) -> Float32Array:
    """Draw the latent variable of each row from its distribution given the class.

    Parameters
    ----------
    scores : float32 array of shape (n_rows,)
    labels : uint8 array of shape (n_rows,)
        Class numbers from 0.
    cutpoints : float64 array of shape (n_classes - 1,)
        Ascending.
    key : int
        Determines the draws.
    n_threads : int
        The result does not depend on it.

    Returns
    -------
    float32 array of shape (n_rows,)
    """
    out = np.empty(len(scores), np.float32)
    _core.draw_latent(scores, labels, cutpoints, key, out, n_threads)
    return out


def likelihood(
    scores: Float32Array, labels: AnyArray, cutpoints: Float64Array, n_threads: int = 1
) -> Likelihood:
    """Return the log likelihood of cutpoints and its derivatives, given scores and classes.

    The arguments are those of `draw_latent`.
    """
    m = len(cutpoints)
    gradient, second = np.empty(m), np.empty((m, 2))
    value = _core.ordinal_likelihood(scores, labels, cutpoints, gradient, second, n_threads)
    off = second[:-1, 1]
    return Likelihood(value, gradient, np.diag(second[:, 0]) + np.diag(off, 1) + np.diag(off, -1))


def probabilities(
    scores: Float32Array, cutpoints: Float64Array, n_threads: int = 1
) -> Float64Array:
    """Return the probability of each class, averaged over samples.

    Parameters
    ----------
    scores : float32 array of shape (n_rows, n_samples)
    cutpoints : float64 array of shape (n_samples, n_classes - 1)

    Returns
    -------
    float64 array of shape (n_rows, n_classes)
    """
    out = np.zeros((len(scores), cutpoints.shape[1] + 1))
    _core.class_probabilities(np.ascontiguousarray(scores), cutpoints, out, n_threads)
    return out


def normal_quantile(p: float) -> float:
    """Return the quantile of the standard normal distribution."""
    return _core.normal_quantile(p)
