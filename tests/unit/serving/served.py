"""Small models, their indexes, and servers of them in this process."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager

import httpx
import numpy as np
import pandas as pd

import fieldfare
from fieldfare.retrieval import Recommender
from fieldfare.schema.column import Column
from fieldfare.schema.schema import Schema
from fieldfare.serving.run import server_of
from fieldfare.serving.service import Service
from fieldfare.serving.settings import Limits, Settings
from fieldfare.serving.tokens import Right, Tokens

GENRES = ("drama", "comedy", "horror", "crime")
N_USERS, N_ITEMS = 40, 80


def make_tables(seed=0):
    """Return users, items and interactions."""
    rng = np.random.default_rng(seed)
    users = pd.DataFrame(
        {"user": [f"u{i}" for i in range(N_USERS)], "age": rng.integers(18, 80, N_USERS)}
    )
    items = pd.DataFrame(
        {
            "item": np.arange(100, 100 + N_ITEMS),
            "genre": rng.choice(GENRES, N_ITEMS),
            "year": rng.integers(1950, 2020, N_ITEMS),
            "title": [f"Title {i}" for i in range(N_ITEMS)],
        }
    )
    seen = pd.DataFrame(
        {"user": rng.choice(users["user"], 600), "item": rng.choice(items["item"], 600)}
    )
    seen["hour"] = rng.choice(["morning", "noon", "night"], 600)
    seen["liked"] = rng.integers(0, 2, 600)
    return users, items, seen


SCHEMA = Schema(
    [
        Column("user", role="user"),
        Column("age", "numeric", role="user", transform="quantile", n_bins=4),
        Column("item", role="item"),
        Column("genre", role="item"),
        Column("hour", role="context"),
    ],
    target="liked",
)


def train(seed=0, schema=SCHEMA, **settings):
    """Return a small model of the interactions."""
    users, items, seen = make_tables()
    return fieldfare.train(
        seen.merge(users).merge(items), schema=schema, model="fm", n_factors=4, max_iter=4,
        learning_rate=0.1, early_stopping=False, random_state=seed, n_jobs=1, **settings,
    ).model  # fmt: skip


def make_index(folder, model, **options):
    """Write the index of a model."""
    users, items, seen = make_tables()
    Recommender(model, items, users=users, history=seen, **options).save(folder)


@contextmanager
def serving(settings, *, store=None, tokens=None):
    """Serve from a thread of this process; yields a client of httpx, with the service."""
    service = Service(settings, store)
    service.load()
    tokens = Tokens({}, without=Right.ADMIN) if tokens is None else tokens
    server = server_of(service, tokens)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with httpx.Client(base_url=url, timeout=30) as client:
            client.service = service
            yield client
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


PATIENT = Limits(deadline_ms=20_000)


def settings_of(**models):
    """Return settings that allow a busy machine its time."""
    return Settings(models=models, limits=PATIENT)


def expect_error(answer, status, code=None):
    """Return what the error of an answer says."""
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert code is None or error["code"] == code, error
    return error
