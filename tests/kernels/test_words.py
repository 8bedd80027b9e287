"""Words: native look-ups of texts against a dictionary."""

from __future__ import annotations

import numpy as np
import pytest

from fieldfare.kernels.words import Words


def packed(texts, dtype=np.int64):
    offsets = np.concatenate([[0], np.cumsum([len(text) for text in texts])]).astype(dtype)
    return np.frombuffer(b"".join(texts), np.uint8), offsets


def reference(known, texts):
    position: dict[bytes, int] = {}
    for i, text in enumerate(known):
        position.setdefault(text, i)
    return [position.get(text, -1) for text in texts]


@pytest.mark.parametrize("n_known", [0, 1, 2, 31, 5000])
@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_positions(n_known, dtype):
    rng = np.random.default_rng(n_known)

    def draw(n):
        # All lengths from 0 to 40 bytes, few letters: many words share their beginning and end.
        return [rng.integers(97, 99, rng.integers(41)).astype(np.uint8).tobytes() for _ in range(n)]

    known = draw(n_known)
    texts = draw(300) + known[::-1] + [b"", b"\0", b"\0\0"]
    found = Words(*packed(known)).find(*packed(texts, dtype))
    assert found.tolist() == reference(known, texts)


def test_only_a_part_of_the_text():
    blob, offsets = packed([b"one", b"two", b"three", b"two"])
    words = Words(*packed([b"two", b"three"]))
    assert words.find(blob, offsets[1:]).tolist() == [0, 1, 0]


def test_the_table_keeps_its_words_alive():
    known = [f"word {i}".encode() for i in range(1000)]
    words = Words(*packed(known))
    assert words.find(*packed(known)).tolist() == list(range(1000))


@pytest.mark.parametrize("offsets", [[], [-1, 2], [0, 4], [2, 1], [0, 3, 2, 3]])
def test_offsets_outside_the_text(offsets):
    blob, wrong = np.frombuffer(b"abc", np.uint8), np.array(offsets, np.int64)
    with pytest.raises(ValueError, match="offsets"):
        Words(blob, wrong)
    with pytest.raises(ValueError, match="offsets"):
        Words(*packed([b"a"])).find(blob, wrong)
