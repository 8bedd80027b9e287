"""Vectors in the engines of others: the same lists as our own index."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from tests.services import postgres_server, redis_server

import fieldfare
from fieldfare.cli import main
from fieldfare.retrieval import write_to_redis, write_vectors

N = 10
CONTEXTS = {"hour": "night"}


@pytest.fixture(scope="module")
def recommender():
    """A recommender of 300 items, in which a context and a column of items count."""
    rng = np.random.default_rng(0)
    items = pd.DataFrame({"item": np.arange(300), "genre": rng.choice(list("abcde"), 300)})
    seen = pd.DataFrame(
        {
            "user": [f"u{i}" for i in rng.integers(0, 40, 4000)],
            "item": rng.integers(0, 300, 4000),
            "hour": rng.choice(["noon", "night"], 4000),
        }
    ).merge(items)
    seen["rating"] = rng.normal(3, 1, len(seen)) + (seen["genre"] == "a")
    roles = {"user": "user", "item": ["item", "genre"], "context": "hour"}
    model = fieldfare.train(
        seen, target="rating", n_factors=6, max_iter=5, random_state=0, n_jobs=1
    ).model
    return fieldfare.Recommender(model, items, roles=roles)


@pytest.fixture(scope="module")
def expected(recommender):
    """Lists of our own index, for every user at night."""
    users = recommender.user_vectors().ids
    return recommender.recommend(users, n=N, contexts=CONTEXTS)[0].tolist()


@pytest.fixture(scope="module")
def unit(recommender):
    """The vectors of all items and of all users at night, of length one."""
    items = recommender.item_vectors(form="unit")
    return items, recommender.user_vectors(contexts=CONTEXTS, form="unit")


@pytest.mark.parametrize("metric", ["cosine", "dot", "l2"])
def test_lancedb(unit, expected, tmp_path, metric) -> None:
    lancedb = pytest.importorskip("lancedb")
    items, users = unit
    write_vectors(items, tmp_path / "items.parquet")
    table = lancedb.connect(str(tmp_path)).create_table(
        "items", pq.read_table(tmp_path / "items.parquet")
    )
    found = [table.search(one).metric(metric).limit(N).to_list() for one in users.values]
    assert [[row["item"] for row in rows] for rows in found] == expected


@pytest.mark.parametrize("metric", ["COSINE", "DOT", "EUCLID"])
def test_qdrant(unit, expected, metric) -> None:
    qdrant = pytest.importorskip("qdrant_client")
    items, users = unit
    client = qdrant.QdrantClient(":memory:")
    distance = qdrant.models.Distance[metric]
    client.create_collection(
        "items", vectors_config=qdrant.models.VectorParams(size=items.dimension, distance=distance)
    )
    client.upload_collection("items", vectors=items.values, ids=items.ids.tolist())
    found = [client.query_points("items", query=one.tolist(), limit=N) for one in users.values]
    assert [[point.id for point in answer.points] for answer in found] == expected


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_pgvector(unit, expected, tmp_path) -> None:
    pgserver = pytest.importorskip("pgserver")
    items, users = unit
    write_vectors(items, tmp_path / "items.sql")
    server = pgserver.get_server(tmp_path / "data", cleanup_mode="delete")
    try:
        server.psql((tmp_path / "items.sql").read_text())
        for one, own in zip(users.values[:5], expected[:5], strict=True):
            text = "[" + ",".join(map(str, one)) + "]"
            query = f"SELECT item FROM item_vectors ORDER BY vector <=> '{text}' LIMIT {N}"
            assert [int(word) for word in server.psql(query).split() if word.isdigit()] == own
    finally:
        server.cleanup()


def test_postgres_without_an_extension(recommender, expected, tmp_path) -> None:
    psycopg = importlib.import_module("psycopg")
    for of in ("item", "user"):
        vectors = recommender.item_vectors()
        if of == "user":
            vectors = recommender.user_vectors(contexts=CONTEXTS)
        write_vectors(vectors, tmp_path / f"{of}s.sql", "postgres")
    with postgres_server(tmp_path) as address:
        for _ in range(2):  # a second time takes the place of the first
            for name in ("items.sql", "users.sql"):
                psql(address, tmp_path / name)
        query = """
            SELECT u."user", i.item, u.constant + u.scale * inner_product(u.vector, i.vector)
            FROM user_vectors u CROSS JOIN item_vectors i
            ORDER BY 1, 3 DESC
        """
        with psycopg.connect(address) as connection:
            rows = connection.execute(query).fetchall()
    found = pd.DataFrame(rows, columns=["user", "item", "score"]).groupby("user", sort=False)
    lists = {user: rows["item"].head(N).tolist() for user, rows in found}
    users = recommender.user_vectors().ids
    assert [lists[user] for user in users] == expected


def psql(address: str, path: Path) -> None:
    """Send a file to PostgreSQL as psql does: statements one by one, lines to COPY."""
    psycopg = importlib.import_module("psycopg")
    head, _, rest = path.read_text().partition("FROM stdin;\n")
    lines, _, after = rest.partition("\\.\n")
    start, _, copy = head.rpartition("COPY ")
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(start)
        with connection.cursor().copy(f"COPY {copy}FROM stdin") as target:
            target.write(lines)
        connection.execute(after)


def test_redis(recommender, expected, tmp_path) -> None:
    redis = importlib.import_module("redis")
    items = recommender.item_vectors()
    users = recommender.user_vectors(contexts=CONTEXTS)
    with redis_server(tmp_path) as address:
        write_to_redis(items, address)
        write_to_redis(users, address, prefix="night:", seconds=60)
        with redis.Redis.from_url(address) as client:
            assert json.loads(client.get("night:")) == users.description
            assert 0 < client.ttl("night:u3") <= 60
            assert client.ttl("item:3") == -1
            own = client.hgetall(f"night:{users.ids[0]}")
            all_items = [client.hget(f"item:{id_}", "vector") for id_ in items.ids]
    assert own[b"model"].decode() == items.model
    vector = np.frombuffer(own[b"vector"], "<f4")
    scores = np.stack([np.frombuffer(one, "<f4") for one in all_items]) @ vector
    assert items.ids[np.argsort(-scores, kind="stable")][:N].tolist() == expected[0]


def test_the_command_writes_to_redis_and_hides_its_password(
    recommender, tmp_path, monkeypatch, capsys
) -> None:
    redis = importlib.import_module("redis")
    monkeypatch.chdir(tmp_path)
    recommender.save("r.index")
    fieldfare.save_model(recommender._state.tower.model, "m.ff")
    with redis_server(tmp_path) as address:
        with redis.Redis.from_url(address) as client:
            client.config_set("requirepass", "secret")
        with_password = address.replace("//", "//:secret@")
        command = ["recommend", "vectors", "r.index", "-m", "m.ff", "--of", "users"]
        assert main([*command, "-o", with_password, "--prefix", "p:", "--seconds", "9"]) == 0
        assert "secret" not in "".join(capsys.readouterr())
        with redis.Redis.from_url(with_password) as client:
            assert len(client.keys("p:*")) == 41
        assert main([*command, "-o", address]) != 0
    assert "could not be written to Redis" in capsys.readouterr().err
