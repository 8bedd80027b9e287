"""Checksums are XXH3-128, however the bytes are divided."""

from __future__ import annotations

import random

import pytest

from fieldfare._checksum import Checksum


def checksum(*parts: bytes) -> str:
    state = Checksum()
    for part in parts:
        state.update(part)
    return state.hexdigest()


# From the reference implementation: xxhsum -H2.
@pytest.mark.parametrize(
    ("data", "expected"),
    [(b"", "99aa06d3014798d86001c324468d497f"), (b"abc", "06b05ab6733a618578af5f94892f3950")],
)
def test_it_is_what_others_compute(data: bytes, expected: str) -> None:
    assert checksum(data) == expected


def test_cuts_do_not_matter() -> None:
    rng = random.Random(0)
    data = rng.randbytes(1000)
    for _ in range(50):
        cuts = sorted(rng.choices(range(1001), k=5))
        parts = [data[a:b] for a, b in zip([0, *cuts], [*cuts, 1000], strict=True)]
        assert checksum(*parts) == checksum(data)
