"""Parameters as decimal text, a block of features at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fieldfare._typing import Float32Array

_FEATURES_AT_ONCE = 4096


def numbers(vectors: Float32Array) -> list[str]:
    """Format each row of a 2-d array as the shortest decimals that give the same float32 back."""
    return [" ".join(row) for row in vectors.astype(np.str_).tolist()]


def blocks(n_features: int) -> Iterator[range]:
    """Yield the ranges of features that are formatted at once."""
    for start in range(0, n_features, _FEATURES_AT_ONCE):
        yield range(start, min(start + _FEATURES_AT_ONCE, n_features))
