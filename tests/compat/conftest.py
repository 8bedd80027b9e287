"""Small data of ours in the three forms that xLearn reads, and a folder to work in."""

from __future__ import annotations

import numpy as np
import pytest

N_FIELDS, PER_FIELD = 4, 6


def _samples(n: int, seed: int):
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, PER_FIELD, (n, N_FIELDS))
    weight = np.random.default_rng(7).normal(size=(N_FIELDS, PER_FIELD))
    score = weight[np.arange(N_FIELDS), ids].sum(1) + np.where(ids[:, 0] == ids[:, 1], 1.5, -0.5)
    return ids, (score + rng.normal(size=n) > 0).astype(int), score


def _text(ids, labels, form: str) -> str:
    lines = []
    for row, label in zip(ids, labels, strict=True):
        numbers = [field * PER_FIELD + int(one) for field, one in enumerate(row)]
        if form == "ffm":
            cells = [f"{field}:{one}:1" for field, one in enumerate(numbers)]
        else:
            cells = [f"{one}:1" for one in numbers]
        lines.append(" ".join([f"{label:g}", *cells]))
    return "\n".join(lines) + "\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Be in a folder of small files: train.ffm, test.ffm, train.svm, test.svm, train.csv, ..."""
    for name, n, seed in (("train", 300, 0), ("test", 100, 1)):
        ids, labels, score = _samples(n, seed)
        (tmp_path / f"{name}.ffm").write_text(_text(ids, labels, "ffm"))
        (tmp_path / f"{name}.svm").write_text(_text(ids, labels, "svm"))
        (tmp_path / f"{name}.reg").write_text(_text(ids, score, "svm"))
        table = np.column_stack([labels, ids])
        np.savetxt(tmp_path / f"{name}.csv", table, "%d", delimiter=",")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def arrays():
    """Training and test matrices with labels: X, y, X_test, y_test."""
    ids, labels, _ = _samples(300, 0)
    more, truth, _ = _samples(100, 1)
    return ids.astype(float), labels, more.astype(float), truth
