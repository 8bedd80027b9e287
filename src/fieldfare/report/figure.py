"""Figures, made and saved without the global state of pyplot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fieldfare._files import atomic_write
from fieldfare._optional import require
from fieldfare._typing import PathLike
from fieldfare.exceptions import ConfigError

FORMATS = ("png", "svg")
INK = "#333333"
_DPI = 150
# Keeps text in an SVG as text, and makes the same figure give the same bytes.
_STYLE = {"svg.fonttype": "none", "svg.hashsalt": "fieldfare", "font.family": "DejaVu Sans"}


def picture_format(path: PathLike) -> str:
    """Return the format that the extension of a path stands for.

    Raises
    ------
    ConfigError
        If it is neither PNG nor SVG.
    """
    suffix = Path(path).suffix.lower().removeprefix(".")
    if suffix not in FORMATS:
        allowed = " or ".join(f".{name}" for name in FORMATS)
        raise ConfigError(f"The name of a plot must end in {allowed}. Got {str(path)!r}.")
    return suffix


def new_figure(width: float, height: float) -> Any:
    """Return an empty matplotlib Figure, its width and height in inches.

    Raises
    ------
    MissingDependencyError
        If matplotlib is not installed.
    """
    return require("matplotlib.figure", "plot").Figure((width, height), layout="constrained")


def save(figure: Any, path: PathLike) -> None:
    """Write a figure atomically as PNG or SVG, by the extension of the path."""
    kind = picture_format(path)
    backend = "agg" if kind == "png" else "svg"
    require(f"matplotlib.backends.backend_{backend}", "plot")
    matplotlib = require("matplotlib", "plot")
    metadata = {"Date": None} if kind == "svg" else {}
    with matplotlib.rc_context(_STYLE), atomic_write(path) as file:
        figure.savefig(
            file,
            format=kind,
            dpi=_DPI,
            metadata=metadata,
            facecolor="white",
            bbox_inches="tight",
            pad_inches=0.15,
        )


def tidy(axes: Any) -> None:
    """Give axes the common style: no frame, and labels without tick marks."""
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0, colors=INK)
