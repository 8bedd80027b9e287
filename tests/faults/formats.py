"""Every format of files that fieldfare reads back: valid files, and what is done with them."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tests.faults import foreign, index_folders, mutations
from tests.faults.fuzzing import Fuzzer
from tests.faults.index_folders import Files, drop_file, read_folder, swap_files, write_folder

import fieldfare
from fieldfare.config import ModelConfig
from fieldfare.exceptions import FieldfareError
from fieldfare.kinds.losses import TASKS
from fieldfare.kinds.models import MODEL_KINDS
from fieldfare.models.base import Model
from fieldfare.models.registry import build
from fieldfare.persist.file import load_model, save_model
from fieldfare.rows import Rows
from fieldfare.store import files as store_files
from fieldfare.store.row_store import cached

ROWS = Rows(
    np.array([0, 3], np.int64),
    np.array([0, 2, 1_000_000], np.uint32),
    np.array([1, 0.5, 2], np.float32),
    np.array([0, 1, 60_000], np.uint16),
)
TABLE: dict[str, list[Any]] = {
    "user": [f"u{i % 5}" for i in range(20)],
    "age": [20.5 + i for i in range(20)],
    "y": [i % 2 for i in range(20)],
}
TRAINED: dict[str, Any] = {"n_factors": 2, "random_state": 0, "n_jobs": 1}


def refused(task: Callable[[], object]) -> bool:
    """Whether a task ends in an error of ours; any other goes through."""
    try:
        task()
    except FieldfareError as error:
        str(error)
        return True
    return False


# --- models ---------------------------------------------------------------------------------------


def model_seeds(folder: Path) -> list[bytes]:
    """Return the bytes of valid models of every kind and task."""
    from fieldfare.schema.schema import Schema

    models = [fitted_model()]
    for kind in MODEL_KINDS:
        for task in TASKS:
            n_outputs = 3 if task == "multiclass" else 1
            model = build(
                ModelConfig(model=kind, task=task, n_factors=2),
                n_features=5,
                n_fields=3,
                n_outputs=n_outputs,
                schema=Schema.indexed(5, 3) if task == "binary" else None,
                classes=None if task in ("regression", "rank") else list(range(max(2, n_outputs))),
            )
            model.provenance = {"seed": 1, "history": [{"epoch": 1, "loss": 0.5}]}
            models.append(model)
    return [_saved(save_model, model, folder) for model in models]


def _saved(save: Callable[[Any, Path], object], what: Any, folder: Path) -> bytes:
    save(what, folder / "seed.ff")
    return (folder / "seed.ff").read_bytes()


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


def attempt_model(folder: Path, data: bytes, rng: random.Random) -> bool:
    """Load a model and predict with it."""
    path = folder / "case.ff"
    path.write_bytes(data)
    verify = rng.random() < 0.5
    found: list[Model] = []
    if refused(lambda: found.append(load_model(path, verify=verify))):
        return False
    model = found[0]
    refused(lambda: model.predict(ROWS, n_threads=1))
    refused(lambda: model.predict_one({"city": "a", "age": 2.0}))
    return True


# --- posteriors -----------------------------------------------------------------------------------


def posterior_seeds(folder: Path) -> list[bytes]:
    """Return the bytes of samples for each task."""
    found = []
    for task in ("regression", "binary", "ordinal"):
        result = fieldfare.sample(TABLE, target="y", task=task, n_warmup=1, n_samples=2, **TRAINED)
        found.append(_saved(fieldfare.save_posterior, result.posterior, folder))
    return found


def attempt_posterior(folder: Path, data: bytes, rng: random.Random) -> bool:
    """Load samples and predict with them."""
    path = folder / "case.ff"
    path.write_bytes(data)
    verify = rng.random() < 0.5
    found: list[Any] = []
    if refused(lambda: found.append(fieldfare.load_posterior(path, verify=verify))):
        return False
    for method in ("predict", "probabilities", "deviations", "intervals"):
        refused(lambda method=method: getattr(found[0], method)(ROWS, n_threads=1))  # type: ignore[misc]
    return True


# --- checkpoints ----------------------------------------------------------------------------------

RESUMED = {
    "adagrad": {"solver": "adagrad"},
    "ftrl": {"solver": "ftrl", "model": "ffm"},
    "als": {"solver": "als", "task": "regression"},
}


def checkpoint_seeds(folder: Path) -> list[tuple[str, bytes]]:
    """Return the bytes of checkpoints of several solvers, with what they were made by."""
    found = []
    for name, settings in RESUMED.items():
        path = folder / "seed.ck"
        fieldfare.train(
            TABLE, target="y", max_iter=1, callbacks=[fieldfare.Checkpoint(path)],
            **settings, **TRAINED,
        )  # fmt: skip
        found.append((name, path.read_bytes()))
    return found


def of_named(mutate: Callable[[bytes, random.Random], bytes]) -> Any:
    """Return a mutation of the bytes of a case that has a name."""

    def change(case: tuple[str, bytes], rng: random.Random) -> tuple[str, bytes]:
        return case[0], mutate(case[1], rng)

    change.__name__ = mutate.__name__
    return change


def attempt_checkpoint(folder: Path, case: tuple[str, bytes], _: random.Random) -> bool:
    """Resume from a checkpoint."""
    path = folder / "case.ck"
    path.write_bytes(case[1])
    return not refused(
        lambda: fieldfare.train(
            TABLE, target="y", max_iter=2, resume=path, **RESUMED[case[0]], **TRAINED
        )
    )


# --- stores and caches ----------------------------------------------------------------------------


def store_seeds(folder: Path) -> list[Files]:
    """Return RowStores with all arrays, with and without a Schema."""
    data = fieldfare.load_data(TABLE, target="y")
    full = data.rows.with_(weight=np.ones(20, np.float32), group=np.arange(20, dtype=np.int64) // 4)
    found = []
    for number, (rows, schema) in enumerate([(full, data.schema), (data.rows, None)]):
        path = folder / f"seed{number}.store"
        fieldfare.RowStore.build([rows], path, schema=schema)
        found.append(read_folder(path))
    return found


def _sealed(header: Any) -> bytes:
    if isinstance(header, dict):
        header = {name: value for name, value in header.items() if name != "checksum"}
        header["checksum"] = store_files._checksum(header)
    return json.dumps(header).encode()


def of_any_file(mutate: Callable[[bytes, random.Random], bytes]) -> Any:
    """Return a mutation of one file of a folder."""

    def change(files: Files, rng: random.Random) -> Files:
        name = rng.choice(sorted(files))
        return files | {name: mutate(files[name], rng)}

    change.__name__ = mutate.__name__
    return change


def change_store_header(files: Files, rng: random.Random) -> Files:
    """Change the header of a RowStore, with a valid checksum."""
    header = json.loads(files[store_files.HEADER])
    for _ in range(rng.randint(1, 2)):
        mutations.change_json(header, rng)
    try:
        return files | {store_files.HEADER: _sealed(header)}
    except (TypeError, ValueError):  # what JSON cannot express has no checksum
        return files | {store_files.HEADER: json.dumps(header).encode()}


def change_store_array(files: Files, rng: random.Random) -> Files:
    """Change an array of a RowStore, with valid checksums."""
    header = json.loads(files[store_files.HEADER])
    name = rng.choice(sorted(header["arrays"]))
    array = np.frombuffer(files[f"{name}.bin"], store_files.DTYPES[name])
    data = mutations.change_array(array, rng).tobytes()
    header["arrays"][name]["checksum"] = index_folders.digest(data)
    return files | {f"{name}.bin": data, store_files.HEADER: _sealed(header)}


STORES = (
    *map(of_any_file, mutations.BYTES),
    *(drop_file, swap_files, change_store_header, change_store_header),
    *(change_store_array, change_store_array),
)


def attempt_store(folder: Path, files: Files, rng: random.Random) -> bool:
    """Open a RowStore, read it, and train on it."""
    path = folder / "case.store"
    write_folder(path, files)
    verify = rng.random() < 0.8
    found: list[Any] = []
    if refused(lambda: found.append(fieldfare.RowStore.open(path, verify=verify))):
        return False
    store = found[0]
    if verify:  # without, whoever made the folder is trusted
        refused(lambda: store.rows.slice(0, len(store)).validate())
        refused(lambda: fieldfare.train(store, max_iter=1, task="regression", **TRAINED))
    return True


CACHES = (*map(of_any_file, mutations.BYTES), drop_file, swap_files)
"""Not what has valid checksums: that is what was saved."""


def cache_seeds(folder: Path) -> list[Files]:
    """Return a cache."""
    os.environ["FIELDFARE_CACHE"] = str(folder / "cache")
    _cached()
    return [read_folder(folder / "cache" / "rows" / "key")]


def _cached() -> tuple[fieldfare.RowStore, Rows]:
    rows = fieldfare.load_data(TABLE, target="y").rows
    return cached("key", lambda path: fieldfare.RowStore.build([rows], path)), rows


def attempt_cache(folder: Path, files: Files, _: random.Random) -> bool:
    """Use a cache that was damaged: it is built again, and holds what it should."""
    write_folder(folder / "cache" / "rows" / "key", files)
    store, rows = _cached()
    for name in ("indptr", "indices", "values", "fields", "target"):
        kept, expected = getattr(store.rows, name), getattr(rows, name)
        if (kept is None) != (expected is None) or not np.array_equal(kept, expected):
            raise AssertionError(f"The cache has other {name} than its source.")
    return True


FUZZERS = {
    fuzzer.name: fuzzer
    for fuzzer in (
        Fuzzer("models", model_seeds, mutations.CONTAINERS, attempt_model),
        Fuzzer("posteriors", posterior_seeds, mutations.CONTAINERS, attempt_posterior),
        Fuzzer(
            "checkpoints",
            checkpoint_seeds,
            tuple(map(of_named, mutations.CONTAINERS)),
            attempt_checkpoint,
        ),
        Fuzzer("stores", store_seeds, STORES, attempt_store),
        Fuzzer("caches", cache_seeds, CACHES, attempt_cache),
        Fuzzer("indexes", index_folders.seeds, index_folders.MUTATIONS, index_folders.attempt),
        Fuzzer("foreign", foreign.seeds, foreign.MUTATIONS, foreign.attempt),
    )
}
"""Each format by its name."""
