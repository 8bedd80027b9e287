"""What a vocabulary finds: its texts, and the other form of booleans."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from fieldfare.exceptions import SchemaError
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


def test_a_text_that_is_not_utf8_is_refused() -> None:
    one = np.array([1], np.int64)
    odd = Vocabulary(np.array([255], np.uint8), np.array([0, 1]), np.array([0], np.uint32), one)
    with pytest.raises(SchemaError, match="not UTF-8"):
        odd.text(0)
    with pytest.raises(SchemaError, match="not UTF-8"):
        _ = odd.arrow
