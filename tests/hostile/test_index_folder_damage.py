"""Damaged, odd and made-up index folders are refused with a ModelFileError that names the file."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from tests.faults import index_folders as folders
from tests.faults.mutations import FOLDER_VALUES

from fieldfare.exceptions import ModelFileError
from fieldfare.retrieval import Recommender
from fieldfare.retrieval.approximate import is_installed


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return folders.seeds(tmp_path_factory.mktemp("seeds"))


@pytest.fixture
def saved(corpus):
    """A valid folder of an exact index with users and a history, and its model."""
    files, models = corpus[0]
    return dict(files), models


@pytest.fixture
def approximate(corpus):
    """A valid folder of an approximate index, and its model."""
    if not is_installed():
        pytest.skip("the extra 'ann' is not installed")
    files, models = corpus[2]
    return dict(files), models


def assert_refused(tmp_path, files, models, match):
    folder = tmp_path / "x.index"
    folders.write_folder(folder, files)
    with pytest.raises(ModelFileError, match=match) as caught:
        Recommender.load(folder, *models)
    assert str(folder) in str(caught.value)


def changed_array(files, name, change):
    """Change an array in place or replace it, with valid checksums."""
    array = np.load(io.BytesIO(files[json.loads(files["index.json"])["files"][name]]))
    replaced = change(array)
    return folders.replace_file(files, name, folders.npy(array if replaced is None else replaced))


def put(place, value):
    def change(array):
        array[place] = value

    return change


def test_every_seed_loads(corpus, tmp_path) -> None:
    for files, models in corpus:
        folders.write_folder(tmp_path / "x", files)
        assert folders.load_and_use(tmp_path / "x", models)


def test_a_flipped_bit_or_a_cut_in_any_file_is_found(corpus, tmp_path) -> None:
    rng = np.random.default_rng(0)
    for files, models in corpus:
        for name, data in files.items():
            for place in (0, len(data) - 1, *rng.integers(0, len(data), 3)):
                flipped = bytearray(data)
                flipped[place] ^= 1 << int(rng.integers(8))
                if name == "index.json" and json_equal(flipped, data):
                    continue
                assert_refused(tmp_path, files | {name: bytes(flipped)}, models, None)
            for cut in (b"", data[:-1], data + b"\0", data[: len(data) // 2]):
                assert_refused(tmp_path, files | {name: cut}, models, None)


def json_equal(one, other):
    """Whether two headers say the same: a space may have become another space."""
    try:
        return json.loads(bytes(one)) == json.loads(other)
    except ValueError:
        return False


def test_swapped_and_missing_files_are_found(saved, tmp_path) -> None:
    files, models = saved
    names = json.loads(files["index.json"])["files"]
    one, other = names["vectors"], names["users0.values"]
    assert_refused(
        tmp_path, files | {one: files[other], other: files[one]}, models, "checksum in its name"
    )
    del files[one]
    assert_refused(tmp_path, files, models, f"{one}.*missing")


@pytest.mark.parametrize(
    "name",
    ["../x.npy", "/etc/passwd", "vectors.npy", "index.json", "", ".", "a/b.npy", 3, None, ["x"]],
)
def test_names_that_are_not_those_of_the_folder_are_refused(saved, tmp_path, name) -> None:
    files, models = saved
    header = json.loads(files["index.json"])
    header["files"]["vectors"] = name
    assert_refused(
        tmp_path, files | {"index.json": folders.seal(header)}, models, "one of this folder"
    )


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (b"", "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b'{"a":' * 100_000, "not valid JSON"),
        (b"[]", "must be a JSON object"),
        (b'{"format": 1, "files": {}}', "has format 1"),
        (b'{"format": 99}', "has format 99"),
        (b'{"format": true}', "checksum"),
        (b'{"format": 2, "format": 2}', "occurs twice"),
        (b'{"format": NaN}', "NaN"),
        (b'{"format": ' + b"9" * 10_000 + b"}", "not valid JSON"),
        (b'{"x": "\xff"}', "not valid JSON"),
        (b" " * (2**24 + 1), "more than 16,777,216 bytes"),
    ],
    ids=lambda value: repr(value[:24]) if isinstance(value, bytes) else "",
)
def test_odd_headers_are_refused_and_saving_replaces_them(saved, tmp_path, text, match) -> None:
    files, models = saved
    folders.write_folder(tmp_path / "good", files)
    recommender = Recommender.load(tmp_path / "good", *models)
    assert_refused(tmp_path, files | {"index.json": text}, models, match)
    recommender.save(tmp_path / "x.index")
    assert folders.read_folder(tmp_path / "x.index") == files


@pytest.mark.parametrize("value", [*FOLDER_VALUES, "missing"], ids=lambda v: repr(v)[:20])
def test_odd_entries_with_valid_checksums_are_refused_or_harmless(
    approximate, tmp_path, value
) -> None:
    files, models = approximate
    header = json.loads(files["index.json"])
    loaded = 0
    for key in header:
        changed = header | {key: value}
        if value == "missing":
            del changed[key]
        folders.write_folder(tmp_path / "x", files | {"index.json": folders.seal(changed)})
        loaded += folders.load_and_use(tmp_path / "x", models)
    assert loaded < len(header)


@pytest.mark.parametrize(
    ("name", "change", "match"),
    [
        ("vectors", put(3, np.nan), "vectors must be finite"),
        ("vectors", put(3, np.inf), "vectors must be finite"),
        ("vectors", lambda a: a[:-1], "differ in length"),
        ("vectors", lambda a: a[:, :-1].copy(), "vectors of length"),
        ("vectors", lambda a: a.astype(np.float64), "must be a float32 array"),
        ("vectors", lambda a: a.ravel(), "of 2 dimension"),
        ("alive", lambda a: a.view(np.uint8) * 2, "must be a bool array"),
        ("alive", lambda a: put(0, 7)(a.view(np.uint8)), "only 0 and 1"),
        ("ids", put(1, "i2"), "ids holds an id twice"),
        ("ids", lambda a: a.astype(object).astype("S"), "does not begin"),
        ("people", put(1, "u2"), "people holds an id twice"),
        ("people", lambda a: a[:-1], "users differ in length"),
        ("people", lambda a: put(0, 0xD800)(a.view(np.uint32)), "must hold only text"),
        ("people", lambda a: put(0, 2**31)(a.view(np.uint32)), "must hold only text"),
        ("seen.indptr", put(1, -1), "seen.indptr does not match"),
        ("seen.indptr", put(-1, 2**62), "seen.indptr does not match"),
        ("seen.ids", put(0, 2**32 - 1), "unknown items"),
        ("seen.users", lambda a: a[:-1], "seen.indptr does not match"),
        ("items0.indptr", put(-1, 2**62), "indptr"),
        ("items0.indptr", put(2, -5), "indptr"),
        ("items0.indptr", lambda a: a[:-1], "indptr does not span"),
        ("items0.indices", put(0, 2**32 - 1), "Feature ids|unknown features"),
        ("users0.values", put(0, np.nan), "finite"),
        ("items0.fields", put(0, 65535), "Fields must be at most"),
        ("columns", lambda a: a[: len(a) // 2], "columns of its items"),
        ("columns", put(slice(0, 64), 255), "columns of its items"),
        ("columns", lambda a: a[:0], "columns of its items"),
    ],
)
def test_made_up_arrays_are_refused(saved, tmp_path, name, change, match) -> None:
    files, models = saved
    assert_refused(tmp_path, changed_array(files, name, change), models, match)


def test_a_ranker_with_fields_needs_items_with_fields(corpus, tmp_path) -> None:
    files, models = corpus[1]
    header = json.loads(files["index.json"])
    del header["files"]["items1.fields"]
    sealed = files | {"index.json": folders.seal(header)}
    assert_refused(tmp_path, sealed, models, "items1.fields is missing")


@pytest.mark.parametrize(
    ("name", "change", "match"),
    [
        ("cells.places", put(0, 2**32 - 1), "each item once"),
        ("cells.places", put(0, 5), "each item once"),
        ("cells.places", lambda a: put(0, a[1])(a), "each item once"),
        ("cells.places", lambda a: a[:-1], "indptr does not match"),
        ("cells.indptr", put(-1, 2**40), "cells.indptr does not match"),
        ("cells.indptr", lambda a: np.append(a, a[-1]), "cells.indptr does not match"),
        ("cells.centres", put(0, np.nan), "must be finite"),
        ("cells.centres", lambda a: np.zeros((len(a), 4096), np.float32), "centres does not match"),
        ("cells.centres", lambda a: np.zeros((10**5, a.shape[1]), np.float32), "centres does not"),
    ],
)
def test_made_up_cells_are_refused(approximate, tmp_path, name, change, match) -> None:
    files, models = approximate
    assert_refused(tmp_path, changed_array(files, name, change), models, match)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"'shape': (", b"'shape': (((((((("),
        (b"'<f4'", b"'|O8'"),
        (b"False", b"True "),
        (b"\x93NUMPY\x01", b"\x93NUMPY\x02"),
        (b"(60, ", b"(620000000000, "),
        (b"(60, ", b"(-1, "),
        (b"(60, ", b"(0, "),
    ],
)
def test_headers_of_arrays_are_compared_not_evaluated(saved, tmp_path, old, new) -> None:
    files, models = saved
    data = files[json.loads(files["index.json"])["files"]["vectors"]]
    assert old in data
    changed = folders.replace_file(files, "vectors", data.replace(old, new, 1))
    assert_refused(tmp_path, changed, models, "does not begin like|it should have")


def test_no_file_of_faiss_is_written_or_read(approximate) -> None:
    files, _ = approximate
    assert {Path(name).suffix for name in files} == {".npy", ".json"}
