"""Vowpal Wabbit (from PyPI) and fwumious_wabbit (FIELDFARE_BENCH_FWUMIOUS): one pass of LR."""

from __future__ import annotations

import os
import string
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common.process import Finished
from benchmarks.peers.systems.base import Data, Job, System, logloss

# The flags that both know, with the defaults of the former.
USUAL = ["-b", "20", "--loss_function", "logistic", "--link", "logistic", "-l", "0.5"]
USUAL += ["--power_t", "0.5", "--hash", "all"]


class Wabbit(System):
    """What the two have in common: text with namespaces, and a cache beside it."""

    method = "whole process"
    text = "vw"

    def __init__(self, work: Path, data: Data, program: list[str]) -> None:
        super().__init__(work, data)
        self.program = program

    def supports(self, job: Job) -> bool:
        if job.kind == "read":
            return job.threads == 1
        return job.model == "linear" and job.kind in ("pass", "loss") and job.epochs == 1

    def setting_up(self) -> list[list[str]]:
        return [[*self.program, "-d", "train.vw", "-c", "-f", "none.model", *USUAL]]

    def command(self, job: Job) -> list[str]:
        if job.kind == "loss":
            first = [*self.program, "-d", "train.vw", "-c", "-f", "model", *USUAL]
            then = [*self.program, "-t", "-d", "test.vw", "-i", "model", "-p", "predictions"]
            return ["sh", "-c", " && ".join(" ".join(part) for part in (first, then))]
        return [*self.program, "-d", "train.vw", "-c", "-f", "none.model", *USUAL]

    def figures(self, job: Job, done: Finished) -> dict[str, Any]:
        if job.kind == "loss":
            found = np.loadtxt(self.work / "predictions", usecols=0)
            return {"losses": [logloss(found, self.data.labels("test"))]}
        return {"seconds": done.seconds}


class VowpalWabbit(Wabbit):
    """The package ``vowpalwabbit``; reading is a run with ``--noop``."""

    name = "vowpalwabbit"

    def __init__(self, work: Path, data: Data, python: Path, version: str) -> None:
        super().__init__(work, data, [str(python), "-m", "vowpalwabbit"])
        self._version = version

    def version(self) -> str:
        return self._version

    def command(self, job: Job) -> list[str]:
        if job.kind == "read":
            return [*self.program, "-d", "train.vw", "--noop"]
        return super().command(job)


class Fwumious(Wabbit):
    """fwumious_wabbit; reading is the making of its cache."""

    name = "fwumious"

    def __init__(self, work: Path, data: Data) -> None:
        super().__init__(
            work, data, [os.environ["FIELDFARE_BENCH_FWUMIOUS"], "--adaptive", "--sgd"]
        )
        names = string.ascii_letters[: int(data.about["fields"])]
        columns = [f"{name},{name}" for name in names]
        self.columns = "\n".join(columns) + "\n"
        (work / "vw_namespace_map.csv").write_text(self.columns)
        self.program += [word for name in names for word in ("--keep", name)]

    def version(self) -> str:
        return "built elsewhere"

    def before(self, job: Job) -> None:
        super().before(job)
        if job.kind == "read":
            (self.work / "cold" / "vw_namespace_map.csv").write_text(self.columns)

    def command(self, job: Job) -> list[str]:
        if job.kind == "read":
            once = ["-d", "cold/train.vw", "-c", "--build_cache_without_training", *USUAL]
            return [*self.program, *once]
        return super().command(job)
