"""Recommendations against scores of every item."""

from __future__ import annotations

import io
import json
import threading

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from fieldfare.exceptions import ConfigError, DataError, ModelFileError, SchemaError
from fieldfare.retrieval import Recommender


@pytest.fixture(params=["exact", "approximate"])
def recommender(request, make_model, tables):
    """A recommender of a random FM, with users and a history."""
    if request.param == "approximate":
        pytest.importorskip("faiss", reason="the extra 'ann' is not installed")
    users, items, seen = tables
    return Recommender(
        make_model(), items, users=users, history=seen, index=request.param, recall=0.999
    )


def brute(model, users, items, user, **context):
    """Score every item for a user."""
    table = users[users["user"] == user].merge(items, how="cross").assign(**context)
    scores = model.score(model.schema.encode(table, labelled=False))[:, 0]
    return pd.Series(scores, items["item"].to_numpy()).sort_values(ascending=False)


def test_the_best_items_are_those_of_the_model(recommender, make_model, tables) -> None:
    users, items, seen = tables
    model = make_model()
    for hour in ("night", "noon"):
        expected = brute(model, users, items, "u3", hour=hour)
        ids, scores = recommender.recommend("u3", n=60, contexts={"hour": hour}, filter_seen=False)
        np.testing.assert_array_equal(ids, expected.index)
        np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-4)
        ids, _ = recommender.recommend("u3", n=5, contexts={"hour": hour})
        already_seen = set(seen[seen["user"] == "u3"]["item"])
        assert ids.tolist() == [i for i in expected.index if i not in already_seen][:5]


def test_batches_frames_and_single_requests_agree(recommender) -> None:
    asked = ["u1", "u2", "nobody"]
    contexts = pd.DataFrame({"hour": ["noon", "night", "noon"]})
    ids, scores = recommender.recommend(asked, n=4, contexts=contexts)
    assert ids.shape == scores.shape == (3, 4) and ids.dtype == np.int64
    for row, user in enumerate(asked):
        one = recommender.recommend(user, n=4, contexts={"hour": contexts["hour"][row]})
        np.testing.assert_array_equal(one.ids, ids[row])
    for kind in (pd.Series, np.array, tuple):
        np.testing.assert_array_equal(
            recommender.recommend(kind(asked), n=4, contexts=contexts).ids, ids
        )
    frame = recommender.recommend(asked, n=4, contexts=contexts, frame=True)
    assert frame.columns.tolist() == ["user", "item", "score", "rank"]
    assert frame["item"].tolist() == ids.ravel().tolist()
    assert frame["rank"].tolist() == [1, 2, 3, 4] * 3


def test_unknown_users_get_the_answer_for_the_context(recommender) -> None:
    unknown = recommender.recommend("nobody", contexts={"hour": "night"})
    context = recommender.recommend(contexts={"hour": "night"})
    np.testing.assert_array_equal(unknown.ids, context.ids)
    assert len(recommender.recommend("nobody").ids) == 10
    features = recommender.recommend(contexts=pd.DataFrame({"hour": ["noon", "night"]}), n=3)
    assert features.ids.shape == (2, 3)


def test_contexts_may_name_the_users(recommender) -> None:
    one = recommender.recommend("u1", contexts={"hour": "noon"})
    named = recommender.recommend(contexts={"user": "u1", "hour": "noon"})
    np.testing.assert_array_equal(named.ids, one.ids)
    table = pd.DataFrame({"hour": ["noon", "night"], "user": ["u1", "u2"]})
    several = recommender.recommend(["u1", "u2"], contexts=table[["hour"]], n=4)
    for found in (
        recommender.recommend(contexts=table, n=4),
        recommender.recommend(["u1", "u2"], contexts=table, n=4),
    ):
        np.testing.assert_array_equal(found.ids, several.ids)
    assert recommender.recommend(contexts=table, frame=True).columns[0] == "user"
    alone = recommender.recommend(contexts={"user": "u1"})
    np.testing.assert_array_equal(alone.ids, recommender.recommend("u1").ids)


def test_users_without_a_table_are_ids(make_model, tables) -> None:
    users, items, seen = tables
    plain = Recommender(make_model(), items, history=seen)
    ids, scores = plain.recommend("u3", contexts={"age": 30, "hour": "noon"}, filter_seen=False)
    expected = brute(make_model(), users.assign(age=30), items, "u3", hour="noon")
    np.testing.assert_array_equal(ids, expected.index[:10])
    np.testing.assert_allclose(scores, expected[:10], rtol=1e-4, atol=1e-4)
    unknown = plain.recommend("nobody", contexts={"hour": "noon"})
    np.testing.assert_array_equal(unknown.ids, plain.recommend(contexts={"hour": "noon"}).ids)
    assert plain.similar_users("u3", 2).ids.shape == (2,)


def test_items_can_be_restricted(recommender, tables) -> None:
    items = tables[1]
    chosen = [101, 105, 109, 7777]
    ids, _ = recommender.recommend("u1", candidates=chosen, filter_seen=False)
    assert set(ids) == {101, 105, 109}
    ids, _ = recommender.recommend("u1", candidates=chosen, exclude=[105], filter_seen=False)
    assert set(ids) == {101, 109}
    drama = set(items[items["genres"].str.contains("drama")]["item"])
    ids, _ = recommender.recommend("u1", n=60, where={"genres": "drama"}, filter_seen=False)
    assert set(ids) == drama
    either = set(items[items["genres"].str.contains("drama|crime")]["item"])
    wanted = {"genres": ["drama", "crime"], "item": list(range(100, 130))}
    ids, _ = recommender.recommend("u1", n=60, where=wanted, filter_seen=False)
    assert set(ids) == {i for i in either if i < 130}
    none = recommender.recommend(["u1", "u2"], n=2, candidates=[])
    assert (none.ids == -1).all() and (none.scores == -np.inf).all()
    with pytest.raises(SchemaError, match="Did you mean 'genres'"):
        recommender.recommend("u1", where={"genre": "drama"})


def test_invalid_requests_say_what_is_wrong(recommender) -> None:
    with pytest.raises(ConfigError, match="needs users or contexts"):
        recommender.recommend()
    with pytest.raises(SchemaError, match="Did you mean 'hour'"):
        recommender.recommend("u1", contexts={"hours": "noon"})
    with pytest.raises(SchemaError, match="2 users and 1 contexts"):
        recommender.recommend(["u1", "u2"], contexts=pd.DataFrame({"hour": ["noon"]}))
    with pytest.raises(DataError, match="no item 9"):
        recommender.similar_items(9)
    with pytest.raises(DataError, match="does not hold 9"):
        recommender.explain("u1", 9)


@pytest.mark.parametrize(
    "ids",
    [1 + 2j, [object()], [1j], io.BytesIO(), scipy.sparse.coo_matrix(np.eye(2))],
)
def test_whatever_is_no_id_is_refused(recommender, ids) -> None:
    if isinstance(ids, io.BytesIO):
        ids.close()
    for ask in (
        lambda: recommender.recommend(ids),
        lambda: recommender.recommend("u1", exclude=ids),
        lambda: recommender.recommend("u1", candidates=ids),
        lambda: recommender.recommend(["u1", "u2"], history=[ids, ids]),
        lambda: recommender.merge({"a": [100, 101]}, ids),
    ):
        with pytest.raises((ConfigError, DataError)):
            ask()


def test_an_id_that_cannot_be_shown_is_refused(recommender) -> None:
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    for ask in (recommender.similar_items, lambda item: recommender.explain("u1", item)):
        with pytest.raises(DataError, match="a value of type list"):
            ask(deep)


def test_a_list_may_ask_for_more_items_than_there_are(recommender, tables) -> None:
    single = recommender.recommend("u1", 2**31 - 1, filter_seen=False)
    assert len(single.ids) == len(tables[1])
    frame = recommender.recommend(["u1", "u2"], 2**31 - 1, filter_seen=False, frame=True)
    assert len(frame) == 2 * len(tables[1])
    padded = recommender.recommend(["u1", "u2"], 70, filter_seen=False)
    assert padded.ids.shape == (2, 70) and (padded.scores[:, 60:] == -np.inf).all()
    with pytest.raises(ConfigError, match="'n' parameter of recommend"):
        recommender.recommend("u1", 2**31)


def test_similar_items_and_users(recommender, make_model, tables) -> None:
    model = make_model()
    rows = model.schema.encode(tables[1], labelled=False, columns=["item", "genres", "price"])
    sums = np.zeros((len(rows), 4))
    owner = np.repeat(np.arange(len(rows)), np.diff(rows.indptr))
    np.add.at(sums, owner, model.factors[rows.indices, 0] * rows.values[:, None])
    sums /= np.linalg.norm(sums, axis=1)[:, None]
    cosines = sums @ sums[3]
    cosines[3] = -np.inf
    ids, scores = recommender.similar_items(103, 5)
    np.testing.assert_array_equal(ids, 100 + np.argsort(-cosines)[:5])
    np.testing.assert_allclose(scores, np.sort(cosines)[::-1][:5], rtol=1e-4)
    assert recommender.similar_items([103, 104], 5).ids.shape == (2, 5)
    found, _ = recommender.similar_users("u4", 3)
    assert len(found) == 3 and "u4" not in found


def test_an_explanation_sums_to_the_score(recommender) -> None:
    ids, scores = recommender.recommend("u2", n=3, contexts={"hour": "noon"})
    found = recommender.explain("u2", ids[1], {"hour": "noon"})
    assert found.score == pytest.approx(scores[1], rel=1e-4)
    assert {"user=u2", "hour=noon", f"item={ids[1]}"} <= set(found.feature_names)


def test_items_are_added_replaced_and_removed(recommender, tables) -> None:
    items = tables[1]
    before = recommender.recommend("u1", n=60, filter_seen=False)
    recommender.remove_items([before.ids[0], 4242])
    after = recommender.recommend("u1", n=60, filter_seen=False)
    np.testing.assert_array_equal(after.ids, before.ids[1:])
    back = items[items["item"] == before.ids[0]]
    recommender.add_items(back)
    np.testing.assert_array_equal(
        recommender.recommend("u1", n=60, filter_seen=False).ids, before.ids
    )
    twin = back.assign(item=999)
    recommender.add_items(pd.concat([twin, items.head(1).assign(price=1e6)]))
    ids, scores = recommender.recommend("u1", n=61, filter_seen=False)
    assert len(ids) == 61 and 999 in ids
    assert abs(scores[ids == 100] - before.scores[before.ids == 100]).item() > 1e-3
    assert len(recommender.index) == 61


def test_history_grows(recommender) -> None:
    best = recommender.recommend("u1", n=2).ids
    recommender.add_history(pd.DataFrame({"user": ["u1", "new"], "item": best}))
    assert best[0] not in recommender.recommend("u1", n=60).ids
    assert best[1] not in recommender.recommend("new", n=60).ids


def test_a_ranker_determines_the_order(make_model, tables) -> None:
    users, items, seen = tables
    ranker = make_model("ffm", seed=5)
    both = Recommender(
        make_model(), items, users=users, history=seen, ranker=ranker, n_candidates=20
    )
    recalled = Recommender(make_model(), items, users=users, history=seen).recommend("u3", 20)
    ids, scores = both.recommend("u3", n=8, contexts={"hour": "noon"})
    assert len(ids) == 8
    everything = brute(ranker, users, items, "u3", hour="noon")
    np.testing.assert_allclose(scores, everything[ids], rtol=1e-4, atol=1e-4)
    assert (np.diff(scores) <= 0).all()
    plain = both.recommend("u3", n=20)
    assert set(plain.ids) == set(recalled.ids)
    assert both.explain("u3", ids[0], {"hour": "noon"}).score == pytest.approx(scores[0], rel=1e-4)
    loss = both.two_step_loss(seen.sample(40, random_state=0).assign(user="u5"))
    assert loss.loss == pytest.approx(loss.all_items - loss.recalled)
    same = Recommender(make_model(), items, users=users, ranker=make_model(), n_candidates=30)
    assert same.two_step_loss(seen).loss == pytest.approx(0, abs=1e-12)
    with pytest.raises(ConfigError, match="no two steps"):
        Recommender(make_model(), items).two_step_loss(seen)


def test_channels_merge_into_one_list(tables) -> None:
    from tests.unit.retrieval.conftest import random_model

    from fieldfare.schema.column import Column
    from fieldfare.schema.schema import Schema

    items, seen = tables[1:]
    table = seen.assign(channel=np.where(seen["rating"] > 2, "popular", "new"))
    columns = (
        Column("user", role="user"),
        Column("item", role="item"),
        Column("channel", "multi", role="context", separator=","),
    )
    model = random_model(Schema(columns, "rating").fit(table))
    recommender = Recommender(model, items, history=seen)
    proposed = {"popular": [100, 101, 102], "new": [102, 103, 5555]}
    ids, scores = recommender.merge(proposed, "u1", n=4, column="channel")
    assert set(ids) == {100, 101, 102, 103}
    rows = [
        {
            "user": "u1",
            "item": item,
            "channel": ",".join(c for c in proposed if item in proposed[c]),
        }
        for item in ids.tolist()
    ]
    expected = model.score(model.schema.encode(rows, labelled=False))[:, 0]
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-4)
    assert (np.diff(scores) <= 0).all()
    assert len(recommender.merge({"new": []}, "u1").ids) == 0


def test_a_saved_recommender_answers_the_same(recommender, make_model, tables, tmp_path) -> None:
    recommender.remove_items([101])
    folder = tmp_path / "fm.index"
    recommender.save(folder)
    again = Recommender.load(folder, make_model())
    asked = {"users": ["u1", "u2"], "contexts": {"hour": "noon"}}
    for one, other in zip(again.recommend(**asked), recommender.recommend(**asked), strict=True):
        np.testing.assert_array_equal(one, other)
    assert again.index.calibration == recommender.index.calibration
    again.save(folder)
    again.add_items(tables[1].head(2).assign(item=[1, 2]))
    again.save(folder)
    assert len(list(folder.glob("vectors-*"))) == 1
    assert len(Recommender.load(folder, make_model()).index) == 61
    with pytest.raises(ModelFileError, match="made from one model"):
        Recommender.load(folder, make_model(seed=9))
    next(folder.glob("ids-*")).unlink()
    with pytest.raises(ModelFileError, match="damaged or incomplete"):
        Recommender.load(folder, make_model())
    with pytest.raises(ModelFileError, match="holds no index"):
        Recommender.load(tmp_path, make_model())


def test_saving_leaves_other_files_in_the_folder_alone(recommender, tmp_path) -> None:
    foreign = [tmp_path / "embeddings.npy", tmp_path / "other.faiss"]
    for path in foreign:
        path.write_bytes(b"mine")
    recommender.save(tmp_path)
    outside = tmp_path.parent / "outside.npy"
    outside.write_bytes(b"mine")
    header = json.loads((tmp_path / "index.json").read_text())
    header["files"]["more"] = "../outside.npy"
    (tmp_path / "index.json").write_text(json.dumps(header))
    recommender.save(tmp_path)
    assert all(path.read_bytes() == b"mine" for path in [*foreign, outside])
    assert len(list(tmp_path.glob("vectors-*"))) == 1


def test_a_damaged_folder_is_refused(recommender, make_model, tmp_path) -> None:
    recommender.save(tmp_path)
    path = tmp_path / "index.json"
    header = json.loads(path.read_text())
    for key in header:
        for broken in (header | {key: "x"}, {k: v for k, v in header.items() if k != key}):
            if key in ("calibration", "bound") and recommender.index.calibration is None:
                continue
            path.write_text(json.dumps(broken))
            with pytest.raises(ModelFileError):
                Recommender.load(tmp_path, make_model())
    path.write_text(json.dumps(header))
    for file in header["files"].values():
        whole = (tmp_path / file).read_bytes()
        broken = [b"", whole[: len(whole) // 2]]
        if file.endswith(".npy"):
            for array in (np.zeros((2, 2, 2), np.complex64), np.load(tmp_path / file)[:-1]):
                out = io.BytesIO()
                np.save(out, array)
                broken.append(out.getvalue())
        for data in broken:
            (tmp_path / file).write_bytes(data)
            with pytest.raises(ModelFileError, match="damaged or incomplete"):
                Recommender.load(tmp_path, make_model())
        (tmp_path / file).write_bytes(whole)
    Recommender.load(tmp_path, make_model())


def test_requests_are_answered_while_a_recommender_is_swapped(make_model, tables) -> None:
    items = tables[1]
    serving = Recommender(make_model(), items)
    answers = {model: Recommender(make_model(seed=model), items) for model in (1, 2)}
    expected = {tuple(r.recommend("u1").ids) for r in answers.values()}
    failures, done = [], threading.Event()

    def ask() -> None:
        while not done.is_set():
            if tuple(serving.recommend("u1").ids) not in expected:
                failures.append(1)

    thread = threading.Thread(target=ask)
    thread.start()
    for turn in range(20):
        serving.swap(answers[1 + turn % 2])
    done.set()
    thread.join()
    assert not failures


def test_requests_see_all_of_a_change_or_nothing(make_model, tables) -> None:
    items = tables[1]
    recommender = Recommender(make_model(), items)
    few, every = set(items["item"][:20]), set(items["item"])
    rest = items[20:]
    failures, done = [], threading.Event()

    def ask() -> None:
        while not done.is_set():
            ids = set(recommender.recommend("u1", n=len(items)).ids)
            if ids not in (few, every):
                failures.append(ids)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            recommender.remove_items(rest["item"])
            recommender.add_items(rest)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert not failures


def test_changes_from_several_threads_are_all_made(make_model, tables) -> None:
    items = tables[1]
    recommender = Recommender(make_model(), items)
    parts = [items["item"][start : start + 10] for start in range(0, 40, 10)]
    threads = [threading.Thread(target=recommender.remove_items, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    left = set(recommender.recommend("u1", n=len(items)).ids)
    assert left == set(items["item"][40:])


def test_an_explanation_needs_a_user_or_a_context(make_model, tables) -> None:
    recommender = Recommender(make_model(), tables[1])
    with pytest.raises(ConfigError, match="needs users or contexts"):
        recommender.explain(None, 100)


def test_an_array_of_no_dimension_is_one_id(make_model, tables) -> None:
    recommender = Recommender(make_model(), tables[1])
    one = recommender.recommend(np.array("u1"))
    np.testing.assert_array_equal(one.ids, recommender.recommend("u1").ids)
    like = recommender.similar_items(np.array(100))
    np.testing.assert_array_equal(like.ids, recommender.similar_items(100).ids)
