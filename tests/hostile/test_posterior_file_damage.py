"""Damaged and made-up posterior files: always a ModelFileError that names the file."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from fieldfare import _container as container
from fieldfare.config import ModelConfig
from fieldfare.exceptions import ConfigError, DataError, ModelFileError
from fieldfare.models.posterior import About, Posterior
from fieldfare.models.registry import build
from fieldfare.persist.file import save_model
from fieldfare.persist.posterior import holds_posterior, load_posterior, save_posterior
from fieldfare.schema.schema import Schema

KEY = "fieldfare.posterior"


def made(**changes) -> Posterior:
    rng = np.random.default_rng(0)
    arrays = {
        "bias": rng.normal(size=4).astype(np.float32),
        "linear": rng.normal(size=(3, 4)).astype(np.float32),
        "factors": rng.normal(size=(3, 4, 2)).astype(np.float32),
        "noise_precision": np.ones(4),
        "cutpoints": np.sort(rng.normal(size=(4, 2))),
    }
    about = About("ordinal", Schema.indexed(3, 0), [1.0, 2.0, 4.0], provenance={"seed": 1})
    config = ModelConfig(model="fm", task="regression", n_factors=2)
    return Posterior(config, *(arrays | changes).values(), about=about)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save_posterior(made(), tmp_path / "p.ff")
    assert len(load_posterior(tmp_path / "p.ff")) == 4
    assert holds_posterior(tmp_path / "p.ff")
    return tmp_path / "p.ff"


def assert_refused(path: Path, words: str | None = None) -> None:
    with pytest.raises(ModelFileError, match=words) as caught:
        load_posterior(path)
    assert str(caught.value).startswith(f"Cannot load {path}: ")


def test_flipped_bits_and_cut_files(path: Path) -> None:
    good = path.read_bytes()
    for place in range(0, len(good), 7):
        bad = bytearray(good)
        bad[place] ^= 1 << (place % 8)
        path.write_bytes(bad)
        assert_refused(path)
        path.write_bytes(good[:place])
        assert_refused(path)
    path.write_bytes(b"no container")
    with pytest.raises(ModelFileError, match=r"Cannot load .*p.ff"):
        holds_posterior(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 1}, "format 1.*reads format 3.*save it again"),
        ({"format": "2"}, "positive integer. Found '2'"),
        ({"format": 4}, "format 4.*Upgrade"),
        ({"trained_by": {"training": 1}}, "trained_by settings are not valid"),
        ({"task": "multiclass"}, "posterior cannot have these classes|one of"),
        ({"task": "regression"}, "has no classes"),
        ({"classes": [1, 2]}, "cutpoints"),
        ({"classes": [2, 1, 4]}, "cannot have these classes"),
        ({"classes": [1, 1, 4]}, "cannot have these classes"),
        ({"classes": None}, "cannot have these classes"),
        ({"provenance": 3}, "provenance"),
        ({"config": {}}, "configuration"),
        ({"config": asdict(ModelConfig(model="ffm", n_factors=2))}, "Got 'ffm'"),
        ({"config": asdict(ModelConfig(model="hofm", n_factors=2))}, "factors"),
        ({"schema": {"columns": 1}}, "schema"),
    ],
)
def test_headers(path: Path, change: dict, words: str) -> None:
    metadata, arrays = container.read(path)
    header = {**json.loads(metadata[KEY]), **change}
    container.write(path, KEY, json.dumps(header), dict(arrays))
    assert_refused(path, words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"bias": np.zeros(3, np.float32)}, "needs"),
        ({"linear": np.zeros(3, np.float32)}, "shapes"),
        ({"linear": np.zeros((3, 4))}, "float32"),
        ({"factors": np.zeros((3, 4, 5), np.float32)}, "factors"),
        ({"linear": np.full((3, 4), np.nan, np.float32)}, "not finite"),
        ({"noise_precision": np.zeros(4)}, "positive"),
        ({"cutpoints": np.zeros((4, 2))}, "ascend"),
        ({"more": np.zeros(2)}, "has the arrays"),
    ],
)
def test_arrays(path: Path, change: dict, words: str) -> None:
    metadata, arrays = container.read(path)
    container.write(path, KEY, metadata[KEY], {**arrays, **change})
    assert_refused(path, words)


def test_other_files_are_named(tmp_path: Path) -> None:
    model = build(ModelConfig(model="fm", n_factors=2), n_features=3, n_outputs=1)
    save_model(model, tmp_path / "m.ff")
    assert_refused(tmp_path / "m.ff", "load_model")
    with pytest.raises(ConfigError, match="save_model"):
        save_posterior(model, tmp_path / "p.ff")
    with pytest.raises(ModelFileError, match="not finite"):
        save_posterior(made(bias=np.full(4, np.inf, np.float32)), tmp_path / "p.ff")
    with pytest.raises(DataError, match="at least one"):
        made(bias=np.zeros(0, np.float32))
