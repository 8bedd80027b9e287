"""One seed, one result: the same bits on any number of threads and cores, by every way in.

Run as a script, it prints a checksum for each of the ways that are named, see `WAYS`.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fieldfare.cli import main
from fieldfare.data.dataset import Dataset
from fieldfare.data.loading import load
from fieldfare.estimators import FFMRegressor, FMClassifier, FMRanker
from fieldfare.persist.file import load_model
from fieldfare.store.row_store import RowStore
from fieldfare.training.bayes.functions import sample
from fieldfare.training.crossval import cross_validate
from fieldfare.training.functions import train

# What is repeated need not be good.
pytestmark = pytest.mark.filterwarnings("ignore::fieldfare.exceptions.FieldfareWarning")

# So many that all threads would be used, and that BLAS would split its sums among the cores.
N_ROWS = 70_000
N_RECALL = 12_000


@cache
def clicks() -> pd.DataFrame:
    """Rows of three categories and a number, with targets of both kinds and weights."""
    random = np.random.default_rng(0)
    chance = 1 / np.arange(1, 201)
    columns = {
        name: random.choice(200, N_ROWS, p=chance / chance.sum()).astype(str) for name in "abc"
    }
    number = random.lognormal(3, 1, N_ROWS)
    effect = (columns["a"] < "3") * 1.0 - (columns["b"] == columns["c"]) + np.log(number) / 9
    return pd.DataFrame(
        columns
        | {
            "number": number,
            "price": effect + random.normal(size=N_ROWS),
            "clicked": (random.random(N_ROWS) < 1 / (1 + np.exp(-effect))).astype(int),
            "worth": random.random(N_ROWS),
            "query": np.repeat(np.arange(N_ROWS // 10), 10),
        }
    )


@cache
def interactions() -> pd.DataFrame:
    """Users and items, some of whose pairs were seen."""
    random = np.random.default_rng(0)
    columns = {"user_id": random.integers(0, 900, N_RECALL)}
    columns["item_id"] = (columns["user_id"] + random.integers(0, 20, N_RECALL)) % 300
    return pd.DataFrame(columns).drop_duplicates(ignore_index=True)


@cache
def rows_of(target: str) -> Dataset:
    others = [name for name in ("price", "clicked", "query") if name != target]
    return load(clicks(), target=target, weight="worth", ignore=others)


def checksum(*parts: Any) -> str:
    state = hashlib.sha256()
    for part in parts:
        state.update(np.ascontiguousarray(part).tobytes() if part is not None else b"none")
    return state.hexdigest()


def figures(records: list[dict[str, float]]) -> list[list[float]]:
    return [[value for name, value in one.items() if name != "seconds"] for one in records]


def of_result(result: Any) -> str:
    """Checksum of a trained model, and of its history but for the seconds."""
    model, epochs = result.model, result.history.epochs
    parameters = (model.bias, model.linear, model.factors, model.pair_weights)
    return checksum(*parameters, *figures(epochs))


def trained(n_jobs: int | None, target: str = "clicked", **how: Any) -> str:
    given = {"max_iter": 2, "n_factors": 4, "early_stopping": True, "random_state": 3} | how
    return of_result(train(rows_of(target), n_jobs=n_jobs, **given))


def by_groups(n_jobs: int | None) -> str:
    table = clicks().drop(columns=["price", "worth", "number"])
    how = {"target": "clicked", "group": "query", "task": "rank", "max_iter": 2, "n_factors": 4}
    return of_result(train(table, early_stopping=True, random_state=3, n_jobs=n_jobs, **how))


def from_disk(n_jobs: int | None, **how: Any) -> str:
    data = rows_of("clicked")
    with tempfile.TemporaryDirectory() as folder:
        store = RowStore.build([data.rows], Path(folder) / "store", schema=data.schema)
        given = {"max_iter": 2, "n_factors": 4, "early_stopping": True, "random_state": 3} | how
        return of_result(train(store, n_jobs=n_jobs, **given))


def by_classifier(n_jobs: int | None) -> str:
    table = clicks()
    fm = FMClassifier(max_iter=2, early_stopping=True, random_state=np.int64(3), n_jobs=n_jobs)
    fm.fit(table[["a", "b"]], table["clicked"], table["worth"])
    return checksum(fm.predict_proba(table[["a", "b"]]), fm.model_.factors)


def by_regressor(n_jobs: int | None) -> str:
    table = clicks()
    ffm = FFMRegressor(max_iter=1, random_state=np.random.default_rng(3), n_jobs=n_jobs)
    for _ in range(2):
        ffm.partial_fit(table[["a", "b", "number"]], table["price"])
    return checksum(ffm.predict(table[["a", "b", "number"]]), ffm.model_.factors)


def by_ranker(n_jobs: int | None, **how: Any) -> str:
    table = interactions()
    held, kept = table[::10], table.drop(table.index[::10])
    fm = FMRanker(n_factors=4, max_iter=2, random_state=3, n_jobs=n_jobs, **how)
    fm.fit(kept, eval_set=(held, None, None))
    return checksum(fm.model_.linear, fm.model_.factors, fm.history_.best_value)


def by_cross_validation(n_jobs: int | None) -> str:
    how = {"max_iter": 1, "n_factors": 4, "random_state": 3, "n_jobs": n_jobs}
    return checksum(*figures(cross_validate(rows_of("clicked"), folds=2, **how).folds))


def by_command(n_jobs: int | None) -> str:
    with tempfile.TemporaryDirectory() as folder:
        data, model = Path(folder) / "clicks.csv", Path(folder) / "model.ff"
        clicks()[["a", "b", "number", "clicked"]].to_csv(data, index=False)
        threads = [] if n_jobs is None else ["--threads", n_jobs]
        words = [data, "--target", "clicked", "-o", model, "--seed", 3, "--epochs", 2, *threads]
        assert main(["train", *map(str, words), "--quiet", "--no-cache"]) == 0
        return checksum(load_model(model).factors)


def sampled(n_jobs: int | None, **how: Any) -> str:
    data = rows_of(how.pop("target", "price"))
    data = data.with_(weight=None) if "task" in how else data
    given = {"n_factors": 2, "n_warmup": 1, "n_samples": 2, "random_state": 3} | how
    found = sample(data, valid=data, n_jobs=n_jobs, **given)
    return checksum(found.posterior.predict(data.rows, n_jobs), *figures(found.trace.sweeps))


def unlike_numbers(n_jobs: int | None) -> str:
    """Numbered features of unequal size, which are scaled in training."""
    table = clicks()
    array = np.column_stack([table["number"] * 1000, table["worth"]])
    given = {"max_iter": 1, "random_state": 3, "n_jobs": n_jobs, "scale_features": True}
    data = load(array, labelled=False).with_(target=table["price"].to_numpy(np.float32))
    return of_result(train(data, **given))


WAYS: dict[str, Callable[[int | None], str]] = {
    "linear": partial(trained, model="linear"),
    "fm": partial(trained, model="fm", class_weight="balanced"),
    "ffm": partial(trained, model="ffm"),
    "fwfm by rows": partial(trained, model="fwfm", solver="rowwise_adagrad"),
    "hofm of a number": partial(trained, model="hofm", target="price"),
    "ftrl": partial(trained, solver="ftrl"),
    "sgd of a number": partial(trained, solver="sgd", target="price", learning_rate=0.01),
    "als": partial(trained, solver="als"),
    "als of a number": partial(trained, solver="als", target="price"),
    "sgda": partial(trained, solver="sgda", learning_rate=0.01),
    "groups": by_groups,
    "from disk": from_disk,
    "from disk in parts": partial(from_disk, memory_limit=1),
    "classifier": by_classifier,
    "regressor, part after part": by_regressor,
    "drawn": partial(by_ranker, negatives="popularity", loss="hinge"),
    "drawn with scores": partial(by_ranker, negatives="uniform", loss="warp"),
    "nonsampled": partial(by_ranker, solver="nonsampled"),
    "folds": by_cross_validation,
    "command": by_command,
    "samples of a number": sampled,
    "samples of classes": partial(sampled, target="clicked", task="binary"),
    "scaled": unlike_numbers,
}


@pytest.mark.parametrize("name", WAYS)
def test_threads_change_nothing(name: str) -> None:
    fit = WAYS[name]
    assert len({fit(n_jobs) for n_jobs in (1, 2, 3)}) == 1


def test_memory_and_disk_give_the_same() -> None:
    assert trained(None) == from_disk(None) == from_disk(None, memory_limit=1)


def test_cores_change_nothing() -> None:
    """In processes that may use one core, and all: BLAS and the defaults follow the cores."""
    cores = sorted(os.sched_getaffinity(0))
    found = []
    for allowed in (cores[:1], cores):
        command = [sys.executable, __file__, json.dumps(allowed)]
        found.append(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert json.loads(found[0]) == json.loads(found[1])


if __name__ == "__main__":
    os.sched_setaffinity(0, json.loads(sys.argv[1]))
    warnings.simplefilter("ignore")
    print(json.dumps({name: fit(None) for name, fit in WAYS.items()}))
