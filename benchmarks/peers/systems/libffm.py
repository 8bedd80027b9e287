"""libffm: its two programs, in the folder that FIELDFARE_BENCH_LIBFFM names."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from benchmarks.common.process import Finished
from benchmarks.peers.systems.base import Data, Job, System

EPOCH = re.compile(r"^\s+\d+\s+[\d.]+\s+([\d.]+)(?:\s+([\d.]+))?\s*$", re.M)


class LibFFM(System):
    """libffm with its defaults: AdaGrad, step size 0.2, penalty 2e-5."""

    name = "libffm"
    method = "its own clock an epoch (tenths of a second); prediction: whole process from text"

    def __init__(self, work: Path, data: Data) -> None:
        super().__init__(work, data)
        self.folder = os.environ["FIELDFARE_BENCH_LIBFFM"]

    def version(self) -> str:
        return "1.23"

    def supports(self, job: Job) -> bool:
        if job.kind == "read":
            return job.threads == 1
        return job.model == "ffm" and job.kind in ("train", "loss", "predict")

    def setting_up(self) -> list[list[str]]:
        once = ["-k", "1", "-t", "1", "-s", "2", "-p", "test.ffm", "train.ffm", "none.model"]
        return [[f"{self.folder}/ffm-train", *once]]

    def command(self, job: Job) -> list[str]:
        if job.kind == "predict":
            return [f"{self.folder}/ffm-predict", "test.ffm", "ffm.model", "predictions"]
        command = [f"{self.folder}/ffm-train", "-k", str(job.k), "-t", str(job.epochs)]
        command += ["-s", str(job.threads)]
        if job.kind == "read":
            # Its binary file appears in the current folder; it cannot be told to read only.
            inside = f"cd cold && {self.folder}/ffm-train -k 1 -t 1 -s 2 train.ffm none.model"
            return ["sh", "-c", inside]
        if job.kind == "loss":
            return [*command, "-p", "test.ffm", "train.ffm", "ffm.model"]
        return [*command, "train.ffm", "none.model"]

    def figures(self, job: Job, done: Finished) -> dict[str, Any]:
        if job.kind == "read":
            found = re.findall(r"text file to binary file \(([\d.]+) seconds\)", done.output)
            return {"seconds": float(found[0])}
        if job.kind == "predict":
            return {"seconds": done.seconds}
        lines = EPOCH.findall(done.output)
        if job.kind == "loss":
            return {"losses": [float(loss) for loss, _ in lines]}
        # Without validation the first of the two columns is the clock, which is never set back.
        return {"seconds": float(lines[-1][0]) / len(lines)}
