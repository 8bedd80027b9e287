"""Train the same factorization machine with Keras and with our solver, to the same loss.

``python -m benchmarks speed/keras_training`` runs each in a process of its own: our AdaGrad on one
thread and on all, Keras on TensorFlow and on JAX; once on many features, and once with all ids
folded into 2,000. Seconds are those of the training alone, to the end of the first epoch whose
validation loss is as good as the best that all of them reach. Keras' include what it takes to
compile; the last column is without. The report goes to ``results/speed/keras_training.md``, in
about two minutes.

The steps are those with the lowest validation loss on the many features, among 0.06, 0.1,
0.3, 0.6, 1.2 (ours) and 0.0005, 0.001, 0.003, 0.01 (Keras on JAX, in batches of 1,024). On the few
features 0.1 and 0.003 get to losses lower by 0.001, the latter in two epochs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.common.clicks import click_rows
from benchmarks.common.report import ROOT, Report, markdown
from fieldfare.rows import Rows

TITLE, TAKES = "Keras and our solver", "two minutes"
WORKERS = ("fieldfare, 1 thread", "fieldfare, all threads", "keras, tensorflow", "keras, jax")
BATCH = 1024
STEP, KERAS_STEP = 0.3, 0.01
FOLDED = {"many": None, "few": 2000}


def samples(n_rows: int, features: str) -> tuple[Rows, Rows]:
    """Return training and validation rows with consecutive ids, as a Schema would give them."""
    train, valid = click_rows(n_rows), click_rows(n_rows // 5, part=2)
    known = np.unique(train.indices)

    def renumber(rows: Rows) -> Rows:
        place = np.minimum(np.searchsorted(known, rows.indices), len(known) - 1)
        missing = known[place] != rows.indices
        ids = np.where(missing, len(known), place)
        n_buckets = FOLDED[features]
        ids = ids if n_buckets is None else ids % n_buckets
        return rows.with_(indices=ids.astype(np.uint32))

    return renumber(train), renumber(valid)


def work(name: str, features: str, n_rows: int, epochs: int) -> dict[str, Any]:
    """Train one system; return seconds since the start and validation loss after each epoch."""
    train, valid = samples(n_rows, features)
    ends: list[float] = []
    if name.startswith("fieldfare"):
        from fieldfare import FMClassifier

        threads = 1 if "1 thread" in name else None
        made: Any = FMClassifier(
            learning_rate=STEP,
            max_iter=epochs,
            early_stopping=False,
            random_state=0,
            n_jobs=threads,
        )
        made.fit(train, eval_set=valid)
        ends = np.cumsum(made.history_["seconds"]).tolist()
    else:
        import keras
        from fieldfare.keras import KerasFMClassifier

        clock = keras.callbacks.LambdaCallback(
            on_train_begin=lambda logs: ends.append(time.perf_counter()),
            on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter()),
        )
        made = KerasFMClassifier(
            learning_rate=KERAS_STEP,
            max_iter=epochs,
            batch_size=BATCH,
            early_stopping=False,
            callbacks=[clock],
            random_state=0,
        )
        made.fit(train, eval_set=valid)
        ends = [end - ends[0] for end in ends[1:]]
    return {"ends": ends, "losses": made.history_["valid_loss"], "size": made.model_.n_features}


def run(name: str, features: str, options: Namespace) -> dict[str, Any]:
    """Train one system in a process of its own."""
    backend = name.rpartition(", ")[2] if name.startswith("keras") else "tensorflow"
    request = [name, features, str(options.rows), str(options.epochs)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.speed.keras_training", *request],
        cwd=ROOT,
        env=os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, default=50_000, help="training rows")
    parser.add_argument("--epochs", type=int, default=3, help="at least 2")


def measure(options: Namespace) -> dict[str, Any]:
    figures = {}
    for features in FOLDED:
        samples(options.rows, features)  # drawn once, before anybody is timed
        figures[features] = {name: run(name, features, options) for name in WORKERS}
    return {"steps": {"fieldfare": STEP, "keras": KERAS_STEP}, "batch": BATCH} | figures


HEADERS = ("system", "first epoch s", "each later s", "best loss", "epochs to target",
           "s to target", "s, compiled before")  # fmt: skip


def tell(report: Report) -> Iterator[str]:
    settings, figures, steps = report.settings, report.figures, report.figures["steps"]
    yield (
        f"{settings['rows']:,} generated rows of 39 fields, FM with k = 8, logistic loss on "
        f"{settings['rows'] // 5:,} other rows. Ours: AdaGrad, step {steps['fieldfare']}, "
        f"row by row. Keras: Adam, step {steps['keras']}, batches of "
        f"{figures['batch']:,}. Both with the default penalties."
    )
    for features in FOLDED:
        found = figures[features]
        target = max(min(of["losses"]) for of in found.values())
        yield (
            f"## {features.capitalize()} features\n\n{found[WORKERS[0]]['size']:,} features; the "
            f"target is a loss of {target:.4f}, the worst of the best losses within "
            f"{settings['epochs']} epochs."
        )
        yield markdown(HEADERS, [row(name, of, target) for name, of in found.items()])


def row(name: str, found: dict[str, Any], target: float) -> list[Any]:
    """Return a line of the table."""
    ends, losses = found["ends"], found["losses"]
    reached = 1 + next(i for i, loss in enumerate(losses) if loss <= target)
    each = float(np.median(np.diff(ends)))
    return [name, ends[0], each, min(losses), reached, ends[reached - 1], reached * each]


if __name__ == "__main__":  # one of the processes that `run` starts
    print(json.dumps(work(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))))
