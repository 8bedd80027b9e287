"""Factorization machines with the features of PITF and FPMC order candidates as these do."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from fieldfare import recipes
from fieldfare.data.loading import load
from fieldfare.exceptions import SchemaError

CLOSE = {"rtol": 1e-4, "atol": 1e-4}


def random_vectors(names, k, seed):
    random = np.random.default_rng(seed)
    return {name: random.normal(size=k) for name in names}


@pytest.fixture
def posts():
    random = np.random.default_rng(0)
    return [
        {"user": f"u{u}", "item": f"i{i}", "tag": f"t{t}"}
        for u in range(4)
        for i in range(3)
        for t in random.choice(8, 2, replace=False)
    ]


@pytest.fixture
def every_post():
    return [
        {"user": f"u{u}", "item": f"i{i}", "tag": f"t{t}"}
        for u in range(4)
        for i in range(3)
        for t in range(8)
    ]


def centred(scores, per_context):
    """Scores less their mean in each context, which determine the order."""
    blocks = np.reshape(scores, (-1, per_context))
    return (blocks - blocks.mean(axis=1, keepdims=True)).ravel()


def test_pitf_between_tags(machine, posts, every_post):
    m = machine(recipes.pitf(posts, random_state=0))
    expected = [
        m.w(f"tag={r['tag']}")
        + (m.v(f"user={r['user']}") + m.v(f"item={r['item']}")) @ m.v(f"tag={r['tag']}")
        for r in every_post
    ]
    np.testing.assert_allclose(centred(m.scores(every_post), 8), centred(expected, 8), **CLOSE)


def test_pitf_is_a_machine_of_twice_the_rank(machine, posts, every_post):
    k = 3
    m = machine(recipes.pitf(posts, random_state=0), k=2 * k)
    users, items = (random_vectors([f"{c}{n}" for n in range(8)], k, n) for n, c in enumerate("ui"))
    tags = random_vectors([f"t{n}" for n in range(8)], 2 * k, 2)
    m.model.bias[:] = 0
    m.model.linear[:] = 0
    for n in range(8):
        if n < 4:
            m.set(f"user=u{n}", v=np.append(users[f"u{n}"], np.zeros(k)))
        if n < 3:
            m.set(f"item=i{n}", v=np.append(np.zeros(k), items[f"i{n}"]))
        m.set(f"tag=t{n}", v=tags[f"t{n}"])
    pitf = [
        users[r["user"]] @ tags[r["tag"]][:k] + items[r["item"]] @ tags[r["tag"]][k:]
        for r in every_post
    ]
    np.testing.assert_allclose(m.scores(every_post), pitf, **CLOSE)


def test_pitf_with_two_vectors_per_tag_is_field_aware(machine, posts, every_post):
    m = machine(recipes.pitf(posts, random_state=0), kind="ffm")
    m.model.linear[:] = 0
    user, item, tag = range(3)
    expected = [
        m.v(f"user={r['user']}")[tag] @ m.v(f"tag={r['tag']}")[user]
        + m.v(f"item={r['item']}")[tag] @ m.v(f"tag={r['tag']}")[item]
        for r in every_post
    ]
    np.testing.assert_allclose(centred(m.scores(every_post), 8), centred(expected, 8), **CLOSE)


def test_negatives_were_not_observed_in_their_post(posts):
    recipe = recipes.pitf(posts, n_negatives=3, random_state=5)
    seen = {tuple(r.values()) for r in posts}
    rows = recipe.table.to_pylist()
    assert len(rows) == 4 * len(posts)
    for r in rows:
        assert r["target"] == ((r["user"], r["item"], r["tag"]) in seen)
        assert r["post"] == f"{r['user']} & {r['item']}"
    again = recipes.pitf(posts, n_negatives=3, random_state=5)
    assert again.table.equals(recipe.table)
    assert not recipes.pitf(posts, n_negatives=3, random_state=6).table.equals(recipe.table)
    assert recipes.pitf(posts, n_negatives=0).table.num_rows == len(posts)


def test_a_context_with_everything_seen_gets_no_negatives():
    posts = [{"user": "u", "item": "i", "tag": t} for t in "abc"]
    assert recipes.pitf(posts).table.num_rows == 3


@pytest.fixture
def purchases():
    """Baskets of three users; the second to last one holds every item."""
    random = np.random.default_rng(1)
    baskets = [("a", 1), ("a", 3), ("a", 4), ("b", 2), ("b", 9), ("c", 5)]
    return [
        {"user": user, "time": time, "item": f"i{i}"}
        for user, time in baskets
        for i in random.choice(7, int(random.integers(1, 4)), replace=False)
    ] + [{"user": "c", "time": 6 + (i == 7), "item": f"i{i % 7}"} for i in range(8)]


def last_basket(purchases, user, time):
    before = [r for r in purchases if r["user"] == user and r["time"] < time]
    latest = max((r["time"] for r in before), default=None)
    return [r["item"] for r in before if r["time"] == latest]


def candidates():
    known = [("a", 3), ("a", 4), ("a", 8), ("b", 9), ("b", 10), ("c", 7)]
    return [
        {"user": user, "time": time, "item": f"i{i}"}
        for (user, time), i in itertools.product(known, range(7))
    ]


def test_fpmc_between_items(machine, purchases):
    m, expected = machine(recipes.fpmc(purchases, random_state=0)), []
    for r in candidates():
        item, basket = f"item={r['item']}", last_basket(purchases, r["user"], r["time"])
        mean = sum(m.v(f"last_basket={j}") for j in basket) / len(basket)
        expected.append(m.w(item) + (m.v(f"user={r['user']}") + mean) @ m.v(item))
    np.testing.assert_allclose(centred(m.scores(candidates()), 7), centred(expected, 7), **CLOSE)


def test_fpmc_ranks_as_a_machine_of_twice_the_rank(machine, purchases):
    k = 3
    m = machine(recipes.fpmc(purchases, random_state=0), k=2 * k)
    users = random_vectors("abc", k, 0)
    last = random_vectors([f"i{n}" for n in range(7)], k, 1)
    items = random_vectors([f"i{n}" for n in range(7)], 2 * k, 2)
    m.model.linear[:] = 0
    for name, vector in users.items():
        m.set(f"user={name}", v=np.append(vector, np.zeros(k)))
    for name, vector in items.items():
        m.set(f"item={name}", v=vector)
        if f"last_basket={name}" in m.ids:
            m.set(f"last_basket={name}", v=np.append(np.zeros(k), last[name]))
    fpmc = []
    for r in candidates():
        basket = last_basket(purchases, r["user"], r["time"])
        mean = sum(last[j] for j in basket) / len(basket)
        fpmc.append(users[r["user"]] @ items[r["item"]][:k] + mean @ items[r["item"]][k:])
    np.testing.assert_allclose(centred(m.scores(candidates()), 7), centred(fpmc, 7), **CLOSE)


def test_fpmc_takes_the_previous_basket_never_its_own(purchases):
    rows = recipes.fpmc(purchases, n_negatives=0).table.to_pylist()
    for row, r in zip(rows, purchases, strict=True):
        expected = last_basket(purchases, r["user"], r["time"])
        assert sorted(c.rpartition(":")[0] for c in row["last_basket"]) == sorted(expected)


def test_fpmc_takes_newer_baskets_from_a_history(purchases):
    recipe = recipes.fpmc(purchases, random_state=0)
    asked = [{"user": "d", "time": 3, "item": "i0"}, {"user": "b", "time": 3, "item": "i0"}]
    past = [{"user": "d", "time": t, "item": f"i{t}"} for t in (1, 2, 3)]
    cells = recipe.transform(asked, history=past)["last_basket"].to_pylist()
    assert cells == [["i2:1"], []]


def test_recipes_train(purchases, posts):
    from fieldfare import train

    for recipe in (recipes.fpmc(purchases, random_state=0), recipes.pitf(posts, random_state=0)):
        result = train(recipe.table, schema=recipe.schema, max_iter=2, random_state=0)
        assert result.model.config.task == "binary"
        data = load(recipe.table, schema=result.model.schema)
        assert data.rows.group is not None


def test_interactions_must_be_complete(purchases):
    with pytest.raises(SchemaError, match="no column 'who'"):
        recipes.fpmc(purchases, user="who")
    with pytest.raises(SchemaError, match="'item'. Row 1"):
        recipes.svdpp({"user": ["a", "b"], "item": ["x", None]})
    with pytest.raises(SchemaError, match="several"):
        recipes.attribute_aware(
            {"user": ["a"], "item": ["x"]}, users={"user": ["a", "a"], "town": ["p", "q"]}
        )
