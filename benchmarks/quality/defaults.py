"""Time to the best validation loss for candidates of the default settings.

``python -m benchmarks quality/defaults`` trains each candidate with early stopping on Frappe,
MovieLens 1M, the Criteo sample and generated clicks, with several seeds on one thread. A
candidate's loss is that of the best epoch; its time is what all epochs up to it took, in seconds of
the processor. The whole takes about eight minutes on a quiet machine. ``quality/public`` says where
the public data come from; test parts are not used here.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.common.clicks import click_rows
from benchmarks.common.public import add_data
from benchmarks.common.report import Report, markdown
from fieldfare.config import ModelConfig, SolverConfig
from fieldfare.data.loading import Dataset, load
from fieldfare.exceptions import DivergenceError
from fieldfare.training.functions import train

TITLE, TAKES = "Candidates for the defaults", "under ten minutes"
Settings = dict[str, Any]
SPLIT_SEED = 2024
PATIENCE, MOST_EPOCHS = 3, 40

# What stands now, then one thing changed at a time, then what other systems use.
_OPTIONS: dict[str, Settings] = {
    "as it is": {},
    "learning_rate 0.1": {"learning_rate": 0.1},
    "learning_rate 0.2": {"learning_rate": 0.2},
    "learning_rate 0.3": {"learning_rate": 0.3},
    "learning_rate 0.4": {"learning_rate": 0.4},
    "learning_rate 0.6": {"learning_rate": 0.6},
    "instance_norm": {"instance_norm": True},
    "init_scale 0.05": {"init_scale": 0.05},
    "init_scale 0.2": {"init_scale": 0.2},
    "init_scale 0.3": {"init_scale": 0.3},
    "rowwise": {"solver": "rowwise_adagrad"},
    "rowwise, learning_rate 0.2": {"solver": "rowwise_adagrad", "learning_rate": 0.2},
    "rowwise, learning_rate 0.4": {"solver": "rowwise_adagrad", "learning_rate": 0.4},
    "rowwise, learning_rate 0.6": {"solver": "rowwise_adagrad", "learning_rate": 0.6},
    "rowwise, init_scale 0.2": {"solver": "rowwise_adagrad", "init_scale": 0.2},
    "sgd, learning_rate 0.1": {"solver": "sgd", "learning_rate": 0.1},
    "sgd, learning_rate 0.3": {"solver": "sgd", "learning_rate": 0.3},
    "ftrl, learning_rate 0.2": {"solver": "ftrl", "learning_rate": 0.2},
    "ftrl, learning_rate 0.4": {"solver": "ftrl", "learning_rate": 0.4},
    "no penalty": {"l2_linear": 0.0, "l2_factors": 0.0},
    "l2_factors 1e-5": {"l2_factors": 1e-5},
    "l2_factors 1e-3": {"l2_factors": 1e-3},
    "xlearn's: instance_norm, learning_rate 0.2, l2 2e-5": {
        "instance_norm": True, "learning_rate": 0.2, "l2_linear": 2e-5, "l2_factors": 2e-5,
    },
}  # fmt: skip


def _distinct(options: dict[str, Settings]) -> dict[str, Settings]:
    """Leave out what is the same as an option before it: a default named again."""
    defaults = asdict(ModelConfig()) | asdict(SolverConfig())
    found: dict[str, Settings] = {}
    for name, settings in options.items():
        if all(defaults | settings != defaults | other for other in found.values()):
            found[name] = settings
    return found


CANDIDATES = _distinct(_OPTIONS)


@dataclass(frozen=True)
class Problem:
    """Training and validation data, encoded, and the task."""

    training: Any
    validation: Any
    task: str


def frappe(data: Path, n_rows: int) -> Problem:
    del n_rows
    parts = [data / "frappe" / f"frappe_x1.{part}.ffm.gz" for part in ("train", "valid")]
    training = load(parts[0])
    return Problem(training, load(parts[1], schema=training.schema), "binary")


def ml_1m(data: Path, n_rows: int) -> Problem:
    del n_rows
    ratings = pd.read_csv(data / "ml-1m" / "ratings.csv.gz", dtype={"user": str, "item": str})
    return Problem(*_split(ratings, "rating"), "regression")


def criteo(data: Path, n_rows: int) -> Problem:
    del n_rows
    names = ["label", *(f"count{n}" for n in range(13)), *(f"category{n}" for n in range(26))]
    table = pd.read_csv(
        data / "criteo-10k" / "train.tsv.gz", sep="\t", header=None, names=names,
        dtype={name: str for name in names if name.startswith("category")},
    )  # fmt: skip
    return Problem(*_split(table, "label"), "binary")


def clicks(data: Path, n_rows: int) -> Problem:
    del data
    return Problem(click_rows(n_rows), click_rows(max(n_rows // 5, 1), part=2), "binary")


PROBLEMS: dict[str, Callable[[Path, int], Problem]] = {
    "frappe": frappe, "ml-1m": ml_1m, "criteo-10k": criteo, "clicks": clicks,
}  # fmt: skip


def _split(table: pd.DataFrame, target: str) -> tuple[Dataset, Dataset]:
    """Hold a tenth of the rows out, the same ones each time."""
    order = np.random.default_rng(SPLIT_SEED).permutation(len(table))
    held, kept = np.split(order, [len(table) // 10])
    training = load(table.iloc[np.sort(kept)], target=target)
    return training, load(table.iloc[np.sort(held)], schema=training.schema)


def run(problem: Problem, model: str, settings: Settings, seed: int) -> dict[str, float]:
    """Train once and return the best validation loss and the way to it."""
    wall, processor = time.perf_counter(), time.process_time()
    try:
        result = train(
            problem.training, valid=problem.validation, model=model, task=problem.task,
            random_state=seed, n_jobs=1, max_iter=MOST_EPOCHS, n_iter_no_change=PATIENCE,
            eval_metric="rmse" if problem.task == "regression" else "logloss", **settings,
        )  # fmt: skip
    except DivergenceError:
        return {"loss": float("inf"), "seconds": float("inf"), "epochs": 0}
    history = result.history
    epochs = int(history.best["epoch"])
    metric = "valid_rmse" if problem.task == "regression" else "valid_logloss"
    # One thread computes, so that its share of the processor tells what other work took away.
    share = (time.process_time() - processor) / (time.perf_counter() - wall)
    seconds = min(share, 1) * float(sum(history["seconds"][:epochs]))
    return {"loss": history.best[metric], "seconds": seconds, "epochs": epochs}


def add_options(parser: ArgumentParser) -> None:
    add_data(parser)
    parser.add_argument("--problems", nargs="+", choices=list(PROBLEMS), default=list(PROBLEMS))
    parser.add_argument("--models", nargs="+", choices=["linear", "fm", "ffm"], default=["fm"])
    parser.add_argument(
        "--candidates",
        nargs="+",
        choices=list(CANDIDATES),
        default=list(CANDIDATES),
        metavar="NAME",
    )
    parser.add_argument("--rows", type=int, default=300_000, help="generated rows")
    parser.add_argument("--seeds", type=int, default=3)


def measure(options: Namespace) -> dict[str, Any]:
    """Go through the candidates once a seed, so that an hour's noise hits all of them."""
    found: dict[tuple[str, str, str], list[dict[str, float]]] = {}
    for name in options.problems:
        problem = PROBLEMS[name](options.data, options.rows)
        start = time.monotonic()
        for seed in range(1, options.seeds + 1):
            for model in options.models:
                for candidate in options.candidates:
                    figures = run(problem, model, CANDIDATES[candidate], seed)
                    found.setdefault((name, model, candidate), []).append(figures)
        print(f"{name}: {time.monotonic() - start:.0f} s", flush=True)
    runs = [
        {
            "problem": name,
            "model": model,
            "candidate": candidate,
            "settings": CANDIDATES[candidate],
            **{key: median(run[key] for run in runs) for key in ("loss", "seconds", "epochs")},
            "losses": [run["loss"] for run in runs],
        }
        for (name, model, candidate), runs in found.items()
    ]
    return {"runs": runs}


def tell(report: Report) -> Iterator[str]:
    settings = report.settings
    yield (
        "Best validation loss (RMSE on MovieLens), the processor's seconds that it took, and its "
        f"epoch; medians of {settings['seeds']} seeds, one thread, up to {MOST_EPOCHS} epochs, "
        f"patience {PATIENCE}. "
        f"The excess is over the best candidate of each problem. Clicks: {settings['rows']:,} rows."
    )
    for model in settings["models"]:
        yield f"## {model.upper()}"
        yield table(report.figures["runs"], model)


def table(found: list[dict[str, Any]], model: str) -> str:
    """Return one row a candidate: loss and seconds on each problem, and both against the best."""
    problems = list(dict.fromkeys(figure["problem"] for figure in found))
    of = {(f["problem"], f["candidate"]): f for f in found if f["model"] == model}
    least = {p: min(f["loss"] for (q, _), f in of.items() if q == p) for p in problems}
    rows = []
    for candidate in dict.fromkeys(candidate for _, candidate in of):
        own = [of[problem, candidate] for problem in problems]
        worse = [f["loss"] / least[f["problem"]] - 1 for f in own]
        cells = [f"{f['loss']:.4f} in {f['seconds']:.1f} s ({f['epochs']:.0f})" for f in own]
        total = sum(f["seconds"] for f in own)
        rows.append([candidate, *cells, f"{np.mean(worse):+.2%}", f"{total:.1f}"])
    return markdown(["candidate", *problems, "mean excess of loss", "seconds in all"], rows)
