"""A recommender of each kind of model: what it recommends, and what becomes of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fieldfare.kinds.models import MODEL_KINDS
from fieldfare.retrieval import Recommender, split
from fieldfare.schema.column import Column
from fieldfare.schema.schema import Schema

FORMS = {
    **{f"{name} by default": (name, {}) for name in MODEL_KINDS},
    **{f"order {order}": ("hofm", {"order": order}) for order in (2, 4, 5)},
    "factors of each order": ("hofm", {"order": 4, "k": (5, 2, 3)}),
    "shared factors": ("hofm", {"order": 5, "shared_factors": True}),
}


@pytest.fixture(params=FORMS.values(), ids=FORMS)
def model(request, make_model):
    """A model with random weights."""
    kind, settings = request.param
    return make_model(kind, **settings)


def scores_of(model, users, items, contexts):
    """Score every item for some users, one context each."""
    asked = users.assign(**contexts).merge(items, how="cross")
    return model.score(model.schema.encode(asked, labelled=False)).reshape(len(users), -1)


def check(recommender, model, users, items, contexts) -> None:
    """Compare the best 40 items with those of the model, which knows nothing of the split."""
    expected = scores_of(model, users, items, contexts)
    ids, scores = recommender.recommend(users["user"], n=40, contexts=contexts, filter_seen=False)
    best = np.argsort(-expected, axis=1, kind="stable")[:, :40]
    np.testing.assert_array_equal(ids, items["item"].to_numpy()[best])
    np.testing.assert_allclose(
        scores, np.take_along_axis(expected, best, axis=1), rtol=1e-4, atol=2e-4
    )


def test_its_order_is_that_of_all_scores_through_files_and_changes(model, tables, tmp_path) -> None:
    users, items, seen = tables
    contexts = {"hour": "night"}
    some = users.head(7)
    recommender = Recommender(model, items.head(50), users=users, history=seen)
    recommender.add_items(items.tail(10))
    check(recommender, model, some, items, contexts)
    recommender.save(tmp_path)
    check(Recommender.load(tmp_path, model), model, some, items, contexts)
    without = items[items["item"] != items["item"].iloc[3]]
    recommender.remove_items([items["item"].iloc[3]])
    check(recommender, model, some, without, contexts)


def test_its_vectors_serve_any_engine_of_inner_products(model, tables, tmp_path) -> None:
    users, items, _ = tables
    contexts = {"hour": "noon"}
    parts = split(model)
    np.save(tmp_path / "items.npy", parts.items(items))
    queries, constants = parts.queries(users.assign(**contexts))
    found = constants[:, None] + queries @ np.load(tmp_path / "items.npy").T
    expected = scores_of(model, users, items, contexts)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=2e-4)
    recommender = Recommender(model, items, users=users)
    vectors = recommender.index.vectors
    np.testing.assert_array_equal(vectors, np.load(tmp_path / "items.npy"))


@pytest.mark.parametrize(("kind", "settings"), FORMS.values(), ids=FORMS)
def test_a_context_may_hold_several_weighted_values(make_model, tables, kind, settings) -> None:
    """As any field may; and there may be more fields of users and contexts than of items."""
    users, items, seen = tables
    moods = np.array(["calm:0.5", "calm:2,sad:0.25", "glad:1.5,calm:1,sad:3"])
    table = seen.merge(users).merge(items[["item", "genres"]])
    table["mood"] = moods[np.arange(len(table)) % 3]
    weighted = {"separator": ",", "weight_separator": ":"}
    columns = (
        Column("user", role="user"),
        Column("age", "numeric", role="user"),
        Column("hour", role="context"),
        Column("mood", "multi", role="context", **weighted),
        Column("item", role="item"),
        Column("genres", "multi", role="item", **weighted),
    )
    schema = Schema(columns, "rating").fit(table[[*(c.name for c in columns), "rating"]])
    model = make_model(kind, schema=schema, **settings)
    recommender = Recommender(model, items[["item", "genres"]], users=users)
    for mood in moods:
        contexts = {"mood": mood, "hour": "night"}
        check(recommender, model, users.head(3), items[["item", "genres"]], contexts)
    different = pd.DataFrame({"mood": moods, "hour": ["noon", "night", "noon"]})
    expected = np.concatenate(
        [
            scores_of(
                model, users.iloc[[i]], items[["item", "genres"]], different.iloc[i].to_dict()
            )
            for i in range(3)
        ]
    )
    ids, _ = recommender.recommend(users["user"].head(3), n=20, contexts=different)
    best = np.argsort(-expected, axis=1, kind="stable")[:, :20]
    np.testing.assert_array_equal(ids, items["item"].to_numpy()[best])


def test_similar_items_are_those_of_similar_vectors(model, tables) -> None:
    users, items, _ = tables
    recommender = Recommender(model, items, users=users)
    found = recommender.similar_items(items["item"].iloc[0], n=5)
    vectors = split(model, dtype="float64").items(items)[:, :-1]
    lengths = np.linalg.norm(vectors, axis=1)
    cosines = vectors @ vectors[0] / np.where(lengths > 0, lengths, 1) / max(lengths[0], 1e-30)
    cosines[0] = -np.inf
    np.testing.assert_allclose(found.scores, -np.sort(-cosines)[:5], atol=1e-5)


def test_it_ranks_and_recalls_in_two_steps(model, make_model, tables) -> None:
    users, items, seen = tables
    held_out = seen.head(50)
    for recall, ranker in ((model, make_model("fm", seed=9)), (make_model("fm", seed=9), model)):
        two = Recommender(recall, items, users=users, ranker=ranker, n_candidates=60)
        assert two.two_step_loss(held_out).loss == 0  # all items are candidates
        check(two, ranker, users.head(3), items, {"hour": "night"})
