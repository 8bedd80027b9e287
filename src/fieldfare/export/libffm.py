"""libffm's binary models, which ``ffm-predict`` reads.

The layout is described in :mod:`fieldfare.foreign.libffm`. The sums of squared gradients are one,
as libffm starts them.
"""

from __future__ import annotations

import numpy as np

from fieldfare._files import atomic_write
from fieldfare._typing import PathLike
from fieldfare.export.decimals import blocks
from fieldfare.export.support import check_libffm
from fieldfare.foreign.blocks import join_blocks
from fieldfare.foreign.libffm import HEADER
from fieldfare.models.base import Model


def export_libffm(model: Model, path: PathLike, *, drop_linear: bool = False) -> None:
    """Write a model as a binary model of libffm.

    Parameters
    ----------
    model : Model
        A binary FFM. With ``instance_norm``, libffm scales samples as ``norm_unknown`` says: a
        model without it predicts the same as libffm where it knows all features.
    path : path
        File to write or replace, atomically.
    drop_linear : bool
        libffm has neither a bias nor linear weights. A model that has them is refused unless this
        is true; then they are left out, and the scores change accordingly.

    Raises
    ------
    ConfigError
        If libffm cannot express the model.
    OSError
        If the file cannot be written.
    """
    check_libffm(model, "libffm's binary format", drop_linear=drop_linear)
    factors = model.factors
    assert factors is not None
    sizes = (model.n_features, model.n_fields, model.config.total_factors)
    with atomic_write(path) as file:
        file.write(HEADER.pack(*sizes, int(model.config.instance_norm)))
        for block in blocks(model.n_features):
            vectors = np.ascontiguousarray(factors[block.start : block.stop, 0])
            file.write(join_blocks(vectors, state=1.0).astype("<f4").tobytes())
