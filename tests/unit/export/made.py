"""Models and rows for the tests of exports: random parameters, and every kind of odd entry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from fieldfare.config import ModelConfig
from fieldfare.models.base import Model
from fieldfare.models.registry import build
from fieldfare.rows import Rows

KINDS = ("linear", "fm", "ffm", "fwfm", "hofm")
TASKS = ("regression", "binary", "multiclass", "rank")
N_FEATURES, N_FIELDS = 30, 4
TOLERANCE = 1e-5


def make_model(kind: str, task: str = "binary", **config: Any) -> Model:
    """Return an untrained model with random parameters of realistic size."""
    random = np.random.default_rng(1)
    n_outputs = 3 if task == "multiclass" else 1
    config = {"n_factors": 3, "order": 4 if kind == "hofm" else 3} | config
    model = build(
        ModelConfig(model=kind, task=task, **config),
        n_features=N_FEATURES,
        n_fields=N_FIELDS,
        n_outputs=n_outputs,
    )
    for array in model.arrays().values():
        array[:] = random.normal(scale=0.5, size=array.shape)
    if model.pair_weights is not None:
        model.pair_weights[:] += model.pair_weights.transpose(0, 2, 1).copy()
    return model


def make_rows() -> Rows:
    """Return rows of 0 to 7 entries, some with features or fields that the models do not know."""
    random = np.random.default_rng(2)
    lengths = random.integers(0, 8, 40)
    lengths[[0, 7, 8, -2, -1]] = 0
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    n = int(indptr[-1])
    ids = random.integers(0, N_FEATURES + 3, n).astype(np.uint32)
    ids[:2] = [2**32 - 2, 0]
    fields = random.integers(0, N_FIELDS + 1, n).astype(np.uint16)
    return Rows(indptr, ids, random.normal(size=n).astype(np.float32), fields)


ROWS = make_rows()


def feeds(rows: Rows, model: Model) -> dict[str, np.ndarray]:
    """Return rows as the inputs of a graph that reads features."""
    arrays: dict[str, Any] = {
        "indices": rows.indices.astype(np.int64),
        "values": np.ones(len(rows.indices), np.float32) if rows.values is None else rows.values,
        "offsets": rows.indptr,
    }
    if model.uses_fields:
        arrays["fields"] = rows.fields.astype(np.int64)
    return arrays


def run_onnx(path: Path, arrays: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Run a graph in onnxruntime and return score and prediction."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(["score", "prediction"], arrays)
