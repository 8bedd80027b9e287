"""Seeds: one integer fixes every draw, and each draw names its purpose.

Streams are keyed by (seed, purpose, counter) rather than drawn in sequence, so that epoch 7 of a
resumed run sees the same shuffle as epoch 7 of an uninterrupted one.
"""

from __future__ import annotations

import numpy as np

from fieldfare._typing import AnyArray

PURPOSES = ("init", "shuffle", "split", "folds", "sample", "pairs")


def stream(seed: int, purpose: str, counter: int = 0) -> np.random.Generator:
    """Return the generator for one purpose and counter (for instance the epoch)."""
    return np.random.default_rng([seed, PURPOSES.index(purpose), counter])


def resolve_seed(random_state: int | np.random.RandomState | np.random.Generator | None) -> int:
    """Turn scikit-learn's ``random_state`` into one non-negative integer below 2**31.

    ``None`` draws a fresh seed from the operating system.
    """
    if random_state is None:
        return int(np.random.default_rng().integers(2**31))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31))
    return int(random_state)


def permutation(seed: int, purpose: str, n: int, counter: int = 0) -> AnyArray:
    """Return a permutation of ``range(n)`` as int64, fixed by its arguments."""
    return stream(seed, purpose, counter).permutation(n)
