"""xLearn: its command line where FIELDFARE_BENCH_XLEARN names the folder of the two programs.

Without it, the Python package of the sdist is driven by ``workers/xlearn_worker.py``, which prints
the same lines.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from benchmarks.common.process import Finished
from benchmarks.peers.install import WORKERS
from benchmarks.peers.systems.base import Data, Job, System

WORKER = WORKERS / "xlearn_worker.py"
MODELS = {"linear": "0", "fm": "1", "ffm": "2"}
# A line of an epoch: percent, number, training loss, perhaps test loss, seconds.
EPOCH = re.compile(r"%\s*\]\s+\d+\s+[\d.]+\s+([\d.]+)(?:\s+([\d.]+))?\s*$", re.M)
COLOUR = re.compile(r"\x1b\[[\d;]*m")
CLOCK = r"Time cost for {}: ([\d.]+) \(sec\)"
TOTAL = r"Total time cost: ([\d.]+) \(sec\)"


class XLearn(System):
    """xLearn with its defaults: AdaGrad, step size 0.2, penalty 2e-5."""

    name = "xlearn"

    def __init__(self, work: Path, data: Data, python: Path | None) -> None:
        super().__init__(work, data)
        folder = os.environ.get("FIELDFARE_BENCH_XLEARN")
        start = [str(python), str(WORKER)]
        self.train = [f"{folder}/xlearn_train"] if folder else [*start, "train"]
        self.predict = [f"{folder}/xlearn_predict"] if folder else [*start, "predict"]

    def version(self) -> str:
        return "0.4.4" if "FIELDFARE_BENCH_XLEARN" in os.environ else "0.40a1 (sdist)"

    def supports(self, job: Job) -> bool:
        if job.kind == "read":
            return job.threads == 1  # it reads with one thread, whatever it is told
        return job.kind in ("train", "loss", "whole", "predict", "disk")

    def setting_up(self) -> list[list[str]]:
        return [
            [*self.train, f"{part}.ffm", "-s", "0", "-e", "1", "-m", "none"]
            for part in ("train", "test")
        ]

    def command(self, job: Job) -> list[str]:
        norm = [] if job.norm else ["--no-norm"]
        log = ["-l", str(self.work / "log")]
        threads = ["-nthread", str(job.threads)]
        if job.kind == "predict":
            out = ["-o", "predictions", *threads, *norm, *log]
            return [*self.predict, "test.ffm", self._model(job), *out]
        if job.kind == "read":
            once = ["-s", "0", "-e", "1", "-m", "none", "--no-bin"]
            return [*self.train, "cold/train.ffm", *once, *threads, *log]
        what = ["-s", MODELS[job.model], "-k", str(max(job.k, 1)), "-e", str(job.epochs)]
        what += ["--dis-es", *threads, *norm, *log]
        if job.kind == "loss":
            return [*self.train, "train.ffm", "-v", "test.ffm", "-m", self._model(job), *what]
        if job.kind == "whole":
            return [*self.train, "cold/train.ffm", "-m", "whole.model", *what]
        disk = ["--disk", "-block", "64"] if job.kind == "disk" else []
        return [*self.train, "train.ffm", "-m", "none", *what, *disk]

    def figures(self, job: Job, done: Finished) -> dict[str, Any]:
        text = COLOUR.sub("", done.output)
        if job.kind == "read":
            return {"seconds": _last(CLOCK.format("reading problem"), text)}
        if job.kind == "predict":
            parts = [_last(CLOCK.format(x), text) for x in ("loading model", "reading problem")]
            return {"seconds": _last(TOTAL, text) - sum(parts)}
        if job.kind in ("whole", "disk"):
            return {"seconds": done.seconds}
        lines = EPOCH.findall(text)
        if job.kind == "loss":
            return {"losses": [float(loss) for loss, _ in lines]}
        return {"seconds": sum(float(seconds) for seconds, _ in lines) / len(lines)}

    @staticmethod
    def _model(job: Job) -> str:
        return f"{job.model}-{job.k}-{job.norm}.model"


def _last(pattern: str, text: str) -> float:
    return float(re.findall(pattern, text)[-1])
