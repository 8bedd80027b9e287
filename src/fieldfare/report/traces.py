"""Traces of Gibbs sampling."""

from __future__ import annotations

from typing import Any

from fieldfare._typing import PathLike
from fieldfare.exceptions import DataError
from fieldfare.report.figure import INK, new_figure, picture_format, save, tidy
from fieldfare.training.bayes.trace import Trace

_COLOUR = "#1b6ca8"


def plot_trace(trace: Trace, path: PathLike | None = None) -> Any:
    """Draw each followed quantity over the sweeps, in a panel of its own.

    The trace of a chain that has converged looks like a level band. The warm-up is shaded.

    Parameters
    ----------
    trace : Trace
        Of at least two sweeps.
    path : path or None
        File to write, atomically; its extension, .png or .svg, determines the format. None writes
        no file.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ConfigError
        If the path ends in neither .png nor .svg.
    DataError
        If there are fewer than two sweeps.
    MissingDependencyError
        If matplotlib is not installed.
    """
    if path is not None:
        picture_format(path)
    if len(trace) < 2:
        raise DataError(f"Drawing a trace needs at least two sweeps. Got {len(trace)}.")
    names = trace.followed
    known = {row["name"]: row for row in trace.diagnostics()}
    figure = new_figure(8.0, 0.8 + 1.3 * len(names))
    all_axes = figure.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
    for axes, name in zip(all_axes, names, strict=True):
        axes.plot(trace["sweep"], trace[name], color=_COLOUR, linewidth=0.9)
        if trace.n_warmup:
            begin = trace["sweep"][0]
            axes.axvspan(begin, begin + trace.n_warmup, color="#eeeeee", zorder=0)
        tidy(axes)
        title = name.replace("_", " ")
        if name in known:
            title += f"   ESS {known[name]['ess']:.0f}, R-hat {known[name]['r_hat']:.2f}"
        axes.set_title(title, color=INK, fontsize=9, loc="left")
    all_axes[-1].set_xlabel("sweep", color=INK)
    if path is not None:
        save(figure, path)
    return figure
