"""The table of export formats."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from fieldfare._typing import PathLike
from fieldfare._validation import closest
from fieldfare.exceptions import ConfigError
from fieldfare.export.tensorflow import export_frozen, export_keras, export_savedmodel
from fieldfare.export.text import export_text
from fieldfare.models.base import Model, check_model

EXPORTERS: dict[str, Callable[..., None]] = {
    "xlearn": partial(export_text, kind="xlearn"),
    "libffm": partial(export_text, kind="libffm"),
    "savedmodel": export_savedmodel,
    "frozen": export_frozen,
    "keras": export_keras,
}
"""From the name of a format to ``function(model, path, **options)``."""


def export(model: Model, path: PathLike, to: str, **options: Any) -> None:
    """Write a model in the format of another tool.

    Parameters
    ----------
    model : Model
        Trained model.
    path : path
        File to write or replace, atomically.
    to : str
        Name of the format: ``"xlearn"`` (text), ``"libffm"`` (text), ``"savedmodel"`` (a folder,
        TensorFlow), ``"frozen"`` (one file, TensorFlow) or ``"keras"``.
    **options
        Options of that format; see :func:`fieldfare.export.export_text` and, for the last three,
        `fieldfare.export.tensorflow`.

    Raises
    ------
    ConfigError
        If there is no such format, or it cannot express this model.
    OSError
        If the file cannot be written.
    """
    check_model(model, "export")
    if to not in EXPORTERS:
        raise ConfigError(
            f"There is no export format {to!r}.{closest(to, EXPORTERS)} "
            f"The formats are {', '.join(EXPORTERS)}."
        )
    EXPORTERS[to](model, path, **options)
