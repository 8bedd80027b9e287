"""What other systems are given of a table: what a person reads in its columns."""

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("sklearn")

from benchmarks.common.tables import Table
from benchmarks.quality._one_hot import encode


def encoded(frame, test=None, **settings):
    table = Table("mine", lambda _: None, "y", "binary", ("tiny",), "here", "ours", **settings)
    return encode(table, frame, frame if test is None else test)


def test_numbers_are_standardised_and_missing_ones_are_marked():
    frame = pd.DataFrame({"y": [0, 1, 0], "x": [1.0, np.nan, 3.0]})
    found = encoded(frame)
    expected = np.array([[-1, 0], [0, 1], [1, 0]]) * [1 / np.sqrt(2), 1]
    assert np.allclose(found.train.toarray(), expected)
    assert np.allclose(found.dense_train[:, 0], frame["x"], equal_nan=True)
    assert found.categories == []


def test_texts_that_are_numbers_but_for_marks_are_numbers():
    frame = pd.DataFrame({"y": [0, 1, 0], "x": ["1", "?", "3"]})
    assert np.allclose(encoded(frame).dense_train[:, 0], [1, np.nan, 3], equal_nan=True)


def test_codes_get_a_column_each_and_unknown_ones_none():
    frame = pd.DataFrame({"y": [0, 1, 0], "z": [7, 900, 7], "w": ["a", "b", "b"]})
    test = pd.DataFrame({"y": [1], "z": [5], "w": ["a"]})
    found = encoded(frame, test, codes=("z",))
    assert found.train.toarray().tolist() == [[1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 0, 1]]
    assert found.test.toarray().tolist() == [[0, 0, 1, 0]]
    assert found.fields.tolist() == [0, 0, 1, 1]
    assert np.isnan(found.dense_test[0, 0])
    assert found.categories == [0, 1]


def test_dates_give_the_parts_that_vary():
    times = ["2026-03-02T10:00:00Z", "2026-03-03T10:00:00Z", "2026-04-06T10:00:00Z"]
    found = encoded(pd.DataFrame({"y": [0, 1, 0], "when": times}), dates=("when",))
    assert found.train.toarray().tolist() == [[1, 0, 1, 0], [1, 0, 0, 1], [0, 1, 1, 0]]


def test_texts_and_lists_give_the_words_that_repeat():
    frame = pd.DataFrame(
        {"y": [0, 1, 0], "said": ["good tea", "bad tea", None], "tags": ["x|y", "x", "z|x"]}
    )
    found = encoded(frame, texts=("said",))
    assert found.train.toarray().tolist() == [[1, 1], [1, 1], [0, 1]]
    assert found.dense_train.shape == (3, 0)
