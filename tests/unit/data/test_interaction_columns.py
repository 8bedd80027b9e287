"""What the columns of interactions mean: said, guessed, or asked for."""

from __future__ import annotations

from typing import Any

import pytest

from fieldfare.data.interaction_columns import InteractionColumns
from fieldfare.exceptions import ConfigError, SchemaError

pytest.importorskip("pyarrow")


def table(*names: str, n: int = 4) -> dict[str, Any]:
    return {name: list(range(1, n + 1)) for name in names}


@pytest.mark.parametrize(
    ("names", "user", "item", "rating", "time"),
    [
        (("user", "item", "rating", "timestamp"), "user", "item", "rating", "timestamp"),
        (("userId", "movieId", "rating", "timestamp"), "userId", "movieId", "rating", "timestamp"),
        (("customer_id", "product_id", "event_time"), "customer_id", "product_id", None,
         "event_time"),
        (("user_id", "user_age", "article_id", "article_topic"), "user_id", "article_id", None,
         None),
        (("movie_id", "user_id", "stars", "release_date"), "user_id", "movie_id", "stars", None),
    ],
)  # fmt: skip
def test_names_tell_the_columns(names, user, item, rating, time) -> None:
    found = InteractionColumns.of(table(*names))
    assert (found.roles["user"][0], found.roles["item"][0]) == (user, item)
    assert (found.rating, found.time) == (rating, time)
    assert repr(user) in found.notes[0] and repr(item) in found.notes[0]
    columns = found.schema().columns
    assert {column.role for column in columns} == {"user", "item"}
    assert not {rating, time, "release_date"} & {column.name for column in columns}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("user_id", "artist_id", "track_id"), "'artist_id' or 'track_id'"),
        (("who", "item"), "The names do not tell"),
        (("user", "item", "stars", "score"), "Which column is the rating: 'stars' or 'score'"),
        (("user", "item", "date", "timestamp"), "Which column is the time"),
    ],
)
def test_what_is_ambiguous_is_asked(names, message) -> None:
    with pytest.raises(SchemaError, match=message):
        InteractionColumns.of(table(*names))


def test_columns_that_are_named_are_the_only_ones() -> None:
    roles = {"user": "who", "item": ["what", "genre"], "context": ["hour"]}
    found = InteractionColumns.of(table("noise", "hour", "genre", "what", "who"), roles=roles)
    schema = found.schema()
    assert [(column.name, column.role) for column in schema.columns] == [
        ("hour", "context"), ("what", "item"), ("genre", "item"), ("who", "user")
    ]  # fmt: skip
    assert schema.column("who").kind == "categorical"
    assert "'noise'" in found.notes[-1]


def test_three_tables_are_joined_by_their_ids() -> None:
    users = {"who": [1, 2, 3, 4], "age": [30.5, 41.5, 52.5, 63.5]}
    items = {"item": [1, 2, 3, 4], "genre": list("abab"), "year": [1990, 1991, 1990, 1992]}
    main = table("who", "item", "rating")
    found = InteractionColumns.of(main, users=users, items=items)
    assert found.roles == {"user": ("who", "age"), "item": ("item", "genre", "year")}
    assert found.table.names == ["who", "item", "rating", "age", "genre", "year"]
    some = InteractionColumns.of(main, roles={"item": ["item", "genre"]}, users=users, items=items)
    assert some.roles["item"] == ("item", "genre")


def test_numbers_of_a_file_beside_a_frame_stay_numbers(tmp_path) -> None:
    path = tmp_path / "items.csv"
    path.write_text("item,weight\n" + "".join(f"{i},{i / 7}\n" for i in range(1, 41)))
    found = InteractionColumns.of(table("user", "item", n=40), items=str(path))
    assert found.schema().column("weight").kind == "numeric"


def test_roles_that_mean_nothing_are_refused() -> None:
    main = table("user", "item")
    with pytest.raises(ConfigError, match="Did you mean 'item'"):
        InteractionColumns.of(main, roles={"items": "item"})
    with pytest.raises(ConfigError, match="two roles"):
        InteractionColumns.of(main, roles={"user": "user", "item": "user"})
    with pytest.raises(ConfigError, match="mapping from role"):
        InteractionColumns.of(main, roles=["user", "item"])
    with pytest.raises(SchemaError, match="no column 'film'"):
        InteractionColumns.of(main, roles={"item": "film"})


@pytest.mark.parametrize("odd", [None, [None], [["user"]], 1.5, True])
def test_a_role_holds_names(odd) -> None:
    with pytest.raises(ConfigError, match="holds names of columns"):
        InteractionColumns.of(table("user", "item"), roles={"user": odd, "item": "item"})


def test_columns_of_a_frame_may_be_numbers() -> None:
    named: Any = {"roles": {"user": 0, "item": [1]}, "rating": 2}
    found = InteractionColumns.of(table("0", "1", "2"), **named)
    assert found.roles == {"user": ("0",), "item": ("1",)}
    assert found.rating == "2"


@pytest.mark.parametrize("odd", [["when"], 1.5, table("when")])
def test_a_time_is_a_name(odd) -> None:
    with pytest.raises(ConfigError, match="given by its name"):
        InteractionColumns.of(table("user", "item", "when"), time=odd)


@pytest.mark.parametrize("what", ["rating", "weight"])
def test_a_column_with_a_role_is_nothing_else(what) -> None:
    with pytest.raises(ConfigError, match=f"'user' has two roles: user and {what}"):
        InteractionColumns.of(table("user", "item"), roles={"user": "user"}, **{what: "user"})


def test_a_column_that_holds_rows_together_may_be_the_user() -> None:
    found = InteractionColumns.of(table("user", "item", "session"), others=["user", "session"])
    assert found.roles["user"][0] == "user"
    assert "context" not in found.roles
