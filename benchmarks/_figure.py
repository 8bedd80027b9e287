"""Plots of the reports, as PNG and SVG; without matplotlib there are none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Panel = Callable[[Any], None]


def save(panels: list[Panel], folder: Path, name: str, columns: int = 4) -> None:
    """Draw panels, row by row, and write ``NAME.png`` and ``NAME.svg``."""
    try:
        import matplotlib
    except ImportError:
        print(f"no plot {name}: matplotlib is not installed")
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
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / f"{name}.png", dpi=110)
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
