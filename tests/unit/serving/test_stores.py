"""Feature stores: real servers, slow ones, dead ones and ones that hold something else."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import time
from contextlib import ExitStack, closing

import pandas as pd
import pytest
from tests.services import free_port, postgres_server, redis_server
from tests.unit.serving.served import make_tables, serving, settings_of

from fieldfare.cli import main
from fieldfare.exceptions import ConfigError, DataError, DeadlineError, OutputError
from fieldfare.serving.settings import Features
from fieldfare.serving.stores import (
    CachedStore,
    GuardedStore,
    MemoryStore,
    load_features,
    open_store,
)

USERS = pd.DataFrame(
    {
        "user": [1, 2, 3],
        "age": [25, None, 40],
        "city": ["Bern", "Köln", None],
        "vip": [True, False, True],
        "tags": [["a", "b"], [], ["c"]],
        "since": pd.to_datetime(["2020-01-01", "2021-05-05", "2022-02-02"]),
    }
)


@pytest.fixture
def opened():
    """Return what opens a store that is closed after the test."""
    with ExitStack() as stack:

        def open_it(features, user="user"):
            return stack.enter_context(closing(open_store(features, user)))

        yield open_it


PATIENT = {"deadline_ms": 20_000.0, "cache_s": 0.0}


@pytest.fixture(scope="module")
def redis_address(tmp_path_factory):
    with redis_server(tmp_path_factory.mktemp("redis")) as address:
        yield address


@pytest.fixture(scope="module")
def postgres_address(tmp_path_factory):
    with postgres_server(tmp_path_factory.mktemp("postgres")) as address:
        yield address


def check_lookup(store) -> None:
    """Ids in any form, users that are not there, and the same user twice."""
    found = store.lookup([2, "1", 3.0, "nobody", 2])
    assert found[0] == found[4]
    assert found[0]["city"] == "Köln"
    assert found[0]["age"] is None
    assert found[1]["vip"] is True
    assert list(found[1]["tags"]) == ["a", "b"]
    assert found[2]["age"] == 40
    assert found[3] is None
    assert "user" not in found[0]


def test_a_table_is_a_store_and_is_read_again_when_it_is_replaced(tmp_path) -> None:
    path = tmp_path / "users.parquet"
    USERS.to_parquet(path)
    store = open_store(Features(source=str(path)), "user")
    check_lookup(store)
    USERS.assign(age=77).to_parquet(tmp_path / "new.parquet")
    (tmp_path / "new.parquet").replace(path)
    deadline = time.monotonic() + 20
    while store.lookup([1])[0]["age"] != 77:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    path.write_bytes(b"no table")
    time.sleep(1.1)
    assert store.lookup([1])[0]["age"] == 77
    time.sleep(0.3)
    assert store.lookup([1])[0]["age"] == 77


def test_redis_is_filled_and_asked(redis_address, opened) -> None:
    assert load_features(USERS, redis_address, "user") == 3
    check_lookup(opened(Features(source=redis_address, **PATIENT)))


def test_redis_keys_have_a_prefix_and_a_time_to_live(redis_address) -> None:
    redis = importlib.import_module("redis")
    load_features(USERS, redis_address, "user", prefix="p:", seconds=100)
    with redis.Redis.from_url(redis_address) as client:
        assert 0 < client.ttl("p:1") <= 100


def test_postgres_is_filled_again_and_asked(postgres_address, opened) -> None:
    for ages in (USERS, USERS.assign(age=[1, 2, 3]), USERS):
        assert load_features(ages, postgres_address, "user") == 3
    check_lookup(opened(Features(source=postgres_address, **PATIENT)))


def test_a_table_of_the_team_with_numbers_as_keys_is_asked_too(postgres_address, opened) -> None:
    psycopg = importlib.import_module("psycopg")
    with psycopg.connect(postgres_address) as connection:
        connection.execute('CREATE TABLE "Own People" (number int PRIMARY KEY, age int)')
        connection.execute('INSERT INTO "Own People" VALUES (7, 70), (-8, 80)')
    features = Features(
        source=postgres_address, table="public.Own People", user="number", **PATIENT
    )
    store = opened(features)
    assert store.lookup(["7", -8, "x", "1e400"]) == [{"age": 70}, {"age": 80}, None, None]


def test_lists_of_numbers_are_refused_by_postgres_and_nothing_is_changed(
    postgres_address, opened
) -> None:
    load_features(USERS, postgres_address, "user", table="kept")
    with pytest.raises(ConfigError, match="'tags' holds"):
        load_features(USERS.assign(tags=[[1], [2], [3]]), postgres_address, "user", table="kept")
    store = opened(Features(source=postgres_address, table="kept", **PATIENT))
    assert store.lookup([1])[0]["tags"] == ["a", "b"]


def test_what_is_no_row_counts_as_nothing(redis_address, opened) -> None:
    redis = importlib.import_module("redis")
    odd = {"a": b"\xff", "b": b"[1]", "c": b'{"x": {"y": 1}}', "d": b'{"x": NaN}', "e": b"{}"}
    with redis.Redis.from_url(redis_address) as client:
        for key, value in odd.items():
            client.set(f"odd:{key}", value)
        client.hset("odd:f", "x", "y")
    store = opened(Features(source=redis_address, prefix="odd:", **PATIENT))
    assert store.lookup([*odd, "f"]) == [None, None, None, None, {}, None]


def test_a_server_that_comes_back_is_asked_again(tmp_path, opened) -> None:
    with postgres_server(tmp_path) as address:
        load_features(USERS, address, "user")
        store = opened(Features(source=address, **PATIENT))
        assert store.lookup([1])[0]["age"] == 25
        psycopg = importlib.import_module("psycopg")
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
        with pytest.raises(psycopg.Error):
            store.lookup([2])
        assert store.lookup([3])[0]["age"] == 40


class _Slow:
    """A store that takes its time, and counts how often it was asked."""

    name = "slow"

    def __init__(self) -> None:
        self.n, self.seconds = 0, 0.5

    def lookup(self, users):
        self.n += 1
        time.sleep(self.seconds)
        return [{"n": self.n} for _ in users]

    def close(self) -> None:
        self.n = -1


def test_a_slow_store_is_given_up_and_not_asked_again_until_it_has_answered() -> None:
    slow = _Slow()
    store = GuardedStore(slow, 0.02)
    start = time.monotonic()
    with pytest.raises(DeadlineError, match="not answered within 20 ms"):
        store.lookup([1])
    for _ in range(5):
        with pytest.raises(DeadlineError, match="has not answered yet"):
            store.lookup([1])
    assert time.monotonic() - start < 0.4
    assert slow.n == 1
    time.sleep(0.6)
    slow.seconds = 0
    assert store.lookup([1]) == [{"n": 2}]


def test_a_cached_store_forgets_failures() -> None:
    class Sometimes:
        name = "sometimes"
        fails = True

        def lookup(self, users):
            if self.fails:
                raise OSError("gone")
            return [{"x": 1} for _ in users]

        def close(self) -> None: ...

    inner = Sometimes()
    store = CachedStore(inner, 60)
    with pytest.raises(OSError, match="gone"):
        store.lookup([1])
    inner.fails = False
    assert store.lookup([1]) == [{"x": 1}]


@pytest.mark.parametrize(
    "source", ["redis://127.0.0.1:{port}", "postgresql://127.0.0.1:{port}/x", "slow"]
)
def test_answers_are_made_without_a_store_that_is_down(files, source) -> None:
    features = Features(source=source.format(port=free_port()))
    store = GuardedStore(_Slow(), 0.02) if source == "slow" else open_store(features, "user")
    with serving(settings_of(films=files), store=store) as client:
        answer = client.post("/v1/recommend", json={"user": "u3", "n": 3}).json()
        assert answer["degraded"] == ["features"]
        assert len(answer["results"][0]["items"]) == 3


def test_what_does_not_fit_the_model_degrades_that_list_only(files) -> None:
    store = MemoryStore({"stranger": {"age": [[1]]}, "visitor": {"age": 25}})
    with serving(settings_of(films=files), store=store) as client:
        asked = {"requests": [{"user": "stranger"}, {"user": "visitor"}], "n": 2}
        answer = client.post("/v1/recommend", json=asked)
        assert answer.status_code == 200, answer.text
        assert answer.json()["degraded"] == ["features"]
        assert [one["source"] for one in answer.json()["results"]] == ["popular", "model"]


def test_features_of_a_file_and_of_the_environment(files, tmp_path, monkeypatch, opened) -> None:
    users, _, _ = make_tables()
    users.to_csv(tmp_path / "users.csv", index=False)
    monkeypatch.setenv("WHERE", str(tmp_path))
    settings = settings_of(films=files)
    settings = type(settings)(
        models=settings.models,
        limits=settings.limits,
        features=Features(source="${WHERE}/users.csv"),
    )
    with serving(settings) as client:
        answer = client.post("/v1/recommend", json={"user": "u3", "n": 3}).json()
        assert "degraded" not in answer
    with pytest.raises(ConfigError, match="variable NOWHERE"):
        opened(Features(source="${NOWHERE}/users.csv"))
    with pytest.raises(ConfigError, match=r"Got 'mysql://\.\.\.'"):
        opened(Features(source="mysql://me:secret@host/x"))


def test_the_command_fills_a_store(redis_address, tmp_path, monkeypatch, capsys, opened) -> None:
    monkeypatch.chdir(tmp_path)
    USERS.drop(columns=["tags"]).to_csv("users.csv", index=False)
    assert main(["features", "load", "users.csv", redis_address, "--prefix", "c:"]) == 0
    assert "3 users" in capsys.readouterr().err
    store = opened(Features(source=redis_address, prefix="c:", **PATIENT))
    assert store.lookup([1])[0]["city"] == "Bern"
    down = f"redis://:secret@127.0.0.1:{free_port()}"
    assert main(["features", "load", "users.csv", down]) == 1
    assert "secret" not in capsys.readouterr().err
    twice = pd.concat([USERS, USERS])
    with pytest.raises(DataError, match="one row per id"):
        load_features(twice, redis_address, "user")
    with pytest.raises(OutputError, match="Redis has taken 0 users"):
        load_features(USERS, down, "user")


@pytest.mark.parametrize(
    "address",
    [
        "redis://:se/cret@localhost:6379/0",
        "redis://:secret@localhost:se0/0",
        "redis://:secret@[::1/0",
        "postgresql://me:se%zzcret@localhost/x",
        "postgresql://me:secret@localhost/x?secret=1",
    ],
)
def test_an_address_that_cannot_be_read_is_refused_and_not_repeated(address, opened) -> None:
    with pytest.raises(ConfigError, match="has addresses like") as caught:
        opened(Features(source=address))
    assert not re.search("se[0/%c]", str(caught.value).replace("second", ""))


def test_odd_ids_leave_the_others_their_features_in_postgresql(postgres_address, opened) -> None:
    odd = ["a\0b", "--7", "-", 10**30, "\u0663", None, 2]
    load_features(USERS, postgres_address, "user", table="texts")
    psycopg = importlib.import_module("psycopg")
    with psycopg.connect(postgres_address, autocommit=True) as connection:
        connection.execute("CREATE TABLE numbers AS SELECT 2::bigint AS user, 'Bonn' AS city")
    for table in ("texts", "numbers"):
        store = opened(Features(source=postgres_address, table=table, **PATIENT))
        found = store.lookup(odd)
        assert found[:-1] == [None] * (len(odd) - 1)
        assert found[-1]["city"]


def test_a_store_that_hangs_does_not_keep_the_process_from_ending(tmp_path) -> None:
    program = """
import threading
from fieldfare.serving.stores import GuardedStore

class Hangs:
    name = "hangs"
    def lookup(self, users):
        threading.Event().wait()
    def close(self): ...

store = GuardedStore(Hangs(), 0.02)
try:
    store.lookup([1])
except Exception as error:
    print(type(error).__name__)
store.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "DeadlineError\n"
