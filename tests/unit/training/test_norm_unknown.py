"""Rows of unit length, with or without features that the model does not know, from end to end."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fieldfare import FMClassifier, load_data, load_model, predict, save_model, train
from fieldfare.models.base import Model


def text(n: int, seed: int, n_features: int) -> str:
    random = np.random.default_rng(seed)
    lines = []
    for _ in range(n):
        ids = random.choice(n_features, 3, replace=False)
        values = random.uniform(0.5, 2, 3)
        lines.append(
            " ".join(
                [
                    str(int(ids.sum() % 2)),
                    *(f"{i}:{x:.3f}" for i, x in zip(ids, values, strict=True)),
                ]
            )
        )
    return "\n".join(lines) + "\n"


def probabilities(model: Model, rows: Any) -> np.ndarray:
    """Return predictions by the formula, one row at a time, in float64."""
    assert model.factors is not None
    found = []
    for start, stop in pairwise(rows.indptr):
        ids, x = rows.indices[start:stop], rows.values[start:stop].astype(np.float64)
        known = ids < model.n_features
        length = np.linalg.norm(x if model.config.norm_unknown else x[known])
        x = x / (length or 1)  # a row of which nothing is known has no length
        ids, x = ids[known], x[known]
        v = model.factors[ids, 0].astype(np.float64) * x[:, np.newaxis]
        pairs = 0.5 * (v.sum(axis=0) ** 2 - (v**2).sum(axis=0)).sum()
        found.append(float(model.bias[0] + x @ model.linear[ids, 0] + pairs))
    return 1 / (1 + np.exp(-np.array(found)))


@pytest.mark.parametrize("counted", [False, True])
def test_validation_files_and_predictions_measure_rows_alike(tmp_path: Path, counted: bool) -> None:
    (tmp_path / "train").write_text(text(300, 0, 12))
    (tmp_path / "valid").write_text(text(80, 1, 18))  # a third of the features are unknown
    how = {"instance_norm": True, "norm_unknown": counted, "max_iter": 3, "random_state": 0}
    result = train(tmp_path / "train", valid=tmp_path / "valid", early_stopping=False, **how)
    rows = load_data(tmp_path / "valid").rows
    assert result.model.n_features == 12 < rows.n_features
    expected = probabilities(result.model, rows)
    y = rows.target
    loss = -np.mean(np.log(np.where(y == 1, expected, 1 - expected)))
    assert result.history["valid_logloss"][-1] == pytest.approx(loss, rel=1e-5)
    save_model(result.model, tmp_path / "m.ff")
    loaded = load_model(tmp_path / "m.ff")
    assert loaded.config.norm_unknown is counted
    np.testing.assert_allclose(predict(loaded, tmp_path / "valid"), expected, atol=1e-6)
    estimator = FMClassifier(**how, early_stopping=False).fit(tmp_path / "train")
    found = estimator.predict_proba(tmp_path / "valid")[:, 1]
    np.testing.assert_allclose(found, probabilities(estimator.model_, rows), atol=1e-6)
