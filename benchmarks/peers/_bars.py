"""The bars: what the comparison has to show, and whether it does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.peers._cells import OURS, Cell, Cells
from benchmarks.peers.systems.base import Job

# fwumious_wabbit needs crates that not every machine can have: figures of another machine, for
# orientation where it is not measured.
FWUMIOUS_READ_MBS, FWUMIOUS_PASS_SECONDS = 284.0, 0.94
BUDGET_MB = 256


@dataclass(frozen=True)
class Bar:
    """One line of the table of bars; ``met`` is None where there is nothing to compare with."""

    job: str
    bar: str
    ours: float | None
    theirs: float | None
    found: float | None
    met: bool | None


def bars(cells: Cells, model_mb: float | None) -> list[dict[str, Any]]:
    """Return all bars that the jobs of this run touch."""
    found = [
        *_reading(cells), *_training(cells), *_others(cells), *_losses(cells), *_memory(cells),
    ]  # fmt: skip
    disk = cells.find(OURS, kind="disk")
    if disk is not None and disk.peak_mb is not None and model_mb is not None:
        most = BUDGET_MB + model_mb
        name = f"{disk.job.title}, peak MB"
        bar = f"at most {BUDGET_MB} MB plus the model ({model_mb:.0f} MB)"
        found.append(Bar(name, bar, disk.peak_mb, None, disk.peak_mb, disk.peak_mb <= most))
    return [asdict(bar) for bar in found]


def _faster(name: str, times: float, ours: Cell | None, theirs: Cell | None, who: str) -> Bar:
    ratio = None if theirs is None else theirs.ratio(ours)
    return Bar(
        name,
        f"{times:g}x {who}",
        None if ours is None else ours.value,
        None if theirs is None else theirs.value,
        ratio,
        None if ratio is None else ratio >= times,
    )


def _reading(cells: Cells) -> Iterator[Bar]:
    reads = [c for c in cells if c.system.name == OURS and c.job.kind == "read" and c.value]
    if not reads:
        return
    best = max(reads, key=lambda cell: cell.value or 0)
    name = f"read text, MB/s, {best.job.threads} threads"
    yield _faster(name, 10, best, cells.find("xlearn", kind="read"), "xlearn")
    fwumious = cells.find("fwumious", kind="read")
    if fwumious is not None:
        yield _faster(name, 1.5, best, fwumious, "fwumious")
    elif best.value:
        ratio = best.value / FWUMIOUS_READ_MBS
        bar = "1.5x fwumious (284 MB/s on another machine)"
        yield Bar(name, bar, best.value, FWUMIOUS_READ_MBS, ratio, ratio >= 1.5)


def _training(cells: Cells) -> Iterator[Bar]:
    for job in _jobs(cells, "train"):
        ours = cells.ours(job)
        name = f"{job.title}, s an epoch, {job.threads} threads"
        if job.model == "ffm":
            times = 4 if job.threads == 1 else 3
            for who in ("xlearn", "libffm"):
                theirs = next((c for c in cells if c.system.name == who and c.job == job), None)
                yield _faster(name, times, ours, theirs, who)
        else:
            theirs = next((c for c in cells if c.system.name == "xlearn" and c.job == job), None)
            yield _faster(name, 3 if job.model == "linear" else 8, ours, theirs, "xlearn")


def _others(cells: Cells) -> Iterator[Bar]:
    for job in [*_jobs(cells, "whole"), *_jobs(cells, "predict")]:
        theirs = next((c for c in cells if c.system.name == "xlearn" and c.job == job), None)
        unit = "s" if job.kind == "whole" else "krows/s"
        name = f"{job.title}, {unit}" if job.kind == "whole" else f"predict {job.title}, {unit}"
        yield _faster(name, 8 if job.kind == "whole" else 5, cells.ours(job), theirs, "xlearn")
    for job in _jobs(cells, "pass"):
        ours, theirs = cells.ours(job), cells.find("fwumious", kind="pass")
        if theirs is not None:
            yield _faster(job.title + ", s", 1, ours, theirs, "fwumious")
        elif ours is not None and ours.value:
            ratio = FWUMIOUS_PASS_SECONDS / ours.value
            bar = "1x fwumious (0.94 s on another machine)"
            yield Bar(f"{job.title}, s", bar, ours.value, FWUMIOUS_PASS_SECONDS, ratio, ratio >= 1)


def _losses(cells: Cells) -> Iterator[Bar]:
    """Compare the best of normalised and not, at the same rank and epochs."""
    seen = dict.fromkeys((j.model, j.k, j.epochs) for j in _jobs(cells, "loss"))
    for model, k, epochs in seen:
        same = [
            cell
            for cell in cells
            if cell.job.kind == "loss"
            and (cell.job.model, cell.job.k, cell.job.epochs) == (model, k, epochs)
            and cell.loss is not None
            and not cell.system.slow
        ]
        own = [cell for cell in same if cell.system.name == OURS]
        rest = [cell for cell in same if cell.system.name != OURS]
        ours, theirs = _least(own), _least(rest)
        if ours is None:
            continue
        more = None if theirs is None else ours[0] - theirs[0]
        title = Job("loss", model, k).title
        yield Bar(
            f"{title}, test logloss after {epochs} epochs",
            "no more than the best peer" + ("" if theirs is None else f" ({theirs[1]})"),
            ours[0],
            None if theirs is None else theirs[0],
            more,
            None if more is None else more <= 0,
        )


def _memory(cells: Cells) -> Iterator[Bar]:
    for job in [*_jobs(cells, "train"), *_jobs(cells, "whole")]:
        if job.kind == "train" and job.threads == 1:
            continue
        ours = cells.ours(job)
        theirs = next((c for c in cells if c.system.name == "xlearn" and c.job == job), None)
        if ours is None or ours.peak_mb is None:
            continue
        peak = None if theirs is None else theirs.peak_mb
        ratio = None if peak is None else peak / ours.peak_mb
        met = None if ratio is None else ratio >= 1
        yield Bar(f"{job.title}, peak MB", "1x xlearn", ours.peak_mb, peak, ratio, met)


def _least(cells: Iterable[Cell]) -> tuple[float, str] | None:
    found = [
        (cell.loss, cell.system.name + ("" if cell.job.norm else ", not normalised"))
        for cell in cells
        if cell.loss is not None
    ]
    return min(found) if found else None


def _jobs(cells: Cells, kind: str) -> list[Job]:
    return list(dict.fromkeys(cell.job for cell in cells if cell.job.kind == kind))
