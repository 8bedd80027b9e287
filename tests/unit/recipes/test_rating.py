"""A factorization machine with a recipe's features scores as the special model's formula does."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from fieldfare import recipes

CLOSE = {"rtol": 1e-5, "atol": 1e-5}


def pairs(terms):
    """Sum of <a, b> over all pairs of the vectors."""
    return sum(a @ b for a, b in itertools.combinations(terms, 2))


def test_matrix_factorization(machine, ratings):
    m = machine(recipes.matrix_factorization(ratings, target="rating"))
    expected = [
        m.w0
        + m.w(f"user={r['user']}")
        + m.w(f"item={r['item']}")
        + m.v(f"user={r['user']}") @ m.v(f"item={r['item']}")
        for r in ratings
    ]
    np.testing.assert_allclose(m.scores(), expected, **CLOSE)
    np.testing.assert_allclose(m.scores(ratings), expected, **CLOSE)


def user_terms(m, user, items):
    """The additional terms of the FM of SVD++, which depend only on the user."""
    scale = len(items) ** -0.5
    y = [m.v(f"rated_items={j}") * scale for j in items]
    bias = sum(scale * m.w(f"rated_items={j}") for j in items)
    return bias + m.v(f"user={user}") @ sum(y) + pairs(y)


def test_svdpp(machine, ratings, rated):
    m = machine(recipes.svdpp(ratings, target="rating"))
    expected, whole = [], []
    for r in ratings:
        user, item, items = f"user={r['user']}", f"item={r['item']}", rated[r["user"]]
        implicit = sum(m.v(f"rated_items={j}") for j in items) / np.sqrt(len(items))
        svdpp = m.w0 + m.w(user) + m.w(item) + m.v(item) @ (m.v(user) + implicit)
        expected.append(svdpp)
        whole.append(svdpp + user_terms(m, r["user"], items))
    np.testing.assert_allclose(m.scores(), whole, **CLOSE)
    # If the weight of the user compensates for the additional terms, the FM is SVD++ itself.
    for user, items in rated.items():
        m.set(f"user={user}", w=m.w(f"user={user}") - user_terms(m, user, items))
    np.testing.assert_allclose(m.scores(), expected, **CLOSE, err_msg="absorbed")


def test_svdpp_on_new_rows_keeps_the_history(machine, ratings, rated):
    recipe = recipes.svdpp(ratings, target="rating")
    new = [{"user": "u:0", "item": "i8"}, {"user": "nobody", "item": "i8"}]
    table = recipe.transform(new).to_pydict()
    weight = str(np.float32(len(rated["u:0"]) ** -0.5))
    assert sorted(table["rated_items"][0]) == sorted(f"{j}:{weight}" for j in rated["u:0"])
    assert table["rated_items"][1] == []
    assert "rating" not in table
    assert np.isfinite(machine(recipe).scores(new)).all()


def baselines(ratings):
    mean = np.mean([r["rating"] for r in ratings])
    by_item: dict[str, list[float]] = {}
    for r in ratings:
        by_item.setdefault(r["item"], []).append(r["rating"] - mean)
    return {item: mean + sum(x) / (25 + len(x)) for item, x in by_item.items()}


def test_knn(machine, ratings, rated):
    m = machine(recipes.knn(ratings, target="rating"))
    b, expected = baselines(ratings), []
    for r in ratings:
        item = f"item={r['item']}"
        others = {j: x for j, x in rated[r["user"]].items() if j != r["item"]}
        x = {j: (x - b[j]) / np.sqrt(len(others)) for j, x in others.items()}
        knn = m.w0 + m.w(item) + sum(x[j] * m.v(item) @ m.v(f"rated_items={j}") for j in x)
        bias = sum(x[j] * m.w(f"rated_items={j}") for j in x)
        expected.append(knn + bias + pairs([x[j] * m.v(f"rated_items={j}") for j in x]))
    np.testing.assert_allclose(m.scores(), expected, **CLOSE)


def test_knn_never_sees_its_own_target(ratings):
    """A row's features change with its own rating only through the mean of all ratings."""
    before = recipes.knn(ratings, target="rating").table["rated_items"].to_pylist()
    changed = [dict(r) for r in ratings]
    changed[0]["rating"] += 1
    changed[1]["rating"] -= 1
    assert changed[1]["item"] != changed[0]["item"]
    after = recipes.knn(changed, target="rating").table["rated_items"].to_pylist()

    def others(cells, row):
        return {c.rpartition(":")[0] for c in cells[row]}

    for row, r in enumerate(ratings):
        assert r["item"] not in others(before, row)
        assert len(before[row]) == 3
    items = {c.rpartition(":")[0]: c for c in before[0]}
    assert [c for c in after[0] if not c.startswith(changed[1]["item"] + ":")] == [
        c for j, c in items.items() if j != changed[1]["item"]
    ]


def test_knn_takes_a_history_of_new_users(ratings):
    recipe = recipes.knn(ratings, target="rating")
    new = {"user": ["new", "new"], "item": ["i0", "i1"], "rating": [5.0, 1.0]}
    asked = {"user": ["new"], "item": ["i2"]}
    assert recipe.transform(asked)["rated_items"].to_pylist() == [[]]
    cell = recipe.transform(asked, history=new)["rated_items"].to_pylist()[0]
    b = baselines(ratings)
    got = {c.rpartition(":")[0]: float(c.rpartition(":")[2]) for c in cell}
    assert got == pytest.approx(
        {"i0": (5 - b["i0"]) / 2**0.5, "i1": (1 - b["i1"]) / 2**0.5}, rel=1e-6
    )


def test_knn_without_a_target_counts_each_item_once(ratings):
    twice = ratings + ratings[:1]
    cells = recipes.knn(twice).table["rated_items"].to_pylist()
    assert all(float(c.rpartition(":")[2]) == np.float32(3**-0.5) for c in cells[0])
    assert len(cells[0]) == 3


def test_attribute_aware(machine, ratings):
    users = {"user": [f"u:{u}" for u in range(6)], "town": list("abcabc")}
    items = {"item": [f"i{i}" for i in range(9)], "genres": [["x", "y"], ["y"], ["z"]] * 3}
    recipe = recipes.attribute_aware(ratings, target="rating", users=users, items=items)
    m = machine(recipe)
    towns = dict(zip(users["user"], users["town"], strict=True))
    genres = dict(zip(items["item"], items["genres"], strict=True))
    expected = []
    for r in ratings:
        town = f"town={towns[r['user']]}" if r["user"] in towns else "town=<missing>"
        of_user = [f"user={r['user']}", town]
        of_item = [f"item={r['item']}", *(f"genres={g}" for g in genres[r["item"]])]
        s, t = (sum(m.v(a) for a in side) for side in (of_user, of_item))
        score = m.w0 + sum(m.w(a) for a in of_user + of_item) + s @ t
        score += sum(pairs([m.v(a) for a in side]) for side in (of_user, of_item))
        expected.append(score)
    np.testing.assert_allclose(m.scores(), expected, **CLOSE)
    assert recipe.schema.column("town").role == "user"
    assert recipe.schema.column("genres").kind == "multi"


def test_time_svd(machine, ratings):
    n_bins, day = 3, 86400.0
    recipe = recipes.time_svd(ratings, target="rating", n_bins=n_bins, day=day)
    m = machine(recipe)
    times = np.array([r["time"] for r in ratings])
    mean = {u: np.mean([r["time"] for r in ratings if r["user"] == u]) for u in m_users(ratings)}
    away = np.array([r["time"] - mean[r["user"]] for r in ratings])
    dev = np.sign(away) * np.abs(away) ** 0.4
    dev /= np.abs(dev).max()
    edges = np.linspace(times.min(), times.max(), n_bins + 1)[1:-1]
    timesvd, of_user, of_item = [], [], []
    for r, drift in zip(ratings, dev, strict=True):
        user, item = r["user"], r["item"]
        on_day = f"user_day={user} & {int(r['time'] // day)}"
        in_bin = f"item_period={item} & {int((r['time'] >= edges).sum())}"
        p = [m.v(f"user={user}"), drift * m.v(f"user_drift={user}"), m.v(on_day)]
        b_u = m.w(f"user={user}") + drift * m.w(f"user_drift={user}") + m.w(on_day)
        b_i = m.w(f"item={item}") + m.w(in_bin)
        q, q_bin = m.v(f"item={item}"), m.v(in_bin)
        timesvd.append(m.w0 + b_u + b_i + q @ sum(p))
        of_user.append(pairs(p))  # a function of user, day and drift
        of_item.append(q @ q_bin + q_bin @ sum(p))  # zero without vectors of item and bin
    whole = np.sum([timesvd, of_user, of_item], axis=0)
    np.testing.assert_allclose(m.scores(), whole, **CLOSE)
    for name in m.ids:
        if name.startswith("item_period="):
            m.set(name, v=0.0)
    np.testing.assert_allclose(m.scores() - of_user, timesvd, **CLOSE)


def test_later_times_belong_to_the_last_period(ratings):
    recipe = recipes.time_svd(ratings, target="rating", n_bins=3)
    table = recipe.transform([{"user": "u:0", "item": "i0", "time": 1e12}])
    assert table["item_period"].to_pylist() == ["i0 & 2"]
    assert recipes.time_svd(ratings[:1]).table["item_period"].to_pylist()[0].endswith(" & 0")


def m_users(ratings):
    return {r["user"] for r in ratings}
