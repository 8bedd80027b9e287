"""How tables begin: random factors by counter, written in one native pass where they are to lie."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fieldfare import _core
from fieldfare._typing import AnyArray, Float32Array
from fieldfare.kernels.machine import aligned, available_cores

_NUMBERS_PER_THREAD = 10**6


class Stretch(NamedTuple):
    """Numbers that lie side by side in each row of a table."""

    offset: int
    length: int
    place: int = 0
    """Which of the feature's random numbers is the first."""
    scale: float = 0.0
    """Standard deviation of random numbers around zero."""
    value: float = 0.0
    """What all are set to where ``scale`` is zero."""


@dataclass(frozen=True)
class InitialFactors:
    """Factors that are still to be drawn: where they are needed, rather than to be copied there.

    Number j of feature i is ``scale * sqrt(3) * (2 u - 1)``, where u in [0, 1) is the upper 24 bits
    of ``mix(mix(mix(seed) ^ i) + j)`` and mix is SplitMix64 (Steele, Lea & Flood 2014). So each is
    fixed by the seed, its feature and its place: a table grown later equals one made large at once.

    Parameters
    ----------
    shape : tuple of int
        ``(n_features, ..., k)``.
    seed : int
    parts : tuple of (int, float)
        Of each part of a latent vector how many numbers it has, k in all, and their ``scale``: the
        standard deviation.
    """

    shape: tuple[int, ...]
    seed: int
    parts: tuple[tuple[int, float], ...]

    def draw(self, first_feature: int = 0) -> Float32Array:
        """Return the factors, those of ``first_feature`` first."""
        width = math.prod(self.shape[1:])
        out = aligned((self.shape[0], width))
        vectors = range(0, width, max(1, self.shape[-1]))
        start_rows(out, first_feature, self.runs(vectors), self.seed)
        return out.reshape(self.shape)

    def runs(self, offsets: Iterable[int], starts: Sequence[int] | None = None) -> list[Stretch]:
        """Return the runs of latent vectors that lie at some offsets of a row.

        Parameters
        ----------
        offsets : iterable of int
            Of each vector of a feature, in order.
        starts : sequence of int, optional
            Where the parts begin within a vector; by default there are no gaps.
        """
        found: list[Stretch] = []
        place = 0
        for offset in offsets:
            within = 0
            for number, (count, scale) in enumerate(self.parts):
                at = offset + (within if starts is None else starts[number])
                last = found[-1] if found else None
                if last is not None and last.scale == scale and last.offset + last.length == at:
                    found[-1] = last._replace(length=last.length + count)
                else:
                    found.append(Stretch(at, count, place, scale))
                place += count
                within += count
        return found


def start_rows(rows: AnyArray, first_feature: int, runs: Sequence[Stretch], seed: int = 0) -> None:
    """Write the runs into the rows of a table, that of ``first_feature`` first."""
    if rows.size:
        n_threads = max(1, min(available_cores(), rows.size // _NUMBERS_PER_THREAD))
        _core.start_rows(rows, first_feature, runs, seed, n_threads)
