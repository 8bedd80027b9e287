"""Arrays in which every block of four factors is followed by its optimiser state.

xLearn and libffm keep a latent vector as blocks of four numbers, the last padded, each followed by
as many blocks of optimiser state: four weights, four sums of squares, and so on.
"""

from __future__ import annotations

import numpy as np

from fieldfare._typing import AnyArray, Float32Array

WIDTH = 4


def padded(k: int) -> int:
    """Return the length of a vector of k factors in whole blocks."""
    return -(-k // WIDTH) * WIDTH


def split_blocks(values: AnyArray, parts: int) -> list[Float32Array]:
    """Return weights and each part of the state, of shape (..., blocks * 4).

    Parameters
    ----------
    values : array of shape (..., blocks * parts * 4)
    parts : int
        1 for weights alone.
    """
    shape = (*values.shape[:-1], -1, parts, WIDTH)
    blocks = values.reshape(shape)
    return [
        np.ascontiguousarray(blocks[..., part, :], np.float32).reshape(*values.shape[:-1], -1)
        for part in range(parts)
    ]


def join_blocks(weights: Float32Array, state: float | None = None) -> Float32Array:
    """Return vectors of shape (..., k) padded, each block followed by a constant state if given."""
    k = weights.shape[-1]
    parts = 1 if state is None else 2
    out = np.zeros((*weights.shape[:-1], padded(k) // WIDTH, parts, WIDTH), np.float32)
    filled = np.zeros((*weights.shape[:-1], padded(k)), np.float32)
    filled[..., :k] = weights
    out[..., 0, :] = filled.reshape(*weights.shape[:-1], -1, WIDTH)
    if state is not None:
        out[..., 1, :] = state
    return out.reshape(*weights.shape[:-1], -1)
