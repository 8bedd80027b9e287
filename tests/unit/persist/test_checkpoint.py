"""Checkpoints."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from fieldfare import _container as container
from fieldfare.exceptions import ModelFileError
from fieldfare.persist.checkpoint import load_checkpoint, save_checkpoint


def test_round_trip(tmp_path: Path) -> None:
    arrays = {"z": np.arange(4, dtype=np.float32), "order": np.arange(3)}
    meta = {"epoch": np.int64(3), "loss": np.float32(0.5), "bad": math.nan, "best": [1, (2, None)]}
    save_checkpoint(tmp_path / "c", arrays, meta)
    found, back = load_checkpoint(tmp_path / "c")
    assert back == {"epoch": 3, "loss": 0.5, "bad": None, "best": [1, [2, None]]}
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array, strict=True)


def test_floats_survive_exactly(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=50).tolist()
    save_checkpoint(tmp_path / "c", {}, {"values": values})
    assert load_checkpoint(tmp_path / "c")[1]["values"] == values


def test_what_json_cannot_say_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"Got set at header.meta.a\[1\]"):
        save_checkpoint(tmp_path / "c", {}, {"a": [1, {2}]})
    assert list(tmp_path.iterdir()) == []


def test_damage_and_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "c"
    save_checkpoint(path, {"z": np.arange(4, dtype=np.float32)}, {"epoch": 1})
    good = path.read_bytes()
    path.write_bytes(good[:-1] + b"\xff")
    with pytest.raises(ModelFileError, match=r"Cannot load .*c: The contents do not match"):
        load_checkpoint(path)
    path.write_bytes(good[:-1])
    with pytest.raises(ModelFileError, match="cut short"):
        load_checkpoint(path)
    container.write(path, "fieldfare", "{}", {})
    with pytest.raises(ModelFileError, match="not a training checkpoint"):
        load_checkpoint(path)
    container.write(path, "fieldfare.checkpoint", "{}", {})
    with pytest.raises(ModelFileError, match="no meta object"):
        load_checkpoint(path)
    with pytest.raises(ModelFileError, match="no such file"):
        load_checkpoint(tmp_path / "absent")
