"""fieldfare, through the command line for whole jobs and ``workers/fieldfare_worker.py`` else."""

from __future__ import annotations

import json
import sys
from typing import Any

from benchmarks.common.process import Finished
from benchmarks.peers.install import WORKERS
from benchmarks.peers.systems.base import Job, System, last_json

WORKER = WORKERS / "fieldfare_worker.py"
# Step size and penalty as xLearn and libffm have them by default. AdaGrad with one step size for
# each latent vector halves the memory of FFM; what it does to the loss stands beside the times.
SETTINGS = {
    "solver": "rowwise_adagrad",
    "learning_rate": 0.2,
    "l2_linear": 2e-5,
    "l2_factors": 2e-5,
}
# A quarter of what the rows take on disk: pages have to be given back many times an epoch.
BUDGET_MB = 64


class Fieldfare(System):
    """This library."""

    name = "fieldfare"

    def version(self) -> str:
        import fieldfare

        return fieldfare.__version__

    def supports(self, job: Job) -> bool:
        return True

    def setting_up(self) -> list[list[str]]:
        return [self._worker("prepare")]

    def environment(self) -> dict[str, str]:
        return {"FIELDFARE_CACHE": str(self.work / "cache")}

    def command(self, job: Job) -> list[str]:
        if job.kind == "read":
            return self._worker("read", threads=job.threads)
        if job.kind == "predict":
            return self._worker("predict", model=f"{self._name(job)}.ff", threads=job.threads)
        if job.kind in ("train", "loss"):
            settings = SETTINGS | {
                "model": job.model, "n_factors": max(job.k, 1), "instance_norm": job.norm,
                "max_iter": job.epochs, "n_jobs": job.threads, "random_state": 1,
                "deterministic": False,
            }  # fmt: skip
            saved = f"{self._name(job)}.ff" if job.kind == "loss" else None
            return self._worker("train", settings=settings, save=saved, valid=job.kind == "loss")
        return self._train(job)

    def _train(self, job: Job) -> list[str]:
        """Return ``fieldfare train``, as a person would type it."""
        options = [
            f"--{name.replace('_', '-')}={value}"
            for name, value in (SETTINGS | {"model": job.model}).items()
        ]
        options += [f"--epochs={job.epochs}", f"--threads={job.threads}", "--seed=1", "--quiet"]
        options += ["--no-deterministic"]
        options += ["--no-early-stopping", f"--output={job.kind}.ff"]
        options += ["--instance-norm"] if job.norm else []
        options += [f"--n-factors={job.k}"] if job.k else []
        options += [f"--memory-limit={BUDGET_MB}"] if job.kind == "disk" else []
        command = [sys.executable, "-m", "fieldfare", "train", "train.ffm", *options]
        if job.kind == "whole":
            # Text has to be read: another cache, emptied before each run.
            command = ["env", "FIELDFARE_CACHE=cold/cache", *command]
        return command

    def figures(self, job: Job, done: Finished) -> dict[str, Any]:
        if job.kind in ("whole", "pass", "disk"):
            return {"seconds": done.seconds}
        return last_json(done.output)

    def _name(self, job: Job) -> str:
        return f"{job.model}-{job.k}-{job.norm}"

    @staticmethod
    def _worker(action: str, **request: Any) -> list[str]:
        return [sys.executable, str(WORKER), json.dumps({"action": action} | request)]
