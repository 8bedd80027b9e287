"""What the comparison asks of every system: a Job becomes a command, its output becomes figures."""

from __future__ import annotations

import json
import shutil
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common.process import Finished

FROM_TEXT = ("read", "whole")


@dataclass(frozen=True)
class Job:
    """One thing to measure.

    Attributes
    ----------
    kind : str
        ``read`` text to memory; ``train`` for seconds an epoch, without validation; ``loss`` after
        each epoch on the test part; ``whole``: from text to a model file; ``pass``: one epoch from
        the binary form of the data, whole process; ``predict`` from the binary form to a text file;
        ``disk``: train with little memory.
    model : str
        ``linear``, ``fm`` or ``ffm``; empty for reading.
    k, epochs, threads : int
    norm : bool
        Whether samples are scaled to unit length.
    """

    kind: str
    model: str = ""
    k: int = 0
    epochs: int = 1
    threads: int = 1
    norm: bool = True

    @property
    def title(self) -> str:
        """A name for tables, without what other columns say."""
        name = {"": "", "linear": "LR", "fm": f"FM k={self.k}", "ffm": f"FFM k={self.k}"}
        what = {
            "read": "read text",
            "whole": f"{name[self.model]}, text to model, {self.epochs} epochs",
            "pass": f"{name[self.model]}, one pass from the cache",
            "disk": f"{name[self.model]}, {self.epochs} epochs out of core",
        }
        return what.get(self.kind, name[self.model]) + ("" if self.norm else ", not normalised")


@dataclass(frozen=True)
class Data:
    """The generated files, ``NAME.ffm``, ``NAME.svm`` and ``NAME.vw`` for train and test."""

    folder: Path
    about: dict[str, Any] = field(compare=False)

    @property
    def n_rows(self) -> int:
        return int(self.about["train"]["rows"])

    @property
    def n_test_rows(self) -> int:
        return int(self.about["test"]["rows"])

    @property
    def n_features(self) -> int:
        return int(self.about["features"])

    def labels(self, part: str) -> Any:
        """Return the labels of a part, 0 or 1."""
        with (self.folder / f"{part}.svm").open("rb") as lines:
            return np.array([line[:1] == b"1" for line in lines], np.float64)


class System(ABC):
    """A program that learns from the data.

    Parameters
    ----------
    work : Path
        A folder of its own, not there yet; it gets links to the data.
    data : Data
        What it learns from: all rows, or the first few for a slow system.
    """

    name: str
    # How seconds are taken; printed beside the table.
    method = "its own clock an epoch"
    # Form of text that it reads.
    text = "ffm"
    # Whether it takes so long that it is run once, and with one rank of FM only.
    once = False
    # Whether it even gets few rows only.
    slow = False

    def __init__(self, work: Path, data: Data) -> None:
        self.work, self.data = work, data
        self._link(work)

    @abstractmethod
    def version(self) -> str:
        """Return what it says of its version."""

    @abstractmethod
    def supports(self, job: Job) -> bool:
        """Return whether it can do a job."""

    @abstractmethod
    def command(self, job: Job) -> list[str]:
        """Return the command to be timed."""

    @abstractmethod
    def figures(self, job: Job, done: Finished) -> dict[str, Any]:
        """Return ``seconds`` (an epoch, reading, predicting, or all), and ``losses`` if it can."""

    def setting_up(self) -> list[list[str]]:
        """Return commands to be run once, not timed: they leave the binary form of the data."""
        return []

    def before(self, job: Job) -> None:
        """Make an untouched folder ``cold`` in ``work``, if the job is to start from text."""
        if job.kind in FROM_TEXT:
            shutil.rmtree(self.work / "cold", ignore_errors=True)
            self._link(self.work / "cold")

    def _link(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        for file in self.data.folder.iterdir():
            if file.suffix == ".bin":  # what a system has left there on another occasion
                continue
            (folder / file.name).symlink_to(file.resolve())

    def environment(self) -> dict[str, str]:
        """Return variables for its processes."""
        return {}


def logloss(probability: Any, labels: Any) -> float:
    """Return the mean negative log likelihood."""
    p = np.clip(np.asarray(probability, np.float64), 1e-15, 1 - 1e-15)
    return float(-np.mean(np.where(labels > 0, np.log(p), np.log1p(-p))))


def last_json(output: str) -> dict[str, Any]:
    """Return the object on the last line, which is how workers answer."""
    found: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    return found
