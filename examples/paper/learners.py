"""Learners: error against iterations and against seconds, on MovieLens 100k and 1M.

Based on figure 6 of Rendle (TIST 2012), on available data: SGD, SGD with adaptive regularisation
(SGDA), alternating least squares (ALS) and Gibbs sampling (the error is that of the predictions
averaged so far) train the same FM of user and film, on one thread each. Step sizes and penalties
are the best of the options below by the mean error on validation rows in the last five iterations.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from _common import SEED, Figure, Run, arguments, curve, finish, movielens_1m, split, table
from fieldfare import sample, train

K = 8
WARMUP = 5


class Learner(NamedTuple):
    """The settings to choose from, and how long to train."""

    options: list[dict[str, Any]]
    n_iter: int


class Course(NamedTuple):
    """Error on held-out rows, and seconds of training so far, after each iteration."""

    rmse: list[float]
    seconds: list[float]


def grid(**values: Sequence[Any]) -> list[dict[str, Any]]:
    """Return all combinations."""
    return [dict(zip(values, chosen, strict=True)) for chosen in product(*values.values())]


LEARNERS: dict[str, Learner] = {
    "SGD": Learner(grid(solver=["sgd"], learning_rate=[0.02, 0.06], l2_factors=[0.025, 0.05]), 40),
    "SGDA": Learner(grid(solver=["sgda"], learning_rate=[0.02, 0.06]), 40),
    "ALS": Learner(grid(solver=["als"], l2_factors=[0.05, 0.1, 0.2]), 25),
    "Gibbs": Learner([{}], 80),
}


def movielens_100k(run: Run) -> pd.DataFrame:
    """Return user, film and rating."""
    names = ["user", "item", "rating"]
    return pd.read_csv(
        run.data / "ml-100k" / "u.data", sep="\t", names=names, usecols=range(3),
        dtype={"user": str, "item": str, "rating": np.float64},
    )  # fmt: skip


def course(name: str, option: dict[str, Any], rows: Any, held: Any, n_iter: int) -> Course:
    """Train, and return the error after each iteration."""
    common = {"target": "rating", "n_factors": K, "random_state": SEED, "n_jobs": 1}
    if name == "Gibbs":
        trace = sample(
            rows, valid=held, task="regression", n_warmup=WARMUP, n_samples=n_iter - WARMUP,
            n_keep_samples=0, **common,
        ).trace  # fmt: skip
        return Course(list(trace["valid_rmse"]), list(np.cumsum(trace["seconds"])))
    settings: dict[str, float] = {}
    if "l2_factors" in option:  # at each visit, as in the paper
        settings = {"l2_linear": option["l2_factors"] / 2, "l2_exponent": 1.0}
    history = train(
        rows, valid=held, task="regression", max_iter=n_iter, early_stopping=False,
        eval_metric="rmse", **common | option | settings,
    ).history  # fmt: skip
    return Course(history["valid_rmse"], list(np.cumsum(history["seconds"])))


def measured(table: pd.DataFrame, n_iter: int | None) -> dict[str, Any]:
    """Return the course of each learner on test rows, with the settings that validation chose."""
    rows, valid, test = split(table)
    found = {}
    for name, learner in LEARNERS.items():
        length, options = n_iter or learner.n_iter, learner.options
        errors = [0.0]
        if len(options) > 1:
            courses = [course(name, one, rows, valid, length) for one in options[:n_iter]]
            errors = [float(np.mean(one.rmse[-5:])) for one in courses]
        chosen = options[int(np.argmin(errors))]
        taken = course(name, chosen, rows, test, length)
        found[name] = {"chosen": chosen, **taken._asdict()}
        print(name, chosen, min(taken.rmse[WARMUP:], default=None), taken.seconds[-1], flush=True)
    return found


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and draw."""
    run, started = arguments(__doc__, argv), time.perf_counter()
    ratings = {"MovieLens 100k": movielens_100k(run)}
    if run.small:
        ratings = {"MovieLens 100k": ratings["MovieLens 100k"][:5000]}
    else:
        ratings["MovieLens 1M"] = movielens_1m(run)
    found = {name: measured(rows, 7 if run.small else None) for name, rows in ratings.items()}
    finish(run, drawn(found), started)


def drawn(found: dict[str, Any]) -> Figure:
    """Return the figure."""
    tables = [
        table(
            [name, "iterations", "last RMSE", "best RMSE", "at iteration", "seconds"],
            [
                [learner, len(c["rmse"]), c["rmse"][-1], float(np.nanmin(c["rmse"])),
                 int(np.nanargmin(c["rmse"])) + 1, f"{c['seconds'][-1]:.2f}"]
                for learner, c in courses.items()
            ],
        )
        for name, courses in found.items()
    ]  # fmt: skip

    def panel(name: str, against: str) -> Any:
        def draw(axes: Any) -> None:
            for learner, c in found[name].items():
                x = c["seconds"] if against == "seconds" else range(1, len(c["rmse"]) + 1)
                curve(axes, x, c["rmse"], learner, marker="")
            least = min(np.nanmin(c["rmse"]) for c in found[name].values())
            axes.set(xlabel=against, ylabel="test RMSE", title=name,
                     ylim=(least - 0.003, least + 0.06))  # fmt: skip
            if against == "seconds":
                axes.set_xscale("log")

        return draw

    panels = [panel(*one) for one in product(found, ("iterations", "seconds"))]
    return Figure("learners", panels, found, tables)


if __name__ == "__main__":
    main()
