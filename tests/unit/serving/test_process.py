"""The command as a process: it says where it is, drains after SIGTERM, and ends well."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import httpx
import numpy as np
import pytest
from tests.unit.serving.served import make_index, serving, settings_of

import fieldfare
from fieldfare.exceptions import ConfigError, RequestError, ServingError
from fieldfare.serving import Client
from fieldfare.serving.settings import Limits, Settings

SOURCES = os.path.dirname(os.path.dirname(fieldfare.__file__))
LIMIT_S = 60


@contextmanager
def process(*words):
    """Run ``fieldfare serve`` at a free port; yields the process with its address and its lines."""
    command = [sys.executable, "-m", "fieldfare", "serve", *map(str, words), "--port", "0"]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": SOURCES}
    ) as server:
        server.lines = []
        try:
            for line in server.stderr:
                server.lines.append(line)
                if found := re.search(r"on (http://\S+)", line):
                    server.url = found[1]
                    break
            else:
                pytest.fail("".join(server.lines))
            reader = threading.Thread(target=lambda: server.lines.extend(server.stderr))
            reader.start()
            yield server
            server.wait(LIMIT_S)
            reader.join()
        finally:
            if server.poll() is None:
                server.kill()


def wait_until(happened, what):
    last = time.monotonic() + LIMIT_S
    while not happened():
        assert time.monotonic() < last, what
        time.sleep(0.02)


def test_sigterm_under_load_loses_no_request(files):
    """Whoever sends requests stops when the server is not ready any more, as load balancers do."""
    outcomes, told = [], threading.Event()

    def ask(url, number):
        with httpx.Client(base_url=url, timeout=LIMIT_S) as client:
            while not told.is_set():
                body, headers = {"user": f"u{number}"}, {"X-Timeout-Ms": "20000"}
                answer = client.post("/v1/recommend", json=body, headers=headers)
                outcomes.append(answer.status_code)

    with process(files.index, "-m", files.model) as server:
        threads = [threading.Thread(target=ask, args=(server.url, i)) for i in range(4)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(outcomes) > 20, "there was no load")
        server.send_signal(signal.SIGTERM)
        with httpx.Client(base_url=server.url) as client:
            wait_until(lambda: client.get("/health/ready").status_code == 503, "it stayed ready")
            told.set()
            assert client.get("/health/live").status_code == 200
        for thread in threads:
            thread.join()
        assert server.wait(LIMIT_S) == 0
    assert set(outcomes) == {200}


def test_ctrl_c_ends_it_at_once_and_well(files):
    with process(files.model) as server:
        server.send_signal(signal.SIGINT)
        assert server.wait(LIMIT_S) == 0


def test_logs_are_json_without_features_and_tokens(files, tmp_path):
    tokens = tmp_path / "tokens.txt"
    secret = "s3cret-" * 4
    tokens.write_text(f"# who may do what\nadmin {secret}\n")
    with process(files.model, "--tokens", tokens, "--log", "all") as server:
        with Client(server.url, secret) as client:
            row = {"user": "private", "age": 1, "item": 101, "genre": "drama", "hour": "noon"}
            client.predict([row])
            with pytest.raises(RequestError):
                client.predict([{"user": "private"}])
        with Client(server.url, "private-" * 4) as client, pytest.raises(RequestError) as caught:
            client.models()
        assert caught.value.status == 401
        server.send_signal(signal.SIGTERM)
    lines = [line for line in server.lines if not line.startswith("serving ")]
    events = [json.loads(line) for line in lines]
    requests = [event for event in events if event["event"] == "request"]
    assert [event["status"] for event in requests] == [200, 422, 401]
    assert all(event["request_id"] for event in requests)
    assert "private" not in "".join(lines) and "s3cret" not in "".join(lines)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="several workers need fork")
@pytest.mark.parametrize("index", ["exact", "approximate"])
def test_workers_share_the_models_and_are_replaced(files, tmp_path, index):
    if index == "approximate":
        pytest.importorskip("faiss", reason="the extra 'ann' is not installed")
    make_index(tmp_path / "films.index", fieldfare.load_model(files.model), index=index)
    with process(tmp_path / "films.index", "-m", files.model, "--workers", 2) as server:
        with Client(server.url) as client:
            wait_until(client.is_ready, "it was never ready")
            assert len(client.recommend("u1").results[0].items) == 10
            with pytest.raises(RequestError, match="one worker") as caught:
                client.add_events([{"user": "u1", "item": 101}])
            assert caught.value.status == 409
        workers = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(server.pid)],
            capture_output=True, text=True, check=True,
        ).stdout.split()  # fmt: skip
        assert len(workers) == 2
        os.kill(int(workers[0]), signal.SIGKILL)
        wait_until(lambda: any('"worker ended"' in line for line in server.lines), "not noticed")
        for _ in range(20):
            with Client(server.url) as client:
                assert client.recommend("u2").results[0].source == "model"
        metrics = httpx.get(f"{server.url}/metrics").text
        counted = re.search(
            r'fieldfare_request_seconds_count\{endpoint="recommend",status="200"\} (\S+)', metrics
        )
        assert counted and float(counted[1]) >= 20
        server.send_signal(signal.SIGTERM)
        assert server.wait(LIMIT_S) == 0


def test_a_slow_body_is_given_up(files, monkeypatch):
    monkeypatch.setattr("fieldfare.serving.app._BODY_S", 0.2)
    with serving(settings_of(films=files)) as client:
        host, port = client.base_url.host, client.base_url.port
        with socket.create_connection((host, port), timeout=LIMIT_S) as connection:
            connection.sendall(
                b"POST /v1/recommend HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
            )
            assert connection.recv(1000).startswith(b"HTTP/1.1 408 ")
        assert client.post("/v1/recommend", json={"user": "u1"}).status_code == 200


def test_a_port_in_use_and_a_damaged_model_end_the_command_with_a_message(files, tmp_path):
    environment = {**os.environ, "PYTHONPATH": SOURCES}
    damaged = tmp_path / "damaged.ff"
    damaged.write_bytes(b"nothing")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for words, code in (
            ((files.model, "--port", port), "FF700"),
            ((damaged, "--port", 0), "FF300"),
            ((files.index,), "FF100"),
            ((files.model, "--host", "0.0.0.0"), "FF100"),
        ):
            done = subprocess.run(
                [sys.executable, "-m", "fieldfare", "serve", *map(str, words)],
                env=environment, capture_output=True, text=True, timeout=LIMIT_S, check=False,
            )  # fmt: skip
            assert done.returncode == 1 and f"[{code}]" in done.stderr, done.stderr


def test_a_client_tells_what_went_wrong(files):
    with (
        pytest.raises(ServingError, match="cannot be reached"),
        Client("http://127.0.0.1:9") as client,
    ):
        client.models()
    assert not Client("http://127.0.0.1:9").is_ready()
    with pytest.raises(ConfigError, match="not the address"):
        Client("127.0.0.1:8000")
    with pytest.raises(RequestError, match="cannot be sent"):
        Client().recommend(object())


def test_a_client_tells_the_server_how_long_it_waits(files):
    quick = Settings(models={"films": files}, limits=Limits(deadline_ms=1))
    with serving(quick) as http, Client(str(http.base_url), timeout=60) as client:
        assert client.recommend(requests=[{"user": "u1"}] * 256, n=80).results


def test_a_client_has_a_method_for_every_operation(client):
    url = str(client.base_url)
    with Client(url) as asking:
        row = {"user": "u1", "age": np.int64(20), "item": 101, "genre": "drama", "hour": None}
        assert len(asking.predict(row).predictions) == 1
        assert len(asking.predict([row] * 3, "score").predictions) == 3
        answer = asking.recommend("u1", 3, where={"year": {"min": 1980}}, fields=["year"])
        assert all(item["year"] >= 1980 for item in answer.results[0].items)
        several = asking.recommend(requests=[{"user": "u1"}, {"user": None}], n=2)
        assert [one.source for one in several.results] == ["model", "popular"]
        assert len(asking.similar(items=np.array([101, 102]), n=4).results) == 2
        assert asking.explain(user="u1", item=101).terms
        assert asking.merge({"a": [101, 102]}, "u1", filter_seen=False).results[0].items
        assert asking.models().default == "films"
        with pytest.raises(RequestError) as caught:
            asking.recommend("u1", contexts={"hor": "noon"})
        assert (caught.value.status, caught.value.code) == (422, "FF220")
        with pytest.raises(RequestError):
            asking.activate("a/b:c")
