"""Requests that are empty, of another form than ids, or filter by dates."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest
from tests.unit.retrieval.conftest import random_model

from fieldfare.exceptions import ConfigError, DataError, ModelFileError, SchemaError
from fieldfare.retrieval import Recommender
from fieldfare.schema.column import Column
from fieldfare.schema.schema import Schema

ITEMS = pd.DataFrame({
    "item": range(30),
    "released": pd.date_range("2000-01-01", periods=30, freq="D"),
    "written": [f"2000-01-{day:02}" for day in range(1, 31)],
    "word": "drama",
})  # fmt: skip


def model_of(seen, seed: int = 0):
    columns = (Column("user", role="user"), Column("item", role="item"))
    return random_model(Schema(columns, target="rating").fit(seen.assign(rating=1.0)), seed=seed)


@pytest.fixture(scope="module")
def seen():
    rng = np.random.default_rng(0)
    return pd.DataFrame({"user": rng.integers(0, 20, 100), "item": rng.integers(0, 30, 100)})


@pytest.fixture(scope="module")
def recommender(seen):
    return Recommender(model_of(seen), ITEMS, history=seen)


@pytest.mark.parametrize("nobody", [[], np.array([]), pd.DataFrame({"user": []})])
def test_no_requests_have_no_answers(recommender, nobody) -> None:
    found = recommender.recommend(nobody, n=3)
    assert found.ids.shape == found.scores.shape == (0, 3)
    assert recommender.recommend(nobody, n=3, exclude=[1]).ids.shape == (0, 3)
    frame = recommender.recommend(nobody, n=3, frame=True, columns=["word"])
    assert list(frame.columns) == ["user", "item", "score", "rank", "word"]


def test_a_frame_without_items_has_its_columns(recommender) -> None:
    frame = recommender.recommend(3, candidates=[], frame=True)
    assert list(frame.columns) == ["user", "item", "score", "rank"]


def test_a_column_that_is_named_twice_is_returned_once(recommender) -> None:
    frame = recommender.recommend(3, n=2, columns=["word", "word"])
    assert list(frame.columns) == ["user", "item", "score", "rank", "word"]


@pytest.mark.parametrize("odd", [ITEMS, ITEMS[["item"]], {"item": 1}, [[1]], [1, (2, 3)]])
def test_what_is_no_list_of_ids_is_refused(recommender, odd) -> None:
    for ask in (
        lambda: recommender.recommend(3, exclude=odd),
        lambda: recommender.recommend(3, candidates=odd),
        lambda: recommender.recommend(3, history=odd),
        lambda: recommender.remove_items(odd),
        lambda: recommender.similar_items(odd),
        lambda: recommender.merge({"channel": odd}, 3),
    ):
        with pytest.raises(DataError, match="must be a"):
            ask()
    assert len(recommender.index) == 30


@pytest.mark.parametrize("one", [7, "7", np.int64(7)])
def test_a_channel_may_propose_a_single_item(recommender, one) -> None:
    assert recommender.merge({"channel": one}, 99).ids.tolist() == [7]


def test_the_id_that_is_unknown_is_named(recommender) -> None:
    with pytest.raises(DataError, match="no item 99,"):
        recommender.similar_items([1, 99])
    for odd in ([1], np.array([1])):
        with pytest.raises(DataError, match="must be a single value"):
            recommender.explain(3, odd)


DAY = datetime.date(2000, 1, 5)


@pytest.mark.parametrize("column", ["released", "written"])
@pytest.mark.parametrize(
    "day", ["2000-01-05", DAY, datetime.datetime(2000, 1, 5), np.datetime64("2000-01-05"),
            pd.Timestamp("2000-01-05")],
)  # fmt: skip
def test_dates_filter_in_every_form(recommender, column, day) -> None:
    late = recommender.recommend(99, n=30, where={column: {"min": day}})
    assert sorted(late.ids) == list(range(4, 30))
    between = {"min": day, "max": datetime.date(2000, 1, 6)}
    assert sorted(recommender.recommend(99, where={column: between}).ids) == [4, 5]


@pytest.mark.parametrize("day", ["2000-01-05", DAY, np.datetime64("2000-01-05")])
def test_a_date_is_equal_to_itself_in_every_form(recommender, day) -> None:
    assert recommender.recommend(99, where={"released": day}).ids.tolist() == [4]
    assert sorted(recommender.recommend(99, where={"released": [day, "2000-01-07"]}).ids) == [4, 6]


@pytest.mark.parametrize("odd", ["soon", "", {"min": "soon"}])
def test_what_is_no_date_is_refused(recommender, odd) -> None:
    with pytest.raises(SchemaError, match="released"):
        recommender.recommend(99, where={"released": odd})


@pytest.mark.parametrize("odd", [lambda year: year > 3, slice(3, 5)])
def test_a_condition_is_a_value(recommender, odd) -> None:
    with pytest.raises(DataError, match="no text of their own"):
        recommender.recommend(99, where={"word": odd})


def test_limits_are_numbers(recommender) -> None:
    with pytest.raises(ConfigError, match="must be numbers"):
        recommender.recommend(99, where={"item": {"max": float("nan")}})


def test_an_index_of_another_model_says_what_it_was_made_from(recommender, seen, tmp_path) -> None:
    recommender.save(tmp_path / "index")
    with pytest.raises(ModelFileError, match="made from one model, but not from this one"):
        Recommender.load(tmp_path / "index", model_of(seen, seed=1))
