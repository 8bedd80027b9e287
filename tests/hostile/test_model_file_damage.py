"""Damaged, foreign and malicious model files: always a ModelFileError that names the file."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from tests.faults.formats import fitted_model

from fieldfare import _container as container
from fieldfare.config import ModelConfig
from fieldfare.exceptions import ModelFileError
from fieldfare.models.registry import build
from fieldfare.persist.checkpoint import save_checkpoint
from fieldfare.persist.file import load_model, save_model


@pytest.fixture
def path(tmp_path: Path) -> Path:
    model = build(
        ModelConfig(model="fm", n_factors=2), n_features=3, n_outputs=1, classes=["no", "yes"]
    )
    model.provenance = {"seed": 1}
    save_model(model, tmp_path / "m.ff")
    load_model(tmp_path / "m.ff")
    return tmp_path / "m.ff"


def assert_refused(path: Path, words: str | None = None) -> None:
    with pytest.raises(ModelFileError, match=words) as caught:
        load_model(path)
    assert str(caught.value).startswith(f"Cannot load {path}: ")


def rewrite(path: Path, **changes) -> None:
    """Change the header and write it back with a correct checksum."""
    metadata, arrays = container.read(path)
    header = {**json.loads(metadata["fieldfare"]), **changes}
    container.write(path, "fieldfare", json.dumps(header), arrays)


def test_every_bit_flip_is_noticed(path: Path) -> None:
    good = path.read_bytes()
    for place in range(len(good)):
        bad = bytearray(good)
        bad[place] ^= 1 << (place % 8)
        path.write_bytes(bad)
        assert_refused(path)


def test_every_truncation_is_noticed(path: Path) -> None:
    good = path.read_bytes()
    for length in range(len(good)):
        path.write_bytes(good[:length])
        assert_refused(path)
    path.write_bytes(good + b"\0")
    assert_refused(path, "cut short or too long")


@pytest.mark.parametrize("length", [10**8 + 1, 2**40, 2**63, 2**64 - 1])
def test_oversized_headers_allocate_nothing(path: Path, length: int) -> None:
    good = path.read_bytes()
    path.write_bytes(struct.pack("<Q", length) + good[8:])
    assert_refused(path, "not a fieldfare model file")


def test_a_sparse_giant_is_refused_by_its_header_alone(path: Path) -> None:
    with path.open("wb") as file:
        file.write(struct.pack("<Q", 2**39))
        file.truncate(2**40)
    assert_refused(path, "not a fieldfare model file")


def test_foreign_files(path: Path) -> None:
    class Attack:
        def __reduce__(self):
            return os.mkdir, (str(path.parent / "attacked"),)

    for content in (
        b"",
        b"\0",
        b"\0" * 100,
        b"label,a,b\n1,2,3\n" * 10,
        pickle.dumps(Attack()),
        gzip.compress(path.read_bytes()),
        b'{"format": 1}',
        np.random.default_rng(0).bytes(5000),
    ):
        path.write_bytes(content)
        assert_refused(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", "b")
    assert_refused(path)
    safetensors.numpy.save_file({"bias": np.zeros(1, np.float32)}, path)
    assert_refused(path, "not a fieldfare model")
    save_checkpoint(path, {}, {})
    assert_refused(path, "a training checkpoint, not a model")
    assert not (path.parent / "attacked").exists()


OUTER = [
    ("[]", "must be a JSON object"),
    ("{", "not valid JSON"),
    ("[" * 100_000, "not valid JSON"),
    ('{"a":{},"a":{}}', "occurs twice"),
    ('{"__metadata__":{"a":1}}', "must map names to text"),
    ('{"__metadata__":[]}', "must map names to text"),
    ('{"a":1}', "malformed"),
    ('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":0}}', "malformed"),
    ('{"a":{"dtype":"PY","shape":[1],"data_offsets":[0,4]}}', "unknown dtype 'PY'"),
    ('{"a":{"dtype":[],"shape":[1],"data_offsets":[0,4]}}', "unknown dtype"),
    ('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', "do not agree"),
    ('{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', "do not agree"),
    ('{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}', "do not agree"),
    ('{"a":{"dtype":"F32","shape":[true],"data_offsets":[0,4]}}', "do not agree"),
    ('{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}', "do not agree"),
    ('{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}}', "do not agree"),
    ('{"a":{"dtype":"F32","shape":[4294967296,4294967297],"data_offsets":[0,4]}}', "do not agree"),
    ('{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', "overlap or leave gaps"),
    (
        '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},'
        '"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
        "overlap or leave gaps",
    ),
    ('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', "cut short or too long"),
    ('{"a":{"dtype":"F32","shape":[0,10' + "0" * 30 + '],"data_offsets":[0,0]}}', "cut short|made"),
    ('{"a":NaN}', "not valid JSON"),
    ('{"a":' + "9" * 5000 + "}", "not valid JSON|malformed"),
]


@pytest.mark.parametrize(("text", "words"), OUTER, ids=range(len(OUTER)))
def test_malformed_containers(path: Path, text: str, words: str) -> None:
    path.write_bytes(struct.pack("<Q", len(text)) + text.encode() + b"\0" * 8)
    assert_refused(path, words)


def test_empty_arrays_of_absurd_shape(path: Path) -> None:
    text = '{"a":{"dtype":"F32","shape":[0,10' + "0" * 30 + '],"data_offsets":[0,0]}}'
    path.write_bytes(struct.pack("<Q", len(text)) + text.encode())
    assert_refused(path, "cannot be made")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": 99, "library": "9.9"}, "format 99, written by fieldfare '9.9'.*Upgrade with"),
        ({"format": 0}, "positive integer"),
        ({"format": True}, "positive integer"),
        ({"format": "1"}, "positive integer"),
        ({"format": None}, "positive integer"),
        ({"config": None}, "must have the fields"),
        ({"config": {}}, "must have the fields"),
        ({"classes": 3}, "list of numbers or texts"),
        ({"classes": [[], []]}, "list of numbers or texts"),
        ({"classes": ["a"]}, "must have 2 class labels"),
        ({"classes": ["a", "a"]}, "listed twice"),
        ({"provenance": None}, "must be an object"),
        ({"units": None}, "object of target and row"),
        ({"units": {"target": 1.0}}, "object of target and row"),
        ({"units": {"target": {}, "row": 1.0}}, "'target' must be a positive number"),
        ({"units": {"target": 1.0, "row": True}}, "'row' must be a positive number"),
        ({"units": {"target": 0, "row": 1.0}}, "'target' must be a positive number"),
        ({"units": {"target": 1.0, "row": 10**40}}, "'row' must be a positive number"),
        ({"trained_by": 3}, "trained_by settings are not valid.*object of the groups"),
        ({"trained_by": {}}, "trained_by settings are not valid.*'training' must be an object"),
        ({"trained_by": {"training": {}, "more": {}}}, "object of the groups"),
        ({"trained_by": {"training": {"max_iter": 0}}}, "'max_iter'"),
        ({"trained_by": {"training": {"more": 1}}}, "There is no parameter 'more'"),
        ({"trained_by": {"training": {"random_state": -1}}}, "random_state must be"),
        ({"trained_by": {"training": {"random_state": []}}}, "random_state must be"),
        ({"trained_by": {"training": {"class_weight": [[[], 1]]}}}, "pairs of class and weight"),
        ({"trained_by": {"training": {"class_weight": [["a", "b"]]}}}, "pairs of class"),
        ({"trained_by": {"training": {"class_weight": {"a": "b"}}}}, "pairs of class"),
        ({"trained_by": {"training": {}, "solver": []}}, "'solver' must be an object"),
        ({"trained_by": {"training": {}, "solver": {"l2_linear": "x"}}}, "'l2_linear'"),
        ({"schema": {}}, "schema cannot be read"),
        ({"schema": [1]}, "schema cannot be read"),
        ({"schema": "x"}, "schema cannot be read"),
    ],
)
def test_wrong_headers_with_a_right_checksum(path: Path, changes: dict, words: str) -> None:
    rewrite(path, **changes)
    assert_refused(path, words)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"n_factors": 0}, "'n_factors' parameter must be"),
        ({"n_factors": 10**9}, "'n_factors'"),
        ({"n_factors": "2"}, "'n_factors'"),
        ({"n_factors": 3}, "must have shape"),
        ({"model": "os.system"}, "'model'"),
        ({"model": "ffm"}, "4 dimension"),
        ({"model": "linear"}, "has the arrays"),
        ({"task": "multiclass"}, "cannot have 1 output"),
        ({"task": "regression"}, "must have 0 class labels"),
        ({"fit_linear": 1}, "'fit_linear'"),
        ({"surprise": 1}, "must have the fields"),
    ],
)
def test_wrong_configurations(path: Path, changes: dict, words: str) -> None:
    metadata, _ = container.read(path)
    config = json.loads(metadata["fieldfare"])["config"]
    rewrite(path, config={**config, **changes})
    assert_refused(path, words)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"bias": None}, "has the arrays"),
        ({"factors": None}, "has the arrays"),
        ({"extra": np.zeros(1, np.float32)}, "has the arrays"),
        ({"schema.x": np.zeros(1, np.float32)}, "arrays of a schema, but no schema"),
        ({"bias": np.zeros(2, np.float32)}, "'bias' of .* must have shape"),
        ({"linear": np.zeros((3, 1), np.float64)}, "must be float32"),
        ({"linear": np.zeros((3, 1), np.int32)}, "must be float32"),
        ({"linear": np.zeros(3, np.float32)}, "2 dimension"),
        ({"linear": np.zeros((3, 2), np.float32)}, "cannot have 2 output"),
        ({"linear": np.zeros((4, 1), np.float32)}, "must have shape"),
        ({"linear": np.full((3, 1), np.nan, np.float32)}, "not finite"),
        ({"factors": np.full((3, 1, 2), np.inf, np.float32)}, "not finite"),
    ],
)
def test_wrong_arrays(path: Path, changes: dict, words: str) -> None:
    metadata, arrays = container.read(path)
    arrays = {name: a for name, a in {**arrays, **changes}.items() if a is not None}
    container.write(path, "fieldfare", metadata["fieldfare"], arrays)
    assert_refused(path, words)


def test_a_missing_checksum_is_refused(path: Path) -> None:
    metadata, arrays = container.read(path)
    copies = {name: a.copy() for name, a in arrays.items()}
    safetensors.numpy.save_file(copies, path, metadata={"fieldfare": metadata["fieldfare"]})
    assert_refused(path, "do not match their checksum")
    assert load_model(path, verify=False).n_features == 3


@pytest.mark.parametrize("column", range(4))
@pytest.mark.parametrize("name", ["size", "missing"])
@pytest.mark.parametrize("value", [-1, 0, 3.0, "3", True, 10**11, 2**31, 2**64, 10**40])
def test_a_schema_that_announces_too_much(
    tmp_path: Path, column: int, name: str, value: object
) -> None:
    path = tmp_path / "m.ff"
    save_model(fitted_model(), path)
    assert load_model(path).n_features == 4 + 5 + 2 + 3
    metadata, _ = container.read(path)
    schema = json.loads(metadata["fieldfare"])["schema"]
    if schema["fitted"][column][name] == value and type(value) is int:
        return
    schema["fitted"][column][name] = value
    rewrite(path, schema=schema)
    tracemalloc.start()
    try:
        if name == "size" and column == 0 and type(value) is int and 0 <= value < 2**32:
            load_model(path)  # a vocabulary counts for itself
        else:
            assert_refused(path, "schema cannot be read.*damaged")
        assert tracemalloc.get_traced_memory()[1] < 10**7
    finally:
        tracemalloc.stop()


def test_a_schema_hashed_into_other_buckets(tmp_path: Path) -> None:
    path = tmp_path / "m.ff"
    save_model(fitted_model(), path)
    metadata, _ = container.read(path)
    schema = json.loads(metadata["fieldfare"])["schema"]
    assert schema["columns"][1]["hash_buckets"] == 4
    schema["columns"][1]["hash_buckets"] = 2**30
    rewrite(path, schema=schema)
    assert_refused(path, "schema cannot be read.*'site'")
