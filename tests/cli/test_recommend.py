"""`fieldfare recommend`: a model, an index of its items, and answers as a table."""

from __future__ import annotations

import csv
import io
import itertools

import pytest

from fieldfare.kinds.solvers import NONSAMPLED
from fieldfare.persist.file import load_model


@pytest.fixture
def ratings(run, tmp_path):
    """An index and its model, in a folder with the tables of ratings and movies."""
    lines = [
        f"u{u},{m},{('drama', 'comedy')[m % 2]},{('noon', 'night')[(u + m) % 2]},{1 + (u * m) % 5}"
        for u, m in itertools.product(range(12), range(20))
        if (u + 2 * m) % 3
    ]
    (tmp_path / "ratings.csv").write_text("user,movie,genre,hour,rating\n" + "\n".join(lines))
    movies = [f"{m},{('drama', 'comedy')[m % 2]}" for m in range(20)]
    (tmp_path / "movies.csv").write_text("movie,genre\n" + "\n".join(movies))
    ran = run("train", "ratings.csv", "--target", "rating", "--model", "fm", "-k", 4, "--epochs", 3,
              "--seed", 1, "--threads", 1, "-o", "ratings.ff", "--quiet", "--no-cache")  # fmt: skip
    assert ran.code == 0, ran.err
    ran = run("recommend", "index", "ratings.ff", "--items", "movies.csv", "--history",
              "ratings.csv", "--user", "user", "--item", "movie,genre", "--context", "hour", "-o",
              "ratings.index")  # fmt: skip
    assert ran.code == 0, ran.err
    assert "vectors: Split(fm, 5 numbers (20 bytes) per item)" in ran.err
    assert "Index(20 items, 5 numbers each, exact) written to ratings.index" in ran.err
    return "ratings.index", "-m", "ratings.ff"


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_a_user_gets_items_in_a_context(run, ratings) -> None:
    ran = run("recommend", "query", *ratings, "--user", "u3", "--context", "hour=noon", "-n", 3)
    assert ran.code == 0, ran.err
    found = rows_of(ran.out)
    assert [row["rank"] for row in found] == ["1", "2", "3"]
    assert {row["user"] for row in found} == {"u3"}
    assert all((3 + 2 * int(row["movie"])) % 3 == 0 for row in found)
    scores = [float(row["score"]) for row in found]
    assert scores == sorted(scores, reverse=True)
    ran = run("recommend", "query", *ratings, "--user", "u3", "--with-seen", "-n", 20,
              "--where", "genre=drama")  # fmt: skip
    assert sorted(int(row["movie"]) for row in rows_of(ran.out)) == list(range(0, 20, 2))


def test_a_table_of_requests(run, ratings, tmp_path) -> None:
    (tmp_path / "new.csv").write_text("user,hour\nu1,noon\nu2,night\n")
    ran = run("recommend", "query", *ratings, "--requests", "new.csv", "-n", 2, "-o", "lists.csv")
    assert ran.code == 0, ran.err
    rows = rows_of((tmp_path / "lists.csv").read_text())
    assert [row["user"] for row in rows] == ["u1", "u1", "u2", "u2"]
    (tmp_path / "new.csv").write_text("hour\nnoon\nnight\n")
    ran = run("recommend", "query", *ratings, "--requests", "new.csv", "-n", 1)
    assert [row["request"] for row in rows_of(ran.out)] == ["0", "1"]


@pytest.mark.filterwarnings("ignore:100% of the validation rows")
def test_from_a_table_of_interactions_to_lists(run, tmp_path) -> None:
    lines = [f"{u},{m},{m % 2},{u % 7}" for u, m in itertools.product(range(30), range(20))
             if (u + m) % 2 == 0 and (u + m) % 3]  # fmt: skip
    (tmp_path / "seen.csv").write_text("who,what,genre,noise\n" + "\n".join(lines))
    (tmp_path / "things.csv").write_text(
        "what,genre\n" + "\n".join(f"{m},{m % 2}" for m in range(20))
    )
    roles = ("--user", "who", "--item", "what,genre")
    ran = run("recommend", "train", "seen.csv", *roles, "-k", 4, "--epochs", 3, "--seed", 1,
              "--valid", "seen.csv", "-o", "seen.ff")  # fmt: skip
    assert ran.code == 0, ran.err
    assert "model of 200 interactions (epoch" in ran.err and "valid_ndcg@10" in ran.err
    ran = run("recommend", "train", "seen.csv", *roles, "--epochs", 1, "-o", "long.ff")
    assert ran.code == 0, ran.err
    assert load_model(tmp_path / "long.ff").config.n_factors == NONSAMPLED.defaults.n_factors
    ran = run("recommend", "index", "seen.ff", "--items", "things.csv", "--history", "seen.csv",
              "-o", "seen.index")  # fmt: skip
    assert ran.code == 0, ran.err
    ran = run("recommend", "query", "seen.index", "-m", "seen.ff", "--user", 4, "-n", 3)
    assert [int(row["what"]) % 2 for row in rows_of(ran.out)] == [0, 0, 0]
    ran = run("recommend", "train", "seen.csv", "--user", "whom", "-o", "seen.ff")
    assert ran.code == 1 and "'who'" in ran.err
    ran = run("recommend", "train", "seen.csv", "-o", "seen.ff")
    assert ran.code == 1 and "role" in ran.err


def test_invalid_queries_say_what_is_wrong(run, ratings) -> None:
    for arguments, message in (
        (("--user", "u1", "--context", "noon"), "COLUMN=VALUE"),
        (("--user", "u1", "--requests", "movies.csv"), "Got both"),
        ((), "needs users or contexts"),
        (("--requests", "movies.csv"), "at least one of the columns 'user', 'hour'"),
        (("--user", "u1", "--where", "genres=drama"), "Did you mean 'genre'"),
    ):
        ran = run("recommend", "query", *ratings, *arguments)
        assert ran.code == 1 and message in ran.err
    ran = run("recommend", "query", ".", "-m", "ratings.ff", "--user", "u1")
    assert ran.code == 1 and "holds no index" in ran.err


def test_a_table_of_ratings_is_enough(run, tmp_path) -> None:
    pairs = [(u, m) for u, m in itertools.product(range(30), range(20)) if (u + m) % 3]
    lines = [f"{u};{m};{1 + (u * m) % 5};{n}" for n, (u, m) in enumerate(pairs)]
    (tmp_path / "ratings.csv").write_text("userId;movieId;rating;timestamp\n" + "\n".join(lines))
    movies = [f"{m};{m % 2}" for m in range(20)]
    (tmp_path / "movies.csv").write_text("movieId;genre\n" + "\n".join(movies))
    ran = run("recommend", "train", "ratings.csv", "-k", 4, "--epochs", 2, "--seed", 1)
    assert ran.code == 0, ran.err
    assert "user 'userId', item 'movieId', rating 'rating', time 'timestamp'" in ran.err
    assert "written to ratings.ff" in ran.err
    ran = run("recommend", "train", "ratings.csv", "--items", "movies.csv", "--time", "timestamp",
              "--min-rating", 3, "-k", 4, "--epochs", 2, "--seed", 1, "--sep", ";")  # fmt: skip
    assert ran.code == 0, ran.err
    columns = load_model(tmp_path / "ratings.ff").schema.columns
    assert {column.name: column.role for column in columns} == {
        "userId": "user", "movieId": "item", "genre": "item"
    }  # fmt: skip
    ran = run("recommend", "index", "ratings.ff", "--items", "movies.csv", "--history",
              "ratings.csv", "--sep", ";", "-o", "ratings.index")  # fmt: skip
    assert ran.code == 0, ran.err
    (tmp_path / "new.csv").write_text("userId;x\n3;1\n4;1\n")
    ran = run("recommend", "query", "ratings.index", "-m", "ratings.ff", "--requests", "new.csv",
              "--sep", ";", "-n", 2)  # fmt: skip
    assert [row["userId"] for row in rows_of(ran.out)] == ["3", "3", "4", "4"]


def test_only_rows_that_are_learned_from_are_counted(run, tmp_path) -> None:
    lines = [f"u{i % 37},i{(i * 7) % 53},{int(i % 4 == 0)},{i % 8 + 1}" for i in range(2000)]
    (tmp_path / "log.csv").write_text("user,item,click,w\n" + "\n".join(lines))
    how = ("--user", "user", "--item", "item", "--target", "click", "-k", 2, "--epochs", 1)
    ran = run("recommend", "train", "log.csv", *how)
    assert ran.code == 0 and "model of 500 interactions" in ran.err, ran.err
    (tmp_path / "log.csv").write_text("user,item,w\n" + "\n".join(
        f"u{i % 37},i{(i * 7) % 53},{i % 2}" for i in range(2000)))  # fmt: skip
    how = ("--user", "user", "--item", "item", "--weight", "w", "-k", 2, "--epochs", 1)
    ran = run("recommend", "train", "log.csv", *how)
    assert ran.code == 0 and "model of 1,000 interactions" in ran.err, ran.err


def test_tables_that_are_not_utf8_are_read_at_every_step(run, tmp_path) -> None:
    films = [f"Amélie {m}" for m in range(20)]
    pairs = [(u, m) for u, m in itertools.product(range(30), range(20)) if (u + m) % 3]
    how = ("--encoding", "cp1252")

    def write(name, header, lines):
        (tmp_path / name).write_text("\n".join([header, *lines]), encoding="cp1252")

    write("ratings.csv", "user,item", [f"José {u},{films[m]}" for u, m in pairs])
    write("films.csv", "item,genre", [f"{film},café {len(film)}" for film in films])
    write("new.csv", "user", ["José 3", "José 4"])
    ran = run("recommend", "train", "ratings.csv", "--items", "films.csv", *how, "-k", 2,
              "--epochs", 1, "-o", "m.ff")  # fmt: skip
    assert ran.code == 0, ran.err
    ran = run("recommend", "index", "m.ff", "--items", "films.csv", "--history", "ratings.csv",
              *how, "-o", "m.index")  # fmt: skip
    assert ran.code == 0, ran.err
    ran = run("recommend", "query", "m.index", "-m", "m.ff", "--requests", "new.csv", *how, "-n", 2)
    assert [row["user"] for row in rows_of(ran.out)] == ["José 3"] * 2 + ["José 4"] * 2
    assert {row["item"] for row in rows_of(ran.out)} <= set(films)
    ran = run("recommend", "train", "ratings.csv")
    assert ran.code == 1 and "--encoding latin-1" in ran.err


@pytest.mark.filterwarnings("ignore:.*of the test interactions are earlier")
def test_models_are_compared_with_baselines(run, tmp_path) -> None:
    pairs = [(u, m) for u, m in itertools.product(range(30), range(20)) if u % 2 == m % 2]
    parts = {
        "train": [p for p in pairs if sum(p) % 5],
        "test": [p for p in pairs if not sum(p) % 5],
    }
    for name, part in parts.items():
        lines = [f"{u},{m},{n}" for n, (u, m) in enumerate(part)]
        (tmp_path / f"{name}.csv").write_text("user,item,time\n" + "\n".join(lines))
    movies = "\n".join(f"{m},{m % 2}" for m in range(20))
    (tmp_path / "items.csv").write_text(f"item,genre\n{movies}")
    how = ("--items", "items.csv")
    ran = run("recommend", "train", "train.csv", *how, "-k", 4, "--epochs", 3, "--seed", 1)
    assert ran.code == 0, ran.err
    ran = run("recommend", "compare", "train.csv", "test.csv", "-m", "train.ff", *how, "--time",
              "time", "--metrics", "ndcg@5,popularity@5")  # fmt: skip
    assert ran.code == 0, ran.err
    table = {line.split("  ")[0]: line.split() for line in ran.out.splitlines()}
    assert {"train.ff", "popularity", "recent popularity", "EASE"} <= set(table)
    assert float(table["train.ff"][1]) > float(table["popularity"][1])
    ran = run("recommend", "compare", "train.csv", "test.csv", "--baselines", "popular")
    assert ran.code == 1 and "no baseline 'popular'" in ran.err
