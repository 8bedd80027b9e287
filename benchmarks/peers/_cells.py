"""What the comparison has measured: one Cell for each job and system."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks.common.process import Finished
from benchmarks.peers.systems.base import Job, System

UNITS = {"read": "MB/s", "train": "s/epoch", "predict": "krows/s"}
RATES = ("read", "predict")
OURS = "fieldfare"


@dataclass
class Cell:
    """The runs of one job on one system.

    Attributes
    ----------
    seconds : list of float
        One a run, scaled to all rows where the system had a part of them.
    peaks_mb : list of float
    losses : list of float or None
        After each epoch; None where the system does not tell.
    """

    job: Job
    system: System
    seconds: list[float] = field(default_factory=list)
    peaks_mb: list[float] = field(default_factory=list)
    losses: list[float | None] = field(default_factory=list)
    extra: dict[str, float] = field(default_factory=dict)
    failure: str | None = None

    def add(self, done: Finished, n_rows: int) -> None:
        """Take over what a run gave."""
        if done.failure is None:
            try:
                figures = self.system.figures(self.job, done)
            except (IndexError, KeyError, ValueError, OSError) as error:
                self.failure = f"its output was not understood: {error!r}"
                return
            self.peaks_mb.append(done.peak_mb)
            self.losses = figures.pop("losses", self.losses)
            if "seconds" in figures:
                # Speeds need no scaling: their rows and bytes are those that were given.
                scale = 1.0 if self.job.kind in RATES else n_rows / self.system.data.n_rows
                self.seconds.append(figures.pop("seconds") * scale)
            self.extra |= figures
        else:
            self.failure = done.failure

    @property
    def unit(self) -> str:
        return UNITS.get(self.job.kind, "s")

    @property
    def value(self) -> float | None:
        """The median, in ``unit``."""
        if not self.seconds or self.job.kind == "loss":
            return None
        spent = median(self.seconds)
        if self.job.kind not in RATES:
            return spent
        data = self.system.data
        text = data.folder / f"train.{self.system.text}"
        amount = text.stat().st_size / 1e6 if self.job.kind == "read" else data.n_test_rows / 1e3
        return amount / spent if spent > 0 else None

    @property
    def loss(self) -> float | None:
        """Test logloss after the last epoch."""
        return self.losses[-1] if self.losses else None

    @property
    def peak_mb(self) -> float | None:
        return median(self.peaks_mb) if self.peaks_mb else None

    def ratio(self, ours: Cell | None) -> float | None:
        """How many times as fast we are."""
        if ours is None or not self.value or not ours.value:
            return None
        return ours.value / self.value if self.job.kind in RATES else self.value / ours.value

    def to_json(self, ours: Cell | None, loss: float | None) -> dict[str, Any]:
        job = self.job
        return {
            "system": self.system.name, "kind": job.kind, "job": job.title, "model": job.model,
            "k": job.k, "epochs": job.epochs, "threads": job.threads, "norm": job.norm,
            "seconds": self.seconds, "value": self.value, "unit": self.unit,
            "ratio": self.ratio(ours), "logloss": loss, "losses": self.losses,
            "peak_mb": self.peak_mb, "rows": self.system.data.n_rows, "failure": self.failure,
            **self.extra,
        }  # fmt: skip


class Cells(list[Cell]):
    """All cells, to be looked up."""

    def find(self, system: str, **job: Any) -> Cell | None:
        """Return the first cell of a system whose job has the given attributes."""
        for cell in self:
            same = all(getattr(cell.job, name) == value for name, value in job.items())
            if cell.system.name == system and same:
                return cell
        return None

    def ours(self, job: Job) -> Cell | None:
        return next((c for c in self if c.system.name == OURS and c.job == job), None)

    def loss_of(self, cell: Cell) -> float | None:
        """Return the test logloss after as many epochs as a timed job has."""
        job = cell.job
        curve = self.curve(cell.system.name, job.model, job.k, job.norm)
        if cell.system.slow or curve is None or not curve.losses:
            return None
        # A system that tells the loss at the end only has None before.
        return curve.losses[min(job.epochs, len(curve.losses)) - 1] or curve.loss

    def curve(self, system: str, model: str, k: int, norm: bool) -> Cell | None:
        """Return the longest run of a system that tells its losses."""
        same = [
            cell
            for cell in self
            if cell.system.name == system
            and cell.job.kind == "loss"
            and (cell.job.model, cell.job.k, cell.job.norm) == (model, k, norm)
        ]
        return max(same, key=lambda cell: cell.job.epochs, default=None)
