"""Seeds: one integer determines every draw, and each draw names its purpose.

Streams are keyed by (seed, purpose, counter) rather than drawn in sequence, so that epoch 7 of a
resumed run sees the same shuffle as epoch 7 of an uninterrupted one.
"""

from __future__ import annotations

import numpy as np

from fieldfare._typing import AnyArray
from fieldfare._validation import SEED, check

PURPOSES = ("init", "shuffle", "split", "folds", "sample", "pairs", "negatives", "cells")


def stream(seed: int, purpose: str, counter: int = 0) -> np.random.Generator:
    """Return the random generator for one purpose and counter (for instance the epoch).

    Parameters
    ----------
    seed : int
        Not negative.
    purpose : str
        One of ``PURPOSES``.
    counter : int, default=0
        Not negative.
    """
    return np.random.default_rng([seed, PURPOSES.index(purpose), counter])


def resolve_seed(random_state: int | np.random.RandomState | np.random.Generator | None) -> int:
    """Turn scikit-learn's ``random_state`` into one integer.

    ``None`` draws a fresh seed from the operating system, a generator draws one from itself; either
    is in [0, 2**31). An integer is its own seed.

    Raises
    ------
    ConfigError
        If it is none of these, or an integer outside [0, 2**32).
    """
    check("random_state", random_state, SEED, "this call")
    if random_state is None:
        return int(np.random.default_rng().integers(2**31))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31))
    return int(random_state)


def permutation(seed: int, purpose: str, n: int, counter: int = 0) -> AnyArray:
    """Return the permutation of ``range(n)`` that the arguments determine, int64 of shape (n,)."""
    return stream(seed, purpose, counter).permutation(n)
