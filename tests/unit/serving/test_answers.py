"""Answers over HTTP are those of the library, for requests of any kind, alone and in batches."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples
from tests.unit.serving.served import (
    GENRES,
    N_ITEMS,
    N_USERS,
    SCHEMA,
    expect_error,
    make_index,
    make_tables,
    serving,
    settings_of,
    train,
)  # fmt: skip

import fieldfare
from fieldfare.retrieval import Recommender
from fieldfare.serving.settings import ModelFiles
from fieldfare.serving.stores import MemoryStore

KNOWN = st.integers(0, N_USERS - 1).map("u{}".format)
ITEMS = st.integers(100, 100 + N_ITEMS - 1)
HOURS = st.sampled_from(["morning", "noon", "night", "never", None])
CONTEXTS = st.none() | st.fixed_dictionaries({}, optional={"hour": HOURS})
WANTED = st.fixed_dictionaries(
    {"user": KNOWN | st.just("stranger") | st.none()},
    optional={
        "contexts": CONTEXTS,
        "features": st.none() | st.fixed_dictionaries({}, optional={"age": st.integers(0, 99)}),
        "history": st.lists(ITEMS, max_size=5),
    },
)
OPTIONS = st.fixed_dictionaries(
    {"n": st.integers(1, 100)},
    optional={
        "filter_seen": st.booleans(),
        "exclude": st.lists(ITEMS, max_size=5),
        "candidates": st.lists(ITEMS, max_size=30),
        "where": st.fixed_dictionaries(
            {},
            optional={
                "genre": st.sampled_from(GENRES) | st.lists(st.sampled_from(GENRES), max_size=3),
                "year": st.just({"min": 1980, "max": 2000}) | st.just({"max": 1990}),
            },
        ),
    },
)
ROW = st.fixed_dictionaries(
    {
        "user": KNOWN | st.just("stranger") | st.none(),
        "age": st.integers(0, 99) | st.none() | st.floats(0, 99),
        "item": ITEMS | ITEMS.map(str) | st.none(),
        "genre": st.sampled_from([*GENRES, "silent"]) | st.none(),
        "hour": HOURS,
    }
)


def assert_same_list(found, expected):
    ids, scores = expected
    assert [item["id"] for item in found["items"]] == ids.tolist()
    np.testing.assert_allclose([item["score"] for item in found["items"]], scores, rtol=1e-5)


def expected_list(recommender, wanted, options):
    given = {name: value for name, value in wanted.items() if value is not None}
    user = given.pop("user", None)
    return recommender.recommend([user], **given_as_lists(given), **options)


def given_as_lists(given):
    return {k: [v] if k == "history" else v for k, v in given.items()}


@given(wanted=st.lists(WANTED, min_size=1, max_size=6), options=OPTIONS)
@examples(60)
def test_lists_are_those_of_the_recommender(client, recommender, wanted, options):
    answer = client.post("/v1/recommend", json={"requests": wanted, **options})
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert len(results) == len(wanted)
    for one, found in zip(wanted, results, strict=True):
        assert found["user_known"] == (one["user"] not in ("stranger", None))
        if found["source"] == "popular":
            assert not one.get("contexts") and not one.get("features")
            continue
        ids, scores = expected_list(recommender, one, options)
        there = scores[0] > -np.inf
        assert_same_list(found, (ids[0][there], scores[0][there]))


@given(rows=st.lists(ROW, min_size=1, max_size=5), output=st.sampled_from(["score", "probability"]))
@examples(60)
def test_predictions_are_those_of_the_library(client, model, rows, output):
    answer = client.post("/v1/predict", json={"rows": rows, "output": output})
    assert answer.status_code == 200, answer.text
    rows = pd.DataFrame(rows, dtype=object)
    library = {"score": "score", "probability": "prediction"}[output]
    expected = fieldfare.predict(model, rows, output=library)
    np.testing.assert_allclose(answer.json()["predictions"], expected, rtol=1e-5, atol=1e-6)


def test_a_single_request_and_a_single_row_need_no_list(client):
    one = {"user": "u3", "contexts": {"hour": "noon"}}
    lists = [
        client.post("/v1/recommend", json=body).json()["results"]
        for body in ({**one, "n": 4}, {"requests": one, "n": 4}, {"requests": [one], "n": 4})
    ]
    assert lists[0] == lists[1] == lists[2]
    assert len(lists[0][0]["items"]) == 4
    row = {"user": "u1", "age": 20, "item": 101, "genre": "drama", "hour": "noon"}
    answers = [client.post("/v1/predict", json={"rows": rows}).json() for rows in (row, [row])]
    assert answers[0] == answers[1]
    assert answers[0]["model"] == "films@1"


def test_requests_that_come_together_get_their_own_answers(client, recommender):
    """Lists of different lengths and filters are computed in the same batch."""

    def ask(i):
        body = {"user": f"u{i % N_USERS}", "n": 3 + i % 3, "filter_seen": i % 2 == 0}
        if i % 5 == 0:
            body["exclude"] = [100, 101]
        return body, client.post("/v1/recommend", json=body).json()["results"][0]

    with ThreadPoolExecutor(16) as pool:
        for body, found in pool.map(ask, range(100)):
            user = body.pop("user")
            assert_same_list(found, recommender.recommend(user, **body))


def test_what_is_wrong_with_one_request_harms_no_other(client):
    def ask(i):
        hour = ["noon", [["x"]]][i % 2]
        return client.post("/v1/recommend", json={"user": "u1", "contexts": {"hour": hour}})

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(60)))
    assert [answer.status_code for answer in answers] == [200, 422] * 30
    wrong = {"requests": [{"user": "u1"}, {"user": "u2", "contexts": {"hour": ["a", "b"]}}]}
    error = expect_error(client.post("/v1/recommend", json=wrong), 422, "FF220")
    assert error["where"] == "$.requests[1]"


def test_fields_of_items_come_with_them(client):
    _, items, _ = make_tables()
    answer = client.post("/v1/recommend", json={"user": "u1", "fields": ["title", "year"]}).json()
    table = items.set_index("item")
    for item in answer["results"][0]["items"]:
        assert item["title"] == table["title"][item["id"]]
        assert item["year"] == table["year"][item["id"]]


def test_the_most_popular_items_are_the_last_resort_and_it_is_said(client):
    _, _, seen = make_tables()
    counts = seen.drop_duplicates(["user", "item"])["item"].value_counts()
    found = client.post("/v1/recommend", json={"user": "stranger", "n": 5}).json()["results"][0]
    assert found["source"] == "popular" and found["user_known"] is False
    assert [item["score"] for item in found["items"]] == counts.head(5).tolist()
    best = [item["id"] for item in found["items"]]
    body = {"user": None, "n": 5, "exclude": best[:2], "where": {"genre": "drama"}}
    other = client.post("/v1/recommend", json=body).json()["results"][0]
    assert other["source"] == "popular"
    assert not {item["id"] for item in other["items"]} & set(best[:2])
    context = client.post("/v1/recommend", json={"contexts": {"hour": "noon"}}).json()
    assert context["results"][0]["source"] == "context"


def test_similar_merged_and_explained_are_those_of_the_recommender(client, recommender):
    answer = client.post("/v1/similar", json={"items": [101, "102"], "n": 3, "fields": ["title"]})
    found = answer.json()["results"]
    for row, (ids, scores) in enumerate(
        zip(*recommender.similar_items([101, 102], 3), strict=True)
    ):
        assert_same_list(found[row], (ids, scores))
        assert all(item["title"].startswith("Title") for item in found[row]["items"])
    found = client.post("/v1/similar", json={"users": ["u1"], "n": 2}).json()["results"][0]
    assert_same_list(found, [part[0] for part in recommender.similar_users(["u1"], 2)])
    channels = {"new": [101, 102, 999], "near": [102, 103]}
    body = {"channels": channels, "user": "u1", "contexts": {"hour": "noon"}, "filter_seen": False}
    found = client.post("/v1/merge", json=body).json()["results"][0]
    expected = recommender.merge(channels, "u1", contexts={"hour": "noon"}, filter_seen=False)
    assert_same_list(found, expected)
    body = {"user": "u1", "item": 101, "contexts": {"hour": "noon"}}
    found = client.post("/v1/explain", json=body).json()
    expected = recommender.explain("u1", 101, {"hour": "noon"})
    assert found["score"] == pytest.approx(expected.score)
    assert sum(term["term"] for term in found["terms"]) == pytest.approx(found["score"])


def test_a_row_is_explained(client, model):
    row = {"user": "u1", "age": 20, "item": 101, "genre": "drama", "hour": "noon"}
    found = client.post("/v1/explain", json={"row": row}).json()
    assert found["prediction"] == pytest.approx(model.predict_one(row))
    expect_error(client.post("/v1/explain", json={}), 422, "FF810")


def test_a_ranker_orders_what_was_recalled_by_contexts_that_only_it_knows(tmp_path, files):
    """Two steps in one request."""
    recall = train(schema=SCHEMA.edit("hour", kind="ignore"))
    ranker = train(seed=5)
    for name, one in (("recall", recall), ("ranker", ranker)):
        fieldfare.save_model(one, tmp_path / f"{name}.ff")
    make_index(tmp_path / "two.index", recall, ranker=ranker, n_candidates=20)
    two = ModelFiles(
        model=str(tmp_path / "recall.ff"),
        index=str(tmp_path / "two.index"),
        ranker=str(tmp_path / "ranker.ff"),
    )
    whole = Recommender.load(two.index, recall, ranker)
    with serving(settings_of(two=two)) as client:
        for hour in ("noon", "night"):
            body = {"user": "u1", "contexts": {"hour": hour}, "n": 5}
            found = client.post("/v1/recommend", json=body).json()["results"][0]
            assert_same_list(found, whole.recommend("u1", 5, contexts={"hour": hour}))


def test_a_store_has_the_features_of_users(files, recommender):
    store = MemoryStore({"visitor": {"age": 25, "shoe size": 44}})
    with serving(settings_of(films=files), store=store) as client:
        found = client.post("/v1/recommend", json={"user": "visitor"}).json()
        assert "degraded" not in found
        assert found["results"][0]["source"] == "model"
        assert_same_list(
            found["results"][0], recommender.recommend("visitor", features={"age": 25})
        )
        own = client.post("/v1/recommend", json={"user": "visitor", "features": {"age": 70}}).json()
        assert_same_list(own["results"][0], recommender.recommend("visitor", features={"age": 70}))


def test_a_store_that_fails_degrades_the_answer_and_says_so(files, recommender):
    class Broken:
        name = "broken"

        def lookup(self, users):
            raise ConnectionError("password=secret")

        def close(self):
            pass

    with serving(settings_of(films=files), store=Broken()) as client:
        answer = client.post("/v1/recommend", json={"user": "u1"}).json()
        assert answer["degraded"] == ["features"]
        assert_same_list(answer["results"][0], recommender.recommend("u1"))
        popular = client.post("/v1/recommend", json={"user": "visitor"}).json()
        assert popular["results"][0]["source"] == "popular"


def test_a_field_that_is_asked_for_twice_is_answered_once(client) -> None:
    body = {"user": "u1", "n": 2, "fields": ["title", "genre", "title"]}
    for item in client.post("/v1/recommend", json=body).json()["results"][0]["items"]:
        assert list(item) == ["id", "score", "title", "genre"]
