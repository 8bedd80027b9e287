"""Free text: which columns are cut into words, and that all rows decide it."""

import json

import numpy as np
import pytest

from fieldfare.data.loading import load
from fieldfare.schema.column import Column
from fieldfare.schema.schema import Schema

WORDS = ["great", "awful", "tea", "coffee", "taste", "smells", "very", "not", "again", "cold"]


def reviews(n: int = 200) -> list[str]:
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(WORDS, 8)) for _ in range(n)]


def kind_of(values: list, name: str = "comment", **hints) -> str:
    """Return what a column is taken for, after a look at the first rows and after all rows."""
    table = {name: values, "y": [0, 1] * (len(values) // 2)}
    first = Schema.infer(table, target="y", **hints).column(name).kind
    settled = load(table, target="y", **hints).schema.column(name).kind
    assert first == settled
    return settled


def test_texts_of_several_words_that_occur_once_are_cut_into_words():
    assert kind_of(reviews()) == "text"
    names = [f"{word}, Mr. John {i}" for i, word in enumerate(WORDS * 15)]
    assert kind_of(names, "name") == "text"


@pytest.mark.parametrize(
    ("values", "name"),
    [
        (reviews(40) * 5, "comment"),  # each occurs five times
        ([f"A/5 {i}" for i in range(200)], "ticket"),  # two words
        (reviews(60), "comment"),  # too few to tell
        ([f"The Story of {i}" for i in range(200)], "movie"),  # it names something
        ([f"one two {i}" for i in range(200)], "session_id"),
    ],
)
def test_other_texts_are_categories(values, name):
    assert kind_of(values, name) == "categorical"


def test_long_texts_are_cut_into_words_whatever_the_column_is_called():
    assert kind_of([f"{a} {b}" for a, b in zip(reviews(), reviews(), strict=True)], "article") == (
        "text"
    )


def test_a_column_that_is_said_to_be_categorical_is_not_cut():
    assert kind_of(reviews(), categorical=["comment"]) == "categorical"


def test_the_decision_is_noted():
    [note] = load({"comment": reviews(), "y": [0, 1] * 100}, target="y").schema.notes
    assert "words" in note and "categorical=['comment']" in note


@pytest.mark.parametrize("order", [1, -1])
def test_all_rows_decide_whatever_their_order(order):
    few = ["the same old words"] * 30_000
    mixed = {"comment": (reviews(11_000) + few)[::order], "y": [0, 1] * 20_500}
    assert load(mixed, target="y").schema.column("comment").kind == "categorical"
    texts = {"comment": (reviews(25_000) + few[:11_000])[::order], "y": [0, 1] * 18_000}
    assert load(texts, target="y").schema.column("comment").kind == "text"


def test_a_schema_from_before_there_was_a_norm_uses_words_as_they_were():
    schema = Schema([Column("t", "text")]).fit({"t": ["a b c d"]})
    header, arrays = schema.to_json()
    assert schema.encode({"t": ["a b c d"]}).values.tolist() == [0.5] * 4
    assert Schema.from_json(header, arrays).columns == schema.columns
    old = json.loads(json.dumps(header))
    del old["columns"][0]["norm"]
    assert Schema.from_json(old, arrays).encode({"t": ["a b c d"]}).values is None
