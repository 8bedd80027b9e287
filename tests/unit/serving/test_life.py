"""Changes are seen by the next request; versions are loaded beside one another and switched."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from msgspec import structs
from tests.unit.serving.served import (
    PATIENT,
    expect_error,
    make_index,
    serving,
    settings_of,
    train,
)  # fmt: skip

import fieldfare
from fieldfare.exceptions import DataError, ModelFileError
from fieldfare.serving.registry import Splitting
from fieldfare.serving.service import Service
from fieldfare.serving.settings import ModelFiles, Settings, Split


@pytest.fixture
def own_files(tmp_path, files):
    """Copies of the files, which a test may replace."""
    shutil.copy(files.model, tmp_path / "films.ff")
    shutil.copytree(files.index, tmp_path / "films.index")
    return ModelFiles(model=str(tmp_path / "films.ff"), index=str(tmp_path / "films.index"))


def replace_files(files, seed=7):
    """Put another model and its index in place, as a training job does."""
    model = train(seed)
    fieldfare.save_model(model, files.model)
    make_index(files.index, model)


def ids(client, **body):
    answer = client.post("/v1/recommend", json=body)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["results"][0]["items"]]


def post(client, path, **body):
    answer = client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_what_a_user_has_seen_is_not_recommended_any_more(own_files):
    with serving(settings_of(films=own_files)) as client:
        best = ids(client, user="u1", n=3)
        events = [{"user": "u1", "item": best[0]}, {"user": "u1", "item": str(best[1])}]
        assert post(client, "/v1/events", events=events) == {"accepted": 2, "models": ["films"]}
        assert ids(client, user="u1", n=1) == best[2:]


def test_items_come_change_and_go(own_files):
    with serving(settings_of(films=own_files)) as client:
        new = {"item": 500, "genre": "drama", "year": 2024, "title": "New"}
        client.put("/v1/items", json={"items": [new]}).raise_for_status()
        assert ids(client, user="u1", candidates=[500]) == [500]
        client.put("/v1/items", json={"items": [{**new, "title": "Newer"}]}).raise_for_status()
        body = {"user": "u1", "candidates": [500], "fields": ["title"]}
        answer = client.post("/v1/recommend", json=body).json()
        assert answer["results"][0]["items"][0]["title"] == "Newer"
        client.request("DELETE", "/v1/items", json={"ids": [500]}).raise_for_status()
        assert ids(client, user="u1", candidates=[500]) == []
        error = expect_error(client.put("/v1/items", json={"items": [{"item": 501}]}), 422)
        assert "genre" in error["message"]


def test_users_come_with_their_columns(own_files):
    with serving(settings_of(films=own_files)) as client:
        answer = client.post("/v1/recommend", json={"user": "new"}).json()["results"][0]
        assert answer["source"] == "popular"
        users = [{"user": "new", "age": 33}, {"user": "u1", "age": 21}]
        client.put("/v1/users", json={"users": users}).raise_for_status()
        answer = client.post("/v1/recommend", json={"user": "new"}).json()["results"][0]
        assert answer["source"] == "model" and answer["user_known"]


def test_changes_that_come_together_are_made_together_and_fail_alone(own_files):
    rows = [{"item": 600 + i, "genre": "drama", "year": 2000, "title": "T"} for i in range(40)]
    rows[13] = {"item": 613}
    with serving(settings_of(films=own_files)) as client:
        with ThreadPoolExecutor(16) as pool:
            answers = list(
                pool.map(lambda row: client.put("/v1/items", json={"items": [row]}), rows)
            )
        assert [answer.status_code for answer in answers] == [200] * 13 + [422] + [200] * 26
        found = ids(client, user="u1", n=100, where={"title": "T"})
        assert set(found) == {row["item"] for row in rows if row["item"] != 613}


def test_versions_are_loaded_activated_and_rolled_back_with_all_changes(own_files):
    admin = "/v1/admin/models/films"
    with serving(settings_of(films=own_files)) as client:
        old = ids(client, user="u2")
        expect_error(client.post(f"{admin}:activate", json={}), 409)
        expect_error(client.post(f"{admin}:rollback", json={}), 409)
        expect_error(client.post("/v1/admin/models/nothing:load", json={}), 404)
        best = old[0]
        post(client, "/v1/events", events=[{"user": "u2", "item": best}])
        replace_files(own_files)
        slot = post(client, f"{admin}:load")
        assert (slot["active"]["version"], slot["staged"]["version"]) == ("films@1", "films@2")
        assert ids(client, user="u2", n=9) == old[1:]
        post(client, f"{admin}:activate")
        new = ids(client, user="u2", n=80)
        assert new[:9] != old[1:] and best not in new
        assert client.post("/v1/recommend", json={"user": "u2"}).json()["model"] == "films@2"
        post(client, "/v1/events", events=[{"user": "u2", "item": old[1]}])
        slot = post(client, f"{admin}:rollback")
        assert (slot["active"]["version"], slot["previous"]["version"]) == ("films@1", "films@2")
        assert ids(client, user="u2", n=8) == old[2:]


def test_files_that_are_damaged_or_do_not_belong_together_are_refused(own_files, tmp_path):
    admin = "/v1/admin/models/films"
    with serving(settings_of(films=own_files)) as client:
        before = ids(client, user="u2")
        content = bytearray((tmp_path / "films.ff").read_bytes())
        content[-10] ^= 1
        (tmp_path / "films.ff").write_bytes(content)
        expect_error(client.post(f"{admin}:load", json={}), 422, "FF300")
        fieldfare.save_model(train(9), tmp_path / "films.ff")
        expect_error(client.post(f"{admin}:load", json={}), 422, "FF300")
        for path in ("/etc/passwd", "../../etc/passwd", "no\0where", "nothing.ff"):
            expect_error(client.post(f"{admin}:load", json={"model": path}), 422)
        assert ids(client, user="u2") == before
        assert client.get("/models").json()["models"][0].get("staged") is None


def test_a_version_that_fails_a_golden_query_is_not_used(own_files, tmp_path):
    golden = tmp_path / "golden.json"
    files = structs.replace(own_files, golden=str(golden))
    body = {"user": "u1", "n": 3}
    with serving(settings_of(films=own_files)) as client:
        best = ids(client, **body)
    golden.write_bytes(msgspec.json.encode([{"recommend": body, "items": [best]}]))
    with serving(settings_of(films=files)) as client:
        replace_files(own_files)
        answer = client.post("/v1/admin/models/films:load", json={})
        assert "golden query 0" in expect_error(answer, 422, "FF200")["message"]
    with pytest.raises(DataError, match="golden query 0"), serving(settings_of(films=files)):
        pass
    golden.write_text("[1]")
    unreadable = pytest.raises(DataError, match=r"golden\.json cannot be read")
    with unreadable, serving(settings_of(films=files)):
        pass


def test_files_put_in_place_are_picked_up(own_files):
    files = structs.replace(own_files, watch=True)
    with serving(settings_of(films=files)) as client:
        assert ids(client, user="u2")
        replace_files(own_files)
        last = time.monotonic() + 30
        while time.monotonic() < last:
            version = client.get("/models").json()["models"][0]["active"]["version"]
            if version != "films@1":
                break
            time.sleep(0.1)
        assert version in ("films@2", "films@3")
        assert post(client, "/v1/recommend", user="u2")["model"] == version


def test_files_put_in_place_before_the_server_watches_are_picked_up(own_files):
    """As while a large model is read, or before a worker takes the place of another."""
    service = Service(settings_of(films=structs.replace(own_files, watch=True)))
    service.load()
    replace_files(own_files)

    async def watched():
        service.start()
        watching = asyncio.create_task(service.watch())
        last = time.monotonic() + 30
        while service.registry.view().version(None).number == 1 and time.monotonic() < last:
            await asyncio.sleep(0.1)
        watching.cancel()
        service.stop()

    asyncio.run(watched())
    assert service.registry.view().version(None).number > 1


def test_no_request_fails_while_versions_are_swapped(own_files):
    """Each answer is of one version as a whole: its lists are those of that version."""
    expected = {}
    failed, stop = [], threading.Event()
    body = {"requests": [{"user": f"u{i}"} for i in range(8)], "n": 5}

    def lists(answer):
        return [[item["id"] for item in one["items"]] for one in answer["results"]]

    with serving(settings_of(films=own_files)) as client:
        expected["odd"] = lists(post(client, "/v1/recommend", **body))
        replace_files(own_files)

        def ask():
            while not stop.is_set():
                answer = client.post("/v1/recommend", json=body)
                if answer.status_code != 200:
                    failed.append(answer.text)
                    continue
                found = answer.json()
                kind = "odd" if found["model"] == "films@1" else "even"
                if lists(found) != expected.setdefault(kind, lists(found)):
                    failed.append(found["model"])

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(10):
            post(client, "/v1/admin/models/films:load")
            post(client, "/v1/admin/models/films:activate")
        stop.set()
        for thread in threads:
            thread.join()
        assert failed == []
        assert expected["odd"] != expected["even"]


def test_users_are_split_by_their_id_and_every_answer_tells(own_files, files):
    split = Split(shares={"films": 3, "other": 1}, salt="spring")
    settings = Settings(models={"films": own_files, "other": files}, split=split, limits=PATIENT)
    with serving(settings) as client:
        body = {"requests": [{"user": f"u{i}"} for i in range(40)], "n": 2}
        results = post(client, "/v1/recommend", **body)["results"]
        splitting = Splitting(split)
        assert [one["variant"] for one in results] == [
            f"{splitting.model_of(f'u{i}')}@1" for i in range(40)
        ]
        assert {one["variant"] for one in results} == {"films@1", "other@1"}
        one = post(client, "/v1/recommend", user="u1", model="other")
        assert one["model"] == "other@1"
        shares = {slot["name"]: slot["share"] for slot in client.get("/models").json()["models"]}
        assert shares == {"films": 0.75, "other": 0.25}


def test_shares_are_kept_and_do_not_depend_on_the_type_of_ids():
    splitting = Splitting(Split(shares={"a": 3, "b": 1}, salt="x"))
    found = [splitting.model_of(i) for i in range(4000)]
    assert 0.72 < found.count("a") / 4000 < 0.78
    assert found == [splitting.model_of(str(i)) for i in range(4000)]
    other = Splitting(Split(shares={"a": 3, "b": 1}, salt="y"))
    assert found != [other.model_of(i) for i in range(4000)]
    assert Splitting(Split(shares={"a": 0, "b": 1})).model_of(5) == "b"


def test_a_shadow_is_compared_and_answers_nobody(own_files, files):
    settings = Settings(models={"films": own_files, "next": files}, shadow="next", limits=PATIENT)
    with serving(settings) as client:
        assert post(client, "/v1/recommend", user="u1")["model"] == "films@1"
        last = time.monotonic() + 10
        line = 'fieldfare_shadow_overlap_count{model="next"} 1.0'
        while line not in client.get("/metrics").text and time.monotonic() < last:
            time.sleep(0.05)
        text = client.get("/metrics").text
        assert line in text
        assert 'fieldfare_shadow_overlap_sum{model="next"} 1.0' in text


def test_a_model_without_an_index_predicts_only(files):
    alone = ModelFiles(model=files.model)
    with serving(settings_of(films=alone)) as client:
        row = {"user": "u1", "age": 20, "item": 101, "genre": "drama", "hour": "noon"}
        assert len(post(client, "/v1/predict", rows=[row, row])["predictions"]) == 2
        expect_error(client.post("/v1/recommend", json={"user": "u1"}), 422, "FF100")
        event = {"events": [{"user": "u1", "item": 101}]}
        expect_error(client.post("/v1/events", json=event), 409)


def test_a_missing_file_is_named(tmp_path):
    missing = settings_of(films=ModelFiles(model=str(tmp_path / "nothing.ff")))
    with pytest.raises(ModelFileError, match=r"nothing\.ff"), serving(missing):
        pass
