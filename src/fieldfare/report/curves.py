"""Learning curves."""

from __future__ import annotations

from typing import Any

from fieldfare._arguments import checked
from fieldfare._typing import PathLike
from fieldfare.exceptions import DataError
from fieldfare.report.figure import INK, new_figure, picture_format, save, tidy
from fieldfare.training.loop.history import History

_COLOURS = {"train_loss": "#999999", "valid_loss": "#1b6ca8"}
_METRIC_COLOUR = "#c1440e"


@checked
def plot_history(history: History, path: PathLike | None = None) -> Any:
    """Draw the losses, and below them each validation metric, over the epochs.

    The best epoch is marked in every panel.

    Parameters
    ----------
    history : History
        Of at least one epoch.
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
        If no epoch has ended.
    MissingDependencyError
        If matplotlib is not installed.
    """
    if path is not None:
        picture_format(path)
    if not history.epochs:
        raise DataError(
            "A learning curve needs at least one epoch, and no epoch of this training has ended."
        )
    columns = [name for name in history.columns if name not in ("epoch", "seconds")]
    losses = [name for name in columns if name in _COLOURS]
    # The metric that equals the validation loss is in the first panel already, as the loss.
    loss = history["valid_loss"] if "valid_loss" in losses else None
    metrics = [name for name in columns if name not in losses and history[name] != loss]
    panels = [names for names in (losses, *([name] for name in metrics)) if names]
    if not panels:
        raise DataError("A learning curve needs a loss or a metric, and this history has neither.")
    figure = new_figure(7.0, 1.2 + 2.3 * len(panels))
    all_axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axes, names in zip(all_axes, panels, strict=True):
        _panel(axes, history, names)
    all_axes[-1].set_xlabel("epoch", color=INK)
    all_axes[-1].xaxis.get_major_locator().set_params(integer=True)  # no ticks at half epochs
    all_axes[0].set_title("Learning curves", color=INK, fontsize=13, loc="left", pad=10)
    if path is not None:
        save(figure, path)
    return figure


def _panel(axes: Any, history: History, names: list[str]) -> None:
    epochs = history["epoch"]
    for name in names:
        colour = _COLOURS.get(name, _METRIC_COLOUR)
        text = {"train_loss": "training", "valid_loss": "validation"}.get(name, name)
        axes.plot(epochs, history[name], "o-", color=colour, markersize=3.5, label=text)
    tidy(axes)
    axes.spines["bottom"].set_visible(True)
    axes.spines["bottom"].set_color("#bbbbbb")
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    one = names[0].removeprefix("valid_").replace("_", " ")
    axes.set_ylabel("loss" if len(names) > 1 or names[0] in _COLOURS else one, color=INK)
    if history.best_epoch is not None:
        axes.axvline(history.best_epoch, color="#bbbbbb", linewidth=1, linestyle="--", zorder=0)
        if names[0] in _COLOURS:
            axes.annotate(
                f"best: epoch {history.best_epoch}",
                (history.best_epoch, 1),
                xycoords=("data", "axes fraction"),
                xytext=(4, -3),
                textcoords="offset points",
                va="top",
                fontsize=8,
                color=INK,
            )
    if len(names) > 1:
        axes.legend(frameon=False, fontsize=9, labelcolor=INK)
