"""A recommender that changes while it answers: ids in any form, requests in any form, updates."""

from __future__ import annotations

import pickle
import threading

import numpy as np
import pandas as pd
import pytest
from tests.unit.retrieval.conftest import random_model

from fieldfare.exceptions import ConfigError, DataError, SchemaError
from fieldfare.retrieval import Recommender
from fieldfare.schema.column import Column
from fieldfare.schema.schema import Schema


@pytest.fixture
def with_titles(make_model, tables):
    """A recommender whose items have columns that the model does not know."""
    users, items, seen = tables
    items = items.assign(title=[f"Film {i}" for i in items["item"]], year=items["item"] + 1900)
    return Recommender(make_model(), items, users=users, history=seen)


@pytest.fixture(scope="module")
def numbered():
    """A model of users and items that are numbers."""
    rng = np.random.default_rng(0)
    seen = pd.DataFrame({"user": rng.integers(0, 20, 300), "item": rng.integers(0, 30, 300)})
    columns = (Column("user", role="user"), Column("item", role="item"))
    table = seen.assign(rating=1.0)
    return random_model(Schema(columns, target="rating").fit(table)), seen


def answers(recommender, users=("u1", "u2", "nobody"), **options):
    return recommender.recommend(list(users), n=70, contexts={"hour": "noon"}, **options)


def assert_same(one, other) -> None:
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("form", [int, float, str, lambda x: f"{x}.0"])
def test_ids_are_the_same_in_every_form(numbered, form) -> None:
    model, seen = numbered
    items, users = pd.DataFrame({"item": range(30)}), pd.DataFrame({"user": range(20)})

    def formed(table):
        return table.apply(lambda column: column.map(form))

    expected = Recommender(model, items, users=users, history=seen).recommend(3, n=30)
    for recommender in (
        Recommender(model, items, users=users, history=formed(seen)),
        Recommender(model, formed(items), users=formed(users), history=seen),
    ):
        for user in (3, 3.0, "3", "3.0", np.int32(3), np.float64(3)):
            found = recommender.recommend(user, n=30)
            assert [int(float(id_)) for id_ in found.ids] == expected.ids.tolist()
    recommender = Recommender(model, items, history=seen[seen["user"] != 3])
    recommender.add_history(formed(seen[seen["user"] == 3]))
    assert_same(recommender.recommend(3, n=30), expected)
    recommender.remove_items(formed(items.head(5))["item"])
    assert len(recommender.index) == 25
    recommender.add_items(formed(items.head(10)))
    assert_same(recommender.recommend(3, n=30), expected)


def test_new_ids_of_another_type_are_kept_apart(numbered) -> None:
    model, seen = numbered
    recommender = Recommender(model, pd.DataFrame({"item": range(5)}), history=seen)
    recommender.add_items(pd.DataFrame({"item": ["new", "007"]}))
    ids = recommender.recommend("stranger", n=10).ids
    assert set(ids) == {"0", "1", "2", "3", "4", "new", "007"}
    recommender.remove_items([3, "007", 2.0])
    assert set(recommender.recommend("stranger", n=10).ids) == {"0", "1", "4", "new"}


def test_a_cell_that_is_not_what_its_column_holds_is_refused(with_titles, tables) -> None:
    row = {**tables[1].iloc[0].to_dict(), "item": "new"}
    for odd in ("abc", True, [1]):
        with pytest.raises(SchemaError, match="'year' holds values of type int64|as text"):
            with_titles.add_items([{**row, "year": odd}])
    for number, year in enumerate((2001, "2002", 2003.5, "2004.5", None, 2**60 + 1)):
        with_titles.add_items([{**row, "item": f"new {number}", "year": year}])
    (years,) = with_titles.state.columns.values(["year"], np.arange(3)).values()
    assert all(isinstance(year, float) for year in years)
    assert len(with_titles.recommend("u1", 50, where={"year": {"min": 2001, "max": 2004}})[0])
    # Names stay names, whatever is new among them.
    with_titles.add_items([{**row, "item": 77_777, "title": 5}])
    assert "77777" in with_titles.state.item_ids.values


def test_one_id_is_taken_for_a_list_of_one(with_titles) -> None:
    every = set(with_titles.recommend("u1", n=70, filter_seen=False).ids)
    for one in ("134", 134, np.int64(134), 134.0):
        ids = with_titles.recommend("u1", n=70, filter_seen=False, exclude=one).ids
        assert every - set(ids) == {134}
        assert with_titles.recommend("u1", candidates=one, filter_seen=False).ids.tolist() == [134]
    with_titles.remove_items("134")
    assert every - set(with_titles.recommend("u1", n=70, filter_seen=False).ids) == {134}


def test_requests_in_every_form_get_the_same_answer(with_titles) -> None:
    table = pd.DataFrame({"user": ["u1", "u2"], "hour": ["noon", "night"]})
    expected = with_titles.recommend(["u1", "u2"], n=4, contexts=table[["hour"]])
    rows = table.to_dict("records")
    for requests in (table, rows):
        assert_same(with_titles.recommend(requests, n=4), expected)
    for place, row in enumerate(rows):
        assert_same(with_titles.recommend(row, n=4), [part[place] for part in expected])
    with pytest.raises(ConfigError, match="hold the contexts, too"):
        with_titles.recommend(table, contexts={"hour": "noon"})


def test_some_of_several_requests_may_have_no_user(with_titles) -> None:
    mixed = [{"user": "u1", "hour": "noon"}, {"user": None, "hour": "night"}]
    found = with_titles.recommend(mixed, n=5)
    assert_same([found.ids[0]], [with_titles.recommend("u1", n=5, contexts={"hour": "noon"}).ids])
    assert_same([found.ids[1]], [with_titles.recommend(contexts={"hour": "night"}, n=5).ids])


def test_features_come_with_the_request(with_titles, tables) -> None:
    users = tables[0]
    age = int(users.loc[users["user"] == "u3", "age"].iloc[0])
    expected = with_titles.recommend("u3", n=9, contexts={"hour": "noon"})
    context = {"hour": "noon"}
    found = with_titles.recommend("u3", n=9, contexts=context, features={"age": age})
    assert_same(found, expected)
    new = with_titles.recommend("new", n=9, contexts=context, features={"age": 33})
    old = with_titles.recommend("new", n=9, contexts=context, features={"age": 70})
    with_titles.add_users(pd.DataFrame({"user": ["new"], "age": [33]}))
    assert_same(with_titles.recommend("new", n=9, contexts=context), new)
    assert not np.array_equal(new.scores, old.scores)
    several = with_titles.recommend(
        ["a", "b"], n=9, contexts=context, features=pd.DataFrame({"age": [33, 70]})
    )
    assert_same(several, [np.stack(parts) for parts in zip(new, old, strict=True)])
    with pytest.raises(SchemaError, match="as features"):
        with_titles.recommend("u3", contexts={"age": 3})
    with pytest.raises(SchemaError, match="2 users and 1 features"):
        with_titles.recommend(["a", "b"], features=pd.DataFrame({"age": [3]}))


def test_history_comes_with_the_request(with_titles) -> None:
    best = with_titles.recommend("u1", n=3).ids
    left = with_titles.recommend("u1", n=70, history=best[:2])
    assert not set(best[:2]) & set(left.ids) and best[2] in left.ids
    both = with_titles.recommend(["u1", "u1"], n=70, history=[[best[0]], None]).ids
    assert best[0] not in both[0] and best[0] in both[1]
    with pytest.raises(ConfigError, match="list of 2 lists"):
        with_titles.recommend(["u1", "u2"], history=[1, 2])


def test_users_are_added_and_replaced(make_model, tables) -> None:
    users, items, seen = tables
    expected = Recommender(make_model(), items, users=users, history=seen)
    recommender = Recommender(make_model(), items, users=users.head(10), history=seen)
    recommender.add_users(users.assign(age=20).iloc[5:20])
    for turn in range(5):
        recommender.add_users(users.iloc[5 + turn :: 5])
    recommender.add_users(users.iloc[5:])
    assert_same(answers(recommender, users["user"]), answers(expected, users["user"]))
    with pytest.raises(DataError, match="several"):
        recommender.add_users(users.head(1).loc[[0, 0]])
    with pytest.raises(ConfigError, match="no table of users"):
        Recommender(make_model(), items).add_users(users)


def test_places_of_items_are_used_again(make_model, tables) -> None:
    users, items, seen = tables
    recommender = Recommender(make_model(), items, users=users, history=seen)
    expected = answers(recommender)
    rng = np.random.default_rng(0)
    for _ in range(10):
        some = items.sample(20, random_state=rng.integers(1000))
        recommender.add_items(some.assign(price=5.0))
        recommender.remove_items(some["item"])
        recommender.add_items(some)
    assert_same(answers(recommender), expected)
    assert len(recommender.index.vectors) <= len(items)
    recommender.remove_items(items["item"][10:])
    assert len(recommender.index.vectors) == 10
    fresh = Recommender(make_model(), items.head(10), users=users, history=seen)
    assert_same(answers(recommender), answers(fresh))


def test_an_approximate_index_keeps_its_items_when_places_change(make_model, tables) -> None:
    pytest.importorskip("faiss", reason="the extra 'ann' is not installed")
    users, items, seen = tables
    made = {
        kind: Recommender(make_model(), items, users=users, history=seen, index=kind, recall=0.999)
        for kind in ("exact", "approximate")
    }
    for recommender in made.values():
        recommender.remove_items(items["item"][5:40])
        recommender.add_items(items[20:30])
    found = [one.recommend("u1", n=10, contexts={"hour": "noon"}) for one in made.values()]
    assert_same(*found)


def test_history_that_grows_one_by_one_is_that_added_at_once(make_model, tables, monkeypatch):
    monkeypatch.setattr("fieldfare.retrieval.layered._FEW", 3)
    users, items, seen = tables
    expected = Recommender(make_model(), items, users=users, history=seen)
    recommender = Recommender(make_model(), items, users=users, history=seen.head(20))
    for start in range(20, len(seen)):
        recommender.add_history(seen[start : start + 1])
    assert_same(answers(recommender, users["user"]), answers(expected, users["user"]))


def test_a_request_is_not_told_of_a_change_that_comes_while_it_runs(make_model, tables) -> None:
    users, items, seen = tables
    recommender = Recommender(make_model(), items, users=users, history=seen)
    failures, done = [], threading.Event()
    ages = [users.assign(age=age) for age in (20, 70)]
    expected = set()
    for table in ages:
        recommender.add_users(table)
        expected.add(answers(recommender, ["u1"]).scores.tobytes())

    def ask() -> None:
        while not done.is_set():
            if answers(recommender, ["u1"]).scores.tobytes() not in expected:
                failures.append(1)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for turn in range(20):
        recommender.add_users(ages[turn % 2])
        recommender.add_items(items)
    done.set()
    for thread in threads:
        thread.join()
    assert not failures


def test_items_are_filtered_by_numbers_and_by_columns_of_their_own(with_titles, tables) -> None:
    items = tables[1]

    def found(**where):
        return set(with_titles.recommend("u1", n=70, filter_seen=False, where=where).ids)

    price = items.set_index("item")["price"]
    assert found(price={"min": 3, "max": 5}) == set(price[price.between(3, 5)].index)
    assert found(price={"max": 5}) == set(price[price <= 5].index)
    assert found(year={2001, 2010}) == {101, 110}
    assert found(year={"min": 2050}, title=["Film 151", "Film 101"]) == {151}
    assert found(genres="western") == set()
    with pytest.raises(ConfigError, match="'min'"):
        found(price={">": 3})
    with pytest.raises((SchemaError, DataError), match="number"):
        found(title={"min": 3})


def test_answers_have_the_titles_of_items(with_titles) -> None:
    with_titles.add_items(
        pd.DataFrame({"item": [500], "genres": ["drama:1"], "price": [2.0], "title": ["New"]})
    )
    frame = with_titles.recommend("u1", n=70, columns=["title", "year"])
    assert frame.columns.tolist() == ["user", "item", "score", "rank", "title", "year"]
    old = frame[frame["item"] != 500]
    assert (old["title"] == "Film " + old["item"].astype(str)).all()
    assert frame.loc[frame["item"] == 500, "title"].tolist() == ["New"]
    with pytest.raises(SchemaError, match="Did you mean 'title'"):
        with_titles.recommend("u1", columns=["titel"])


def test_a_context_that_only_the_ranker_knows(make_model, tables) -> None:
    _, items, seen = tables
    columns = (Column("user", role="user"), Column("item", role="item"))
    finder = random_model(Schema(columns, target="rating").fit(seen), seed=4)
    recommender = Recommender(finder, items, history=seen, ranker=make_model(), n_candidates=30)
    lists = {}
    for hour in ("night", "noon"):
        one = recommender.recommend(["u1"], contexts={"hour": hour})
        assert_same(recommender.recommend(["u1"], contexts=pd.DataFrame({"hour": [hour]})), one)
        lists[hour] = one.scores.tolist()
    assert lists["night"] != lists["noon"]
    with pytest.raises(SchemaError, match="Did you mean 'hour'"):
        recommender.recommend("u1", contexts={"hours": "noon"})


def test_merged_channels_hold_nothing_seen(make_model, tables) -> None:
    users, items, seen = tables
    recommender = Recommender(make_model(), items, users=users, history=seen)
    own = set(seen.loc[seen["user"] == "u1", "item"])
    every = items["item"].tolist()
    merged = recommender.merge({"all": every}, "u1", n=70, contexts={"hour": "noon"})
    assert set(merged.ids) == set(every) - own
    both = recommender.merge({"all": every}, "u1", n=70, filter_seen=False)
    assert set(both.ids) == set(every)


@pytest.mark.parametrize("kind", ["exact", "approximate"])
def test_what_has_changed_survives_files_and_pickling(make_model, tables, tmp_path, kind) -> None:
    if kind == "approximate":
        pytest.importorskip("faiss", reason="the extra 'ann' is not installed")
    users, items, seen = tables
    items = items.assign(title="t" + items["item"].astype(str))
    recommender = Recommender(
        make_model(), items, users=users, history=seen, index=kind, ranker=make_model("ffm")
    )
    recommender.remove_items([101, 103])
    recommender.add_items(items.head(3).assign(item=[101, 900, 901]))
    recommender.add_users(pd.DataFrame({"user": ["u1", "new"], "age": [30, 40]}))
    recommender.add_history(pd.DataFrame({"user": ["new", "u2"], "item": [104, 900]}))
    recommender.save(tmp_path)
    for again in (
        Recommender.load(tmp_path, make_model(), make_model("ffm")),
        pickle.loads(pickle.dumps(recommender)),
    ):
        asked = ("u1", "u2", "new")
        assert_same(answers(again, asked), answers(recommender, asked))
        where = {"title": {"t103", "t100"}}
        assert_same(answers(again, where=where), answers(recommender, where=where))
        again.add_items(items.head(5))
        again.add_users(users)
        assert len(again.index) == len(items) + 2
