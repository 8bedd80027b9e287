"""Generated data sets, of which the truth is known: the best loss that any model can reach."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.common.tables.table import Table

Array = np.ndarray[Any, Any]
N_ROWS = 20_000


def _chosen(rng: np.random.Generator, n: int, size: int, slope: float = 1.0) -> Array:
    """Return n ids below a size, few of them frequent: the shares follow Zipf's law."""
    shares = 1 / np.arange(1, size + 1) ** slope
    places = rng.choice(size, n, p=shares / shares.sum())
    return np.asarray(rng.permutation(size)[places])


def _drawn(rng: np.random.Generator, score: Array) -> Array:
    return (rng.random(len(score)) < 1 / (1 + np.exp(-score))).astype(int)


def _planted(_: Path) -> pd.DataFrame:
    """A machine of order two: weights and vectors of eight columns of categories."""
    rng = np.random.default_rng(11)
    sizes = (2000, 500, 200, 50, 30, 12, 7, 4)
    score, total, squares = np.full(N_ROWS, -1.5), np.zeros((N_ROWS, 4)), np.zeros((N_ROWS, 4))
    columns = {}
    for number, size in enumerate(sizes):
        values = _chosen(rng, N_ROWS, size)
        columns[f"column{number}"] = [f"v{value}" for value in values]
        vectors = rng.normal(0, 0.4, (size, 4))[values]
        score += rng.normal(0, 0.3, size)[values]
        total, squares = total + vectors, squares + vectors**2
    score += (total**2 - squares).sum(axis=1) / 2
    return pd.DataFrame({**columns, "clicked": _drawn(rng, score)})


def _access(_: Path) -> pd.DataFrame:
    """A log of requests for access: every column is a number that names something.

    A person has a manager, a department, a title and a role family; whether a request is granted
    depends on how well the department and the title fit the resource. Most are.
    """
    rng = np.random.default_rng(12)
    people, resources = 3000, 1500
    department = _chosen(rng, people, 150)
    title = _chosen(rng, people, 120)
    facts = {
        "mgr_id": rng.integers(0, 12, people) + 12 * department,
        "role_rollup_1": department // 20,
        "role_rollup_2": department // 5,
        "role_deptname": department,
        "role_title": title,
        "role_family": title // 8,
        "role_code": title,
    }
    person, resource = _chosen(rng, N_ROWS, people, 0.6), _chosen(rng, N_ROWS, resources)
    vectors = [rng.normal(0, 0.8, (size, 3)) for size in (150, 120, resources)]
    of_person = vectors[0][department[person]] + vectors[1][title[person]]
    score = 3.2 + (of_person * vectors[2][resource]).sum(axis=1)
    score += rng.normal(0, 0.7, resources)[resource]
    # Each name is a number of its own in a wide range, as the sequence of a database gives it.
    columns = {"resource": resource} | {name: values[person] for name, values in facts.items()}
    named = {
        name: np.sort(rng.choice(120_000, values.max() + 1, replace=False))[values]
        for name, values in columns.items()
    }
    return pd.DataFrame({"action": _drawn(rng, score), **named})


def _auction(_: Path) -> pd.DataFrame:
    """Clicks on adverts: a time stamp, counts that are mostly zero, prices with a heavy tail."""
    rng = np.random.default_rng(13)
    site, advert, device = (_chosen(rng, N_ROWS, size) for size in (800, 300, 6))
    seconds = np.sort(rng.integers(0, 28 * 86_400, N_ROWS))
    price = np.exp(rng.normal(3, 1.4, N_ROWS)).round(2)
    seen = np.where(rng.random(N_ROWS) < 0.9, 0, rng.geometric(0.05, N_ROWS))
    hour = seconds // 3600 % 24
    score = -2.3 - 0.4 * (np.log(price) - 3) - 0.7 * (seen > 0) + 0.5 * np.cos((hour - 20) / 3.82)
    score += rng.normal(0, 0.5, 800)[site] + rng.normal(0, 0.5, 300)[advert]
    vectors = [rng.normal(0, 0.6, (size, 3)) for size in (800, 300)]
    score += (vectors[0][site] * vectors[1][advert]).sum(axis=1)
    time = pd.Timestamp("2026-03-02") + pd.to_timedelta(seconds, unit="s")
    return pd.DataFrame(
        {
            "time": time,
            "site": [f"site{value}.example" for value in site],
            "advert": advert + 7_000_000,
            "device": np.array(["phone", "tablet", "desktop", "tv", "watch", "car"])[device],
            "price": price,
            "times_seen": seen,
            "clicked": _drawn(rng, score),
        }
    )


HERE = "generated here"
TABLES = (
    Table(
        name="planted", read=_planted, target="clicked", task="binary", apart=True,
        kinds=("clicks", "categories"), source=HERE, licence="ours",
    ),
    Table(
        name="access", read=_access, target="action", task="binary",
        codes=("resource", "mgr_id", "role_rollup_1", "role_rollup_2", "role_deptname",
               "role_title", "role_family", "role_code"),
        kinds=("codes", "imbalanced"), source=HERE, licence="ours",
    ),
    Table(
        name="auction", read=_auction, target="clicked", task="binary", time="time",
        codes=("advert",), dates=("time",),
        kinds=("clicks", "dates", "heavy", "codes"), source=HERE, licence="ours",
    ),
)  # fmt: skip
