"""Train the same factorization machine with Keras and with our solver, to the same loss.

``python benchmarks/keras_speed.py`` runs each in a process of its own: our AdaGrad on one thread
and on all, Keras on TensorFlow and on JAX. Seconds are those of the training alone, to the end of
the first epoch whose validation loss is as good as the best that all of them reach; Keras' include
what it takes to compile, which is given beside them. The report goes to
``results/keras_speed.md``.
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


def samples(n_rows: int) -> tuple[Rows, Rows]:
    """Return training and validation rows with consecutive ids, as a Schema would give them."""
    train, valid = click_rows(n_rows), click_rows(n_rows // 5, part=2)
    known = np.unique(train.indices)

    def renumber(rows: Rows) -> Rows:
        place = np.minimum(np.searchsorted(known, rows.indices), len(known) - 1)
        missing = known[place] != rows.indices
        return rows.with_(indices=np.where(missing, len(known), place).astype(np.uint32))

    return renumber(train), renumber(valid)


def work(name: str, n_rows: int, epochs: int) -> dict[str, Any]:
    """Train one system; return seconds since the start and validation loss after each epoch."""
    train, valid = samples(n_rows)
    ends: list[float] = []
    if name.startswith("fieldfare"):
        from fieldfare import FMClassifier

        threads = 1 if "1 thread" in name else None
        made: Any = FMClassifier(
            learning_rate=0.05,
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
            learning_rate=0.003,
            max_iter=epochs,
            batch_size=BATCH,
            callbacks=[clock],
            random_state=0,
        )
        made.fit(train, eval_set=valid)
        ends = [end - ends[0] for end in ends[1:]]
    return {"ends": ends, "losses": made.history_["valid_loss"], "size": made.model_.n_features}


def run(name: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """Train one system in a process of its own."""
    backend = name.rpartition(", ")[2] if name.startswith("keras") else "tensorflow"
    command = [sys.executable, __file__, "--worker", name, "--rows", str(arguments.rows)]
    done = subprocess.run(
        [*command, "--epochs", str(arguments.epochs)],
        env=os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def row(name: str, found: dict[str, Any], target: float) -> list[Any]:
    """Return a line of the table."""
    ends, losses = found["ends"], found["losses"]
    reached = next(i for i, loss in enumerate(losses) if loss <= target)
    later = np.diff(ends)
    each = float(np.median(later)) if len(later) else ends[0]
    return [name, ends[0], each, min(losses), reached + 1, ends[reached]]


def main() -> None:
    """Run all, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000, help="training rows")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--worker", choices=WORKERS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        print(json.dumps(work(arguments.worker, arguments.rows, arguments.epochs)))
        return
    samples(arguments.rows)  # drawn once, before anybody is timed
    found = {name: run(name, arguments) for name in WORKERS}
    target = max(min(of["losses"]) for of in found.values())
    headers = ["system", "first epoch s", "each later s", "best loss", "epochs to target", "s"]
    table = markdown(headers, [row(name, of, target) for name, of in found.items()])
    about = (
        f"{arguments.rows:,} generated rows of 39 fields, {found[WORKERS[0]]['size']:,} features, "
        f"FM with k = 8, logistic loss on {arguments.rows // 5:,} other rows. Ours: AdaGrad, step "
        f"0.05, row by row. Keras: Adam, step 0.003, batches of {BATCH}. Both with the default "
        f"penalties. The target is {target:.4f}, the worst of the best losses "
        f"within {arguments.epochs} epochs."
    )
    write("keras_speed", "Keras and our solver", [about, table], found)


if __name__ == "__main__":
    main()
