"""What a vocabulary finds: its texts, and the other form of booleans."""

from __future__ import annotations

import pyarrow as pa
import pytest

from fieldfare.schema.vocabulary import Vocabulary

ASKED = ["true", "false", "1", "0", "2", None]


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["true", "false"], [0, 1, 0, 1, -1, -1]),
        (["0", "1"], [1, 0, 1, 0, -1, -1]),
        (["true"], [0, -1, 0, -1, -1, -1]),
        (["1", "0", "2"], [0, 1, 0, 1, 2, -1]),
        (["1", "0", "true"], [2, 1, 0, 1, -1, -1]),
        (["x", "true", "false"], [1, 2, -1, -1, -1, -1]),
        ([], [-1] * 6),
    ],
)
def test_booleans_are_found_as_words_and_as_numbers(texts: list[str], found: list[int]) -> None:
    vocabulary = Vocabulary.build(texts, [1] * len(texts), first_id=7)
    assert vocabulary.find(pa.array(ASKED, pa.large_string())).tolist() == found
    ids = {text: place + 7 for text, place in zip(ASKED, found, strict=True) if place >= 0}
    assert {text: vocabulary.id_of.get(text) for text in ids} == ids
    assert set(vocabulary.id_of) == set(texts) | {text for text in ids if text is not None}
