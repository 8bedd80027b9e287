"""A checkpoint with a valid checksum and odd contents is refused, and named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fieldfare
from fieldfare import _container as container
from fieldfare.exceptions import FieldfareError
from fieldfare.training.loop.saved import SavedRun

KEY = "fieldfare.checkpoint"
TABLE = {"user": ["a", "b", "c"] * 40, "item": ["x", "y"] * 60, "y": [0, 1, 1] * 40}
HOW: dict[str, Any] = {
    "target": "y", "n_factors": 2, "random_state": 0, "n_jobs": 1, "early_stopping": False,
}  # fmt: skip


@pytest.fixture
def saved(tmp_path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    path = tmp_path / "c.ck"
    fieldfare.train(TABLE, max_iter=2, callbacks=[fieldfare.Checkpoint(path)], **HOW)
    heads, arrays = container.read(path)
    return json.loads(heads[KEY]), arrays


def resume(path: Path, head: dict[str, Any], arrays: dict[str, Any]) -> None:
    container.write(path, KEY, json.dumps(head), arrays)
    fieldfare.train(TABLE, max_iter=3, resume=path, **HOW)


@pytest.mark.parametrize("name", ["epoch", "seed", "n_rows", "data", "history"])
@pytest.mark.parametrize("value", [..., None, "x", [], -1, 1.5, True, 2**70, {}], ids=repr)
def test_odd_entries(tmp_path: Path, saved: Any, name: str, value: Any) -> None:
    head, arrays = saved
    if value is ...:
        del head["meta"][name]
    else:
        head["meta"][name] = value
    with pytest.raises(FieldfareError, match=r"odd\.ck"):
        resume(tmp_path / "odd.ck", head, arrays)


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": None}, {"epochs": [1]}, {"epochs": [{}]}, {"epochs": [{"epoch": "x"}]},
        {"metric": 3}, {"best_epoch": "x"}, {"best_value": []}, {"stopped": 1}, {"more": 1},
    ],
    ids=repr,
)  # fmt: skip
def test_odd_histories(tmp_path: Path, saved: Any, change: dict[str, Any]) -> None:
    head, arrays = saved
    head["meta"]["history"] |= change
    with pytest.raises(FieldfareError, match=r"odd\.ck"):
        resume(tmp_path / "odd.ck", head, arrays)


def test_odd_arrays(tmp_path: Path, saved: Any) -> None:
    head, arrays = saved
    name = next(name for name in arrays if name.startswith("solver.") and arrays[name].size > 3)
    for value in (None, arrays[name][:-1], arrays[name] > 0, np.zeros(0)):
        changed = {key: array for key, array in arrays.items() if key != name}
        if value is not None:
            changed[name] = value
        if value is not None and value.shape == arrays[name].shape:
            continue
        with pytest.raises(FieldfareError, match=r"odd\.ck"):
            resume(tmp_path / "odd.ck", head, changed)
    with pytest.raises(FieldfareError, match=r"odd\.ck"):
        resume(tmp_path / "odd.ck", head, arrays | {"other.array": np.zeros(3)})


def test_what_a_run_writes_is_read(tmp_path: Path, saved: Any) -> None:
    container.write(tmp_path / "c.ck", KEY, json.dumps(saved[0]), saved[1])
    run = SavedRun.read(tmp_path / "c.ck")
    assert (run.epoch, run.seed, run.n_rows) == (2, 0, 120)
