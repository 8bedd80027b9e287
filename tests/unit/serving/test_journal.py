"""The journal: what was acknowledged is there after any end, and what was not does no harm."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from typing import Any

import httpx
import pytest
from msgspec import structs
from tests.services import free_port
from tests.unit.serving.served import expect_error, serving, settings_of

from fieldfare.exceptions import ConfigError, ModelFileError, OutputError
from fieldfare.serving.journal import Journal
from fieldfare.serving.wire import Event, EventsRequest, RemovedRequest, UsersRequest


def events(*pairs, model=None):
    return EventsRequest(events=[Event(user=u, item=i) for u, i in pairs], model=model)


CHANGES = [events(("u1", 100)), RemovedRequest(ids=[101, "102"]), events(("ü\n", 103), model="m")]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "changes.log"


def written(path, changes=CHANGES):
    """Write a journal, and return its bytes."""
    journal = Journal(path)
    journal.read()
    journal.append(changes)
    journal.close()
    return path.read_bytes()


def read(path):
    journal = Journal(path)
    try:
        return journal.read()
    finally:
        journal.close()


def test_changes_are_read_as_they_were_written(path) -> None:
    written(path)
    assert read(path) == CHANGES


def test_any_start_of_a_journal_has_the_changes_that_are_whole(path) -> None:
    data = written(path)
    ends = [n for n, byte in enumerate(data, 1) if byte == ord("\n")]
    for length in range(len(data)):
        path.write_bytes(data[:length])
        whole = sum(end <= length for end in ends)
        assert read(path) == CHANGES[:whole]
        # What was cut off is gone, so that the next change stands on a line of its own.
        written(path, [events(("later", 1))])
        assert read(path) == [*CHANGES[:whole], events(("later", 1))]


@pytest.mark.parametrize(("place", "line"), [(20, 1), (-5, 3)])
def test_damage_in_a_whole_line_is_refused_and_nothing_is_changed(path, place, line) -> None:
    data = bytearray(written(path))
    data[place] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match=rf"changes\.log, line {line} is damaged"):
        read(path)
    assert path.read_bytes() == data


def test_refused_changes_are_not_in_the_journal(files, path) -> None:
    settings = structs.replace(settings_of(films=files), journal=str(path))
    with serving(settings) as client:
        assert client.post("/v1/events", json={"events": [{"user": "u1", "item": 100}]}).is_success
        expect_error(client.put("/v1/items", json={"items": [{"genre": "drama"}]}), 422)
        assert read_beside(path) == 1
        assert client.post("/v1/events", json={"events": [{"user": "u1", "item": 101}]}).is_success
        assert read_beside(path) == 2


def read_beside(path):
    """Return how many changes are in a journal that a server uses."""
    copy = path.with_suffix(".copy")
    copy.write_bytes(path.read_bytes())
    return len(read(copy))


def test_what_an_acknowledged_change_has_written_is_kept_though_it_does_not_fit_now(
    files, path
) -> None:
    written(path, [UsersRequest(users=[{"user": "u1", "other": 1}]), events(("u1", 100))])
    settings = structs.replace(settings_of(films=files), journal=str(path))
    with serving(settings) as client:
        assert client.get("/health/ready").status_code == 200
    kinds = [type(change) for change in read(path)]
    assert kinds == [EventsRequest, UsersRequest]


def test_a_journal_on_a_broken_disk_has_no_half_of_a_change(path) -> None:
    journal = Journal(path)
    journal.append(CHANGES[:1])

    class Broken:
        """A file that takes half of what is written, and can then do nothing for a while."""

        def __init__(self, file) -> None:
            self.file, self.is_broken = file, True

        def write(self, data):
            if not self.is_broken:
                return self.file.write(data)
            self.file.write(data[:10])
            raise OSError(5, "Input/output error")

        def truncate(self, size):
            if self.is_broken:
                raise OSError(5, "Input/output error")
            return self.file.truncate(size)

        def __getattr__(self, name):
            return getattr(self.file, name)

    broken = Broken(journal._file)
    journal._file = broken
    with pytest.raises(OutputError, match="was not made"):
        journal.append(CHANGES[1:2])
    broken.is_broken = False
    journal.append(CHANGES[2:])
    journal.close()
    assert read(path) == [CHANGES[0], CHANGES[2]]


def test_two_servers_cannot_share_a_journal(path) -> None:
    journal = Journal(path)
    with pytest.raises(ConfigError, match="Another server"):
        Journal(path)
    journal.rewrite(CHANGES)
    with pytest.raises(ConfigError, match="Another server"):
        Journal(path)
    journal.close()
    assert read(path) == CHANGES


def test_a_journal_is_for_one_worker(files, path) -> None:
    settings = structs.replace(settings_of(films=files), journal=str(path), workers=2)
    with pytest.raises(ConfigError, match="one worker"), serving(settings):
        pass


def recommended(client, user="u1"):
    answer = client.post("/v1/recommend", json={"user": user, "n": 5})
    return [item["id"] for item in answer.json()["results"][0]["items"]]


def test_changes_are_there_after_a_restart_and_the_journal_is_short(files, path) -> None:
    settings = structs.replace(settings_of(films=files), journal=str(path))
    with serving(settings) as client:
        before = recommended(client)
        for _ in range(5):
            body = {"events": [{"user": "u1", "item": before[0]}]}
            assert client.post("/v1/events", json=body).status_code == 200
        body = {"items": [{"item": 999, "genre": "drama", "year": 2000, "title": "New"}]}
        assert client.put("/v1/items", json=body).status_code == 200
        assert client.request("DELETE", "/v1/items", json={"ids": [before[1]]}).status_code == 200
        expect_error(client.put("/v1/items", json={"items": [{"genre": "drama"}]}), 422)
        after = recommended(client)
        n_lines = path.read_bytes().count(b"\n")
    assert before[0] not in after
    assert before[1] not in after
    for _ in range(2):
        with serving(settings) as client:
            assert recommended(client) == after
            assert path.read_bytes().count(b"\n") == 3 < n_lines
            contexts = {"hour": "noon"}
            wanted: Any = {"user": None, "n": 100, "candidates": [999], "contexts": contexts}
            (item,) = client.post("/v1/recommend", json=wanted).json()["results"][0]["items"]
            assert item["id"] == 999


def test_changes_of_a_model_that_is_not_served_now_are_kept(files, path) -> None:
    settings = structs.replace(settings_of(films=files, others=files), journal=str(path))
    body = {"events": [{"user": "u1", "item": 100}], "model": "others"}
    with serving(settings) as client:
        assert client.post("/v1/events", json=body).status_code == 200
    with serving(structs.replace(settings, models={"films": files})):
        pass
    kept = read(path)
    assert [(change.model, change.events[0].item) for change in kept] == [("others", 100)]


def test_without_room_the_change_is_refused_and_not_made(files, path) -> None:
    settings = structs.replace(settings_of(films=files), journal=str(path))
    with serving(settings) as client:
        before = recommended(client)
        body = {"events": [{"user": "u1", "item": before[0]}]}
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)
        ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 10, limit[1]))
            error = expect_error(client.post("/v1/events", json=body), 507)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)
            signal.signal(signal.SIGXFSZ, ignored)
        assert "The change was not made" in error["message"]
        assert recommended(client) == before
        assert client.post("/v1/events", json=body).status_code == 200
    assert len(read(path)) == 1


def test_no_acknowledged_event_is_lost_when_the_server_is_killed(files, path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "fieldfare", "serve", files.index, "-m", files.model]
    command += ["--port", str(port), "--journal", str(path)]
    acknowledged: set[int] = set()
    rounds, item = 3, 100
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
        for number in range(rounds):
            with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
                wait_until_ready(client, server)
                answer = client.post(
                    "/v1/recommend",
                    json={"user": "u1", "n": 100},
                    headers={"X-Timeout-Ms": "20000"},
                )
                listed = {one["id"] for one in answer.json()["results"][0]["items"]}
                assert not acknowledged & listed
                if number == rounds - 1:
                    server.terminate()
                    assert server.wait(20) == 0
                    break
                for _ in range(7):
                    body = {"events": [{"user": "u1", "item": item}]}
                    assert client.post("/v1/events", json=body).status_code == 200
                    acknowledged.add(item)
                    item += 1
                os.kill(server.pid, signal.SIGKILL)
    assert len(acknowledged) == 14


def wait_until_ready(client, server) -> None:
    """Wait for a server, for as long as its process lives."""
    deadline = time.monotonic() + 60
    while server.poll() is None and time.monotonic() < deadline:
        try:
            if client.get("/health/ready").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("the server does not answer")


def test_lines_are_json_that_people_can_read(path) -> None:
    data = written(path).splitlines()
    assert [json.loads(line.partition(b" ")[2])[0] for line in data] == [
        "events", "removed", "events",
    ]  # fmt: skip
