"""The checksum against its definition, and what it promises."""

from __future__ import annotations

import random

import numpy as np
import pytest

from fieldfare.kernels.checksum import Checksum
from fieldfare.kernels.text import note_fields
from fieldfare.rows import Rows

_ODD, _ODD_TOO, _MASK = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93, 2**64 - 1


def rotated(x: int, n: int) -> int:
    return (x << n | x >> (64 - n)) & _MASK


def mixed(x: int) -> int:
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        x = (x ^ x >> 33) * factor & _MASK
    return x ^ x >> 33


def reference(data: bytes) -> str:
    lanes = [_ODD * (i + 1) & _MASK for i in range(8)]
    padded = data + bytes(-len(data) % 64)
    for start in range(0, len(padded), 8):
        word = int.from_bytes(padded[start : start + 8], "little")
        i = start // 8 % 8
        lanes[i] = rotated(lanes[i] ^ (word * _ODD_TOO & _MASK), 29) * _ODD & _MASK
    a, b = len(data), len(data) ^ _MASK
    for lane in lanes:
        a, b = mixed(a ^ lane), mixed(b + rotated(lane, 32) & _MASK)
    return f"{a:016x}{b:016x}"


def checksum(*parts: bytes) -> str:
    state = Checksum()
    for part in parts:
        state.update(part)
    return state.hexdigest()


@pytest.mark.parametrize("size", [0, 1, 7, 8, 63, 64, 65, 127, 128, 1000])
def test_it_is_what_its_definition_says(size: int) -> None:
    data = random.Random(size).randbytes(size)
    assert checksum(data) == reference(data)


def test_cuts_do_not_matter() -> None:
    rng = random.Random(0)
    data = rng.randbytes(1000)
    for _ in range(50):
        cuts = sorted(rng.choices(range(1001), k=5))
        parts = [data[a:b] for a, b in zip([0, *cuts], [*cuts, 1000], strict=True)]
        assert checksum(*parts) == checksum(data)


def test_every_flipped_bit_and_every_length_shows() -> None:
    data = bytes(130)
    seen = {checksum(bytes(n)) for n in range(130)} | {checksum(data)}
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        seen.add(checksum(bytes(changed)))
    assert len(seen) == 131 + 8 * 130


def test_flipped_signs_show() -> None:
    """High bits are what a mere product would lose."""
    ones = np.ones(64, np.float32)
    seen = set()
    for i in range(64):
        for j in range(i):
            signs = ones.copy()
            signs[[i, j]] = -1
            seen.add(checksum(signs.tobytes()))
    assert len(seen) == 64 * 63 // 2


def test_fields_are_noted_by_feature() -> None:
    of = np.zeros(5, np.uint16)
    indices, fields = np.array([4, 1, 3, 1], np.uint32), np.array([7, 2, 9, 5], np.uint16)
    rows = Rows(np.array([1, 2, 4]), indices, fields=fields)
    note_fields(of, rows)
    assert of.tolist() == [0, 5, 0, 9, 0]


def test_fields_of_features_beyond_the_table_are_refused() -> None:
    rows = Rows(np.array([0, 1]), np.array([5], np.uint32), fields=np.zeros(1, np.uint16))
    with pytest.raises(ValueError, match="not below the length"):
        note_fields(np.zeros(5, np.uint16), rows)
