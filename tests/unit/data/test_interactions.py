"""Interactions, split into queries and items and composed again."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fieldfare.data.interactions import Interactions, distinct, item_features, part_of
from fieldfare.exceptions import SchemaError
from fieldfare.kernels.halves import Halves
from fieldfare.rows import Rows
from fieldfare.schema.schema import Column, Schema


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "user": ["a", "b", "a", "b", "a"],
            "movie": ["x", "y", "y", "x", "x"],
            "movie_genres": [["p", "q"], ["q"], ["q"], ["p", "q"], ["p", "q"]],
            "user_age": [0.5, 1.5, 0.5, 1.5, 0.5],
        }
    )


def test_rows_of_the_same_features_are_one_query_or_item(table: pd.DataFrame) -> None:
    schema = Schema.infer(table).fit(table)
    rows = schema.encode(table)
    halves = Interactions.of(rows, item_features(schema))
    assert halves.shape == (2, 2)
    assert halves.query.tolist() == [0, 1, 0, 1, 0]
    assert halves.item.tolist() == [0, 1, 1, 0, 0]
    seen = halves.seen(None)
    assert seen.indptr.tolist() == [0, 2, 4]
    assert seen.weight.tolist() == [2, 1, 1, 1]  # the first row occurs twice
    turned = seen.turned()
    assert turned.indptr.tolist() == [0, 2, 4]
    assert turned.weight.tolist() == [2, 1, 1, 1]


def test_rows_without_a_positive_target_or_weight_are_no_interactions(table: pd.DataFrame) -> None:
    schema = Schema.infer(table).fit(table)
    halves = Interactions.of(schema.encode(table), item_features(schema))
    target = np.array([1, 0, 3, 1, 1], np.float32)
    weight = np.array([2, 1, 1, 0, 0.5], np.float32)
    seen = halves.seen(target, weight)
    assert seen.indptr.tolist() == [0, 2, 2]
    assert seen.weight.tolist() == [2.5, 1]


def test_halves_join_to_the_rows_they_came_from(table: pd.DataFrame) -> None:
    schema = Schema.infer(table).fit(table)
    rows = schema.encode(table).slice(1, 4)
    halves = Interactions.of(rows, item_features(schema))
    whole = Halves(halves.queries, halves.items).compose(halves.query, halves.item)
    for i in range(3):
        for name in ("indices", "values", "fields"):
            a, b = (getattr(r.take([i]), name) for r in (rows, whole))
            order = [np.argsort(r.take([i]).indices) for r in (rows, whole)]
            assert np.array_equal(a[order[0]], b[order[1]])


def test_distinct_rows_tell_values_apart_and_keep_the_order_of_appearance() -> None:
    rows = Rows(
        np.array([0, 1, 2, 3, 3, 4], np.int64),
        np.array([1, 0, 1, 1], np.uint32),
        np.array([1, 1, 2, 1], np.float32),
    )
    found, number = distinct(rows)
    assert number.tolist() == [0, 1, 2, 3, 0]
    assert found.indices.tolist() == [1, 0, 1]
    assert len(part_of(rows, np.array([True, False]))) == 5


def test_every_column_needs_a_role(table: pd.DataFrame) -> None:
    schema = Schema.infer(table.rename(columns={"movie_genres": "genres"}))
    fitted = schema.fit(table.rename(columns={"movie_genres": "genres"}))
    with pytest.raises(SchemaError, match=r"'genres': None"):
        item_features(fitted)
    assert item_features(fitted.edit("genres", role="item")).sum() > 2
    with pytest.raises(SchemaError, match="no columns"):
        item_features(None)
    only_items = Schema((Column("movie", role="item"),)).fit(table)
    with pytest.raises(SchemaError, match="both"):
        item_features(only_items)
