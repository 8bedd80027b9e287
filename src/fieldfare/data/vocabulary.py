"""Vocabulary: the values of one column and their feature ids; and the hash for columns without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fieldfare._typing import AnyArray, Int64Array, UInt32Array
from fieldfare.exceptions import SchemaError


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Texts, each with a feature id and how often the fitted data held it.

    Parameters
    ----------
    blob : uint8 array
        The texts in UTF-8, one after the other.
    offsets : int64 array of shape (n + 1,)
        Where each text starts in the blob.
    ids : uint32 array of shape (n,)
    counts : int64 array of shape (n,)
    """

    blob: AnyArray
    offsets: Int64Array
    ids: UInt32Array
    counts: Int64Array

    def __post_init__(self) -> None:
        n = len(self.ids)
        sound = (
            self.blob.dtype == np.uint8
            and self.offsets.dtype == np.int64
            and self.ids.dtype == np.uint32
            and self.counts.dtype == np.int64
            and len(self.offsets) == n + 1
            and len(self.counts) == n
            and int(self.offsets[0]) == 0
            and int(self.offsets[-1]) == len(self.blob)
            and bool((np.diff(self.offsets) >= 0).all())
        )
        if not sound:
            raise SchemaError("The arrays of a vocabulary do not fit together.")

    def __len__(self) -> int:
        return len(self.ids)

    @staticmethod
    def ordered(counts: Mapping[str, int], min_count: int) -> list[str]:
        """Return the texts seen often enough, most frequent first, ties by text."""
        kept = [text for text, count in counts.items() if count >= min_count]
        kept.sort(key=lambda text: (-counts[text], text))
        return kept

    @staticmethod
    def build(words: Sequence[str], counts: Sequence[int], first_id: int) -> Vocabulary:
        """Give consecutive ids to texts."""
        encoded = [word.encode() for word in words]
        offsets = np.zeros(len(words) + 1, np.int64)
        np.cumsum([len(word) for word in encoded], out=offsets[1:])
        return Vocabulary(
            np.frombuffer(b"".join(encoded), np.uint8),
            offsets,
            np.arange(first_id, first_id + len(words), dtype=np.uint32),
            np.asarray(counts, np.int64),
        )

    def joined(self, other: Vocabulary) -> Vocabulary:
        """Return both, the other's texts at the end."""
        return Vocabulary(
            np.concatenate([self.blob, other.blob]),
            np.concatenate([self.offsets, other.offsets[1:] + self.offsets[-1]]),
            np.concatenate([self.ids, other.ids]),
            np.concatenate([self.counts, other.counts]),
        )

    def text(self, position: int) -> str:
        """Return one text."""
        start, stop = self.offsets[position : position + 2]
        return self.blob[start:stop].tobytes().decode()

    @cached_property
    def positions(self) -> dict[str, int]:
        """Position of each text; built on the first look-up."""
        data, bounds = self.blob.tobytes(), self.offsets.tolist()
        try:
            return {
                data[start:stop].decode(): i
                for i, (start, stop) in enumerate(zip(bounds, bounds[1:], strict=False))
            }
        except UnicodeDecodeError as error:
            raise SchemaError("A vocabulary holds text that is not UTF-8.") from error

    def look_up(self, words: Sequence[str | None], missing: int, unknown: int) -> UInt32Array:
        """Return the id of each text; ``None`` is missing, others not found are unknown."""
        find, ids = self.positions.get, self.ids
        found = np.fromiter((-1 if w is None else find(w, -2) for w in words), np.int64, len(words))
        out = np.full(len(found), unknown, np.uint32)
        out[found == -1] = missing
        known = found >= 0
        out[known] = ids[found[known]]
        return out


def hash64(words: Sequence[str | None]) -> AnyArray:
    """Hash texts to uint64, the same in every process and on every machine.

    FNV-1a over the UTF-8 bytes (Fowler, Noll and Vo), then the 64-bit finaliser of MurmurHash3,
    because FNV alone spreads the high bits of short texts badly. ``None`` hashes like "".
    """
    encoded = [b"" if word is None else word.encode() for word in words]
    lengths = np.array([len(word) for word in encoded], np.int64)
    data = np.frombuffer(b"".join(encoded), np.uint8).astype(np.uint64)
    starts = np.cumsum(lengths) - lengths
    h = np.full(len(encoded), 0xCBF29CE484222325, np.uint64)
    prime = np.uint64(0x100000001B3)
    # Longest first, so that the texts still being read are always a prefix of the order.
    order = np.argsort(-lengths, kind="stable")
    sorted_lengths, sorted_starts = lengths[order], starts[order]
    alive = len(order)
    state = h[order]
    for position in range(int(sorted_lengths[0]) if alive else 0):
        alive = int(np.searchsorted(-sorted_lengths, -position, side="left"))
        state[:alive] = (state[:alive] ^ data[sorted_starts[:alive] + position]) * prime
    for multiplier in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        state = (state ^ (state >> np.uint64(33))) * np.uint64(multiplier)
    h[order] = state ^ (state >> np.uint64(33))
    return h
