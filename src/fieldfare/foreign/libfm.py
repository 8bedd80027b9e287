"""libFM's saved models (``-save_model``, SGD and ALS).

Text in sections, each after a line that begins with ``#global``, ``#unary`` or ``#pairwise``: the
bias, one weight per feature, and one latent vector per feature. The first two may be missing.
"""

from __future__ import annotations

import numpy as np

from fieldfare._arguments import checked
from fieldfare._typing import AnyArray, PathLike
from fieldfare.exceptions import ConfigError
from fieldfare.foreign.form import ForeignFormat, Head, linear_or, make_model
from fieldfare.foreign.lines import Lines
from fieldfare.foreign.samples import make_posterior
from fieldfare.kinds.models import FM
from fieldfare.kinds.solvers import ALS, SGD
from fieldfare.models.base import Model
from fieldfare.models.posterior import Posterior

TASKS = ("regression", "binary")
METHODS = (SGD.name, ALS.name)  # as libFM calls them too
_SECTIONS = ("#global", "#unary", "#pairwise")


@checked
def load_libfm(
    path: PathLike, *, task: str | None = None, method: str | None = None
) -> Model | Posterior:
    """Load a saved model of libFM.

    Parameters
    ----------
    path : path
    task : {"regression", "binary"}
        ``-task`` of libFM, which the file does not record.
    method : {"sgd", "als"}, optional
        ``-method`` of libFM, for a binary task only: the probability is the logistic function of
        the score after SGD, and its normal distribution function after ALS.

    Returns
    -------
    Model, or Posterior of one sample after ALS on a binary task

    Raises
    ------
    ModelFileError
        If the text breaks its format, naming the line.
    ConfigError
        If the task, or the method of a binary task, is missing.

    Notes
    -----
    libFM clips the predictions of a regression to the range of the targets that it was trained
    with, which the file does not record. Clip them too: ``numpy.clip(prediction, 1, 5)``.
    """
    if task not in TASKS:
        raise ConfigError(
            "A model of libFM does not say what it predicts. Say task='regression' (--task "
            "regression) if libFM was given -task r, and task='binary' (--task binary) if it was "
            f"given -task c. Got {task!r}."
        )
    if task == "binary" and method not in METHODS:
        raise ConfigError(
            "A binary model of libFM does not say how it turns scores into probabilities. Say "
            "method='sgd' (--method sgd; also for sgda) or method='als' (--method als). Got "
            f"{method!r}."
        )
    bias, linear, factors = _read(Lines(path))
    if task == "binary" and method == ALS.name:
        arrays = {"bias": np.array([bias]), "linear": linear[:, np.newaxis]}
        if factors is not None:
            arrays["factors"] = factors[:, np.newaxis]
        return make_posterior("binary", arrays, origin="libfm")
    kind = linear_or(FM, factors)
    return make_model(kind, task, bias, linear, factors, origin="libfm")


def _read(lines: Lines) -> tuple[float, AnyArray, AnyArray | None]:
    """Return the bias, the weights and the latent vectors."""
    sections: dict[str, list[AnyArray]] = {}
    current: list[AnyArray] | None = None
    for text in lines:
        if text.startswith("#"):
            name = next((name for name in _SECTIONS if text.startswith(name)), None)
            if name is None or name in sections:
                lines.refuse(f"one of {', '.join(_SECTIONS)}, once each")
            current = sections[name] = []
        elif current is None:
            lines.refuse(f"one of {', '.join(_SECTIONS)}")
        else:
            vectors_now = list(sections)[-1] == "#pairwise"
            n = (len(current[0]) if current else None) if vectors_now else 1
            wanted = "numbers, as many as in the first vector" if vectors_now else "one number"
            current.append(lines.numbers(text.split(), n, wanted))
    biases, weights = sections.get("#global", [np.zeros(1)]), sections.get("#unary")
    vectors = sections.get("#pairwise")
    n = len(vectors if vectors is not None else weights or [])
    if len(biases) != 1 or (weights is not None and len(weights) != n):
        lines.refuse(
            f"the last of one bias and as many weights as vectors; there are {len(biases)}, "
            f"{len(weights or [])} and {n}"
        )
    linear = np.zeros(n) if weights is None else np.array(weights).reshape(-1)
    factors = np.array(vectors) if vectors and len(vectors[0]) else None
    return float(biases[0][0]), linear, factors


def _is_libfm(head: Head) -> bool:
    return head.start.startswith(tuple(name.encode() for name in _SECTIONS))


FORMATS = (ForeignFormat("libfm", "a saved model of libFM", _is_libfm, load_libfm),)
