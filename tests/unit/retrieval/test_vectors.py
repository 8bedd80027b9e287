"""Vectors for other engines: one product is the score, whatever file they travel in."""

from __future__ import annotations

import json
from dataclasses import replace

import faiss
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from fieldfare import FMRanker
from fieldfare._redis import without_password
from fieldfare.exceptions import ConfigError, OutputError
from fieldfare.retrieval import Recommender, write_to_redis, write_vectors


@pytest.fixture(scope="module")
def recommender(make_model, tables):
    users, items, seen = tables
    return Recommender(make_model("fm"), items, users=users, history=seen)


def scores_of(items, users):
    """Return the scores as the docstring of Vectors has them, with the items' own ids."""
    return users.constants[:, None] + users.scales[:, None] * (users.values @ items.values.T)


@pytest.mark.parametrize("kind", ["fm", "ffm", "fwfm", "hofm"])
@pytest.mark.parametrize("form", ["inner", "unit"])
def test_one_product_is_the_score(make_model, tables, kind, form) -> None:
    users, items, seen = tables
    recommender = Recommender(make_model(kind), items, users=users, history=seen)
    contexts = {"hour": "night"}
    own = recommender.item_vectors(form=form)
    asked = recommender.user_vectors(contexts=contexts, form=form)
    assert list(asked.ids) == list(users["user"])
    ids, scores = recommender.recommend(
        asked.ids, n=len(items), contexts=contexts, filter_seen=False
    )
    found = scores_of(own, asked)
    best = np.argsort(-found, axis=1, kind="stable")
    np.testing.assert_allclose(np.take_along_axis(found, best, 1), scores, rtol=1e-4, atol=1e-4)
    assert (own.ids[best] == ids).mean() > 0.99  # equal scores may change places


def test_unit_vectors_have_length_one(recommender) -> None:
    for vectors in (recommender.item_vectors(form="unit"), recommender.user_vectors(form="unit")):
        np.testing.assert_allclose(np.linalg.norm(vectors.values, axis=1), 1, rtol=1e-6)
        assert vectors.bound >= np.linalg.norm(recommender.index.vectors, axis=1).max()


def test_removed_items_have_no_vector_and_replaced_users_one(make_model, tables) -> None:
    users, items, _ = tables
    recommender = Recommender(make_model("fm"), items, users=users)
    recommender.remove_items([items["item"].iloc[0]])
    recommender.add_users(users.head(1).assign(age=99))
    assert items["item"].iloc[0] not in recommender.item_vectors().ids
    found = recommender.user_vectors()
    assert sorted(found.ids) == sorted(users["user"])


def test_users_who_were_folded_in_have_vectors_too(tables) -> None:
    _, items, seen = tables
    roles = {"user": ["user"], "item": ["item"]}
    ranker = FMRanker(n_factors=3, max_iter=8, random_state=0).fit(seen, roles=roles)
    recommender = Recommender(ranker, items)
    recommender.fold_in(pd.DataFrame({"user": "new", "item": items["item"].head(5)}))
    users = recommender.user_vectors()
    assert "new" in users.ids
    assert "u3" in users.ids
    found = scores_of(recommender.item_vectors(), recommender.user_vectors("new"))[0]
    _, scores = recommender.recommend("new", n=len(items), filter_seen=False)
    np.testing.assert_allclose(np.sort(found)[::-1], scores, rtol=1e-4, atol=1e-4)


def test_a_bound_given_is_kept_or_refused(recommender) -> None:
    assert recommender.item_vectors(form="unit", bound=1e3).bound == 1e3
    with pytest.raises(ConfigError, match="at least the length of the longest"):
        recommender.user_vectors(form="unit", bound=1e-6)
    with pytest.raises(ConfigError, match="Only vectors of form='unit'"):
        recommender.item_vectors(bound=2.0)
    with pytest.raises(ConfigError, match="form"):
        recommender.item_vectors(form="cosine")


def test_some_users_and_one(recommender) -> None:
    every = recommender.user_vectors()
    some = recommender.user_vectors(["u3", "nobody"])
    np.testing.assert_array_equal(some.values[0], every.values[3])
    assert some.ids.tolist() == ["u3", "nobody"]
    assert recommender.user_vectors("u3").values.shape == (1, every.dimension)


@pytest.mark.parametrize("of", ["item", "user"])
def test_parquet_and_numpy_files_hold_all(recommender, tmp_path, of) -> None:
    vectors = recommender.item_vectors() if of == "item" else recommender.user_vectors()
    write_vectors(vectors, tmp_path / "v.parquet")
    table = pq.read_table(tmp_path / "v.parquet")
    assert json.loads(table.schema.metadata[b"fieldfare"]) == vectors.description
    np.testing.assert_array_equal(np.stack(table.column("vector").to_numpy()), vectors.values)
    np.testing.assert_array_equal(table.column(of).to_numpy(), vectors.ids)
    write_vectors(vectors, tmp_path / "v.npz")
    with np.load(tmp_path / "v.npz", allow_pickle=False) as found:
        assert json.loads(str(found["description"])) == vectors.description
        np.testing.assert_array_equal(found["vectors"], vectors.values)
        np.testing.assert_array_equal(found["ids"], vectors.ids)
        assert ("scale" in found) == (of == "user")


def test_a_faiss_file_gives_the_same_list(recommender, tmp_path) -> None:
    items = recommender.item_vectors()
    write_vectors(items, tmp_path / "items.faiss")
    index = faiss.read_index(str(tmp_path / "items.faiss"))
    users = recommender.user_vectors(["u1", "u2"])
    _, found = index.search(users.values, 10)
    expected, _ = recommender.recommend(["u1", "u2"], filter_seen=False)
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(ConfigError, match="whole numbers"):
        write_vectors(users, tmp_path / "users.faiss")
    assert not (tmp_path / "users.faiss").exists()


def test_texts_are_escaped_for_sql(make_model, tables, tmp_path) -> None:
    _, items, _ = tables
    recommender = Recommender(make_model("fm"), items)
    odd = ['a\tb\\c\n"d\r', "'; DROP TABLE x; --"]
    write_vectors(recommender.user_vectors(odd), tmp_path / "u.sql", table='o"dd')
    text = (tmp_path / "u.sql").read_bytes().decode()
    assert '\na\\tb\\\\c\\n"d\\r\t' in text
    assert 'CREATE TABLE "o""dd"' in text
    with pytest.raises(ConfigError, match="zero byte"):
        write_vectors(recommender.user_vectors(["a\0b"]), tmp_path / "z.sql")
    with pytest.raises(ConfigError, match="1 to 63 bytes"):
        write_vectors(recommender.item_vectors(), tmp_path / "z.sql", table="x" * 64)


def test_a_column_may_have_any_name_but_those_of_the_file(make_model, tables, tmp_path) -> None:
    _, items, _ = tables
    vectors = Recommender(make_model("fm"), items).item_vectors()
    for name in ("vector", "constant", "scale"):
        clashing = replace(vectors, column=name)
        for kind in ("parquet", "pgvector", "postgres"):
            with pytest.raises(ConfigError, match="has the name of"):
                write_vectors(clashing, tmp_path / "v", kind)


def test_unknown_extensions_are_refused(recommender, tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"end in \.parquet, \.npz"):
        write_vectors(recommender.item_vectors(), tmp_path / "v.csv")


def test_no_redis_is_an_error_of_ours(recommender) -> None:
    with pytest.raises(OutputError, match="could not be written to Redis"):
        write_to_redis(recommender.item_vectors(), "redis://127.0.0.1:1/0")
    with pytest.raises(ConfigError, match="Redis has addresses"):
        write_to_redis(recommender.item_vectors(), "http://127.0.0.1")


def test_passwords_are_not_shown() -> None:
    assert without_password("redis://me:secret@host:1/0") == "redis://***@host:1/0"
    assert without_password("redis://host:1/0") == "redis://host:1/0"


def test_empty_catalogues_have_files_too(make_model, tables, tmp_path) -> None:
    _, items, _ = tables
    recommender = Recommender(make_model("fm"), items)
    recommender.remove_items(items["item"].tolist())
    for form in ("inner", "unit"):
        for kind in ("parquet", "npz", "faiss", "pgvector", "postgres"):
            write_vectors(recommender.item_vectors(form=form), tmp_path / kind, kind)
    assert len(pd.read_parquet(tmp_path / "parquet")) == 0
