"""The generators of the benchmarks write the data that they describe."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fieldfare.data.loading import load

FILE = Path(__file__).resolve().parents[2] / "benchmarks" / "generate.py"


def test_both_texts_hold_the_same_rows(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("generate", FILE)
    generate = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "generate", generate)
    spec.loader.exec_module(generate)
    monkeypatch.setattr(generate, "CARDINALITIES", (5, 3, 40, 200))
    about = generate.generate(tmp_path, {"train": 500, "test": 100}, seed=4)
    ffm, svm = (load(tmp_path / f"train.{kind}").rows for kind in ("ffm", "svm"))
    assert len(ffm) == 500
    assert ffm.n_features <= about["features"] == 248
    assert (np.diff(ffm.indptr) == 4).all()
    assert np.array_equal(ffm.fields, np.tile(np.arange(4), 500))
    assert np.array_equal(ffm.indices, svm.indices)
    assert np.array_equal(ffm.target, svm.target)
    assert about["train"]["best_logloss"] < about["train"]["constant_logloss"]


def test_quality_says_where_its_data_should_be(tmp_path):
    pytest.importorskip("pandas")
    ended = subprocess.run(
        [sys.executable, FILE.with_name("quality.py"), "--data", tmp_path / "nowhere"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 2
    assert "nowhere" in ended.stderr
    assert "--data" in ended.stderr
    assert "Traceback" not in ended.stderr
