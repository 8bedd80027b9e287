"""Writers and readers of one file at once: a reader sees one whole version, never a mixture.

python -m tests.faults.sharing --seconds 20
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tests.faults.formats import TABLE, TRAINED

import fieldfare
from fieldfare.persist.checkpoint import load_checkpoint, save_checkpoint
from fieldfare.store.row_store import cached

N_WRITERS, N_READERS, N_VERSIONS = 2, 2, 5


@dataclass
class Counts:
    """What the processes have seen."""

    formats: int = 0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        shown = "".join(f"\n  {fault}" for fault in self.faults)
        return f"{self.formats} formats written and read at once: {len(self.faults)} faults{shown}"


def _versions() -> list[Any]:
    models = []
    for version in range(N_VERSIONS):
        model = fieldfare.train(TABLE, target="y", task="regression", max_iter=1, **TRAINED).model
        models.append(model.with_(bias=np.full(1, version, np.float32)))
    return models


def _formats(
    models: list[Any],
) -> dict[str, tuple[Callable[[Path, int], object], Callable[[Path], object]]]:
    """Return how a version of each format is written, and how one is read and checked."""
    posterior = fieldfare.sample(TABLE, target="y", n_warmup=1, n_samples=2, **TRAINED).posterior
    items = {"user": sorted(set(TABLE["user"]))}
    roles = {"user": "age", "item": "user"}
    recommender = fieldfare.Recommender(models[0], items, roles=roles)
    rows = fieldfare.load_data(TABLE, target="y").rows

    def read_model(path: Path) -> None:
        if float(fieldfare.load_model(path).bias[0]) not in range(N_VERSIONS):
            raise AssertionError("a model that was never saved")

    def read_checkpoint(path: Path) -> None:
        arrays, meta = load_checkpoint(path)
        if (arrays["x"] != meta["version"]).any():
            raise AssertionError("the arrays of one version with the header of another")

    def use_cache(path: Path) -> None:
        store = cached("shared", lambda place: fieldfare.RowStore.build([rows], place))
        if not np.array_equal(store.rows.indices, rows.indices):
            raise AssertionError("other rows than those of the source")

    return {
        "models": (lambda path, v: fieldfare.save_model(models[v], path), read_model),
        "posteriors": (
            lambda path, _: fieldfare.save_posterior(posterior, path),
            fieldfare.load_posterior,
        ),
        "checkpoints": (
            lambda path, v: save_checkpoint(path, {"x": np.full(50_000, v)}, {"version": v}),
            read_checkpoint,
        ),
        "indexes": (
            lambda path, _: recommender.save(path),
            lambda path: fieldfare.Recommender.load(path, models[0]),
        ),
        "caches": (lambda path, _: use_cache(path), use_cache),
    }


def _in_fork(work: Callable[[], object], end: float) -> int:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            while time.monotonic() < end:
                work()
            code = 0
        except Exception as error:  # noqa: BLE001  whatever a reader raises counts
            print(repr(error), file=sys.stderr)
        finally:
            os._exit(code)
    return child


def run(seconds: float) -> Counts:
    """Let writers and readers share a file of each format for an equal time."""
    counts = Counts()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["FIELDFARE_CACHE"] = str(Path(folder, "cache"))
        formats = _formats(_versions())
        for name, (write, read) in formats.items():
            path = Path(folder, name)
            write(path, 0)
            end = time.monotonic() + seconds / len(formats)
            children = [
                _in_fork(lambda w=write, p=path, v=v: w(p, v), end)  # type: ignore[misc]
                for v in range(1, N_WRITERS + 1)
            ]
            children += [_in_fork(lambda r=read, p=path: r(p), end) for _ in range(N_READERS)]  # type: ignore[misc]
            codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
            counts.formats += 1
            counts.faults += [f"{name}: a process ended with {code}" for code in codes if code]
            left = [p.name for p in Path(folder).iterdir() if p.name.endswith(".tmp")]
            counts.faults += [f"{name}: left {left}"] if left else []
    return counts


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    counts = run(parser.parse_args().seconds)
    print(counts)
    sys.exit(bool(counts.faults))


if __name__ == "__main__":
    main()
