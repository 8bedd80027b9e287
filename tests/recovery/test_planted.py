"""Models that made the data are found again, to within a stated gap of their own loss."""

from __future__ import annotations

import numpy as np
import pytest

from fieldfare.config import ModelConfig
from fieldfare.metrics import compute
from fieldfare.models.base import Model
from fieldfare.models.registry import build
from fieldfare.rows import Rows
from fieldfare.training.functions import evaluate, train

N_FIELDS, PER_FIELD, N_TRAIN, N_TEST = 5, 12, 30_000, 10_000
# How far above the planted model's own test loss a trained one may end: 3 % of it.
GAP = 1.03


def planted(kind: str, task: str) -> Model:
    """Return a model with a bias, linear weights and strong interactions."""
    config = ModelConfig(model=kind, task=task, n_factors=2, init_scale=0.7)
    n_features = N_FIELDS * PER_FIELD
    model = build(config, n_features=n_features, n_fields=N_FIELDS, seed=17)
    model.bias[:] = -0.3
    random = np.random.default_rng(5)
    model.linear[:, 0] = random.normal(0, 0.4, n_features)
    if model.pair_weights is not None:
        pairs = np.triu(random.normal(0, 1.5, model.pair_weights[0].shape))
        model.pair_weights[0] = pairs + np.triu(pairs, 1).T
    return model


def sample(model: Model, n: int, seed: int) -> tuple[Rows, np.ndarray]:
    """Return rows with one feature per field and drawn targets, and the expected targets."""
    random = np.random.default_rng(seed)
    first = np.arange(N_FIELDS) * PER_FIELD
    indices = (random.integers(0, PER_FIELD, (n, N_FIELDS)) + first).astype(np.uint32).ravel()
    indptr = np.arange(0, n * N_FIELDS + 1, N_FIELDS, dtype=np.int64)
    fields = np.tile(np.arange(N_FIELDS, dtype=np.uint16), n)
    rows = Rows(indptr, indices, fields=fields)
    mean = model.predict(rows)
    if model.config.task == "binary":
        target = (random.random(n) < mean).astype(np.float32)
    else:
        target = mean + random.normal(0, 1, n).astype(np.float32)
    return rows.with_(target=target), mean


@pytest.mark.parametrize("task", ["binary", "regression"])
@pytest.mark.parametrize("kind", ["fm", "ffm", "fwfm", "hofm"])
def test_planted_model_is_recovered(kind: str, task: str) -> None:
    truth = planted(kind, task)
    data, _ = sample(truth, N_TRAIN, 1)
    valid, _ = sample(truth, N_TEST, 2)
    test, mean = sample(truth, N_TEST, 3)
    name = "logloss" if task == "binary" else "mse"
    least = compute(name, test.target, mean)[name]
    options = {"max_iter": 30, "learning_rate": 0.1, "random_state": 0, "n_jobs": 1}
    factors = {"n_factors": 4, "l2_factors": 3e-4}
    fitted = train(data, valid=valid, model=kind, task=task, **options, **factors).model
    reached = evaluate(fitted, test)["loss"]
    additive = train(data, valid=valid, model="linear", task=task, **options).model
    assert reached < GAP * least
    assert evaluate(additive, test)["loss"] > 1.1 * least
