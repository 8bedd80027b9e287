"""Time ``fieldfare train`` on a million rows, and check training out of core.

``python benchmarks/run.py`` generates the data once (``benchmarks/generate.py``, about a minute),
trains FMs and an FFM several times in processes of their own, from text to model file, and reports
the median wall time, the peak memory and the test loss. Then it trains from disk under a memory
budget and compares the model with the one trained in memory, array by array.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _report import markdown, median, write
from generate import generate

ROOT = Path(__file__).resolve().parent.parent
# Unit length, step size and penalty as xLearn and libffm have them by default.
USUAL = ["--instance-norm", "--learning-rate", "0.2", "--l2-linear", "2e-5", "--l2-factors", "2e-5"]
JOBS: dict[str, list[str]] = {
    "FM k=4, 5 epochs": ["--model", "fm", "-k", "4", "--epochs", "5", *USUAL],
    "FM k=16, 5 epochs": ["--model", "fm", "-k", "16", "--epochs", "5", *USUAL],
    "FFM k=4, 2 epochs": ["--model", "ffm", "-k", "4", "--epochs", "2", *USUAL],
}
SEED = ["--seed", "1", "--no-early-stopping", "--quiet"]
# A quarter of what the rows take on disk: pages have to be given back many times an epoch.
BUDGET_MB = 64


@dataclass(frozen=True)
class Finished:
    """A process that has ended: wall seconds, peak resident megabytes, what it printed."""

    seconds: float
    peak_mb: float
    output: str


def fieldfare(arguments: list[str], cache: Path) -> Finished:
    """Run a command in a process of its own."""
    environment = os.environ | {"FIELDFARE_CACHE": str(cache)}
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "fieldfare", *arguments], stdout=output, env=environment
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - start
        output.seek(0)
        text = output.read()
    if process.returncode != 0:
        raise RuntimeError(f"fieldfare {' '.join(arguments)} ended with {process.returncode}")
    return Finished(seconds, usage.ru_maxrss / 1024, text)


def train_jobs(data: Path, work: Path, repeats: int, threads: list[int]) -> list[dict[str, Any]]:
    """Train each job from text, then again from the cached rows, the variants interleaved."""
    runs: dict[tuple[str, int], list[tuple[Finished, Finished]]] = {}
    losses = {}
    for repeat in range(repeats):
        for name, options in JOBS.items():
            for n in threads:
                cache, model = work / "cache", work / "model.ff"
                command = ["train", str(data / "train.ffm"), "-o", str(model), *options, *SEED]
                command += ["--threads", str(n)]
                cold = fieldfare(command, cache)
                warm = fieldfare(command, cache)
                runs.setdefault((name, n), []).append((cold, warm))
                if repeat == 0:
                    test = ["evaluate", str(data / "test.ffm"), "-m", str(model), "--json"]
                    losses[name, n] = json.loads(fieldfare(test, cache).output)
                _empty(cache)
    return [
        {
            "job": name,
            "threads": n,
            "cold_seconds": median(cold.seconds for cold, _ in pairs),
            "warm_seconds": median(warm.seconds for _, warm in pairs),
            "peak_mb": max(cold.peak_mb for cold, _ in pairs),
            "logloss": losses[name, n]["logloss"],
            "auc": losses[name, n]["auc"],
            "runs": len(pairs),
        }
        for (name, n), pairs in runs.items()
    ]


def out_of_core(data: Path, work: Path) -> list[dict[str, Any]]:
    """Train on one thread in memory and under the budget, and compare the parameters."""
    import numpy as np

    from fieldfare.persist.file import load_model

    found = []
    for name, options in JOBS.items():
        models, ended = {}, {}
        for how, limit in (("memory", []), ("disk", ["--memory-limit", str(BUDGET_MB)])):
            path = work / f"{how}.ff"
            command = ["train", str(data / "train.ffm"), "-o", str(path), *options, *SEED]
            ended[how] = fieldfare([*command, "--threads", "1", *limit], work / "cache")
            models[how] = load_model(path)
        same = all(
            np.array_equal(getattr(models["memory"], part), getattr(models["disk"], part))
            for part in ("bias", "linear", "factors")
        )
        found.append(
            {
                "job": name,
                "same": same,
                "model_mb": models["disk"].nbytes / 1e6,
                "memory_peak_mb": ended["memory"].peak_mb,
                "disk_peak_mb": ended["disk"].peak_mb,
            }
        )
    _empty(work / "cache")
    return found


def _empty(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def _data(folder: Path, rows: int) -> dict[str, Any]:
    about = folder / "about.json"
    if not about.exists():
        generate(folder, {"train": rows, "test": max(rows // 5, 1)}, seed=1)
    found: dict[str, Any] = json.loads(about.read_text())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "benchmarks")
    arguments = parser.parse_args()
    folder = arguments.folder / f"clicks-{arguments.rows}"
    about = _data(folder, arguments.rows)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as work:
        trained = train_jobs(folder, Path(work), arguments.repeats, arguments.threads)
        compared = out_of_core(folder, Path(work))
    size = (folder / "train.ffm").stat().st_size / 1e6
    parts = [
        f"{about['train']['rows']:,} rows, {about['fields']} fields, {about['features']:,} "
        f"features, {size:.0f} MB of libffm text. Test logloss: "
        f"{about['test']['constant_logloss']:.4f} for a constant, "
        f"{about['test']['best_logloss']:.4f} for the planted model. Medians of "
        f"{arguments.repeats} runs of `fieldfare train`, whole process: from text, and again from "
        "the cached rows.",
        markdown(
            [
                "job",
                "threads",
                "s from text",
                "s from cache",
                "peak MB",
                "test logloss",
                "test AUC",
            ],
            [[value for key, value in row.items() if key != "runs"] for row in trained],
        ),
        f"Out of core on one thread, `--memory-limit {BUDGET_MB}`:",
        markdown(
            ["job", "same model", "model MB", "peak MB in memory", "peak MB from disk"],
            [
                [
                    row["job"],
                    "yes" if row["same"] else "NO",
                    row["model_mb"],
                    row["memory_peak_mb"],
                    row["disk_peak_mb"],
                ]
                for row in compared
            ],
        ),
    ]
    write("run", "Training a million rows", parts, {"train": trained, "out_of_core": compared})


if __name__ == "__main__":
    main()
