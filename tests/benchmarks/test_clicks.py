"""The generator of the benchmarks writes the data that it describes."""

from __future__ import annotations

import numpy as np

from benchmarks.common import generate
from fieldfare.data.loading import load


def test_both_texts_hold_the_same_rows(tmp_path, monkeypatch):
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
