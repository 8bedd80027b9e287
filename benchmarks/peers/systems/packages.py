"""Packages from PyPI that are used from Python: each has a script in ``workers/``.

They are slow on this kind of data, or hold it in float64: they get the first tenth of the rows, and
the figures are scaled to all of them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.common.process import Finished
from benchmarks.peers.install import WORKERS
from benchmarks.peers.systems.base import Data, Job, System, last_json


@dataclass(frozen=True)
class About:
    """What a package can do: kinds of jobs by model ("" is reading), and how it is timed."""

    package: str
    jobs: dict[str, tuple[str, ...]]
    method: str
    threaded: bool = False
    text: str = "ffm"


PACKAGES = {
    "scikit-learn": About(
        "scikit-learn",
        {"": ("read",), "linear": ("train",)},
        "load_svmlight_file; SGDClassifier.partial_fit, one call an epoch",
        text="svm",
    ),
    "modern-fm": About(
        "modern-fm",
        {"": ("read",), "fm": ("train",)},
        "load_libffm; fit, what more epochs take",
        threaded=True,
    ),
    "myfm": About("myfm", {"fm": ("train",)}, "Gibbs sampling: fit, what more sweeps take"),
    "pylibffm": About(
        "pylibffm", {"ffm": ("train",)}, "libffm's core: train_with_bin, what more epochs take"
    ),
}


class Package(System):
    """A package in the environment for peers."""

    once = slow = True

    def __init__(self, name: str, work: Path, data: Data, python: Path, version: str) -> None:
        super().__init__(work, data)
        self.name, self.python, self._version = name, python, version
        self.about = PACKAGES[name]
        self.method = self.about.method
        self.text = self.about.text

    def version(self) -> str:
        return self._version

    def supports(self, job: Job) -> bool:
        if job.threads > 1 and (job.kind == "read" or not self.about.threaded):
            return False
        return job.kind in self.about.jobs.get(job.model, ())

    def setting_up(self) -> list[list[str]]:
        # Text is read once here: it takes these packages longer than training.
        return [self._worker({"kind": "prepare"})]

    def command(self, job: Job) -> list[str]:
        return self._worker(
            {"kind": job.kind, "k": job.k, "epochs": job.epochs, "threads": job.threads}
        )

    def figures(self, job: Job, done: Finished) -> dict[str, Any]:
        return last_json(done.output)

    def _worker(self, request: dict[str, Any]) -> list[str]:
        script = WORKERS / f"{self.name.replace('-', '_')}_worker.py"
        return [str(self.python), str(script), json.dumps(request)]
