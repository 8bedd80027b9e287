"""Fuzz the model reader: any bytes give a Model or a ModelFileError, never anything else.

python tests/hostile/fuzz_model_file.py --seconds 60
"""

from __future__ import annotations

import argparse
import json
import random
import struct
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fieldfare import _container as container
from fieldfare.config import ModelConfig
from fieldfare.exceptions import ModelFileError
from fieldfare.kinds.losses import TASKS
from fieldfare.kinds.models import MODEL_KINDS
from fieldfare.models.base import Model
from fieldfare.models.registry import build
from fieldfare.persist.file import load_model, save_model
from fieldfare.rows import Rows

ROWS = Rows(
    np.array([0, 3], np.int64),
    np.array([0, 2, 1_000_000], np.uint32),
    np.array([1, 0.5, 2], np.float32),
    np.array([0, 1, 60_000], np.uint16),
)
ODD_VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 1, 2, 3, 255, 2**31, 2**32, 2**63, 2**64, 10**40, 0.5, 1e308, "", "ffm"),
    *([], {}, [[]], ["a"], [0], "\ud800", "x" * 1000),
)


def seeds(folder: Path) -> list[bytes]:
    """Return the bytes of valid models of every kind and task."""
    from fieldfare.schema.schema import Schema

    found = []
    for kind in MODEL_KINDS:
        for task in TASKS:
            n_outputs = 3 if task == "multiclass" else 1
            schema = Schema.indexed(5, 3) if task == "binary" else None
            model = build(
                ModelConfig(model=kind, task=task, n_factors=2),
                n_features=5,
                n_fields=3,
                n_outputs=n_outputs,
                schema=schema,
                classes=None if task in ("regression", "rank") else list(range(max(2, n_outputs))),
            )
            model.provenance = {"seed": 1, "history": [{"epoch": 1, "loss": 0.5}]}
            save_model(model, folder / "seed.ff")
            found.append((folder / "seed.ff").read_bytes())
    save_model(fitted_model(), folder / "seed.ff")
    found.append((folder / "seed.ff").read_bytes())
    return found


def fitted_model() -> Model:
    """Return a model with a Schema that was fitted to columns of each kind."""
    import pyarrow as pa

    from fieldfare.schema.column import Column
    from fieldfare.schema.schema import Schema

    table = {"city": ["a", "b", "a"], "site": ["x", "y", None], "age": [1.0, 2.0, 4.0]}
    columns = (
        Column("city"),
        Column("site", hash_buckets=4),
        Column("age", kind="numeric"),
        Column("old", kind="numeric", transform="quantile", n_bins=2),
    )
    schema = Schema(columns).fit(pa.table({**table, "old": table["age"]}))
    return build(
        ModelConfig(model="ffm", n_factors=2, task="regression"),
        n_features=schema.n_features,
        n_fields=schema.n_fields,
        n_outputs=1,
        schema=schema,
    )


def flip_bits(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def truncate(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def splice(data: bytes, rng: random.Random) -> bytes:
    start, stop = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    place = rng.randrange(len(data) + 1)
    return data[:place] + data[start:stop] + data[place:]


def set_length(data: bytes, rng: random.Random) -> bytes:
    length = rng.choice([0, 1, 2, len(data) - 8, len(data) - 7, len(data), 10**8, 2**63, 2**64 - 1])
    return struct.pack("<Q", length) + data[8:]


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        if isinstance(item, (dict, list)):
            yield from _paths(item, (*path, key))
        else:
            yield (*path, key)


def _mutate(value: Any, rng: random.Random) -> None:
    *parents, last = rng.choice(list(_paths(value)))
    for key in parents:
        value = value[key]
    action = rng.randrange(4)
    if action == 0:
        del value[last]
    elif action == 1 and isinstance(value, dict):
        value[rng.choice(["", "x", "bias", "linear", "factors", "schema.x"])] = value[last]
    else:
        value[last] = rng.choice(ODD_VALUES)


def _split(data: bytes) -> tuple[Any, bytes]:
    start = 8 + struct.unpack("<Q", data[:8])[0]
    return json.loads(data[8:start]), data[start:]


def _join(outer: Any, body: bytes) -> bytes:
    text = json.dumps(outer).encode()
    return struct.pack("<Q", len(text)) + text + body


def change_outer(data: bytes, rng: random.Random) -> bytes:
    outer, body = _split(data)
    _mutate(outer, rng)
    return _join(outer, body)


def change_header(data: bytes, rng: random.Random) -> bytes:
    """Change the inner header and correct the checksum, to get past it."""
    outer, body = _split(data)
    header = json.loads(outer["__metadata__"]["fieldfare"])
    _mutate(header, rng)
    text = json.dumps(header)
    arrays = {}
    for name, entry in outer.items():
        if name != "__metadata__":
            start, stop = entry["data_offsets"]
            dtype = container.DTYPES[entry["dtype"]]
            arrays[name] = np.frombuffer(body[start:stop], dtype).reshape(entry["shape"])
    outer["__metadata__"] = {"fieldfare": text, "checksum": container.checksum(text, arrays)}
    return _join(outer, body)


MUTATIONS = (flip_bits, truncate, splice, set_length, change_outer, change_header)


def attempt(path: Path, verify: bool) -> bool:
    """Load a file, and use the model if there is one; any unforeseen error goes through."""
    try:
        model = load_model(path, verify=verify)
    except ModelFileError:
        return False
    with np.errstate(all="ignore"):
        model.predict(ROWS, n_threads=1)
    return True


def fuzz(seconds: float, n_cases: int, seed: int) -> tuple[int, int]:
    """Try mutated files until time or cases run out; return how many were tried and loaded."""
    rng = random.Random(seed)
    tried = loaded = 0
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "case.ff"
        corpus = seeds(Path(name))
        end = time.monotonic() + seconds
        while tried < n_cases and time.monotonic() < end:
            data = rng.choice(MUTATIONS)(rng.choice(corpus), rng)
            path.write_bytes(data)
            try:
                loaded += attempt(path, verify=rng.random() < 0.5)
            except BaseException:
                print(f"Failed on case {tried} of seed {seed}: {data!r}", file=sys.stderr)
                raise
            path.unlink()
            tried += 1
    return tried, loaded


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    tried, loaded = fuzz(options.seconds, sys.maxsize, options.seed)
    print(f"{tried} files tried: {loaded} still loaded, the rest were refused cleanly.")


if __name__ == "__main__":
    main()
