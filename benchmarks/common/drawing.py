"""Reports as people read them: Markdown and pictures, drawn from the JSON of a run alone."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from benchmarks.common.report import RESULTS, ROOT, Excerpt, Panel, Picture, Report, benchmark


def draw(path: Path) -> str:
    """Write the Markdown and the pictures of a report beside its JSON, and return the former."""
    report = Report.load(path)
    checked_in = path.resolve().is_relative_to(RESULTS)
    for part in benchmark(report.benchmark).tell(report):
        if isinstance(part, Picture):
            save(part.panels, path.parent, part.name, part.columns)
            if part.shown_in is not None and checked_in:
                shutil.copy(path.with_name(f"{part.name}.svg"), ROOT / part.shown_in)
        elif isinstance(part, Excerpt) and checked_in:
            (ROOT / part.page).write_text(part.shown(), encoding="utf-8")
    text = text_of(report)
    path.with_suffix(".md").write_text(text, encoding="utf-8")
    return text


def text_of(report: Report) -> str:
    """Return the Markdown of a report."""
    module = benchmark(report.benchmark)
    about = ", ".join(f"{key} {value}" for key, value in report.machine.items())
    parts = [_markdown(part) for part in module.tell(report)]
    return "\n\n".join([f"# {module.TITLE}", about, *parts]) + "\n"


def _markdown(part: str | Picture | Excerpt) -> str:
    if isinstance(part, Picture):
        return f"![{part.name}]({part.name}.svg)"
    return part.text if isinstance(part, Excerpt) else part


def save(panels: Sequence[Panel], folder: Path, name: str, columns: int = 4) -> None:
    """Draw panels, row by row, and write ``NAME.png`` and ``NAME.svg``."""
    try:
        import matplotlib
    except ImportError:
        print(f"no picture {name}: matplotlib is not installed")
        return
    matplotlib.rcParams["svg.hashsalt"] = name  # the same figures give the same file
    from matplotlib.figure import Figure

    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(4.6 * columns, 3.8 * rows), layout="constrained")
    places = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, panel in zip(places, panels, strict=False):
        panel(axes)
        axes.grid(alpha=0.3)
    for axes in places[len(panels) :]:
        axes.set_axis_off()
    figure.savefig(folder / f"{name}.png", dpi=110)
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
