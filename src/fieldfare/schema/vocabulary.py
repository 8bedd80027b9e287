"""Vocabulary: the values of one column and their feature ids; and the hash for columns without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from fieldfare._optional import require
from fieldfare._typing import AnyArray, Int64Array, UInt32Array
from fieldfare.exceptions import SchemaError
from fieldfare.kernels.words import Words
from fieldfare.sources.arrow import numpy_of, scalar_of

_FNV_START, _FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3
_FINISH = (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53)
_WORD = 2**64 - 1
# What a column of yes and no holds; one source has the words, and another one the numbers.
_BOOLEANS = (("false", "true"), ("0", "1"))


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Texts, each with a feature id and its count in the fitted data.

    If the most frequent texts are true and false, 1 and 0 are found as well, and the other way
    round: the same column is of booleans in one source and of numbers in another.

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

    def __getstate__(self) -> dict[str, Any]:
        return {item.name: getattr(self, item.name) for item in fields(self)}

    @staticmethod
    def build(words: Sequence[str], counts: Sequence[int], first_id: int) -> Vocabulary:
        """Give consecutive ids to a list of texts."""
        encoded = [word.encode() for word in words]
        offsets = np.zeros(len(words) + 1, np.int64)
        np.cumsum([len(word) for word in encoded], out=offsets[1:])
        return Vocabulary(
            np.frombuffer(b"".join(encoded), np.uint8),
            offsets,
            np.arange(first_id, first_id + len(words), dtype=np.uint32),
            np.asarray(counts, np.int64),
        )

    @staticmethod
    def from_arrow(words: Any, counts: Int64Array, first_id: int) -> Vocabulary:
        """Give consecutive ids to an Arrow array of large strings without nulls."""
        blob, offsets = utf8_of(words)
        ids = np.arange(first_id, first_id + len(words), dtype=np.uint32)
        return Vocabulary(blob, offsets, ids, counts)

    def followed_by(self, other: Vocabulary) -> Vocabulary:
        """Return the texts of both, the other's at the end."""
        return Vocabulary(
            np.concatenate([self.blob, other.blob]),
            np.concatenate([self.offsets, other.offsets[1:] + self.offsets[-1]]),
            np.concatenate([self.ids, other.ids]),
            np.concatenate([self.counts, other.counts]),
        )

    def text(self, position: int) -> str:
        """Return one text.

        Raises
        ------
        SchemaError
            If it is not UTF-8, in a file that was tampered with.
        """
        start, stop = self.offsets[position : position + 2]
        try:
            return self.blob[start:stop].tobytes().decode()
        except UnicodeDecodeError as error:
            raise SchemaError(f"A vocabulary holds text that is not UTF-8: {error}.") from error

    @cached_property
    def arrow(self) -> Any:
        """The texts as an Arrow array, over the same memory."""
        pa = require("pyarrow", "tables")
        buffers = [None, pa.py_buffer(self.offsets), pa.py_buffer(self.blob)]
        array = pa.Array.from_buffers(pa.large_string(), len(self), buffers)
        try:
            array.validate(full=True)
        except pa.ArrowInvalid as error:
            raise SchemaError(f"A vocabulary holds text that is not UTF-8: {error}.") from error
        return array

    @cached_property
    def _others(self) -> dict[str, int]:
        """Positions by the texts that stand for a value as well: the other form of booleans."""
        first = [self.text(position) for position in range(min(len(self), 2))]
        for own, other in (_BOOLEANS, _BOOLEANS[::-1]):
            if first and set(first) <= set(own):
                texts = set(self.arrow.to_pylist())
                found = {other[own.index(text)]: place for place, text in enumerate(first)}
                return {text: place for text, place in found.items() if text not in texts}
        return {}

    @cached_property
    def _words(self) -> Words:
        if not self._others:
            return Words(self.blob, self.offsets)
        others = Vocabulary.build(list(self._others), [0] * len(self._others), 0)
        both = self.followed_by(others)
        return Words(both.blob, both.offsets)

    @cached_property
    def id_of(self) -> dict[str, int]:
        """Feature id of each text that is found."""
        ids = self.ids.tolist()
        others = {text: ids[position] for text, position in self._others.items()}
        return others | dict(zip(self.arrow.to_pylist(), ids, strict=True))

    def find(self, words: Any) -> Int64Array:
        """Return the position of each text of an Arrow array; -1 where there is none."""
        found = self._words.find(*_utf8_within(words))
        for number, position in enumerate(self._others.values(), len(self)):
            found[found == number] = position
        if words.null_count:
            found[numpy_of(words.is_null())] = -1
        return found

    def look_up(self, words: Any, missing: int, unknown: int) -> UInt32Array:
        """Return the id of each text of an Arrow array; nulls are missing."""
        ids = self.at(self.find(words), unknown)
        if words.null_count:
            ids[numpy_of(words.is_null())] = missing
        return ids

    def at(self, positions: Int64Array, unknown: int) -> UInt32Array:
        """Return the id at each position; ``unknown`` at -1."""
        return np.append(self.ids, np.uint32(unknown))[positions]


def utf8_of(words: Any) -> tuple[AnyArray, Int64Array]:
    """Return the bytes of an Arrow array of large strings, and where each text starts."""
    blob, offsets = _utf8_within(words)
    return blob[offsets[0] : offsets[-1]].copy(), (offsets - offsets[0]).astype(np.int64)


def _utf8_within(words: Any) -> tuple[AnyArray, AnyArray]:
    """Return the same over the memory of an Arrow array of strings, which may hold more."""
    pa = require("pyarrow", "tables")
    n, start = len(words), words.offset
    _, where, data = words.buffers()
    if n == 0:
        return np.zeros(0, np.uint8), np.zeros(1, np.int64)
    width = np.int64 if pa.types.is_large_string(words.type) else np.int32
    offsets = np.frombuffer(where, width)[start : start + n + 1]
    return np.zeros(0, np.uint8) if data is None else np.frombuffer(data, np.uint8), offsets


def hash64(words: Any) -> AnyArray:
    """Hash the texts of an Arrow array to uint64, the same in every process and on every machine.

    FNV-1a over the UTF-8 bytes (Fowler, Noll and Vo), then the 64-bit finaliser of MurmurHash3,
    because FNV alone spreads the high bits of short texts badly. Null hashes like "".
    """
    blob, offsets = utf8_of(
        words.fill_null(scalar_of("", words.type)) if words.null_count else words
    )
    data, starts, lengths = blob.astype(np.uint64), offsets[:-1], np.diff(offsets)
    h = np.full(len(words), _FNV_START, np.uint64)
    prime = np.uint64(_FNV_PRIME)
    # Longest first, so that the texts still being read are always a prefix of the order.
    order = np.argsort(-lengths, kind="stable")
    sorted_lengths, sorted_starts = lengths[order], starts[order]
    alive = len(order)
    state = h[order]
    for position in range(int(sorted_lengths[0]) if alive else 0):
        alive = int(np.searchsorted(-sorted_lengths, -position, side="left"))
        state[:alive] = (state[:alive] ^ data[sorted_starts[:alive] + position]) * prime
    for multiplier in _FINISH:
        state = (state ^ (state >> np.uint64(33))) * np.uint64(multiplier)
    h[order] = state ^ (state >> np.uint64(33))
    return h


def hash_text(text: str) -> int:
    """Hash one text as `hash64` does many."""
    h = _FNV_START
    for byte in text.encode():
        h = ((h ^ byte) * _FNV_PRIME) & _WORD
    for multiplier in _FINISH:
        h = ((h ^ (h >> 33)) * multiplier) & _WORD
    return h ^ (h >> 33)
