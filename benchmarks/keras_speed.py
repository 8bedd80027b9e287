"""Train the same factorization machine with Keras and with our solver, to the same loss.

``python benchmarks/keras_speed.py`` runs each in a process of its own: our AdaGrad on one thread
and on all, Keras on TensorFlow and on JAX; once on many features, and once with all ids folded into
2,000. Seconds are those of the training alone, to the end of the first epoch whose validation loss
is as good as the best that all of them reach. Keras' include what it takes to compile; the last
column is without. The report goes to ``results/keras_speed.md``, in about two minutes.

The steps are those with the lowest validation loss on the many features, among 0.06, 0.1,
0.3, 0.6, 1.2 (ours) and 0.0005, 0.001, 0.003, 0.01 (Keras on JAX, in batches of 1,024). On the few
features 0.1 and 0.003 get to losses lower by 0.001, the latter in two epochs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from typing import Any

import numpy as np

from _clicks import click_rows
from _report import markdown, write
from fieldfare.rows import Rows

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
            callbacks=[clock],
            random_state=0,
        )
        made.fit(train, eval_set=valid)
        ends = [end - ends[0] for end in ends[1:]]
    return {"ends": ends, "losses": made.history_["valid_loss"], "size": made.model_.n_features}


def run(name: str, features: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Train one system in a process of its own."""
    backend = name.rpartition(", ")[2] if name.startswith("keras") else "tensorflow"
    command = [sys.executable, __file__, "--worker", name, "--features", features]
    done = subprocess.run(
        [*command, "--rows", str(arguments.rows), "--epochs", str(arguments.epochs)],
        env=os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def row(name: str, found: dict[str, Any], target: float) -> list[Any]:
    """Return a line of the table."""
    ends, losses = found["ends"], found["losses"]
    reached = 1 + next(i for i, loss in enumerate(losses) if loss <= target)
    each = float(np.median(np.diff(ends)))
    return [name, ends[0], each, min(losses), reached, ends[reached - 1], reached * each]


HEADERS = ("system", "first epoch s", "each later s", "best loss", "epochs to target",
           "s to target", "s, compiled before")  # fmt: skip


def compare(features: str, arguments: argparse.Namespace) -> tuple[dict[str, Any], list[str]]:
    """Run all systems on the same rows; return the figures and the text about them."""
    samples(arguments.rows, features)  # drawn once, before anybody is timed
    found = {name: run(name, features, arguments) for name in WORKERS}
    target = max(min(of["losses"]) for of in found.values())
    about = (
        f"## {features.capitalize()} features\n\n{found[WORKERS[0]]['size']:,} features; the "
        f"target is a loss of {target:.4f}, the worst of the best losses within "
        f"{arguments.epochs} epochs."
    )
    return found, [about, markdown(HEADERS, [row(name, of, target) for name, of in found.items()])]


def main() -> None:
    """Run all, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000, help="training rows")
    parser.add_argument("--epochs", type=int, default=3, help="at least 2")
    parser.add_argument("--worker", choices=WORKERS, help=argparse.SUPPRESS)
    parser.add_argument("--features", choices=FOLDED, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        found = work(arguments.worker, arguments.features, arguments.rows, arguments.epochs)
        print(json.dumps(found))
        return
    parts = [
        f"{arguments.rows:,} generated rows of 39 fields, FM with k = 8, logistic loss on "
        f"{arguments.rows // 5:,} other rows. Ours: AdaGrad, step {STEP}, row by row. Keras: Adam, "
        f"step {KERAS_STEP}, batches of {BATCH:,}. Both with the default penalties."
    ]
    figures = {}
    for features in FOLDED:
        figures[features], text = compare(features, arguments)
        parts += text
    write("keras_speed", "Keras and our solver", parts, figures)


if __name__ == "__main__":
    main()
