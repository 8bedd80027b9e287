"""The tables and pictures of the comparison, drawn from its figures."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Any

from benchmarks.common.report import Panel, Picture, markdown
from benchmarks.peers._cells import OURS

Figures = dict[str, Any]
Cell = dict[str, Any]  # one job of one system, as `Cell.to_json` writes it
TABLES = {
    "read": "Reading text into memory",
    "train": "Training, seconds an epoch",
    "whole": "Whole job, process wall time",
    "pass": "One pass of LR, process wall time",
    "predict": "Prediction of the test rows, from memory to a text file",
    "disk": "Training with little memory, process wall time",
}


def tables(figures: Figures) -> Iterator[str]:
    """Yield a table for each kind of job."""
    cells = figures["cells"]
    for kind, title in TABLES.items():
        of_kind = [cell for cell in cells if cell["kind"] == kind]
        rows = [
            [
                cell["job"],
                cell["threads"],
                cell["system"] + (" (a tenth of the rows, scaled)" if _slow(figures, cell) else ""),
                cell["failure"] or cell["value"],
                None if cell["ratio"] is None else f"{cell['ratio']:.2f}",
                None if cell["peak_mb"] is None or kind == "read" else round(cell["peak_mb"]),
                cell["logloss"],
            ]
            for cell in of_kind
        ]
        if rows:
            unit = of_kind[0]["unit"]
            headers = ["job", "threads", "system", unit, "ours is faster", "peak MB", "logloss"]
            yield f"## {title}"
            yield markdown(headers, rows)
    losses = [
        [cell["job"], cell["system"], *(cell["losses"] + [None] * 5)[:5]]
        for cell in cells
        if cell["kind"] == "loss"
    ]
    if losses:
        yield "## Test logloss after each epoch"
        yield markdown(["model", "system", *(f"epoch {n}" for n in range(1, 6))], losses)


def pictures(figures: Figures) -> Iterator[Picture]:
    """Yield time to loss, speed against rank and threads, and memory."""
    cells = figures["cells"]
    told = {(c["model"], c["k"]) for c in cells if c["kind"] == "loss" and c["losses"]}
    ranks = [k for model, k in told if model == "fm"]
    main = [("fm", 8 if 8 in ranks else min(ranks))] if ranks else []
    curves = [
        _curves(cells, model, k)
        for model, k in [("linear", 0), *main, ("ffm", 4)]
        if (model, k) in told
    ]
    if curves:
        yield Picture("compare-loss", curves)
    if any(cell["kind"] == "train" for cell in cells):
        yield Picture("compare-speed", [_by_rank(figures), _by_threads(figures)])
        yield Picture("compare-memory", [_memory(figures)])


def _slow(figures: Figures, cell: Cell) -> bool:
    """Whether a system got some of the rows only."""
    return bool(cell["rows"] < figures["data"]["train"]["rows"])


def _find(cells: list[Cell], **wanted: Any) -> Cell | None:
    return next((c for c in cells if all(c[name] == value for name, value in wanted.items())), None)


def _curves(cells: list[Cell], model: str, k: int) -> Panel:
    """Test logloss after each epoch against the seconds trained so far."""

    def draw(axes: Any) -> None:
        title = ""
        own = [c for c in cells if (c["kind"], c["model"], c["k"]) == ("loss", model, k)]
        for system, norm in dict.fromkeys((c["system"], c["norm"]) for c in own):
            same = [c for c in own if (c["system"], c["norm"]) == (system, norm)]
            cell = max(same, key=lambda one: one["epochs"])
            how = {"system": system, "kind": "train", "model": model, "k": k}
            timed = _find(cells, threads=cell["threads"], **how) or _find(cells, **how)
            if timed is None or not timed["seconds"] or len(cell["losses"]) < cell["epochs"]:
                continue
            seconds = median(timed["seconds"])
            points = [(n * seconds, loss) for n, loss in enumerate(cell["losses"], 1) if loss]
            axes.plot(
                *zip(*points, strict=True), marker="o", linestyle="-" if norm else ":",
                label=f"{system}, {timed['threads']} threads{'' if norm else ', not normalised'}",
                color=_colour(cells, system),
            )  # fmt: skip
            title = cell["job"]
        axes.set(xscale="log", xlabel="seconds of training", ylabel="test logloss")
        axes.set_title(title.removesuffix(", not normalised"))
        if axes.lines:
            axes.legend(fontsize=7)

    return draw


def _by_rank(figures: Figures) -> Panel:
    cells, n_rows = figures["cells"], figures["data"]["train"]["rows"]

    def draw(axes: Any) -> None:
        lines: dict[tuple[str, int], list[tuple[int, float]]] = {}
        for cell in cells:
            if cell["kind"] == "train" and cell["model"] == "fm" and cell["value"]:
                line = lines.setdefault((cell["system"], cell["threads"]), [])
                # Seconds are scaled to all rows already.
                line.append((cell["k"], n_rows / cell["value"]))
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


def _by_threads(figures: Figures) -> Panel:
    cells = figures["cells"]

    def draw(axes: Any) -> None:
        lines: dict[tuple[str, str], list[tuple[int, float]]] = {}
        for cell in cells:
            if cell["kind"] == "train" and cell["value"] and not _slow(figures, cell):
                line = lines.setdefault((cell["system"], cell["job"]), [])
                line.append((cell["threads"], cell["rows"] / cell["value"]))
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


def _memory(figures: Figures) -> Panel:
    cells = figures["cells"]

    def draw(axes: Any) -> None:
        most = max(cell["threads"] for cell in cells)
        bars = [
            (f"{cell['job']}: {cell['system']}", cell["peak_mb"], cell["system"])
            for cell in cells
            if cell["peak_mb"] and not _slow(figures, cell)
            and (cell["kind"] in ("whole", "disk")
                 or (cell["kind"] == "train" and cell["threads"] == most))
        ][::-1]  # fmt: skip
        axes.barh(
            [name for name, _, _ in bars], [peak for _, peak, _ in bars],
            color=[_colour(cells, name) for _, _, name in bars],
        )  # fmt: skip
        axes.set(xlabel="peak resident MB")
        axes.tick_params(axis="y", labelsize=6)

    return draw


def _colour(cells: list[Cell], name: str) -> str:
    names = [OURS, *dict.fromkeys(c["system"] for c in cells if c["system"] != OURS)]
    return f"C{names.index(name) % 10}"
