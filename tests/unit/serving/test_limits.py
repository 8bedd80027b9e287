"""What is malformed, too large, too much or not allowed gets an error with a code and a place."""

from __future__ import annotations

import json
import logging
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples
from tests.unit.serving.served import expect_error, serving, settings_of

from fieldfare.serving.logs import JSONFormatter
from fieldfare.serving.settings import Limits, Settings
from fieldfare.serving.tokens import Right, Tokens

ROW = {"user": "u1", "age": 20, "item": 101, "genre": "drama", "hour": "noon"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"nonsense", 400),
        (b"\xff\xfe", 400),
        (b'{"user": NaN}', 400),
        (b'{"user": Infinity}', 400),
        (b'{"user": "\\ud800"}', 400),
        (b'{"user": 1e999}', 422),
        (b'{"user": 123456789012345678901234567890}', 422),
        (b'{"contexts": {"hour": ' + b"[" * 100_000, 422),
        (b'{"contexts": {"hour": [[1]]}}', 422),
        (b'{"contexts": {"hour": {"a": 1}}}', 422),
        (b"[]", 422),
        (b"null", 422),
        (b'{"usr": 1}', 422),
    ],
)
def test_malformed_bodies_are_refused(client, body, status):
    error = expect_error(client.post("/v1/recommend", content=body), status, "FF810")
    assert len(error["message"]) < 300


@pytest.mark.parametrize("given", ["0", "-1", "1.5", "60001", "000000001" + 5000 * "9", "\u0661"])
def test_an_odd_time_limit_is_refused(client, given) -> None:
    headers = {"X-Timeout-Ms": given.encode()}
    expect_error(client.post("/v1/recommend", json={}, headers=headers), 422, "FF810")


@pytest.mark.parametrize(
    ("path", "body", "where"),
    [
        ("recommend", {"user": "u1", "n": 1001}, "$.n"),
        ("recommend", {"user": "u1", "n": 0}, "$.n"),
        ("recommend", {"requests": [{"user": 1}] * 257}, "$.requests"),
        ("recommend", {"requests": []}, "$.requests"),
        ("recommend", {"user": "u1", "candidates": [1] * 10_001}, "$.candidates"),
        ("recommend", {"user": "u1", "requests": [{"user": 1}]}, "$.requests"),
        ("recommend", {"user": "u1", "fields": ["id"]}, "$.fields[0]"),
        ("recommend", {"user": "u1", "model": "nothing"}, "$.model"),
        ("predict", {"rows": [ROW] * 257}, "$.rows"),
        ("predict", {"rows": [ROW, {"user": "u1"}]}, "$.rows[1]"),
        ("predict", {"rows": [ROW, {**ROW, "age": "old"}]}, "$.rows[1]"),
        ("similar", {"items": [101], "n": 10_000}, "$.n"),
    ],
)
def test_limits_are_kept_and_the_place_is_named(client, path, body, where):
    status = 404 if where == "$.model" else 422
    assert expect_error(client.post(f"/v1/{path}", json=body), status)["where"] == where


def test_columns_and_items_that_do_not_exist_are_refused(client):
    for path, body in (
        ("recommend", {"user": "u1", "contexts": {"hor": "noon"}}),
        ("recommend", {"user": "u1", "where": {"colour": "red"}}),
        ("recommend", {"user": "u1", "fields": ["colour"]}),
        ("similar", {"items": [5]}),
        ("similar", {}),
        ("explain", {"user": "u1", "item": 5}),
        ("merge", {"channels": {"a": [1]}}),
    ):
        error = expect_error(client.post(f"/v1/{path}", json=body), 422)
        assert re.fullmatch(r"FF\d{3}", error["code"])


def test_a_body_that_is_too_large_is_refused_before_it_is_read(client):
    large = b'{"user": "' + b"x" * 2**20 + b'"}'
    expect_error(client.post("/v1/recommend", content=large), 413, "FF810")

    def pieces():
        for _ in range(20):
            yield b"x" * 100_000

    expect_error(client.post("/v1/recommend", content=pieces()), 413, "FF810")


def test_paths_and_methods_that_do_not_exist_are_refused(client):
    expect_error(client.get("/v1/nothing"), 404)
    answer = client.get("/v1/predict")
    expect_error(answer, 405)
    assert answer.headers["allow"] == "POST"


def test_too_many_requests_are_refused_and_the_server_recovers(files):
    settings = Settings(
        models={"films": files}, limits=Limits(queue=4, batch=1, deadline_ms=20_000)
    )
    with serving(settings) as client:
        body = {"requests": [{"user": f"u{i % 40}"} for i in range(256)], "n": 80}
        with ThreadPoolExecutor(24) as pool:
            answers = list(pool.map(lambda _: client.post("/v1/recommend", json=body), range(72)))
        assert {answer.status_code for answer in answers} == {200, 429}
        busy = next(answer for answer in answers if answer.status_code == 429)
        expect_error(busy, 429, "FF820")
        assert busy.headers["retry-after"] == "1"
        assert client.post("/v1/recommend", json={"user": "u1"}).status_code == 200


def test_a_deadline_is_kept_and_may_come_with_the_request(client):
    held, entered = threading.Event(), threading.Event()
    answering = client.service._answers
    work = answering._work

    def slow(tasks):
        entered.set()
        held.wait(10)
        return work(tasks)

    answering._work = slow
    try:
        headers = {"X-Timeout-Ms": "30"}
        answer = client.post("/v1/recommend", json={"user": "u1"}, headers=headers)
        expect_error(answer, 504, "FF830")
        assert entered.is_set()
    finally:
        held.set()
        answering._work = work
    assert client.post("/v1/recommend", json={"user": "u1"}).status_code == 200
    for odd in ("0", "-1", "1e3", "x", "99999999999999999999", "²"):
        answer = client.post("/v1/recommend", json={}, headers={"X-Timeout-Ms": odd.encode()})
        expect_error(answer, 422, "FF810")


def test_tokens_open_what_they_are_for(files):
    tokens = Tokens({"r" * 20: Right.READ, "a" * 20: Right.ADMIN})
    with serving(settings_of(films=files), tokens=tokens) as client:
        event = {"events": [{"user": "u1", "item": 101}]}
        asks = {"/v1/recommend": {"user": "u1"}, "/v1/events": event}
        for header in (None, "Bearer wrong", "Basic " + "r" * 20, "Bearer", "r" * 20, "Bearer ÿ"):
            headers = {} if header is None else {"Authorization": header.encode("latin-1")}
            for path, body in asks.items():
                answer = client.post(path, json=body, headers=headers)
                expect_error(answer, 401, "FF810")
                assert answer.headers["www-authenticate"] == "Bearer"
        read, admin = ({"Authorization": f"Bearer {c * 20}"} for c in "ra")
        assert client.post("/v1/recommend", json={"user": "u1"}, headers=read).status_code == 200
        expect_error(client.post("/v1/events", json=event, headers=read), 403)
        assert client.post("/v1/events", json=event, headers=admin).status_code == 200
        assert client.post("/v1/recommend", json={"user": "u1"}, headers=admin).status_code == 200
        assert client.get("/health/live").status_code == 200
        expect_error(client.get("/metrics"), 401)


def test_a_page_of_another_site_cannot_change_anything(client):
    """A browser sends text/plain without asking the server first."""
    event = json.dumps({"events": [{"user": "u1", "item": 101}]})
    answer = client.post("/v1/events", content=event, headers={"Content-Type": "text/plain"})
    expect_error(answer, 415)


def test_requests_have_ids_and_traces_are_passed_on(client):
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    headers = {"X-Request-Id": "abc-1", "traceparent": trace}
    answer = client.get("/health/live", headers=headers)
    assert answer.headers["x-request-id"] == "abc-1"
    assert answer.headers["traceparent"] == trace
    made = [client.get("/health/live").headers["x-request-id"] for _ in range(2)]
    assert made[0] != made[1]
    odd = client.get("/health/live", headers={"X-Request-Id": "a b\tc" * 100})
    assert re.fullmatch(r"[0-9a-f]+-[0-9a-f]+", odd.headers["x-request-id"])


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSONS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)


@given(
    path=st.sampled_from(["predict", "recommend", "similar", "explain", "merge"]),
    body=st.dictionaries(
        st.sampled_from(
            ["rows", "requests", "user", "features", "history", "contexts", "n", "exclude", "where",
             "candidates", "fields", "items", "users", "item", "row", "label", "channels"]
        ),
        JSONS
        | st.lists(st.integers(90, 190) | SCALARS, max_size=4)
        | st.dictionaries(st.sampled_from(["hour", "age", "user", "genre"]), SCALARS)
        | st.lists(st.dictionaries(st.sampled_from(list(ROW)), SCALARS, min_size=4), max_size=3),
        max_size=4,
    ),
)  # fmt: skip
@examples(300)
def test_no_body_makes_the_server_fail(client, path, body):
    content = json.dumps(body, ensure_ascii=True)
    answer = client.post(f"/v1/{path}", content=content.encode())
    assert answer.status_code in (200, 400, 404, 422), answer.text


def test_metrics_tell_what_was_served(client):
    client.post("/v1/recommend", json={"user": "stranger"})
    text = client.get("/metrics").text
    for line in (
        r'fieldfare_request_seconds_count\{endpoint="recommend",status="200"\} [1-9]',
        r'fieldfare_stage_seconds_count\{model="films",stage="search"\} [1-9]',
        r"fieldfare_batch_size_count [1-9]",
        r'fieldfare_lists_total\{model="films",source="popular"\} [1-9]',
        r'fieldfare_unknown_users_total\{model="films"\} [1-9]',
        r'fieldfare_index_items\{model="films"\} 80',
        r'fieldfare_model_age_seconds\{model="films"\} [0-9]',
        r"fieldfare_queue_depth 0",
    ):
        assert re.search(line, text), line


def test_a_log_takes_values_of_any_type() -> None:
    class Text(str):
        """What an argument of the command line is."""

    record = logging.LogRecord("x", logging.INFO, "", 0, "loaded", (), None)
    record.details = {"journal": Text("changes.log"), "path": Path("x")}
    line = json.loads(JSONFormatter().format(record))
    assert (line["journal"], line["path"]) == ("changes.log", "x")
