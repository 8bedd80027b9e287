"""libFM's saved models, which ``libFM -load_model`` reads.

The layout is described in :mod:`fieldfare.foreign.libfm`. All sections are written, so that libFM
is called with ``-dim 1,1,k``. Of one factor it cannot read the line, so that a second of zeros is
added, and k is 2.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fieldfare._files import atomic_write
from fieldfare._typing import PathLike
from fieldfare.exceptions import ConfigError
from fieldfare.export.decimals import blocks, numbers
from fieldfare.export.support import check_interactions, check_one_score
from fieldfare.kinds.models import InteractionForm
from fieldfare.models.base import Model


def export_libfm(model: Model, path: PathLike) -> None:
    """Write a model as libFM saves it.

    Parameters
    ----------
    model : Model
        A linear model or FM for regression or two classes, without ``instance_norm``. Of two
        classes, libFM gives the probabilities of the model with ``-method sgd``.
    path : path
        File to write or replace, atomically.

    Raises
    ------
    ConfigError
        If libFM cannot express the model.
    OSError
        If the file cannot be written.

    Notes
    -----
    libFM asks for the number of features, one more than the largest id in its train and test files.
    It clips the predictions of regressions to the range of the targets in its train file.
    """
    check_one_score(model, "libFM's format")
    check_interactions(model, "libFM's format", (InteractionForm.NONE, InteractionForm.PAIRS))
    if model.config.instance_norm:
        raise ConfigError(
            "libFM does not normalise rows, as this model with instance_norm=True does. Train with "
            "instance_norm=False, or normalise the rows yourself before libFM reads them."
        )
    if model.config.task == "rank":
        raise ConfigError("libFM has no ranking task. Export to another format.")
    with atomic_write(path) as file:
        for text in _sections(model):
            file.write(text.encode("ascii"))


def _sections(model: Model) -> Iterator[str]:
    yield f"#global bias W0\n{model.bias[0]!s}\n#unary interactions Wj\n"
    for block in blocks(model.n_features):
        yield "\n".join(numbers(model.linear[block.start : block.stop])) + "\n"
    yield "#pairwise interactions Vj,f\n"
    for block in blocks(model.n_features):
        if model.factors is None:
            yield "\n" * len(block)
            continue
        vectors = model.factors[block.start : block.stop, 0]
        if vectors.shape[1] == 1:
            vectors = np.pad(vectors, ((0, 0), (0, 1)))
        yield "\n".join(numbers(vectors)) + "\n"
