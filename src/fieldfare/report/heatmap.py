"""Heat map of field pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fieldfare._arguments import checked
from fieldfare._arrays import as_array
from fieldfare._typing import AnyArray, PathLike
from fieldfare.exceptions import DataError
from fieldfare.report.figure import INK, new_figure, picture_format, save, tidy

# Up to this many fields, each cell has room for its number.
_NUMBERED = 14
_LONGEST_NAME = 24


@checked
def plot_field_matrix(
    names: Sequence[str],
    values: AnyArray,
    path: PathLike | None = None,
    *,
    title: str | None = None,
    label: str | None = None,
    signed: bool | None = None,
) -> Any:
    """Draw a symmetric matrix of field pairs as a heat map.

    Signed values, such as the contributions to one score that `Explanation.field_matrix` returns,
    are drawn from blue (lowers the score) through white to red (raises it). Values that are not
    negative, such as the strengths of `field_interactions`, are drawn from white to dark. Only the
    lower triangle is drawn, since the upper one would repeat it. The diagonal is drawn unless it is
    all zero.

    Parameters
    ----------
    names : sequence of str of length n_fields
        Names of the fields; long ones are shortened.
    values : array of shape (n_fields, n_fields)
        Symmetric and finite.
    path : path or None
        File to write, atomically; its extension, .png or .svg, determines the format. None writes
        no file.
    title, label : str or None
        Text above the heat map and beside the colour bar. By default they say what is shown.
    signed : bool or None
        Whether zero is the middle of the colour scale; None means if any value is negative.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ConfigError
        If the path ends in neither .png nor .svg.
    DataError
        If the matrix does not fit the names, is empty or is not finite.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> found = explain(model, rows, 0)  # doctest: +SKIP
    >>> plot_field_matrix(found.field_names, found.field_matrix(), "why.png")  # doctest: +SKIP
    >>> matrix = field_interactions(model)  # doctest: +SKIP
    >>> plot_field_matrix(matrix.names, matrix.values, "fields.svg")  # doctest: +SKIP
    """
    if path is not None:
        picture_format(path)
    values = as_array("The values", values, np.float64)
    n = len(names)
    if n == 0 or values.shape != (n, n) or not np.isfinite(values).all():
        raise DataError(
            "A heat map needs at least one name and a finite value for each pair of names. "
            f"Got {n} names and an array of shape {values.shape}."
        )
    signed = bool((values < 0).any()) if signed is None else signed
    title = title or ("What field pairs add to the score" if signed else "How field pairs interact")
    label = label or ("term of the score" if signed else "strength (root mean square)")
    side = 2.4 + (0.55 if n <= _NUMBERED else 0.24) * n
    figure = new_figure(max(5.0, side + 1.0), max(4.2, side))
    axes = figure.add_subplot()
    _draw(figure, axes, _lower(values), label, signed=signed)
    _name(axes, [_short(str(name)) for name in names], first=0 if np.diag(values).any() else 1)
    axes.set_title(title, color=INK, fontsize=13, loc="left", pad=12)
    if n <= _NUMBERED:
        _number(axes, _lower(values))
    if path is not None:
        save(figure, path)
    return figure


def _lower(values: AnyArray) -> Any:
    """Mask the upper triangle, and the diagonal too if it is all zero."""
    hidden = np.triu(np.ones_like(values, bool), 1 if np.diag(values).any() else 0)
    return np.ma.masked_array(values, hidden)


def _draw(figure: Any, axes: Any, shown: Any, label: str, *, signed: bool) -> None:
    largest = float(np.abs(shown.filled(0)).max()) or 1.0
    image = axes.imshow(
        shown,
        cmap="RdBu_r" if signed else "YlGnBu",
        vmin=-largest if signed else 0.0,
        vmax=largest,
    )
    n = len(shown)
    axes.set_xticks(np.arange(n + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(n + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5 if n <= _NUMBERED else 0.6)
    bar = figure.colorbar(image, ax=axes, shrink=0.6, aspect=25, pad=0.02)
    bar.set_label(label, color=INK, fontsize=9)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, labelsize=8, colors=INK)


def _name(axes: Any, names: Sequence[str], first: int) -> None:
    """Write the names of columns below and of rows at the left, except where there is no cell.

    Without the diagonal (``first`` is 1), the first row and the last column have no cells.
    """
    n = len(names)
    size = 10 if n <= _NUMBERED else 8
    columns, rows = (
        np.arange(n - first if n > first else n),
        np.arange(first if n > first else 0, n),
    )
    axes.set_xticks(columns, [names[int(i)] for i in columns], rotation=90, fontsize=size)
    axes.set_yticks(rows, [names[int(i)] for i in rows], fontsize=size)
    tidy(axes)
    axes.tick_params(which="minor", length=0)
    if n > first:
        axes.set_xlim(-0.5, n - first - 0.5)
        axes.set_ylim(n - 0.5, first - 0.5)


def _number(axes: Any, shown: Any) -> None:
    """Write its value into each cell."""
    largest = float(np.abs(shown.filled(0)).max()) or 1.0
    digits = int(np.clip(2 - np.floor(np.log10(largest)), 0, 4))
    for row, column in zip(*np.nonzero(~np.ma.getmaskarray(shown)), strict=True):
        value = float(shown[row, column])
        ink = "white" if abs(value) > 0.6 * largest else INK
        text = f"{round(value, digits) + 0.0:.{digits}f}"  # adding zero turns -0 into 0
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color=ink)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
