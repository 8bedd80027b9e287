"""Extending a known Schema: new values get new ids, and a source is read once."""

from __future__ import annotations

import numpy as np
import pytest

from fieldfare.data.loading import extend, load
from fieldfare.exceptions import DataError
from fieldfare.schema.schema import Schema
from fieldfare.training.functions import train

ROWS = [{"user": f"u{i % 7}", "item": f"i{i % 5}", "y": i % 2} for i in range(70)]
MORE = [{"user": f"u{i % 9}", "item": f"i{i % 4}", "y": i % 2} for i in range(30)]


def test_new_values_follow_at_the_end_and_known_ids_stay() -> None:
    known = load(ROWS, target="y").schema
    more = extend(known, MORE)
    assert more.schema.n_features == known.n_features + 2
    names = [known.feature_name(i) for i in range(known.n_features)]
    assert [more.schema.feature_name(i) for i in range(known.n_features)] == names
    np.testing.assert_array_equal(more.rows.target, load(MORE, target="y").rows.target)


def test_a_generator_is_read_once() -> None:
    known = load(ROWS, target="y").schema
    listed, generated = extend(known, MORE), extend(known, (row for row in MORE))
    np.testing.assert_array_equal(generated.rows.indices, listed.rows.indices)
    assert generated.schema.digest == listed.schema.digest


def test_training_continues_on_a_generator_as_on_a_list() -> None:
    settings = {"random_state": 0, "n_jobs": 1, "max_iter": 1}
    model = train(iter(ROWS), target="y", **settings).model
    listed = train(MORE, model=model, **settings).model
    generated = train(iter(MORE), model=model, **settings).model
    assert generated.n_features == model.n_features + 2
    np.testing.assert_array_equal(generated.factors, listed.factors)


def test_numbered_features_grow_to_the_largest_id() -> None:
    grown = extend(Schema.indexed(3, 0), np.eye(5), labelled=False)
    assert grown.schema.n_features == 5
    assert extend(Schema.indexed(9, 0), np.eye(5), labelled=False).schema.n_features == 9


def test_samples_without_the_columns_are_refused() -> None:
    known = load(ROWS, target="y").schema
    with pytest.raises(DataError, match="no column 'user'"):
        extend(known, iter([{"person": "a", "y": 1}]))
