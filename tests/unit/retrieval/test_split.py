"""Splitting models of a table: roles, unknown features, sizes, and models that cannot be split."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fieldfare.exceptions import ConfigError, ResourceError, SchemaError
from fieldfare.kinds.models import MODEL_KINDS, InteractionForm
from fieldfare.retrieval import split, splitting
from fieldfare.retrieval.towers import hstack_rows
from fieldfare.schema.column import Column
from fieldfare.schema.schema import Schema
from fieldfare.training.prepare import resources


@pytest.fixture
def whole(tables):
    """Five users, each with every item, at one hour."""
    users, items, _ = tables
    return users.head(5).merge(items, how="cross").assign(hour="noon")


@pytest.mark.parametrize("kind", MODEL_KINDS)
def test_scores_of_all_pairs(make_model, tables, whole, kind) -> None:
    users, items, _ = tables
    model = make_model(kind)
    parts = split(model)
    vectors, constants = parts.queries(users.head(5).assign(hour="noon"))
    found = constants[:, None] + vectors @ parts.items(items).T
    expected = model.score(model.schema.encode(whole, labelled=False)).reshape(5, -1)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", MODEL_KINDS)
def test_blocks_change_nothing(make_model, tables, monkeypatch, kind) -> None:
    parts = split(make_model(kind))
    expected = parts.items(tables[1])
    monkeypatch.setattr(splitting, "_BLOCK_BYTES", 20_000)
    np.testing.assert_array_equal(parts.items(tables[1]), expected)


def test_a_context_changes_only_the_query(make_model, tables) -> None:
    users, items, _ = tables
    parts = split(make_model("fwfm"))
    before = parts.items(items)
    noon, _ = parts.queries(users.assign(hour="noon"))
    night, _ = parts.queries(users.assign(hour="night"))
    assert (noon[:, :-1] != night[:, :-1]).any() and (noon[:, -1] == 1).all()
    np.testing.assert_array_equal(parts.items(items), before)


def test_new_items_and_users_have_the_vectors_of_their_features(make_model, tables) -> None:
    users, items, _ = tables
    model = make_model()
    new_items = items.head(2).assign(item=[1, 2], genres="drama:0.5,western:1")
    new_users = users.head(2).assign(user="nobody", hour="night")
    parts = split(model)
    vectors, constants = parts.queries(new_users)
    whole = new_users.merge(new_items, how="cross")
    expected = model.score(model.schema.encode(whole, labelled=False)).reshape(2, 2)
    found = constants[:, None] + vectors @ parts.items(new_items).T
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_roles_may_be_given_and_must_be_complete(make_model, schema) -> None:
    columns = tuple(c.change(role=None) for c in schema.columns)
    bare = Schema(columns, "rating", fitted=schema.fitted, n_rows=schema.n_rows)
    model = make_model(schema=bare)
    with pytest.raises(
        SchemaError, match="'user', 'item', 'hour', 'age', 'genres', 'price' has none"
    ):
        split(model)
    roles = {"user": ["user", "age"], "context": "hour"}
    with pytest.raises(SchemaError, match="No column has the role item"):
        split(model, roles | {"user": [c.name for c in columns if c.name != "hour"]})
    roles["item"] = ["item", "genres", "price"]
    given = split(model, roles)
    assert given.dimension == 5
    assert model.schema.column("user").role is None
    with pytest.raises(ConfigError, match="Did you mean 'item'"):
        split(model, {"items": "item"})
    with pytest.raises(SchemaError, match="no column 'gender'"):
        split(model, {"user": "gender"})


def test_sizes_are_known_before_anything_is_built(make_model, monkeypatch, tables) -> None:
    assert repr(split(make_model("fm", k=8))) == "Split(fm, 9 numbers (36 bytes) per item)"
    ffm = split(make_model("ffm", k=8))
    assert ffm.dimension == 3 * 3 * 8 + 1
    assert "3 x 3 fields x 8 factors" in repr(ffm)
    assert ffm.nbytes(1000) == 73 * 4000
    assert split(make_model("fwfm", k=8)).dimension == 3 * 8 + 1
    hofm = split(make_model("hofm", k=(8, 3, 2), order=4))
    assert hofm.dimension == 1 * 8 + 2 * 3 + 3 * 2 + 1
    assert "1 x 8 + 2 x 3 + 3 x 2 factors, plus one" in repr(hofm)
    shared = split(make_model("hofm", k=8, order=4, shared_factors=True))
    assert shared.dimension == 3 * 8 + 1
    monkeypatch.setattr(resources, "available_memory", lambda: 100)
    with pytest.raises(ResourceError, match="60 items, Split"):
        ffm.items(tables[1])


def test_an_order_two_machine_has_the_vectors_of_a_plain_one(make_model, tables) -> None:
    plain = split(make_model("fm"))
    of_order_two = split(make_model("hofm", order=2))
    np.testing.assert_allclose(of_order_two.items(tables[1]), plain.items(tables[1]), rtol=1e-5)


def test_a_user_and_a_context_interact_in_the_query(make_model, tables) -> None:
    """A kernel of order 2 or more of both is not the sum of those of each."""
    parts = split(make_model("hofm", order=3), dtype="float64")
    user, hour = tables[0].head(1), pd.DataFrame({"hour": ["noon"]})
    rows = [
        parts.model.schema.encode(table, labelled=False, columns=list(table.columns))
        for table in (user, hour)
    ]
    both = parts.queries(hstack_rows(rows))[0][0]
    of_user, of_hour = (parts.queries(one)[0][0] for one in rows)
    # Four factors of order 2, then the first and second kernels of those of order 3.
    np.testing.assert_allclose(both[:8], of_user[:8] + of_hour[:8])
    product = of_user[4:8] * of_hour[4:8]
    np.testing.assert_allclose(both[8:12], of_user[8:12] + of_hour[8:12] + product)


@pytest.mark.parametrize("kind", [kind for kind in MODEL_KINDS if kind != "linear"])
def test_a_model_that_cannot_be_split_says_why(make_model, kind) -> None:
    with pytest.raises(ConfigError, match="divides the features of a row by their common length"):
        split(make_model(kind, instance_norm=True))
    with pytest.raises(ConfigError, match="one for each class"):
        split(make_model(kind, n_outputs=3))


def test_a_kind_without_a_split_is_refused(make_model, monkeypatch) -> None:
    monkeypatch.delitem(splitting.CROSS_TERMS, InteractionForm.ALL_ORDERS)
    with pytest.raises(ConfigError, match="models can be split into them. Got a 'hofm' model"):
        split(make_model("hofm"))


def test_numbered_features_need_roles_of_fields(make_model) -> None:
    model = make_model("ffm", schema=Schema.indexed(30, 3, ("a", "b", "c")))
    with pytest.raises(SchemaError, match="The fields are a, b, c"):
        split(model)
    with pytest.raises(SchemaError, match="c has none"):
        split(model, {"user": "a", "item": "b"})
    with pytest.raises(SchemaError, match="no field 'd'"):
        split(model, {"user": "a", "item": "d"})
    parts = split(model, {"user": ["a", "c"], "item": "b"})
    assert parts.dimension == 2 * 4 + 1
    with pytest.raises(SchemaError, match="Pass Rows"):
        parts.items([{"a": 1}])


def test_columns_on_both_sides_may_share_a_field(tables, make_model) -> None:
    seen = tables[2]
    columns = (
        Column("user", role="user"),
        Column("item", role="item"),
        Column("liked", role="user", field="item"),
    )
    table = seen.assign(liked=seen["item"].shift(1, fill_value=100))[
        ["user", "item", "liked", "rating"]
    ]
    schema = Schema(columns, "rating").fit(table)
    for kind in MODEL_KINDS:
        model = make_model(kind, schema=schema)
        rows = schema.encode(table)
        parts = split(model)
        vectors, constants = parts.queries(rows)
        found = constants + np.einsum("nd,nd->n", vectors, parts.items(rows))
        np.testing.assert_allclose(found, model.score(rows)[:, 0], rtol=1e-4, atol=1e-4)
