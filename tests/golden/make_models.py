"""Make the golden files of the present formats, once, when a format number is new.

    python tests/golden/make_models.py

Existing files are never rewritten: they stand for files that users keep.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from fieldfare.config import GibbsConfig, ModelConfig, SolverConfig, TrainingConfig
from fieldfare.kernels.table import Units
from fieldfare.models.posterior import About, Posterior
from fieldfare.models.registry import build
from fieldfare.persist import posterior as posterior_file
from fieldfare.persist.file import save_model
from fieldfare.persist.format import FORMAT
from fieldfare.rows import Rows
from fieldfare.schema.schema import Schema
from fieldfare.settings import Settings

FOLDER = Path(__file__).parent
CASES: dict[str, dict[str, Any]] = {
    "linear-regression": {"model": "linear", "task": "regression"},
    "fm-binary": {"model": "fm", "task": "binary", "instance_norm": True},
    "ffm-binary": {"model": "ffm", "task": "binary"},
    "fwfm-binary": {"model": "fwfm", "task": "binary"},
    "hofm-regression": {"model": "hofm", "task": "regression", "order": 4, "n_factors": (2, 1, 2)},
    "ffm-multiclass": {"model": "ffm", "task": "multiclass", "fit_linear": False},
}
# Tasks of the golden posterior files, with their classes.
POSTERIORS: dict[str, list[Any] | None] = {
    "regression": None,
    "binary": ["no", "yes"],
    "ordinal": [1.0, 2.0, 4.0],
}
UNITS = Units(2.5, 0.75)
# Written out where defaults have changed since the first of these files.
_AS_THEN: dict[str, Any] = {"validation_fraction": 0.1, "deterministic": False, "random_state": 7}
TRAINED_BY = Settings(
    TrainingConfig(max_iter=3, class_weight={"no": 1.0, "yes": 2.0}, **_AS_THEN),
    SolverConfig(
        "sgd",
        learning_rate=0.125,
        l2_linear=1e-5,
        l2_factors=0.25,
        l2_exponent=1.0,
        unobserved_weight=0.2,
        l2_queries=0.02,
        l2_items=0.02,
    ),
)
SAMPLED_BY = Settings(TrainingConfig(**_AS_THEN), gibbs=GibbsConfig(n_warmup=1, n_samples=2))
PROVENANCE = {"seed": 0, "metrics": {"logloss": 0.25}}


def rows() -> Rows:
    """Return the samples that golden models are scored on."""
    return Rows(
        np.array([0, 3, 3, 5], np.int64),
        np.array([0, 2, 4, 1, 3], np.uint32),
        np.array([1, 0.5, -2, 1, 1], np.float32),
        np.array([0, 1, 2, 1, 0], np.uint16),
    )


def main() -> None:
    """Write the missing files and the scores of their models."""
    for name, config in CASES.items():
        path = FOLDER / f"{name}-v{FORMAT}.ff"
        if path.exists():
            continue
        n_outputs = 3 if config["task"] == "multiclass" else 1
        model = build(
            ModelConfig(**{"n_factors": 2, **config}),
            n_features=5,
            n_fields=3,
            n_outputs=n_outputs,
            schema=Schema.indexed(5, 3),
            classes={"binary": ["no", "yes"], "multiclass": [3, 5, 9]}.get(config["task"]),
        )
        # Multiples of 1/8, so that scores hardly depend on the order of additions.
        rng = np.random.default_rng(0)
        arrays = [model.bias, model.factors]
        if config.get("fit_linear", True):
            arrays.append(model.linear)
        for array in arrays:
            if array is not None:
                array[:] = rng.integers(-8, 9, array.shape) / 8
        if model.pair_weights is not None:
            pairs = np.triu(rng.integers(-8, 9, model.pair_weights.shape)) / 8
            model.pair_weights[:] = pairs + np.triu(pairs, 1).swapaxes(1, 2)
        model = model.with_(units=UNITS, trained_by=TRAINED_BY, provenance=PROVENANCE)
        save_model(model, path)
        write_scores(path, model.score(rows()))
    for task, classes in POSTERIORS.items():
        path = FOLDER / f"posterior-{task}-v{posterior_file.FORMAT}.ff"
        if not path.exists():
            made = posterior(task, classes)
            posterior_file.save_posterior(made, path)
            write_scores(path, predictions(made))


def posterior(task: str, classes: list[Any] | None) -> Posterior:
    """Return two samples of a small machine."""
    rng = np.random.default_rng(0)
    n_cutpoints = 0 if classes is None else len(classes) - 1
    bias, linear, factors = (
        rng.integers(-8, 9, shape).astype(np.float32) / 8 for shape in ((2,), (5, 2), (5, 2, 2))
    )
    return Posterior(
        ModelConfig(model="fm", task="regression", n_factors=2),
        bias,
        linear,
        factors,
        np.array([1.5, 0.5]) if classes is None else np.ones(2),
        np.arange(n_cutpoints) + np.array([[0.0], [0.25]]) * (n_cutpoints > 1),
        about=About(task, Schema.indexed(5, 3), classes, SAMPLED_BY, PROVENANCE),
    )


def predictions(found: Posterior) -> np.ndarray[Any, Any]:
    """Return what a posterior says of the samples."""
    if found.task == "regression":
        return np.stack([found.predict(rows()), found.deviations(rows())], axis=1)
    return found.probabilities(rows())


def write_scores(path: Path, scores: np.ndarray[Any, Any]) -> None:
    """Write what the file has to give again."""
    path.with_suffix(".json").write_text(json.dumps(scores.tolist()) + "\n")


if __name__ == "__main__":
    main()
