"""What others make of a table with their defaults, and what anything must beat: the constant."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common.process import run
from benchmarks.peers.install import WORKERS
from benchmarks.quality._one_hot import Array, Encoded
from fieldfare.rows import Rows
from fieldfare.sources.sparse_text import write_text

WORKER = WORKERS / "tables_worker.py"
LIMIT = 600.0  # seconds, of one process
XLEARN_KINDS = {"xLearn FM": ("1", "4"), "xLearn FFM": ("2", "5")}  # by classes, of numbers


@dataclass(frozen=True)
class Split:
    """One split of a table, encoded, with its target as numbers."""

    task: str
    encoded: Encoded
    y: Array
    test_y: Array
    words: bool


@dataclass(frozen=True)
class Found:
    """Predictions for the test rows and the processor's seconds they took, or why there are none.

    Predictions are numbers, probabilities of the second class, or of all classes.
    """

    predictions: Array | None
    seconds: float = 0.0
    failure: str | None = None


def constant(split: Split) -> Found:
    """Predict the mean, or how frequent the classes are."""
    n = len(split.test_y)
    if split.task == "multiclass":
        shares = np.bincount(split.y.astype(np.int64)) / len(split.y)
        return Found(np.tile(shares, (n, 1)))
    return Found(np.full(n, split.y.mean()))


def one_hot_linear(split: Split) -> Found:
    """Fit scikit-learn's ridge or logistic regression."""
    from sklearn.linear_model import LogisticRegression, Ridge

    start = time.process_time()
    model = Ridge() if split.task == "regression" else LogisticRegression(max_iter=300)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(split.encoded.train, split.y)
    if split.task == "regression":
        found = model.predict(split.encoded.test)
    else:
        found = model.predict_proba(split.encoded.test)
        found = found[:, 1] if split.task == "binary" else found
    return Found(found, time.process_time() - start)


def packages(
    names: list[str], splits: list[Split], python: Path, folder: Path
) -> dict[str, list[Found]]:
    """Fit packages in their own environment, in one process for all splits of a table."""
    for number, split in enumerate(splits):
        arrays: dict[str, Any] = {
            "y": split.y,
            "words": split.words,
            "dense_train": split.encoded.dense_train,
            "dense_test": split.encoded.dense_test,
            "categories": np.array(split.encoded.categories, np.int64),
        }
        for part in ("train", "test"):
            matrix = getattr(split.encoded, part)
            for name in ("data", "indices", "indptr", "shape"):
                arrays[f"{part}_{name}"] = getattr(matrix, name)
        np.savez(folder / f"split{number}.npz", **arrays)
    done = run([str(python), str(WORKER), splits[0].task, *names], folder=folder, limit=LIMIT)
    if done.failure:
        return {name: [Found(None, failure=done.failure)] * len(splits) for name in names}
    found: dict[str, list[Found]] = {name: [] for name in names}
    for one in json.loads(done.output.splitlines()[-1]):
        path = folder / f"{one['system']}-{one['split']}.npy"
        result = (
            Found(None, failure=one["failure"])
            if "failure" in one
            else Found(np.load(path), one["seconds"])
        )
        found[one["system"]].append(result)
    return found


def xlearn(name: str, split: Split, programs: Path, folder: Path) -> Found:
    """Train and predict with xLearn's programs."""
    if split.task == "multiclass":
        return Found(None, failure="it has no classes but two")
    for part, y in (("train", split.y), ("test", split.test_y)):
        write_text(_rows(split.encoded, part, y), folder / f"{part}.ffm", "libffm")
    kind = XLEARN_KINDS[name][split.task == "regression"]
    quiet = ["-l", str(folder / "log")]
    trained = run(
        [f"{programs}/xlearn_train", "train.ffm", "-m", "model", "-s", kind, "-nthread", "1",
         *quiet],
        folder=folder, limit=LIMIT,
    )  # fmt: skip
    squash = ["--sigmoid"] if split.task == "binary" else []
    predicted = run(
        [f"{programs}/xlearn_predict", "test.ffm", "model", "-o", "out", "-nthread", "1", *squash,
         *quiet],
        folder=folder, limit=LIMIT,
    )  # fmt: skip
    for path in folder.glob("*.bin"):
        path.unlink()  # of other data under the same name, next time
    failure = trained.failure or predicted.failure
    if failure:
        return Found(None, failure=failure)
    return Found(np.loadtxt(folder / "out"), trained.processor)


def _rows(encoded: Encoded, part: str, y: Array) -> Rows:
    matrix = getattr(encoded, part)
    return Rows(
        matrix.indptr.astype(np.int64),
        matrix.indices.astype(np.uint32),
        matrix.data.astype(np.float32),
        encoded.fields[matrix.indices].astype(np.uint16),
        y.astype(np.float32),
    )


IN_PROCESS: dict[str, Callable[[Split], Found]] = {
    "constant": constant,
    "one-hot linear": one_hot_linear,
}
