"""xLearn's binary models, which ``xlearn_predict`` and ``-pre`` read.

The layout is described in :mod:`fieldfare.foreign.xlearn_binary`. Without optimiser state (as of
``-p sgd``), which prediction does not need.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from fieldfare._files import atomic_write
from fieldfare._typing import PathLike
from fieldfare.exceptions import ConfigError
from fieldfare.export.decimals import blocks
from fieldfare.export.support import check_one_score
from fieldfare.foreign.blocks import join_blocks, padded
from fieldfare.foreign.xlearn_binary import TASKS
from fieldfare.kinds.models import InteractionForm
from fieldfare.models.base import Model

_LARGEST = 2**32 - 1
_NO_FACTORS = 4  # xLearn's default, which it also writes of linear models


def export_xlearn(model: Model, path: PathLike) -> None:
    """Write a model as a binary model of xLearn.

    Parameters
    ----------
    model : Model
        A linear model, FM or FFM with one output (not multiclass). With ``instance_norm``, only an
        FFM: a linear model of xLearn never normalises, and its FM does so in another way. An FFM
        is scaled as ``norm_unknown`` says: without it, predictions are the same where the model
        knows all features.
    path : path
        File to write or replace, atomically.

    Raises
    ------
    ConfigError
        If xLearn cannot express the model.
    OSError
        If the file cannot be written.

    Notes
    -----
    The file does not record ``instance_norm``: without it, give ``xlearn_predict`` the flag
    ``--no-norm``.
    """
    check_one_score(model, "xLearn's binary format")
    aware = model.traits.interactions is InteractionForm.FIELD_AWARE
    if model.config.instance_norm and not aware:
        raise ConfigError(
            "xLearn does not normalise the rows of linear models, and does not divide those of "
            "factorization machines by their length. Train with instance_norm=False, and "
            "call xlearn_predict with --no-norm."
        )
    n, k = model.n_features, model.config.total_factors
    count = n * max(model.n_fields, 1) * padded(k) if model.has_factors else 0
    if count > _LARGEST or n > _LARGEST:
        raise ConfigError(
            f"xLearn counts at most {_LARGEST} numbers, and this model has {count}. Train it with "
            "fewer features, fields or factors."
        )
    with atomic_write(path) as file:
        for part in _parts(model, count):
            file.write(part)


def _parts(model: Model, count: int) -> Iterator[bytes]:
    loss = next((loss for loss, task in TASKS.items() if task == model.config.task), "squared")
    for word in (model.kind, loss):  # its score functions have the names of our kinds
        yield struct.pack("<Q", len(word)) + word.encode()
    n = model.n_features
    k = model.config.total_factors if model.has_factors else _NO_FACTORS
    yield struct.pack("<5I", n, model.n_fields, k, 1, n)
    if model.has_factors:
        yield struct.pack("<I", count)
    yield model.linear[:, 0].astype("<f4").tobytes()
    yield model.bias.astype("<f4").tobytes()
    if model.factors is not None:
        for block in blocks(n):
            vectors = model.factors[block.start : block.stop, 0]
            yield join_blocks(np.ascontiguousarray(vectors)).astype("<f4").tobytes()
