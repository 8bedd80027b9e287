"""libFM: the program that FIELDFARE_BENCH_LIBFM names; it reads libsvm text only."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common.process import Finished
from benchmarks.peers.systems.base import Data, Job, System, logloss


class LibFM(System):
    """libFM by stochastic gradients, on features as they are."""

    name = "libfm"
    text = "svm"
    once = True
    method = (
        "its own clock an epoch, of processor time, without the evaluation of the training rows "
        "that it makes after each; reading: whole process"
    )

    def __init__(self, work: Path, data: Data) -> None:
        super().__init__(work, data)
        self.program = os.environ["FIELDFARE_BENCH_LIBFM"]
        self.tiny = work / "tiny.svm"
        with (data.folder / "test.svm").open() as lines:
            self.tiny.write_text(next(lines))

    def version(self) -> str:
        return "1.4.4"

    def supports(self, job: Job) -> bool:
        if (job.threads > 1 and job.kind in ("read", "train")) or not job.norm:
            return False
        # Prediction is a part of training.
        known = job.model in ("linear", "fm") and job.kind in ("train", "loss", "whole")
        return job.kind == "read" or known

    def command(self, job: Job) -> list[str]:
        test = "test.svm" if job.kind == "loss" else "tiny.svm"
        command = [self.program, "-task", "c", "-train", "train.svm", "-test", test]
        command += ["-method", "sgd", "-learn_rate", "0.01", "-seed", "1", "-rlog", "rlog"]
        command += ["-iter", str(0 if job.kind == "read" else job.epochs)]
        command += ["-dim", f"1,1,{job.k}", "-out", "predictions"]
        return [*command, "-save_model", "model"] if job.kind == "whole" else command

    def figures(self, job: Job, done: Finished) -> dict[str, Any]:
        if job.kind in ("read", "whole"):
            return {"seconds": done.seconds}
        if job.kind == "loss":
            found = np.loadtxt(self.work / "predictions")
            # It tells no loss after an epoch but the last.
            return {
                "losses": [None] * (job.epochs - 1) + [logloss(found, self.data.labels("test"))]
            }
        with (self.work / "rlog").open() as lines:
            clock = [float(line["time_learn"]) for line in csv.DictReader(lines, delimiter="\t")]
        return {"seconds": sum(clock) / len(clock)}
