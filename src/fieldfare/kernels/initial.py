"""Initial values of tables: counter-based random factors, written in place in one native pass."""

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
    """Consecutive numbers in each row of a table, with the way they are initialised."""

    offset: int
    length: int
    place: int = 0
    """Which of the feature's random numbers is the first one here."""
    scale: float = 0.0
    """Standard deviation of the random numbers, whose mean is zero."""
    value: float = 0.0
    """The value of all numbers if ``scale`` is zero."""


@dataclass(frozen=True)
class InitialFactors:
    """Factors that are not drawn yet, so that they can be drawn where they are needed.

    Number j of feature i is ``scale * sqrt(3) * (2 u - 1)``, where u in [0, 1) is given by the
    upper 24 bits of ``mix(mix(mix(seed) ^ i) + j)`` and mix is SplitMix64 (Steele, Lea and Flood
    2014). Each number is therefore determined by the seed, its feature and its place, and a table
    that has grown equals one that was large from the start.

    Parameters
    ----------
    shape : tuple of int
        ``(n_features, ..., k)``.
    seed : int
    parts : tuple of (int, float)
        For each part of a latent vector, how many numbers it has (k in all) and their ``scale``,
        the standard deviation.
    """

    shape: tuple[int, ...]
    seed: int
    parts: tuple[tuple[int, float], ...]

    def draw(self, first_feature: int = 0) -> Float32Array:
        """Return the factors, float32 of the given shape, beginning with ``first_feature``."""
        width = math.prod(self.shape[1:])
        out = aligned((self.shape[0], width))
        vectors = range(0, width, max(1, self.shape[-1]))
        start_rows(out, first_feature, self.runs(vectors), self.seed)
        return out.reshape(self.shape)

    def runs(self, offsets: Iterable[int], starts: Sequence[int] | None = None) -> list[Stretch]:
        """Return the stretches that latent vectors at given offsets of a row consist of.

        Parameters
        ----------
        offsets : iterable of int
            Offset of each vector of a feature, in order.
        starts : sequence of int, optional
            Where the parts begin within a vector; by default there are no gaps between them.
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
    """Write the stretches into the rows of a table; the first row is that of ``first_feature``."""
    if rows.size:
        n_threads = max(1, min(available_cores(), rows.size // _NUMBERS_PER_THREAD))
        _core.start_rows(rows, first_feature, runs, seed, n_threads)
