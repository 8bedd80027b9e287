"""Users are folded in: their vectors are the optimum of the objective that the model learned by."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

import fieldfare
from fieldfare.estimators import FMRanker
from fieldfare.exceptions import ConfigError, DataError, SchemaError
from fieldfare.retrieval import Recommender

K = 5
ROLES = {"user": ["user", "age"], "item": ["item", "genre"], "context": ["hour"]}
ITEMS = pd.DataFrame({"item": range(60)}).assign(genre=lambda t: (t["item"] % 7).astype(str))
USERS = pd.DataFrame({"user": range(90)}).assign(age=lambda t: (t["user"] % 5).astype(str))


def interactions():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"user": rng.integers(0, 90, 1500), "item": rng.zipf(1.4, 1500) % 60})
    table["hour"] = rng.choice(["day", "night"], 1500)
    return table.merge(ITEMS).merge(USERS)


@pytest.fixture(scope="module")
def table():
    return interactions()


@pytest.fixture(scope="module")
def ranker(table):
    """A model that does not know the users from 80 on."""
    known = table[table["user"] < 80]
    return FMRanker(random_state=0, n_factors=K, max_iter=8, n_jobs=1).fit(known, roles=ROLES)


def recommender(ranker, users=USERS, **options):
    return Recommender(ranker, ITEMS, users=users, **options)


def best_vector(model, own, weights):
    """Return the optimum of the objective, one query and one item at a time, in float64."""
    config, parts = model.trained_by.solver, fieldfare.split(model, dtype="float64")
    q = parts.items(ITEMS)
    w = config.unobserved_weight
    of_query: dict[tuple[str, str], dict[int, float]] = {}
    for (_, row), weight in zip(own.iterrows(), weights, strict=True):
        seen = of_query.setdefault((row["age"], row["hour"]), {})
        seen[row["item"]] = seen.get(row["item"], 0) + weight
    a, b, mass = np.zeros((K, K)), np.zeros(K), 0.0
    for (age, hour), seen in of_query.items():
        request = pd.DataFrame({"user": [None], "age": [age], "hour": [hour]})
        rows = model.schema.encode(
            request[["age", "hour"]], labelled=False, columns=("age", "hour")
        )
        rest = parts.queries(rows)[0][0]
        for item in ITEMS["item"]:
            c, target = (seen[item], 1) if item in seen else (w, 0)
            a += c * np.outer(q[item, :K], q[item, :K])
            b += c * (target - rest @ q[item]) * q[item, :K]
        mass += sum(seen.values()) + w * len(ITEMS)
    penalty = config.l2_queries * mass**config.l2_exponent
    return np.linalg.solve(a + penalty * np.eye(K), b)


@pytest.mark.parametrize("with_table", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_a_vector_is_the_optimum_of_the_objective(ranker, table, with_table, weighted) -> None:
    own = table[table["user"].isin([3, 85])]
    weights = np.random.default_rng(1).uniform(0.5, 2, len(own)) if weighted else None
    model = recommender(ranker, USERS if with_table else None)
    model.fold_in(own, sample_weight=weights)
    given = np.ones(len(own)) if weights is None else weights / weights.mean()
    folded = model._state.folded
    assert folded.ids.values.tolist() == [3, 85]
    for user, vector in zip((3, 85), folded.vectors.all(), strict=True):
        is_own = (own["user"] == user).to_numpy()
        expected = best_vector(ranker.model_, own[is_own], given[is_own])
        np.testing.assert_allclose(vector, expected, rtol=2e-4, atol=1e-5)


def test_the_solver_itself_comes_to_the_same_scores(ranker, table, tmp_path) -> None:
    is_new = table["user"] >= 80
    model = recommender(ranker)
    model.fold_in(table[is_new])
    fieldfare.save_model(ranker.model_, tmp_path / "m.ff")
    larger = fieldfare.fold_in(
        fieldfare.load_model(tmp_path / "m.ff"), table[is_new], known=table[~is_new]
    )
    expected = recommender(larger)
    for contexts in ({"hour": "day"}, None):
        options = {"n": 60, "filter_seen": False, "contexts": contexts}
        found, solver = (
            one.recommend([81, 85, 3], **options, frame=True).sort_values(["user", "item"])
            for one in (model, expected)
        )
        np.testing.assert_allclose(found["score"], solver["score"], atol=5e-3)
    again = FMRanker(random_state=0, n_factors=K, max_iter=8, n_jobs=1)
    again.fit(table[~is_new], roles=ROLES).fold_in(table[is_new], known=table[~is_new])
    np.testing.assert_array_equal(again.model_.factors, larger.factors)


def test_a_new_user_gets_what_suits_and_not_what_was_seen(ranker) -> None:
    model = recommender(ranker, users=None)
    assert model.recommend("new", 3).ids.tolist() == model.recommend("other", 3).ids.tolist()
    model.fold_in({"user": "new", "item": [1, 2, 3], "hour": "day"})
    assert model.recommend("new", 60).ids.tolist() != model.recommend("other", 60).ids.tolist()
    assert not {1, 2, 3} & set(model.recommend("new", 60).ids)
    assert len(model.recommend("new", 60).ids) == 57
    assert "new" in model.similar_users("new", 500).ids or "new" in model.similar_users(1, 500).ids
    before = model.recommend("new", 5, filter_seen=False)
    model.fold_in({"user": ["new"], "item": [40]})
    assert model.recommend("new", 5, filter_seen=False).scores.tolist() != before.scores.tolist()


def test_a_folded_user_outlives_saving_pickling_and_changes(ranker, table, tmp_path) -> None:
    model = recommender(ranker, history=table[table["user"] < 80])
    model.fold_in(table[table["user"] >= 80])
    model.fold_in(table[table["user"] == 81])

    def answer(one):
        return one.recommend([81, 85, 3, "nobody"], n=7, contexts={"hour": "night"})

    expected = answer(model)
    model.save(tmp_path / "x.index")
    for other in (
        Recommender.load(tmp_path / "x.index", ranker),
        pickle.loads(pickle.dumps(model)),
    ):
        for a, b in zip(answer(other), expected, strict=True):
            np.testing.assert_array_equal(a, b)
    model.add_items(ITEMS.head(20))
    model.add_users(USERS.head(3))
    model.remove_items([59])
    model.add_items(ITEMS.tail(1))
    for a, b in zip(answer(model), expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_vectors_that_were_replaced_are_dropped(ranker) -> None:
    model = recommender(ranker, users=None)
    for item in range(40):
        model.fold_in({"user": "new", "item": [item]})
    assert len(model._state.folded.ids) < 5
    model.fold_in({"user": [f"u{i}" for i in range(50)], "item": 3})
    vectors = model._state.folded.vectors.all()
    assert len(vectors) == len(model._state.folded.ids)
    assert len(np.unique(vectors[-50:].round(6), axis=0)) == 1


def test_items_outside_the_catalogue_say_nothing(ranker) -> None:
    model, other = recommender(ranker), recommender(ranker)
    model.fold_in({"user": 85, "item": [4, 5, 1000]})
    other.fold_in({"user": 85, "item": [4, 5]})
    np.testing.assert_array_equal(model.recommend(85).scores, other.recommend(85).scores)
    model.fold_in({"user": 87, "item": [1000]})
    assert model._state.folded.ids.place(87) < 0


def test_what_cannot_be_folded_in_is_refused(ranker, table, tmp_path) -> None:
    model = recommender(ranker)
    with pytest.raises(SchemaError, match="item"):
        model.fold_in({"user": 85})
    with pytest.raises(DataError, match="2 interactions and 3 weights"):
        model.fold_in({"user": 85, "item": [1, 2]}, sample_weight=[1, 2, 3])
    for bad in ([1, -1], [0, 0], [1, np.nan]):
        with pytest.raises(DataError, match="weights"):
            model.fold_in({"user": 85, "item": [1, 2]}, sample_weight=bad)
    model.fold_in({"user": 85, "item": [1, 2], "times": [3, 1]}, sample_weight="times")
    with pytest.raises(ConfigError, match="folded in"):
        model.explain(85, 3)
    sampled = FMRanker(negatives="uniform", max_iter=1, n_factors=2, n_jobs=1).fit(
        table, roles=ROLES
    )
    with pytest.raises(ConfigError, match="nonsampled"):
        recommender(sampled).fold_in({"user": 85, "item": [1]})
    with pytest.raises(ConfigError, match="nonsampled"):
        fieldfare.fold_in(sampled, table, known=table)
    with pytest.raises(DataError, match="one weight for each"):
        fieldfare.fold_in(ranker, table, known=table, sample_weight=[1.0])


def test_a_folder_with_half_of_the_folded_users_is_refused(ranker, tmp_path) -> None:
    from fieldfare.exceptions import ModelFileError
    from fieldfare.retrieval import folder

    model = recommender(ranker)
    model.fold_in({"user": 85, "item": [1, 2]})
    model.save(tmp_path / "x.index")
    header, arrays = folder.read(tmp_path / "x.index")
    own = {key: header[key] for key in header if key not in ("format", "files", "checksum")}
    for change, message in (
        ({"folded.ids": None}, "missing: folded.ids"),
        ({"folded.vectors": np.zeros((1, K + 1), np.float32)}, "shape"),
        ({"folded.vectors": np.full((1, K), np.nan, np.float32)}, "finite"),
        ({"folded.vectors": np.zeros((1, K))}, "float32"),
    ):
        made_up = {name: array for name, array in {**arrays, **change}.items() if array is not None}
        folder.write(tmp_path / "y.index", own, made_up)
        with pytest.raises(ModelFileError, match=message):
            Recommender.load(tmp_path / "y.index", ranker)
