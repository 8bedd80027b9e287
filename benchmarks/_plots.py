"""The plots of the comparison."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from _cells import OURS, Cells
from _figure import Panel, save
from _report import median


def comparison_plots(cells: Cells, folder: Path) -> None:
    """Write time to loss, speed against rank and threads, and memory."""
    models = [("linear", 0), *_ranks(cells), ("ffm", 4)]
    curves = [
        _curves(cells, model, k)
        for model, k in models
        if any(_with_curve(cell, model, k) for cell in cells)
    ]
    if curves:
        save(curves, folder, "compare-loss")
    if any(cell.job.kind == "train" for cell in cells):
        save([_by_rank(cells), _by_threads(cells)], folder, "compare-speed")
        save([_memory(cells)], folder, "compare-memory")


def _ranks(cells: Cells) -> list[tuple[str, int]]:
    ranks = {cell.job.k for cell in cells if cell.job.model == "fm" and cell.job.kind == "loss"}
    return [("fm", 8 if 8 in ranks else min(ranks))] if ranks else []


def _with_curve(cell: Any, model: str, k: int) -> bool:
    return cell.job.kind == "loss" and (cell.job.model, cell.job.k) == (model, k) and cell.losses


def _curves(cells: Cells, model: str, k: int) -> Panel:
    """Test logloss after each epoch against the seconds trained so far."""

    def draw(axes: Any) -> None:
        title = ""
        for cell in cells:
            job = cell.job
            longest = cells.curve(cell.system.name, model, k, job.norm)
            if cell is not longest or not _with_curve(cell, model, k):
                continue
            how = {"kind": "train", "model": model, "k": k}
            timed = cells.find(cell.system.name, threads=job.threads, **how)
            timed = timed or cells.find(cell.system.name, **how)
            if timed is None or not timed.seconds or len(cell.losses) < job.epochs:
                continue
            seconds = median(timed.seconds)
            points = [(n * seconds, loss) for n, loss in enumerate(cell.losses, 1) if loss]
            label = f"{cell.system.name}, {timed.job.threads} threads"
            label += "" if job.norm else ", not normalised"
            axes.plot(
                *zip(*points, strict=True), marker="o", label=label,
                linestyle="-" if job.norm else ":", color=_colour(cells, cell.system.name),
            )  # fmt: skip
            title = job.title
        axes.set(xscale="log", xlabel="seconds of training", ylabel="test logloss")
        axes.set_title(title.removesuffix(", not normalised"))
        if axes.lines:
            axes.legend(fontsize=7)

    return draw


def _by_rank(cells: Cells) -> Panel:
    def draw(axes: Any) -> None:
        lines: dict[tuple[str, int], list[tuple[int, float]]] = {}
        for cell in cells:
            if cell.job.kind == "train" and cell.job.model == "fm" and cell.value:
                speed = cell.system.data.n_rows * _scale(cells, cell) / cell.value
                line = lines.setdefault((cell.system.name, cell.job.threads), [])
                line.append((cell.job.k, speed))
        for (name, threads), points in lines.items():
            axes.plot(
                *zip(*sorted(points), strict=True), marker="o", label=f"{name}, {threads} threads",
                linestyle="-" if threads == 1 else "--", color=_colour(cells, name),
            )  # fmt: skip
        axes.set(xlabel="k", ylabel="rows a second", xscale="log", yscale="log")
        axes.set_xticks(sorted({k for line in lines.values() for k, _ in line}))
        axes.get_xaxis().set_major_formatter("{x:g}")
        axes.set_title("FM training")
        if lines:
            axes.legend(fontsize=7)

    return draw


def _by_threads(cells: Cells) -> Panel:
    def draw(axes: Any) -> None:
        lines: dict[tuple[str, str], list[tuple[int, float]]] = {}
        for cell in cells:
            if cell.job.kind == "train" and cell.value and not cell.system.slow:
                line = lines.setdefault((cell.system.name, cell.job.title), [])
                line.append((cell.job.threads, cell.system.data.n_rows / cell.value))
        styles = dict(zip(dict.fromkeys(title for _, title in lines), "os^vDX*P", strict=False))
        for (name, title), points in lines.items():
            if len(points) > 1:
                axes.plot(
                    *zip(*sorted(points), strict=True), marker=styles.get(title, "."),
                    label=f"{name}, {title}", color=_colour(cells, name),
                )  # fmt: skip
        axes.set(xlabel="threads", ylabel="rows a second", yscale="log")
        axes.set_xticks(sorted({n for line in lines.values() for n, _ in line}))
        axes.set_title("Training")
        if axes.lines:
            axes.legend(fontsize=6)

    return draw


def _memory(cells: Cells) -> Panel:
    def draw(axes: Any) -> None:
        most = max(cell.job.threads for cell in cells)
        bars = [
            (f"{cell.job.title}: {cell.system.name}", cell.peak_mb, cell.system.name)
            for cell in cells
            if cell.peak_mb and not cell.system.slow
            and (cell.job.kind in ("whole", "disk")
                 or (cell.job.kind == "train" and cell.job.threads == most))
        ][::-1]  # fmt: skip
        axes.barh(
            [name for name, _, _ in bars], [peak for _, peak, _ in bars],
            color=[_colour(cells, name) for _, _, name in bars],
        )  # fmt: skip
        axes.set(xlabel="peak resident MB")
        axes.tick_params(axis="y", labelsize=6)

    return draw


def _scale(cells: Cells, cell: Any) -> float:
    """Return by how much the seconds of a cell were scaled to all rows."""
    own = next((c for c in cells if c.system.name == OURS), cell)
    return float(own.system.data.n_rows / cell.system.data.n_rows)


def _colour(cells: Cells, name: str) -> str:
    names = [OURS, *dict.fromkeys(c.system.name for c in cells if c.system.name != OURS)]
    return f"C{names.index(name) % 10}"
